"""Taking jobs up, and letting go those whose worker is gone.

On PostgreSQL workers pass over rows that others are taking (`SKIP LOCKED`); on SQLite the writer lock lets one take at
a time. Every taking up raises the job's token, so that the worker before cannot write any more.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from mlops import clock
from mlops.clock import Now
from mlops.database import Transaction
from mlops.jobs.attempt import Attempt
from mlops.jobs.ending import Lease, LogLine, add_logs, move_dependants, slices
from mlops.jobs.entities import Job
from mlops.jobs.lease_clock import MICROSECONDS, boot, is_held, readings, tick
from mlops.jobs.reading import job_of
from mlops.jobs.signals import tell_ended, tell_queued
from mlops.jobs.tables import IS_QUEUED, IS_RUNNING, jobs
from mlops.records import encode_json

__all__ = ["Claimant", "claim", "has_lost", "is_any_doable", "is_at_work", "is_claimable", "next_due_s", "sweep"]

_SWEPT_AT_ONCE = 100

_NEEDS_MET = {
    "sqlite": "NOT EXISTS (SELECT 1 FROM json_each(jobs.requires) AS needed "
    "WHERE needed.value NOT IN (SELECT value FROM json_each(:capabilities)))",
    "postgresql": "CAST(jobs.requires AS jsonb) <@ CAST(:capabilities AS jsonb)",
}


@dataclass(frozen=True)
class Claimant:
    """Who takes jobs.

    Attributes:
        worker: Its id.
        kinds: What it can do.
        capabilities: What it has.
        lease_s: How long a job is its own without another word.
        offers: Returns what it has beside, at that moment.
    """

    worker: str
    kinds: tuple[str, ...]
    capabilities: frozenset[str]
    lease_s: float
    offers: Callable[[], frozenset[str]] = frozenset

    def all_capabilities(self) -> list[str]:
        """Return what it has at this moment, sorted."""
        return sorted(self.capabilities | self.offers())

    def parameters(self, dialect: str, at: datetime) -> dict[str, Any]:
        """Return the parameters of the statements that look for jobs."""
        capabilities = encode_json(self.all_capabilities())
        return {"kinds": self.kinds, "capabilities": capabilities, "wall_clock": at, **readings(dialect)}


def claim(
    tx: Transaction, claimant: Claimant, most: int, *, in_advance: bool = False, now: Now = clock.now
) -> list[Attempt]:
    """Take the most urgent jobs that this worker can do, most urgent first.

    Args:
        tx: A write transaction.
        claimant: Who takes them.
        most: How many at most.
        in_advance: Take only jobs that nobody has had yet, and do not count it as an attempt: the worker will begin
            them soon, or give them back. A worker that is killed then has cost no attempt even if it had begun, so
            jobs that may be begun only once are left out.
        now: The clock.
    """
    at = now()
    own = {"most": most, "the_worker": claimant.worker, "lease_us": int(claimant.lease_s * MICROSECONDS)}
    rows = tx.execute(_taking(tx.dialect, in_advance), claimant.parameters(tx.dialect, at) | own).all()
    taken = sorted((job_of(row) for row in rows), key=lambda job: (-job.priority, job.job_id))
    return [Attempt(job, _lease(job, claimant), is_counted=not in_advance, now=now) for job in taken]


def is_claimable(tx: Transaction, claimant: Claimant, *, now: Now = clock.now) -> bool:
    """Say whether `claim` would find anything."""
    query = sa.select(jobs.c.job_id).where(*_claimable(tx.dialect)).limit(1)
    return tx.execute(query, claimant.parameters(tx.dialect, now())).one_or_none() is not None


def is_at_work(tx: Transaction, claimant: Claimant) -> bool:
    """Say whether this worker has a job whose end is not written down."""
    mine = (IS_RUNNING, jobs.c.worker == claimant.worker)
    return tx.execute(sa.select(jobs.c.job_id).where(*mine).limit(1)).one_or_none() is not None


def next_due_s(tx: Transaction, claimant: Claimant, *, now: Now = clock.now) -> float | None:
    """Return in how many seconds a job's pause, or the wait for its `run_at`, ends; None when there is no such job."""
    queued = (IS_QUEUED, jobs.c.kind.in_(claimant.kinds))
    wall = sa.select(sa.func.min(jobs.c.run_at)).where(*queued, jobs.c.started_at.is_(None), jobs.c.run_at > now())
    first = sa.func.min(jobs.c.held_until - tick(tx.dialect))
    pause = sa.select(first).where(*queued, is_held(tx.dialect))
    moment: datetime | None = tx.execute(wall).scalar()
    ticks: int | None = tx.execute(pause, readings(tx.dialect)).scalar()
    waits = [] if moment is None else [(moment - now()) / timedelta(seconds=1)]
    waits += [] if ticks is None else [ticks / MICROSECONDS]
    return max(0.0, min(waits)) if waits else None


def is_any_doable(tx: Transaction, claimant: Claimant, job_ids: Collection[str], *, now: Now = clock.now) -> bool:
    """Say whether this worker has one of these jobs, or can take it now or after a pause."""
    known = (jobs.c.kind.in_(sa.bindparam("kinds", expanding=True)), _needs_met(tx.dialect))
    mine = sa.and_(jobs.c.status == "running", jobs.c.worker == claimant.worker)
    doable = sa.or_(mine, sa.and_(jobs.c.status == "queued", _is_time(), *known))
    query = sa.select(jobs.c.job_id).where(jobs.c.job_id.in_(sa.bindparam("some", expanding=True)), doable).limit(1)
    given = claimant.parameters(tx.dialect, now())
    return any(tx.execute(query, {**given, "some": some}).first() is not None for some in slices(job_ids))


def has_lost(tx: Transaction) -> bool:
    """Say whether some job's worker has not been heard of for the length of its lease."""
    query = sa.select(jobs.c.job_id).where(IS_RUNNING, ~is_held(tx.dialect)).limit(1)
    return tx.execute(query, readings(tx.dialect)).one_or_none() is not None


def sweep(tx: Transaction, *, now: Now = clock.now) -> int:
    """Let go the jobs whose worker is gone: to the next one, or to their end if they have no attempt left.

    Returns:
        How many there were; at most a hundred at once.
    """
    columns = (jobs.c.job_id, jobs.c.kind, jobs.c.attempts, jobs.c.max_attempts, jobs.c.cancel_requested, jobs.c.worker)
    query = sa.select(*columns).where(IS_RUNNING, ~is_held(tx.dialect))
    query = query.order_by(jobs.c.job_id).limit(_SWEPT_AT_ONCE).with_for_update(skip_locked=True)
    rows = tx.execute(query, readings(tx.dialect)).all()
    for row in rows:
        _let_go(tx, row, now())
    return len(rows)


def _lease(job: Job, claimant: Claimant) -> Lease:
    return Lease(job.job_id, job.token, claimant.worker, claimant.lease_s)


def _let_go(tx: Transaction, row: sa.Row[Any], at: datetime) -> None:
    attempt = row.attempts or 1  # what was taken in advance is not counted yet
    lost = f"It lost its worker {row.worker}, which was not heard of any more, in attempt {attempt}."
    values: dict[str, Any] = {"held_until": None, "held_boot": None, "error": lost}
    if row.cancel_requested:
        values |= {"status": "cancelled", "ended_at": at, "cancel_requested": 0}
    elif row.attempts >= row.max_attempts:
        values |= {"status": "failed", "ended_at": at}
    else:
        values |= {"status": "queued"}
    tx.execute(sa.update(jobs).where(jobs.c.job_id == row.job_id).values(**values))
    add_logs(tx, row.job_id, attempt, [LogLine(at, "warning", lost)])
    if values["status"] == "queued":
        tell_queued(tx, row.job_id, row.kind)
        return
    move_dependants(tx, [row.job_id], succeeded=False, at=at)
    tell_ended(tx, row.job_id)


@functools.lru_cache(maxsize=4)
def _taking(dialect: str, in_advance: bool) -> sa.Executable:
    conditions = (
        [*_claimable(dialect), jobs.c.token == 0, jobs.c.max_attempts > 1] if in_advance else _claimable(dialect)
    )
    picked = (
        sa.select(jobs.c.job_id)
        .where(*conditions)
        .order_by(jobs.c.priority.desc(), jobs.c.job_id)
        .limit(sa.bindparam("most"))
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    return (
        sa.update(jobs)
        .where(jobs.c.job_id.in_(sa.select(picked.c.job_id)))
        .values(
            status="running",
            worker=sa.bindparam("the_worker"),
            token=jobs.c.token + 1,
            attempts=jobs.c.attempts + (0 if in_advance else 1),
            held_until=tick(dialect) + sa.bindparam("lease_us", type_=sa.BigInteger),
            held_boot=boot(dialect),
            started_at=sa.bindparam("wall_clock"),
            heartbeat_at=sa.bindparam("wall_clock"),
            progress_done=0.0,
            progress_total=None,
            progress_message="",
        )
        .returning(jobs)
    )


@functools.lru_cache(maxsize=2)
def _claimable(dialect: str) -> tuple[sa.ColumnElement[bool] | sa.TextClause, ...]:
    return (
        IS_QUEUED,
        # An expression, since SQLite would take the index on kinds, and sort all of it for every job.
        (jobs.c.kind + sa.literal_column("''")).in_(sa.bindparam("kinds", expanding=True)),
        ~is_held(dialect),
        _is_time(),
        _needs_met(dialect),
    )


def _is_time() -> sa.ColumnElement[bool]:
    """Return the condition that the calendar does not hold a job; one that was begun is not held by it any more."""
    due = jobs.c.run_at <= sa.bindparam("wall_clock", type_=jobs.c.run_at.type)
    return sa.or_(jobs.c.run_at.is_(None), jobs.c.started_at.is_not(None), due)


def _needs_met(dialect: str) -> sa.ColumnElement[bool]:
    return sa.or_(jobs.c.requires == "[]", sa.text(_NEEDS_MET[dialect]))
