"""`mlops jobs list`: a page of jobs as a table."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.cells import age_cell, status_cell
from mlops.cli.jobs.access import open_jobs
from mlops.cli.jobs.cells import progress_cell, took_cell
from mlops.cli.options import CursorOption, DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.jobs import Job

__all__ = ["Status", "list_all"]

_HEADS = ("job", "kind", "status", "progress", "attempts", "took", "age")
_EXACT_HEADS = ("job_id", "kind", "status", "progress", "attempts", "duration_seconds", "created_at")


class Status(StrEnum):
    """The statuses of jobs, again: importing the jobs for them would slow down every command's start."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


def list_all(
    *,
    status: Annotated[Status | None, typer.Option(help="Only jobs with this status.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only jobs of this kind, such as data.run_pipeline.")] = None,
    project: Annotated[str | None, typer.Option(help="Only jobs of this project.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most jobs to list.")] = 50,
    cursor: CursorOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs, the newest first."""
    from mlops.jobs import list_jobs

    wanted = None if status is None else str(status)
    with open_jobs(database) as jobs, jobs.read() as tx:
        page = list_jobs(tx, limit=limit, status=wanted, kind=kind, project=project, cursor=cursor)
    if as_json:
        output.write_json({"jobs": [one.to_document() for one in page], "next_cursor": page.next_cursor})
        return
    heads = _HEADS if output.is_terminal() else _EXACT_HEADS
    output.write_table(heads, [_row(one) for one in page], shorten=["kind", "progress"])
    if not page:
        output.write_note("No job matches." if wanted or kind or project or cursor else "No jobs yet.")
    output.write_way_on(page.next_cursor)


def _row(job: Job) -> list[Any]:
    from mlops import clock

    return [
        job.job_id,
        job.kind,
        status_cell(job.status),
        progress_cell(job.progress),
        job.attempts,
        took_cell(job),
        age_cell(job.created_at, clock.now()),
    ]
