"""Who is told of what happens to jobs, and how: within the process by the database's bell, beyond it by NOTIFY.

A signal only says that it is worth looking; what is true stands in the tables, and nothing depends on a signal's
arriving.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from mlops.database import Transaction

__all__ = [
    "CANCEL_WANTED",
    "CHANNEL",
    "ENDED",
    "QUEUED",
    "SCHEDULES_CHANGED",
    "Queued",
    "tell_cancel_wanted",
    "tell_ended",
    "tell_queued",
    "tell_schedules_changed",
]

QUEUED = "jobs.queued"
"""Topic of the bell, with a `Queued`: a job may be taken up."""
ENDED = "jobs.ended"
"""Topic of the bell, with a job's id: it has ended."""
CANCEL_WANTED = "jobs.cancel_wanted"
"""Topic of the bell, with a job's id: it runs and should not."""
SCHEDULES_CHANGED = "jobs.schedules_changed"
"""Topic of the bell: a schedule may be due otherwise than before."""
CHANNEL = "mlops_jobs"
"""PostgreSQL's channel on which workers listen for queued jobs."""


class Queued(NamedTuple):
    """A job may be taken up.

    Attributes:
        job_id: Which one.
        kind: Its kind.
        is_new: Whether it was just asked for in this process, rather than let go by a dependency or retried.
    """

    job_id: str
    kind: str
    is_new: bool


def tell_queued(tx: Transaction, job_id: str, kind: str, *, is_new: bool = False) -> None:
    """Wake workers once the transaction has committed."""
    ring_queued(tx, job_id, kind, is_new=is_new)
    if tx.dialect == "postgresql":
        tx.execute(sa.select(*also_notify(tx.dialect)))


def ring_queued(tx: Transaction, job_id: str, kind: str, *, is_new: bool = False) -> None:
    """Wake workers of this process once the transaction has committed."""
    bell, message = tx.bell, Queued(job_id, kind, is_new)
    tx.after_commit(lambda: bell.ring(QUEUED, message))


def also_notify(dialect: str) -> list[sa.ColumnElement[Any]]:
    """Return what a statement selects, or returns, to wake workers of other processes when it commits."""
    return [sa.func.pg_notify(CHANNEL, "")] if dialect == "postgresql" else []


def tell_ended(tx: Transaction, job_id: str) -> None:
    """Wake who waits for a job's end in this process, once the transaction has committed."""
    bell = tx.bell
    tx.after_commit(lambda: bell.ring(ENDED, job_id))


def tell_cancel_wanted(tx: Transaction, job_id: str) -> None:
    """Have runners of this process look at once whether a job of theirs is meant; others see it with their lease."""
    bell = tx.bell
    tx.after_commit(lambda: bell.ring(CANCEL_WANTED, job_id))


def tell_schedules_changed(tx: Transaction) -> None:
    """Have schedulers of this process look again once the transaction has committed; others do so by themselves."""
    bell = tx.bell
    tx.after_commit(lambda: bell.ring(SCHEDULES_CHANGED))
