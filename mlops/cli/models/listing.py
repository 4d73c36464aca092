"""`mlops models list`: a page of versions as a table."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.cells import age_cell, metric_cell, size_cell, status_cell
from mlops.cli.metric_columns import GAP, fitting_metrics, telling_metrics
from mlops.cli.models.access import ProjectOption, RegistryPathOption, open_registry
from mlops.cli.models.cells import version_cell
from mlops.cli.options import CursorOption, DatabaseOption, JsonOption
from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.model_registry import ModelMetadata, ModelRegistryService
    from mlops.search import Page

__all__ = ["Status", "list_models"]

_HEADS = ("model", "version", "status", "algorithm", "size", "age")
_EXACT_HEADS = ("model_id", "version", "status", "algorithm", "size_bytes", "created_at")
_BEFORE_METRICS = 4  # columns to the left of the metrics


class Status(StrEnum):
    """The statuses of versions, again: importing the registry for them would slow down every command's start."""

    TRAINING = "training"
    VALIDATING = "validating"
    STAGING = "staging"
    PRODUCTION = "production"
    ARCHIVED = "archived"
    FAILED = "failed"


def list_models(
    search: Annotated[
        str | None, typer.Argument(metavar="FILTER", help='A condition such as "metrics.accuracy > 0.9".')
    ] = None,
    *,
    project: ProjectOption = None,
    status: Annotated[Status | None, typer.Option(help="Only versions with this status.")] = None,
    order_by: Annotated[
        str | None, typer.Option(help='Order, such as "metrics.accuracy desc, model_id". (default: newest first)')
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most versions to list.")] = 50,
    cursor: CursorOption = None,
    database: DatabaseOption = None,
    registry_path: RegistryPathOption = None,
    as_json: JsonOption = False,
) -> None:
    """List versions of models, newest first: all, or those that a condition on metrics, parameters and tags finds."""
    with open_registry(database, registry_path, project) as registry:
        page = registry.list_models(
            search, status=None if status is None else str(status), order_by=order_by, limit=limit, cursor=cursor
        )
        is_narrowed = bool(search or status or cursor)
        remark = "" if page else _why_empty(registry, is_narrowed=is_narrowed)
    if as_json:
        output.write_json({"models": [one.to_document() for one in page], "next_cursor": page.next_cursor})
        return
    if page or not output.is_terminal():
        _write_page(page, search=f"{search or ''} {order_by or ''}")
    if remark:
        output.write_note(remark)
    output.write_way_on(page.next_cursor)


def _write_page(page: Page[ModelMetadata], *, search: str) -> None:
    from rich.console import Console

    from mlops import clock
    from mlops.model_registry.entities import METRIC_FIELDS

    now, console = clock.now(), Console()
    facts = [_facts(one, age_cell(_registered(one), now)) for one in page]
    metrics = telling_metrics([one.measured() for one in page], METRIC_FIELDS, search=search)
    metrics = fitting_metrics(metrics, _room(facts, console.width) if console.is_terminal else None)
    numbers = [[metric_cell(one.measured().get(name)) for name in metrics] for one in page]
    at = _BEFORE_METRICS
    rows = [[*fact[:at], *number, *fact[at:]] for fact, number in zip(facts, numbers, strict=True)]
    known = _HEADS if console.is_terminal else _EXACT_HEADS
    names = metrics if console.is_terminal else [f"metrics.{name}" for name in metrics]
    output.write_table(
        [*known[:at], *names, *known[at:]], rows, shorten=["model", "algorithm", "model_id"], console=console
    )


def _registered(version: ModelMetadata) -> Any:
    return version.created_at or version.updated_at


def _facts(version: ModelMetadata, age: Cell) -> list[Cell]:
    return [
        Cell(version.model_id, version.model_id, "bold"),
        version_cell(version.version),
        status_cell(version.status),
        Cell(version.algorithm, version.algorithm),
        size_cell(version.size_bytes),
        age,
    ]


def _room(facts: Sequence[Sequence[Cell]], width: int) -> int:
    """Return how many characters all columns but the metrics leave."""
    columns = zip(_HEADS, *facts, strict=False)
    return width - sum(max(len(head), *(len(cell.shown) for cell in cells)) + GAP for head, *cells in columns)


def _why_empty(registry: ModelRegistryService, *, is_narrowed: bool) -> str:
    """Say what to do about an empty list."""
    if is_narrowed:
        return "No version matches. Leave the conditions out to see all."
    others = registry.list_projects()
    if others:
        return f"No models in this project. There are some in: {', '.join(others)}. Name one by --project."
    return "No models yet. `mlops demo` registers some; registry.register_model(model, metadata) does."
