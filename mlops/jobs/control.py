"""What people do to jobs: cancel them, have them tried again, and forget those that ended long ago."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlops import audit, clock
from mlops.clock import Now
from mlops.database import Transaction
from mlops.errors import InvalidInput
from mlops.jobs.attempt import storable
from mlops.jobs.ending import LogLine, add_logs, move_dependants
from mlops.jobs.entities import Job, JobStatus
from mlops.jobs.errors import JobNotFound, JobStateConflict
from mlops.jobs.queueing import unmet
from mlops.jobs.reading import find_unfinished, get_job
from mlops.jobs.signals import tell_cancel_wanted, tell_ended, tell_queued
from mlops.jobs.tables import job_dependencies, job_logs, jobs

__all__ = ["cancel", "prune", "retry"]

_PRUNED_AT_ONCE = 1_000
_MOST_PRUNED = 10_000


def cancel(tx: Transaction, job_id: str, *, reason: str = "", now: Now = clock.now) -> Job:
    """Cancel a job: one that has not begun ends at once, a running one as soon as its handler looks.

    What depends on it fails. Cancelling a cancelled job changes nothing.

    Args:
        tx: A write transaction, in which this is the last step: it is audited.
        job_id: Which job.
        reason: Why, for its log and the audit.
        now: The clock.

    Returns:
        The job as it is now; a running one has `cancel_requested`.

    Raises:
        JobNotFound: There is no such job.
        JobStateConflict: It has succeeded or failed already.
    """
    job = _locked(tx, job_id)
    if job.status is JobStatus.CANCELLED or job.cancel_requested:
        return job
    if job.status.is_terminal:
        raise JobStateConflict(
            job_id, job.status, f"Job {job_id} has {job.status}; only unfinished jobs are cancelled."
        )
    if job.status is JobStatus.RUNNING:
        _change(tx, job_id, cancel_requested=1)
        tell_cancel_wanted(tx, job_id)
    else:
        _change(tx, job_id, status="cancelled", error="It was cancelled.", ended_at=now(), held_until=None)
        move_dependants(tx, [job_id], succeeded=False, at=now())
        tell_ended(tx, job_id)
    _note(tx, job, "cancel", reason, now)
    return get_job(tx, job_id)


def retry(tx: Transaction, job_id: str, *, reason: str = "", now: Now = clock.now) -> Job:
    """Queue a failed or cancelled job again, with all its attempts; it keeps its id and its log.

    What failed because of it stays failed and is retried afterwards.

    Args:
        tx: A write transaction, in which this is the last step: it is audited.
        job_id: Which job.
        reason: Why, for its log and the audit.
        now: The clock.

    Raises:
        JobNotFound: There is no such job.
        JobStateConflict: It is unfinished or has succeeded, a job that it depends on has failed, or another job has
            taken its key.
    """
    job = _locked(tx, job_id)
    if job.status not in {JobStatus.FAILED, JobStatus.CANCELLED}:
        raise JobStateConflict(
            job_id, job.status, f"Job {job_id} is {job.status}; only failed and cancelled jobs are retried."
        )
    missing = unmet(tx, job.depends_on)
    _refuse_retry(tx, job, missing)
    _change(
        tx,
        job_id,
        status="waiting" if missing else "queued",
        attempts=0,
        run_at=None,
        held_until=None,
        held_boot=None,
        cancel_requested=0,
        error=None,
        result=None,
        ended_at=None,
        started_at=None,
    )
    tell_queued(tx, job_id, job.kind, is_new=True)
    _note(tx, job, "retry", reason, now)
    return get_job(tx, job_id)


def prune(tx: Transaction, *, ended_before: datetime, limit: int = _PRUNED_AT_ONCE) -> int:
    """Forget jobs that ended before a moment, with their logs; those that a job which stays depends on stay as well.

    Args:
        tx: A write transaction.
        ended_before: An aware datetime.
        limit: Most jobs to forget in this transaction, 1 to 10,000; call again while it returns so many.

    Returns:
        How many were forgotten.

    Raises:
        InvalidInput: The limit is out of range.
    """
    if not 1 <= limit <= _MOST_PRUNED:
        raise InvalidInput(f"limit is {limit}; 1 to {_MOST_PRUNED} jobs are pruned at once. Call again for more.")
    dependant = jobs.alias("dependant")
    stays = sa.or_(dependant.c.ended_at.is_(None), dependant.c.ended_at >= ended_before)
    needed = (
        sa.select(sa.literal(1))
        .select_from(job_dependencies.join(dependant, dependant.c.job_id == job_dependencies.c.job_id))
        .where(job_dependencies.c.needs_job_id == jobs.c.job_id, stays)
        .exists()
    )
    query = sa.select(jobs.c.job_id).where(jobs.c.ended_at < ended_before, ~needed)
    query = query.order_by(jobs.c.ended_at).limit(limit).with_for_update(skip_locked=True)
    ids = list(tx.execute(query).scalars())
    for column in (job_logs.c.job_id, job_dependencies.c.job_id, jobs.c.job_id):
        tx.execute(sa.delete(column.table).where(column.in_(ids)))
    return len(ids)


def _locked(tx: Transaction, job_id: str) -> Job:
    if tx.execute(sa.select(jobs.c.job_id).where(jobs.c.job_id == job_id).with_for_update()).one_or_none() is None:
        raise JobNotFound(job_id)
    return get_job(tx, job_id)


def _change(tx: Transaction, job_id: str, **values: Any) -> None:
    tx.execute(sa.update(jobs).where(jobs.c.job_id == job_id).values(**values))


def _refuse_retry(tx: Transaction, job: Job, missing: dict[str, tuple[JobStatus, str]]) -> None:
    for needed, (status, kind) in missing.items():
        if status.is_terminal:
            raise JobStateConflict(
                job.job_id,
                job.status,
                f"Job {job.job_id} depends on job {needed} ({kind}), which is {status}. Retry that one first.",
            )
    if job.key is None:
        return
    other = find_unfinished(tx, kind=job.kind, key=job.key, project=job.project)
    if other is not None:
        raise JobStateConflict(
            job.job_id, job.status, f"Job {other} does the same (key {job.key!r}) and is unfinished. Wait for that one."
        )


def _note(tx: Transaction, job: Job, action: str, reason: str, now: Now) -> None:
    """Tell the job's log and, last, the audit."""
    actor = audit.current_actor()
    because = f": {reason}" if reason else ""
    add_logs(tx, job.job_id, job.attempts, [LogLine(now(), "info", storable(f"{action} by {actor}{because}"))])
    details = {"kind": job.kind, "from_status": job.status.value, "reason": reason}
    audit.append(
        tx,
        action=action,
        subject_kind="job",
        subject_id=job.job_id,
        project=job.project,
        details=details,
        now=now,
    )
