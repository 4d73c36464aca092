"""`mlops jobs schedules`: what is done again and again, and when next."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.cells import format_age
from mlops.cli.jobs.access import open_jobs
from mlops.cli.options import DatabaseOption, JsonOption
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    from mlops.database import Database
    from mlops.jobs import JobSchedule

__all__ = ["show_schedules"]

_HEADS = ("schedule", "kind", "when", "time zone", "next", "last", "last job")
_EXACT_HEADS = ("name", "kind", "cron", "time_zone", "next_at", "last_at", "last_job_id")


def show_schedules(
    *,
    pause: Annotated[str | None, typer.Option(metavar="NAME", help="Have this one make no more jobs.")] = None,
    resume: Annotated[str | None, typer.Option(metavar="NAME", help="Have a paused one go on.")] = None,
    remove: Annotated[str | None, typer.Option(metavar="NAME", help="Forget this one.")] = None,
    project: Annotated[
        str | None, typer.Option(help="Only schedules of this project. (default: all; `default` for changes)")
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List schedules with their next times, after a change if one is asked for."""
    from mlops.jobs import list_schedules

    changes = {"pause": pause, "resume": resume, "remove": remove}
    named = {what: name for what, name in changes.items() if name is not None}
    if len(named) > 1:
        raise InvalidInput(f"--{' and --'.join(named)} exclude each other. Say one of them.")
    with open_jobs(database) as jobs:
        for what, name in named.items():
            _change(jobs, what, name, project or "default")
        with jobs.read() as tx:
            found = list_schedules(tx, project=project)
    if as_json:
        output.write_json({"schedules": [one.to_document() for one in found]})
        return
    output.write_table(_HEADS if output.is_terminal() else _EXACT_HEADS, [_row(one) for one in found])


def _change(database: Database, what: str, name: str, project: str) -> None:
    from mlops.jobs import pause_schedule, remove_schedule, resume_schedule

    act = {"pause": pause_schedule, "resume": resume_schedule, "remove": remove_schedule}[what]
    with database.write() as tx:
        act(tx, name, project=project)


def _row(one: JobSchedule) -> list[Any]:
    from mlops import clock

    now = clock.now()
    upcoming = _until(one.next_at, now) if one.enabled else output.Cell(None, "paused", "yellow")
    last = output.Cell(one.last_at, "" if one.last_at is None else format_age(one.last_at, now), "dim")
    return [one.name, one.kind, one.cron, one.time_zone, upcoming, last, one.last_job_id]


def _until(moment: datetime | None, now: datetime) -> output.Cell:
    """Return a coming moment, for people as its distance from now."""
    if moment is None:
        return output.Cell(None, "")
    return output.Cell(moment, f"in {format_age(now, moment)}" if moment > now else "now")
