"""`mlops models promote` and `rollback`: which version serves. Neither asks, for each takes the other back."""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from mlops.cli import output
from mlops.cli.models.access import (
    ModelArgument,
    ProjectOption,
    RegistryPathOption,
    VersionArgument,
    open_registry,
)
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.model_registry import ModelMetadata, ModelMove, ModelRegistryService

__all__ = ["Target", "promote", "rollback"]


class Target(StrEnum):
    """Statuses that a version can be promoted to."""

    VALIDATING = "validating"
    STAGING = "staging"
    PRODUCTION = "production"


ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it stands in the history.", show_default=False)]


def promote(
    model: ModelArgument,
    version: VersionArgument,
    *,
    to: Annotated[Target, typer.Option(help="What it becomes: validating, staging or production.")] = Target.PRODUCTION,
    reason: ReasonOption,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    registry_path: RegistryPathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Promote a version; the one in production is archived for the next, in the same moment."""
    with open_registry(database, registry_path, project) as registry:
        seen = len(registry.history(model))
        promoted = registry.promote_model(model, version, str(to), reason=reason)
        moves = _since(registry, promoted, seen)
    _report(promoted, _replaced(moves), verb="is" if moves else "is already", as_json=as_json)


def rollback(
    model: ModelArgument,
    *,
    reason: ReasonOption,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    registry_path: RegistryPathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Return to the version that served before the one in production, which is archived."""
    with open_registry(database, registry_path, project) as registry:
        seen = len(registry.history(model))
        serving = registry.rollback_model(model, reason=reason)
        replaced = _replaced(_since(registry, serving, seen))
    _report(serving, replaced, verb="is again", as_json=as_json)
    if replaced is not None:
        output.write_note(f"Take it back with: mlops models promote {shlex.quote(model)} {replaced} --reason …")


def _since(registry: ModelRegistryService, version: ModelMetadata, seen: int) -> list[ModelMove]:
    """Return the moves of a version that were made after so many of the model."""
    return [move for move in registry.history(version.model_id)[seen:] if move.version == version.version]


def _replaced(moves: list[ModelMove]) -> str | None:
    return moves[-1].replaced_version if moves else None


def _report(version: ModelMetadata, replaced: str | None, *, verb: str, as_json: bool) -> None:
    if as_json:
        output.write_json({"model": version.to_document(), "replaced_version": replaced})
        return
    if output.is_terminal():
        where = "in production" if version.status == "production" else str(version.status)
        archived = "" if replaced is None else f"; {replaced} is archived"
        output.write_text(output.printable(f"{version.model_id} {version.version} {verb} {where}{archived}."))
    else:
        output.write_text(f"{output.printable(version.model_id)}\t{version.version}\t{version.status}")
