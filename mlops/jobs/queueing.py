"""Asking for work, in the transaction of whatever makes it necessary."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mlops import clock
from mlops.audit import current_actor
from mlops.clock import NewId, Now
from mlops.database import Transaction
from mlops.jobs.documents import encode_document
from mlops.jobs.entities import Job, JobStatus, NewJob, several
from mlops.jobs.errors import JobNotFound
from mlops.jobs.reading import find_unfinished
from mlops.jobs.signals import also_notify, ring_queued, tell_ended
from mlops.jobs.tables import job_dependencies, jobs
from mlops.records import encode_json

__all__ = ["enqueue", "unmet"]

_NEITHER = {JobStatus.FAILED, JobStatus.CANCELLED}


def enqueue(
    tx: Transaction,
    *,
    kind: str,
    payload: Mapping[str, Any] | None = None,
    priority: int = 0,
    depends_on: Iterable[str] = (),
    requires: Iterable[str] = (),
    run_at: datetime | None = None,
    max_attempts: int = 3,
    timeout_s: float | None = None,
    key: str | None = None,
    project: str = "default",
    actor: str | None = None,
    now: Now = clock.now,
    new_id: NewId = clock.new_id,
) -> str:
    """Have a job done once this transaction has committed; if it does not, there is no job.

    A job whose dependency has failed or was cancelled fails too, whether that happens before or after this call.

    Args:
        tx: A write transaction.
        kind: Names the handler: a domain's noun and a verb, such as `data.run_pipeline`.
        payload: What the handler needs to know, JSON values; large things belong into artifacts.
        priority: Jobs with a higher one are taken first; among equals the oldest.
        depends_on: Ids of jobs that must succeed before.
        requires: Capabilities that a worker must have, such as `gpu`.
        run_at: Not before this moment, an aware datetime; None for as soon as possible.
        max_attempts: How often it may be begun before it fails for good.
        timeout_s: Seconds that an attempt may take; None leaves it to the handler's own limit.
        key: While a job of the same project and kind with this key is unfinished, that one is meant.
        project: Whose work it is.
        actor: On whose behalf the handler will work; the `current_actor` when left out.

    Returns:
        The job's id; with a key, possibly that of a job that is there already.

    Raises:
        InvalidInput: Something cannot be; the message says what.
        JobNotFound: It depends on a job that does not exist.
    """
    job = NewJob(
        kind=kind,
        payload=payload or {},
        project=project,
        priority=priority,
        depends_on=tuple(sorted(several(depends_on, "depends_on"))),
        requires=several(requires, "requires"),
        run_at=run_at,
        max_attempts=max_attempts,
        timeout_s=timeout_s,
        key=key,
        created_by=current_actor() if actor is None else actor,
    )
    while True:
        if key is not None and (same := find_unfinished(tx, kind=kind, key=key, project=project)) is not None:
            return same
        if (job_id := _insert(tx, job, new_id(), now())) is not None:
            return job_id


def unmet(tx: Transaction, needed: Iterable[str]) -> dict[str, tuple[JobStatus, str]]:
    """Return status and kind of those among these jobs that have not succeeded, and keep all as they are meanwhile.

    Raises:
        JobNotFound: One of them does not exist.
    """
    ids = sorted(needed)
    if not ids:
        return {}
    query = sa.select(jobs.c.job_id, jobs.c.status, jobs.c.kind).where(jobs.c.job_id.in_(ids)).order_by(jobs.c.job_id)
    found = {row.job_id: (JobStatus(row.status), row.kind) for row in tx.execute(query.with_for_update(read=True))}
    for job_id in ids:
        if job_id not in found:
            raise JobNotFound(job_id, hint="A job can depend on jobs that were enqueued before it, and are not pruned.")
    return {job_id: state for job_id, state in found.items() if state[0] is not JobStatus.SUCCEEDED}


def _insert(tx: Transaction, job: NewJob, job_id: str, at: datetime) -> str | None:
    """Write the job; return None when another transaction's job has taken the key."""
    missing = unmet(tx, job.depends_on)
    lost = next((needed for needed, (status, _) in missing.items() if status in _NEITHER), None)
    status = JobStatus.FAILED if lost else JobStatus.WAITING if missing else JobStatus.QUEUED
    row = _row(job, job_id, at) | {"status": status.value}
    if lost is not None:
        row |= {"error": f"It depends on job {lost}, which is {missing[lost][0]}.", "ended_at": at}
    if tx.execute(_insertion(tx.dialect), row).one_or_none() is None:
        return None
    if job.depends_on:
        tx.execute(
            sa.insert(job_dependencies), [{"job_id": job_id, "needs_job_id": needed} for needed in job.depends_on]
        )
    if lost is None:
        ring_queued(tx, job_id, job.kind, is_new=True)
    else:
        tell_ended(tx, job_id)
    return job_id


@functools.lru_cache(maxsize=2)
def _insertion(dialect: str) -> sa.Executable:
    """Return the statement that writes a job and returns its id, or nothing when its key is taken."""
    insert: Any = postgresql.insert(jobs) if dialect == "postgresql" else sqlite.insert(jobs)
    return cast("sa.Executable", insert.on_conflict_do_nothing().returning(jobs.c.job_id, *also_notify(dialect)))


def _row(job: NewJob, job_id: str, at: datetime) -> dict[str, Any]:
    return {
        **{name: getattr(job, name) for name in ("project", "kind", "priority", "run_at", "max_attempts", "timeout_s")},
        "job_id": job_id,
        "payload": encode_document(job.payload, "payload", job.kind),
        "requires": encode_json(sorted(job.requires)),
        "attempts": 0,
        "token": 0,
        "cancel_requested": 0,
        "progress_done": 0.0,
        "progress_message": "",
        "key": job.key,
        "created_by": job.created_by,
        "created_at": at,
        "schema_version": Job.schema_version,
    }
