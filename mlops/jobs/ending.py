"""How a worker's hold on a job ends: every statement here is fenced by the token of its lease.

Whoever ends jobs moves those that depend on them in the same transaction, afterwards: they are queued when the last of
their dependencies has succeeded, and fail when one has not.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from mlops.database import Text, Transaction
from mlops.jobs.entities import JobProgress
from mlops.jobs.errors import LeaseLost
from mlops.jobs.lease_clock import MICROSECONDS, boot, readings, tick
from mlops.jobs.signals import tell_ended, tell_queued
from mlops.jobs.tables import IS_RUNNING, job_dependencies, job_logs, jobs

__all__ = [
    "Ending",
    "Lease",
    "LogLine",
    "add_logs",
    "end_all",
    "give_back",
    "move_dependants",
    "note_progress",
    "queue_again",
    "renew_all",
    "slices",
]


_AT_ONCE = 1_000  # ids in a statement
_NUMBERS = {"token", "attempts"}
_ENDING_COLUMNS = ("job_id", "token", "worker", "status", "attempts", "result", "error")


class Lease(NamedTuple):
    """A worker's right to a job, until another one takes it up.

    Attributes:
        job_id: Which job.
        token: That of the taking up.
        worker: Who took it.
        length_s: How long it lasts from its last renewal.
    """

    job_id: str
    token: int
    worker: str
    length_s: float = 10.0

    @property
    def lost(self) -> LeaseLost:
        """The error that says so."""
        return LeaseLost(
            f"Job {self.job_id} was taken up by another worker, or ended, while this one had it (token {self.token}). "
            "Nothing of this attempt is kept; end the handler."
        )


class Ending(NamedTuple):
    """How a job ends.

    Attributes:
        lease: The right to it.
        status: `succeeded`, `failed` or `cancelled`.
        attempt: After how many attempts.
        result: What it ends with, as JSON text; None unless it succeeded.
        error: Why it did not succeed; None when it did.
    """

    lease: Lease
    status: str
    attempt: int
    result: str | None = None
    error: str | None = None

    def document(self) -> dict[str, Any]:
        """Return it as one row of what `_ending` reads."""
        lease = self.lease
        hold = {"job_id": lease.job_id, "token": lease.token, "worker": lease.worker}
        return {**hold, "status": self.status, "attempts": self.attempt, "result": self.result, "error": self.error}


class LogLine(NamedTuple):
    """A line on its way into the log."""

    at: datetime
    level: str
    message: str


def end_all(tx: Transaction, endings: Sequence[Ending], *, at: datetime) -> list[Ending]:
    """End jobs, all in one statement; `move_dependants` follows.

    Returns:
        Those whose job was still their worker's. The others changed nothing.
    """
    if not endings:
        return []
    parameters = {"endings": json.dumps([ending.document() for ending in endings]), "the_end": at}
    ended = {(row.job_id, row.token) for row in tx.execute(_ending(tx.dialect), parameters)}
    for job_id, _ in ended:
        tell_ended(tx, job_id)
    return [ending for ending in endings if (ending.lease.job_id, ending.lease.token) in ended]


def queue_again(tx: Transaction, lease: Lease, error: str, *, attempt: int, pause_s: float) -> bool:
    """Have a failed attempt followed by another one after a pause; say whether the job was still this worker's."""
    pause = {"held_until": tick(tx.dialect) + int(pause_s * MICROSECONDS), "held_boot": boot(tx.dialect)}
    return _release(tx, lease, error=error, attempts=attempt, **pause)


def give_back(tx: Transaction, lease: Lease, *, attempts: int) -> bool:
    """Let others take the job at once, as though this worker had never begun it; say whether it was still its own."""
    return _release(tx, lease, attempts=attempts, held_until=None, held_boot=None)


def renew_all(tx: Transaction, lease: Lease) -> None:
    """Renew everything that the worker of a lease has; for who kept its heart from doing so."""
    length_us = int(lease.length_s * MICROSECONDS)
    statement = sa.update(jobs).where(jobs.c.worker == lease.worker, IS_RUNNING)
    values = {"held_until": tick(tx.dialect) + length_us, "held_boot": boot(tx.dialect)}
    tx.execute(statement.values(**values), readings(tx.dialect) or None)


def note_progress(tx: Transaction, job_id: str, progress: JobProgress | None) -> None:
    """Write down how far a job is, if it said so; the caller holds the job's row."""
    if progress is None:
        return
    values = {f"progress_{name}": value for name, value in progress.model_dump().items()}
    tx.execute(sa.update(jobs).where(jobs.c.job_id == job_id).values(**values))


def add_logs(tx: Transaction, job_id: str, attempt: int, lines: Sequence[LogLine]) -> None:
    """Append to a job's log; the caller holds the job's row."""
    if not lines:
        return
    query = sa.select(sa.func.coalesce(sa.func.max(job_logs.c.sequence), 0)).where(job_logs.c.job_id == job_id)
    last: int = tx.execute(query).scalar_one()
    rows = [
        {"job_id": job_id, "sequence": number, "attempt": attempt, **line._asdict()}
        for number, line in enumerate(lines, start=last + 1)
    ]
    tx.execute(sa.insert(job_logs), rows)


def move_dependants(tx: Transaction, ended: Iterable[str], *, succeeded: bool, at: datetime) -> None:
    """Queue what has waited for these jobs only; or fail what has waited for them in vain, and what waits for that."""
    ids = set(ended)
    while ids:
        waiting = {job_id for some in slices(ids) for job_id in _waiting_for(tx, some)}
        for some in slices(waiting):
            if succeeded:
                _queue(tx, some)
            else:
                _fail(tx, some, at)
        ids = set() if succeeded else waiting


def _release(tx: Transaction, lease: Lease, **values: Any) -> bool:
    mine = (jobs.c.job_id == lease.job_id, jobs.c.token == lease.token, jobs.c.worker == lease.worker)
    statement = sa.update(jobs).where(*mine, jobs.c.status == "running").values(status="queued", **values)
    return bool(tx.execute(statement, readings(tx.dialect) or None).rowcount)


@functools.lru_cache(maxsize=2)
def _ending(dialect: str) -> sa.Executable:
    """Return the statement that ends the jobs of a JSON list of endings, and returns those that it ended."""
    ended = _listed(dialect)
    mine = (jobs.c.job_id == ended.c.job_id, jobs.c.token == ended.c.token, jobs.c.worker == ended.c.worker)
    given = {name: ended.c[name] for name in ("status", "attempts", "result", "error")}
    freed: dict[str, Any] = {"held_until": None, "held_boot": None, "cancel_requested": 0}
    is_running = jobs.c.status == sa.literal_column(
        "'running'"
    )  # no parameter, for which a plan knows no partial index
    statement = sa.update(jobs).where(*mine, is_running)
    return statement.values(**given, **freed, ended_at=sa.bindparam("the_end")).returning(jobs.c.job_id, jobs.c.token)


def _listed(dialect: str) -> sa.FromClause:
    """Return the endings as rows."""
    columns = [sa.column(name, sa.BigInteger if name in _NUMBERS else Text) for name in _ENDING_COLUMNS]
    document: sa.ColumnElement[Any] = sa.bindparam("endings", type_=sa.Text)
    if dialect == "postgresql":
        rows = sa.func.jsonb_to_recordset(sa.cast(document, postgresql.JSONB))
        return rows.table_valued(*columns).render_derived(name="ended", with_types=True)
    each = sa.func.json_each(document).table_valued("value")
    fields = (sa.func.json_extract(each.c.value, f"$.{column.name}").label(column.name) for column in columns)
    return sa.select(*fields).subquery("ended")


def _waiting_for(tx: Transaction, ids: list[str]) -> list[str]:
    """Return and lock the jobs that wait for these; what commits meanwhile is seen by the next statement."""
    return list(tx.execute(_waiting(), {"ended": ids}).scalars())


@functools.cache
def _waiting() -> sa.Executable:
    ended = job_dependencies.c.needs_job_id.in_(sa.bindparam("ended", expanding=True))
    needing = sa.select(job_dependencies.c.job_id).where(ended)
    query = sa.select(jobs.c.job_id).where(jobs.c.job_id.in_(needing), jobs.c.status == "waiting")
    return query.order_by(jobs.c.job_id).with_for_update()


def _queue(tx: Transaction, waiting: list[str]) -> None:
    needed = jobs.alias("needed")
    unmet = (
        sa.select(sa.literal(1))
        .select_from(job_dependencies.join(needed, needed.c.job_id == job_dependencies.c.needs_job_id))
        .where(job_dependencies.c.job_id == jobs.c.job_id, needed.c.status != "succeeded")
        .exists()
    )
    statement = sa.update(jobs).where(jobs.c.job_id.in_(waiting), ~unmet).values(status="queued")
    for row in tx.execute(statement.returning(jobs.c.job_id, jobs.c.kind)).all():
        tell_queued(tx, row.job_id, row.kind)


def _fail(tx: Transaction, waiting: list[str], at: datetime) -> None:
    """Fail these; each says because of whom."""
    needed = jobs.alias("needed")
    query = (
        sa.select(job_dependencies.c.job_id, job_dependencies.c.needs_job_id, needed.c.status)
        .join(needed, needed.c.job_id == job_dependencies.c.needs_job_id)
        .where(job_dependencies.c.job_id.in_(waiting), needed.c.status.in_(["failed", "cancelled"]))
        .order_by(job_dependencies.c.needs_job_id.desc())
    )
    why = {row.job_id: f"It depends on job {row.needs_job_id}, which is {row.status}." for row in tx.execute(query)}
    statement = sa.update(jobs).where(jobs.c.job_id == sa.bindparam("the_job"))
    statement = statement.values(status="failed", error=sa.bindparam("why"), ended_at=at)
    tx.execute(statement, [{"the_job": job_id, "why": why[job_id]} for job_id in waiting])
    for job_id in waiting:
        tell_ended(tx, job_id)


def slices(ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield ids in order, as many at a time as a statement takes as parameters."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]
