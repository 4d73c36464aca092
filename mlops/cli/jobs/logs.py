"""`mlops jobs logs`: what a job logged, and goes on logging."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from mlops.cli import output
from mlops.cli.jobs.access import JobArgument, open_jobs
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.database import Database
    from mlops.jobs import JobLogLine

__all__ = ["show_logs"]

_LOOK_EVERY_S = 0.5
_AT_ONCE = 1_000
_STYLES = {"info": "", "warning": "yellow", "error": "red"}


def show_logs(
    job_id: JobArgument,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a job logged, the oldest line first; as JSON one object a line."""
    with open_jobs(database) as jobs:
        last = _write_since(jobs, job_id, 0, as_json=as_json)
        while follow and not _has_ended(jobs, job_id):
            time.sleep(_LOOK_EVERY_S)
            last = _write_since(jobs, job_id, last, as_json=as_json)
        _write_since(jobs, job_id, last, as_json=as_json)


def _has_ended(database: Database, job_id: str) -> bool:
    from mlops.jobs import get_job

    with database.read() as tx:
        return get_job(tx, job_id).status.is_terminal


def _write_since(database: Database, job_id: str, last: int, *, as_json: bool) -> int:
    """Print the lines after one; return the number of the last."""
    from mlops.jobs import job_logs

    while True:
        with database.read() as tx:
            lines = job_logs(tx, job_id, after=last, limit=_AT_ONCE)
        for line in lines:
            _write(line, as_json=as_json)
            last = line.sequence
        if len(lines) < _AT_ONCE:
            return last


def _write(line: JobLogLine, *, as_json: bool) -> None:
    if as_json:
        output.write_text(line.model_dump_json())
    elif not output.is_terminal():
        words = (line.at.isoformat(), line.attempt, line.level, output.printable(line.message))
        output.write_text("\t".join(map(str, words)))
    else:
        _draw(line)


def _draw(line: JobLogLine) -> None:
    from rich.text import Text

    message = "\n".join(map(output.printable, line.message.splitlines()))
    output.write_rendered(Text().append(f"{line.at:%H:%M:%S} ", "dim").append(message, _STYLES[line.level]))
