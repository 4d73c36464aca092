"""`mlops experiments list`: a page of experiments as a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.cells import age_cell
from mlops.cli.experiments.access import TrackingDirOption, open_tracker
from mlops.cli.experiments.cells import duration_cell, experiment_status_cell, id_cell
from mlops.cli.experiments.columns import cell_of, missing_columns, parse_columns, telling_metrics
from mlops.cli.metric_columns import GAP, fitting_metrics
from mlops.cli.options import CursorOption, DatabaseOption, JsonOption
from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.experiment_tracker import Experiment
    from mlops.search import Page

__all__ = ["Status", "list_experiments"]

_NARROWEST_NAME = 26  # that a further metric may leave
_SHORTEST_NAME = 12
_FIXED = 8 + 11 + 6 + 8 + 4 * GAP  # id, status, age, took


class Status(StrEnum):
    """The statuses of experiments, again: importing the tracker for them would slow down every command's start."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


def list_experiments(
    search: Annotated[
        str | None, typer.Argument(metavar="FILTER", help='A condition such as "metrics.val_accuracy > 0.9".')
    ] = None,
    *,
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only running, completed, failed or cancelled ones.")] = None,
    order_by: Annotated[
        str | None, typer.Option(help='Order, such as "metrics.val_loss, created_at desc". (default: newest first)')
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most experiments to list.")] = 50,
    cursor: CursorOption = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Also list deleted ones.")] = False,
    columns: Annotated[
        str | None, typer.Option(help="Fields to show, such as metrics.val_loss,params.alpha,project.")
    ] = None,
    database: DatabaseOption = None,
    tracking_dir: TrackingDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List experiments, newest first: all, or those that a condition on parameters, metrics, tags and dates finds."""
    wanted = None if columns is None else parse_columns(columns)
    with open_tracker(database, tracking_dir) as tracker:
        page = tracker.list_experiments(
            search,
            project=project,
            status=status,
            order_by=order_by,
            limit=limit,
            cursor=cursor,
            include_deleted=deleted,
        )
    if as_json:
        output.write_json({"experiments": [_document(one) for one in page], "next_cursor": page.next_cursor})
        return
    is_narrowed = bool(search or project or status or cursor)
    if page or not output.is_terminal():
        _write_page(page, wanted, search=f"{search or ''} {order_by or ''}")
    _write_remarks(page, wanted or [], is_narrowed=is_narrowed)


def _document(experiment: Experiment) -> dict[str, Any]:
    return {**experiment.to_document(), "duration_s": experiment.duration_s}


def _write_page(page: Page[Experiment], wanted: list[str] | None, *, search: str) -> None:
    from rich.console import Console

    from mlops import clock

    now, console = clock.now(), Console()
    columns = wanted
    if columns is None:
        metrics = telling_metrics(page, search=search)
        room = console.width - _FIXED - _NARROWEST_NAME if console.is_terminal else None
        columns = [f"metrics.{name}" for name in fitting_metrics(metrics, room)]
    heads = [column.removeprefix("metrics.") for column in columns] if console.is_terminal else columns
    heads = [*_heads(console.is_terminal), *heads]
    rows = [[*_facts(one, now), *(cell_of(one, column, now) for column in columns)] for one in page]
    _elide_names(heads, rows, console.width)
    output.write_table(heads, rows, shorten=["name"], console=console)


def _heads(is_terminal: bool) -> list[str]:
    if is_terminal:
        return ["id", "name", "status", "age", "took"]
    return ["experiment_id", "name", "status", "created_at", "duration_s"]


def _facts(experiment: Experiment, now: datetime) -> list[Any]:
    return [
        id_cell(experiment.experiment_id),
        Cell(experiment.name, experiment.name),
        experiment_status_cell(experiment),
        age_cell(experiment.created_at, now),
        duration_cell(experiment, now),
    ]


def _elide_names(heads: Sequence[str], rows: list[list[Any]], width: int) -> None:
    """Leave out the middles of names that find no room, for names of runs differ at their ends."""
    from mlops.formatting import elide

    name = 1
    others = [max([len(heads[at]), *(_length(row[at]) for row in rows)]) for at in range(len(heads)) if at != name]
    room = max(_SHORTEST_NAME, width - sum(others) - GAP * len(others))
    for row in rows:
        row[name] = Cell(row[name].value, elide(row[name].value, room))


def _length(cell: Cell | None) -> int:
    return 0 if cell is None else len(cell.shown)


def _write_remarks(page: Page[Experiment], wanted: Sequence[str], *, is_narrowed: bool) -> None:
    """Say beside the table what it does not: that it is empty, that there is more, that a column is."""
    if not page and is_narrowed:
        output.write_note("No experiment matches. Leave the conditions out to see all; --deleted adds deleted ones.")
    elif not page:
        output.write_note("No experiments yet. `mlops demo` tracks a dozen; examples/custom_training.py shows how to.")
    for remark in missing_columns(page, wanted) if page else ():
        output.write_note(remark)
    output.write_way_on(page.next_cursor)
