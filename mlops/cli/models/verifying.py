"""`mlops models verify`: whether everything of a version is as it was stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mlops.cli import output
from mlops.cli.models.access import (
    ProjectOption,
    ReferenceArgument,
    RegistryPathOption,
    open_registry,
    read_reference,
)
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.model_registry import VerifyReport

__all__ = ["verify"]


def verify(
    model: ReferenceArgument,
    *,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    registry_path: RegistryPathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read all files of a version again, load the model, and have it answer its sample; exit 1 if anything is wrong."""
    with open_registry(database, registry_path, project) as registry, output.working("Reading everything again…"):
        report = registry.verify(*read_reference(model))
    if as_json:
        output.write_json({**report.to_document(), "is_sound": report.is_sound})
    else:
        _write(report)
    if not report.is_sound:
        raise typer.Exit(1)


def _write(report: VerifyReport) -> None:
    name = output.printable(f"{report.model_id} {report.version}")
    if report.is_sound:
        output.write_text(f"{name} is sound: {', '.join(report.checks)} are as they were stored.")
        return
    output.write_text(f"{name} is not sound:")
    for problem in report.problems:
        output.write_text(f"  {output.printable(problem)}")
