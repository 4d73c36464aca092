"""`mlops jobs show`: one job, and what keeps it from running if it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops.cli import output
from mlops.cli.cells import status_cell, value_cell
from mlops.cli.jobs.access import JobArgument, open_jobs
from mlops.cli.jobs.cells import progress_cell, took_cell
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.jobs import Job

__all__ = ["show"]

_MOST_SHOWN = 500  # characters of a payload or result


def show(job_id: JobArgument, *, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Show a job: what it does, how far it is, and why it does not run if it does not."""
    from mlops.jobs import explain, get_job

    with open_jobs(database) as jobs, jobs.read() as tx:
        found, reasons = get_job(tx, job_id), explain(tx, job_id)
    if as_json:
        output.write_json({**found.to_document(), "explanation": reasons})
        return
    output.write_facts(_facts(found), as_json=False)
    for reason in reasons:
        output.write_note(reason)


def _facts(job: Job) -> dict[str, Any]:
    facts = {
        "job": job.job_id,
        "kind": job.kind,
        "project": job.project,
        "status": status_cell(job.status),
        "progress": progress_cell(job.progress),
        "attempts": f"{job.attempts} of {job.max_attempts}",
        "priority": job.priority or None,
        "requires": ", ".join(sorted(job.requires)),
        "depends on": ", ".join(job.depends_on),
        "payload": value_cell(job.payload, most=_MOST_SHOWN) if job.payload else None,
        "result": None if job.result is None else value_cell(job.result, most=_MOST_SHOWN),
        "error": job.error,
        "worker": job.worker,
        "asked for by": job.created_by,
        "created": job.created_at,
        "not before": job.run_at,
        "started": job.started_at,
        "ended": job.ended_at,
        "took": took_cell(job),
    }
    return {name: value for name, value in facts.items() if value not in (None, "") and not _is_empty(value)}


def _is_empty(value: Any) -> bool:
    return isinstance(value, output.Cell) and value.value is None
