"""`mlops models show`: everything about one version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mlops.cli import output
from mlops.cli.models.access import (
    ProjectOption,
    ReferenceArgument,
    RegistryPathOption,
    open_registry,
    read_reference,
)
from mlops.cli.moments import read_moment
from mlops.cli.options import DatabaseOption, JsonOption
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    from mlops.model_registry import ModelMetadata, ModelRegistryService

__all__ = ["show"]


def show(
    model: ReferenceArgument,
    *,
    at: Annotated[
        str | None,
        typer.Option(help="The version that was in production then, such as 2026-05-03T14:30 (UTC) or 7d ago."),
    ] = None,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    registry_path: RegistryPathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a version: metrics, parameters, signature, lineage, files, and the model's other versions."""
    from mlops import clock
    from mlops.cli.models.detail import document, facts, gather
    from mlops.cli.models.detail_page import detail_page

    with open_registry(database, registry_path, project) as registry:
        detail = gather(registry, _wanted(registry, model, at))
    if as_json:
        output.write_json(document(detail))
    elif output.is_terminal():
        output.write_rendered(*detail_page(detail, clock.now()))
    else:
        output.write_table(["", ""], facts(detail), header=False)


def _wanted(registry: ModelRegistryService, model: str, at: str | None) -> ModelMetadata:
    model_id, version = read_reference(model)
    if at is None:
        return registry.get_model_metadata(model_id, version)
    if version is not None:
        raise InvalidInput(f"--at finds the version by itself. Name the model alone: {model_id} --at {at}")
    return registry.get_production_version(model_id, read_moment(at, "--at"))
