"""The clock of leases and pauses, which nobody sets.

On PostgreSQL it is the server's, the same for every host. On SQLite, whose users share one machine, it is the time
since the machine's boot without its sleep, so that neither a corrected wall clock nor a closed laptop makes a live
worker look dead; a deadline of another boot has passed. Counted in microseconds.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mlops.jobs.tables import job_workers, jobs

__all__ = ["MICROSECONDS", "boot", "is_held", "readings", "tick"]

MICROSECONDS = 1_000_000

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SERVER_TICK = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


def tick(dialect: str) -> sa.ColumnElement[int]:
    """Return the expression for the clock's present reading."""
    if dialect == "postgresql":
        return sa.literal_column(_SERVER_TICK, sa.BigInteger)
    return sa.bindparam("clock_tick", type_=sa.BigInteger)


def boot(dialect: str) -> sa.ColumnElement[str]:
    """Return the expression for what the clock has counted since; empty on PostgreSQL."""
    if dialect == "postgresql":
        return sa.literal_column("''", sa.Text)
    return sa.bindparam("clock_boot", type_=sa.Text)


def readings(dialect: str) -> dict[str, Any]:
    """Return the parameters of a statement in which `tick` or `boot` occurs."""
    if dialect == "postgresql":
        return {}
    return {"clock_tick": time.monotonic_ns() // 1000, "clock_boot": _this_boot()}


def is_held(dialect: str, table: sa.Table = jobs) -> sa.ColumnElement[bool]:
    """Return the condition that a job's, or a worker's, deadline lies ahead; never NULL."""
    assert table in {jobs, job_workers}
    ahead = sa.and_(table.c.held_until > tick(dialect), table.c.held_boot == boot(dialect))
    return sa.and_(table.c.held_until.is_not(None), table.c.held_boot.is_not(None), ahead)


def _this_boot() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
