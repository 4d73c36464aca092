"""How facts about jobs look in tables, beside those of `mlops.cli.cells`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.jobs import Job, JobProgress

__all__ = ["progress_cell", "took_cell"]


def progress_cell(progress: JobProgress) -> Cell:
    """Return how far a job says it is: a percentage where it knows its end, and what it is at."""
    if not progress.done and not progress.message:
        return Cell(None, "")
    share = f"{progress.done / progress.total:.0%}" if progress.total else f"{progress.done:g}"
    value = f"{progress.done:g}" if progress.total is None else f"{progress.done:g}/{progress.total:g}"
    return Cell(value, f"{share} {progress.message}".strip())


def took_cell(job: Job) -> Cell:
    """Return how long the last attempt took; nothing while it goes on."""
    from mlops.formatting import format_duration

    if job.started_at is None or job.ended_at is None:
        return Cell(None, "")
    seconds = (job.ended_at - job.started_at).total_seconds()
    return Cell(seconds, format_duration(seconds))
