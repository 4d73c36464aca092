"""`mlops ab list`: a page of tests as a table."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.ab.access import ProjectOption, open_manager
from mlops.cli.cells import age_cell, status_cell
from mlops.cli.options import CursorOption, DatabaseOption, JsonOption
from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.ab_testing import ABTestConfig

__all__ = ["Status", "list_tests"]

_HEADS = ("id", "name", "status", "type", "control", "treatments", "metric", "age")
_EXACT_HEADS = (
    "test_id", "name", "status", "test_type", "control", "treatments", "primary_metric", "created_at",
)  # fmt: skip


class Status(StrEnum):
    """The statuses of tests, again: importing A/B testing for them would slow down every command's start."""

    PLANNING = "planning"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


def list_tests(
    search: Annotated[
        str | None, typer.Argument(metavar="FILTER", help="A condition such as \"control_model_id = 'triage'\".")
    ] = None,
    *,
    status: Annotated[Status | None, typer.Option(help="Only tests with this status.")] = None,
    project: ProjectOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most tests to list.")] = 50,
    cursor: CursorOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List tests, newest first."""
    with open_manager(database) as manager:
        wanted = None if status is None else str(status)
        page = manager.list_tests(search, status=wanted, project=project, limit=limit, cursor=cursor)
    if as_json:
        output.write_json({"tests": [one.to_document() for one in page], "next_cursor": page.next_cursor})
        return
    if page or not output.is_terminal():
        heads = _HEADS if output.is_terminal() else _EXACT_HEADS
        output.write_table(heads, [_row(one) for one in page], shorten=["name", "control", "treatments"])
    else:
        output.write_note("No tests. `mlops ab create DESIGN` creates one.")
    output.write_way_on(page.next_cursor)


def _row(test: ABTestConfig) -> list[Any]:
    from mlops import clock
    from mlops.formatting import short_id

    control, *treatments = (test.model_of(name) for name in test.variants)
    versions = ", ".join(f"{one.model_id} {one.version}" for one in treatments)
    return [
        Cell(test.test_id, short_id(test.test_id), "cyan"),
        Cell(test.name, test.name, "bold"),
        status_cell(test.status),
        Cell(str(test.test_type), test.test_type.replace("_", " ")),
        f"{control.model_id} {control.version}",
        versions,
        test.primary_metric,
        None if test.created_at is None else age_cell(test.created_at, clock.now()),
    ]
