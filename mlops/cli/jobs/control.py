"""`mlops jobs cancel` and `retry`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops.cli import output
from mlops.cli.jobs.access import JobArgument, ReasonOption, open_jobs
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.jobs import Job

__all__ = ["cancel", "retry"]


def cancel(
    job_id: JobArgument, *, reason: ReasonOption = "", database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """Cancel a job: one that has not begun ends at once, a running one as soon as it looks."""
    from mlops import jobs

    with open_jobs(database) as opened, opened.write() as tx:
        changed = jobs.cancel(tx, job_id, reason=reason)
    _report(changed, "is asked to stop" if changed.cancel_requested else f"is {changed.status}", as_json=as_json)


def retry(
    job_id: JobArgument, *, reason: ReasonOption = "", database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """Have a failed or cancelled job begun again, with all its attempts."""
    from mlops import jobs

    with open_jobs(database) as opened, opened.write() as tx:
        changed = jobs.retry(tx, job_id, reason=reason)
    _report(changed, f"is {changed.status}", as_json=as_json)


def _report(job: Job, what: str, *, as_json: bool) -> None:
    if as_json:
        output.write_json(job.to_document())
    else:
        output.write_text(f"Job {job.job_id} ({job.kind}) {what}.")
