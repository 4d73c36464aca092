"""`mlops models history`: who moved what, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlops.cli import output
from mlops.cli.cells import status_style
from mlops.cli.models.access import ModelArgument, ProjectOption, RegistryPathOption, open_registry
from mlops.cli.models.cells import version_cell
from mlops.cli.options import DatabaseOption, JsonOption
from mlops.cli.output import Cell

if TYPE_CHECKING:
    from rich.table import Table

    from mlops.model_registry import ModelMove

__all__ = ["move_table", "show_history"]

_FIELDS = ("sequence", "at", "version", "kind", "from_status", "to_status", "replaced_version", "actor", "reason")
_HEADS = ("when (UTC)", "version", "what", "who", "why")


def show_history(
    model: ModelArgument,
    *,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    registry_path: RegistryPathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everything that happened to a model's versions, in order: when, to which, what, by whom and why."""
    with open_registry(database, registry_path, project) as registry:
        moves = registry.history(model)
    if as_json:
        output.write_json({"model_id": model, "moves": [move.to_document() for move in moves]})
    elif output.is_terminal():
        output.write_rendered(move_table(moves))
    else:
        output.write_table(_FIELDS, ([getattr(move, name) for name in _FIELDS] for move in moves))


def move_table(moves: Sequence[ModelMove]) -> Table:
    """Return moves as a table for people, a line each; reasons go on in the next line."""
    return output.make_table(_HEADS, [_row(move) for move in moves], wrap=["why"])


def _row(move: ModelMove) -> list[Any]:
    return [move.at, version_cell(move.version), _what(move), move.actor, move.reason]


def _what(move: ModelMove) -> Cell:
    """Return what a version became; the line before tells which one made room for it."""
    if move.to_status is None:
        return Cell(None, "deleted", "dim")
    if move.from_status is None:
        return Cell(move.kind, "registered", status_style(move.to_status))
    arrow = "↩" if move.kind == "rollback" else "→"
    return Cell(move.to_status, f"{arrow} {move.to_status}", status_style(move.to_status))
