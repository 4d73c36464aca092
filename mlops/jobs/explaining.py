"""Why a job does not run: what it waits for, in sentences for people."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from mlops import clock
from mlops.clock import Now
from mlops.database import Transaction
from mlops.jobs.entities import Job, JobStatus, JobWorker
from mlops.jobs.lease_clock import MICROSECONDS, is_held, readings, tick
from mlops.jobs.presence import list_workers
from mlops.jobs.reading import get_job
from mlops.jobs.tables import IS_QUEUED, IS_RUNNING, jobs

__all__ = ["explain"]


def explain(tx: Transaction, job_id: str, *, now: Now = clock.now) -> list[str]:
    """Say what keeps a job from running, one sentence for each reason; none when a worker will take it at once.

    A job that runs or has ended is told of too, with who has it or why it ended.

    Raises:
        JobNotFound: There is no such job.
    """
    job = get_job(tx, job_id)
    match job.status:
        case JobStatus.WAITING:
            return _dependencies(tx, job)
        case JobStatus.QUEUED:
            return [*_times(tx, job, now), *_workers(tx, job), *_turn(tx, job)]
        case JobStatus.RUNNING:
            return _worker_of(tx, job)
        case JobStatus.FAILED if job.attempts == 0:
            return [f"It failed before it began. {job.error or ''}".strip()]
        case JobStatus.SUCCEEDED | JobStatus.FAILED:
            return [f"It {job.status} in attempt {job.attempts} of {job.max_attempts}. {job.error or ''}".strip()]
        case JobStatus.CANCELLED:
            return [job.error or "It was cancelled."]


def _dependencies(tx: Transaction, job: Job) -> list[str]:
    query = sa.select(jobs.c.job_id, jobs.c.kind, jobs.c.status).where(jobs.c.job_id.in_(job.depends_on))
    query = query.where(jobs.c.status != JobStatus.SUCCEEDED.value).order_by(jobs.c.job_id)
    return [f"It waits for job {row.job_id} ({row.kind}), which is {row.status}." for row in tx.execute(query)]


def _times(tx: Transaction, job: Job, now: Now) -> list[str]:
    reasons = []
    if job.run_at is not None and job.started_at is None and job.run_at > now():
        reasons.append(f"It is scheduled for {job.run_at.isoformat()}.")
    left = sa.select(jobs.c.held_until - tick(tx.dialect)).where(jobs.c.job_id == job.job_id, is_held(tx.dialect))
    ticks: int | None = tx.execute(left, readings(tx.dialect) or None).scalar()
    if ticks is not None:
        reasons.append(
            f"Attempt {job.attempts} of {job.max_attempts} failed, and the next one begins in "
            f"{ticks / MICROSECONDS:.1f} s. {job.error or ''}".strip()
        )
    return reasons


def _workers(tx: Transaction, job: Job) -> list[str]:
    workers = list_workers(tx)
    able = [worker for worker in workers if job.kind in worker.kinds and job.requires <= worker.capabilities]
    return _busy(tx, able) if able else _unable(job, workers)


def _busy(tx: Transaction, able: Sequence[JobWorker]) -> list[str]:
    """Say so when each of the workers that can do a job has as many as it runs at once."""
    ids = [worker.worker_id for worker in able]
    query = (
        sa.select(jobs.c.worker, sa.func.count().label("jobs"))
        .where(IS_RUNNING, jobs.c.worker.in_(ids))
        .group_by(jobs.c.worker)
    )
    running = {row.worker: row.jobs for row in tx.execute(query)}
    if any(running.get(worker.worker_id, 0) < worker.slots for worker in able):
        return []
    slots = sum(worker.slots for worker in able)
    return [f"The workers that can do it run {slots} at once, and that many are running."]


def _unable(job: Job, workers: Sequence[JobWorker]) -> list[str]:
    if not workers:
        return ["No worker is alive. Start one: `mlops worker`."]
    knowing = [worker for worker in workers if job.kind in worker.kinds]
    if not knowing:
        remedy = "one that imports its handler, and has what that requires: `mlops worker --import my.module`"
        one = len(workers) == 1
        nobody = "The one live worker does not take" if one else f"None of the {len(workers)} live workers takes"
        return [f"{nobody} jobs of kind {job.kind!r}. Start {remedy}."]
    nowhere = sorted(job.requires - frozenset[str]().union(*(worker.capabilities for worker in knowing)))
    if nowhere:
        return [f"It needs {name!r}, which no live worker has." for name in nowhere]
    return [f"It needs {', '.join(sorted(job.requires))} together, which no live worker has."]


def _turn(tx: Transaction, job: Job) -> list[str]:
    """Count what comes before it; kinds that other workers take are counted too."""
    sooner = sa.or_(
        jobs.c.priority > job.priority, sa.and_(jobs.c.priority == job.priority, jobs.c.job_id < job.job_id)
    )
    query = sa.select(sa.func.count()).where(IS_QUEUED, sooner)
    before: int = tx.execute(query).scalar_one()
    if not before:
        return []
    return ["1 queued job comes before it." if before == 1 else f"{before} queued jobs come before it."]


def _worker_of(tx: Transaction, job: Job) -> list[str]:
    held = sa.select(jobs.c.job_id).where(jobs.c.job_id == job.job_id, is_held(tx.dialect))
    if tx.execute(held, readings(tx.dialect) or None).one_or_none() is None:
        return [f"Its worker {job.worker} is not heard of any more; the next live worker lets it go."]
    wanted = " It was asked to stop." if job.cancel_requested else ""
    return [f"Worker {job.worker} runs it, attempt {job.attempts} of {job.max_attempts}.{wanted}"]
