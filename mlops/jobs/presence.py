"""Which workers are alive, so that a job nobody can take says so."""

from __future__ import annotations

import os
import socket
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mlops import clock
from mlops.clock import Now
from mlops.database import Transaction
from mlops.jobs.claiming import Claimant
from mlops.jobs.entities import JobWorker
from mlops.jobs.lease_clock import MICROSECONDS, boot, is_held, readings, tick
from mlops.jobs.tables import job_workers
from mlops.records import decode_json, encode_json

__all__ = ["PRESENT_S", "list_workers", "show_up", "sign_off"]

PRESENT_S = 30.0
"""How long a worker counts as alive after it showed up."""

_FORGOTTEN_AFTER_S = 86_400


def show_up(tx: Transaction, claimant: Claimant, slots: int, *, now: Now = clock.now) -> None:
    """Say that a worker is alive, and forget those that have not been for a day."""
    row = {
        "worker_id": claimant.worker,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "kinds": encode_json(sorted(claimant.kinds)),
        "slots": slots,
        "started_at": now(),
    }
    alive: dict[str, Any] = {
        "capabilities": encode_json(claimant.all_capabilities()),
        "seen_at": now(),
        "held_until": tick(tx.dialect) + int(PRESENT_S * MICROSECONDS),
        "held_boot": boot(tx.dialect),
    }
    insert: Any = postgresql.insert(job_workers) if tx.dialect == "postgresql" else sqlite.insert(job_workers)
    statement = insert.values({**row, **alive}).on_conflict_do_update(index_elements=["worker_id"], set_=alive)
    tx.execute(statement, readings(tx.dialect) or None)
    gone = job_workers.c.held_until < tick(tx.dialect) - _FORGOTTEN_AFTER_S * MICROSECONDS
    elsewhen = job_workers.c.held_boot != boot(tx.dialect)
    tx.execute(sa.delete(job_workers).where(sa.or_(gone, elsewhen)), readings(tx.dialect) or None)


def sign_off(tx: Transaction, worker: str) -> None:
    """Say that a worker takes no jobs any more."""
    tx.execute(sa.delete(job_workers).where(job_workers.c.worker_id == worker))


def list_workers(tx: Transaction) -> list[JobWorker]:
    """Return the workers that are alive, the oldest first."""
    query = sa.select(job_workers).where(is_held(tx.dialect, job_workers)).order_by(job_workers.c.worker_id)
    return [_worker(row) for row in tx.execute(query, readings(tx.dialect) or None)]


def _worker(row: sa.Row[Any]) -> JobWorker:
    return JobWorker(
        worker_id=row.worker_id,
        host=row.host,
        pid=row.pid,
        kinds=tuple(decode_json(row.kinds)),
        capabilities=frozenset(decode_json(row.capabilities)),
        slots=row.slots,
        started_at=row.started_at,
        seen_at=row.seen_at,
    )
