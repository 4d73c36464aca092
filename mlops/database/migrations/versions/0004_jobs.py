"""Jobs with what they wait for and what they logged, the workers that are alive, and schedules."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    type_: TypeEngine[str] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, type_, nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[str]:
    type_ = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
    return sa.Column(name, type_, nullable=nullable)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _wide(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)


def upgrade() -> None:
    """Create the tables."""
    _jobs()
    _jobs_indexes()
    _dependencies()
    _logs()
    _workers()
    _schedules()


def _jobs() -> None:
    op.create_table(
        "jobs",
        *map(_text, ("job_id", "project", "kind", "payload")),
        _integer("priority"),
        *map(_text, ("requires", "status")),
        _moment("run_at", nullable=True),
        *map(_integer, ("attempts", "max_attempts")),
        _number("timeout_s", nullable=True),
        _wide("held_until", nullable=True),
        *(_text(name, nullable=True) for name in ("held_boot", "worker")),
        _wide("token"),
        _moment("heartbeat_at", nullable=True),
        _integer("cancel_requested"),
        _number("progress_done"),
        _number("progress_total", nullable=True),
        _text("progress_message"),
        *(_text(name, nullable=True) for name in ("result", "error", "key")),
        _text("created_by"),
        _moment("created_at"),
        *(_moment(name, nullable=True) for name in ("started_at", "ended_at")),
        _integer("schema_version"),
        sa.PrimaryKeyConstraint("job_id", name="pk_jobs"),
    )


def _jobs_indexes() -> None:
    _index("jobs", "claim", [sa.text("priority DESC"), "job_id"], where="status = 'queued'")
    _index("jobs", "lease", ["held_until"], where="status = 'running'")
    unfinished = "status IN ('waiting', 'queued', 'running') AND key IS NOT NULL"
    _index("jobs", "key", ["project", "kind", "key"], unique=True, where=unfinished)
    for column in ("kind", "project"):
        _index("jobs", column, [column, "job_id"])
    _index("jobs", "ended_at", ["ended_at"])


def _dependencies() -> None:
    op.create_table(
        "job_dependencies",
        *map(_text, ("job_id", "needs_job_id")),
        sa.PrimaryKeyConstraint("job_id", "needs_job_id", name="pk_job_dependencies"),
    )
    _index("job_dependencies", "needs", ["needs_job_id", "job_id"])


def _logs() -> None:
    op.create_table(
        "job_logs",
        _text("job_id"),
        *map(_integer, ("sequence", "attempt")),
        _moment("at"),
        *map(_text, ("level", "message")),
        sa.PrimaryKeyConstraint("job_id", "sequence", name="pk_job_logs"),
    )


def _workers() -> None:
    op.create_table(
        "job_workers",
        *map(_text, ("worker_id", "host")),
        _wide("pid"),
        *map(_text, ("kinds", "capabilities")),
        _integer("slots"),
        *map(_moment, ("started_at", "seen_at")),
        _wide("held_until"),
        _text("held_boot"),
        sa.PrimaryKeyConstraint("worker_id", name="pk_job_workers"),
    )


def _schedules() -> None:
    op.create_table(
        "job_schedules",
        *map(_text, ("schedule_id", "project", "name", "kind", "payload")),
        _integer("priority"),
        _text("requires"),
        _integer("max_attempts"),
        _number("timeout_s", nullable=True),
        *map(_text, ("cron", "time_zone")),
        _number("jitter_s"),
        _text("misfire"),
        *map(_integer, ("overlap", "enabled")),
        *(_moment(name, nullable=True) for name in ("next_at", "last_at")),
        _text("last_job_id", nullable=True),
        _text("created_by"),
        *map(_moment, ("created_at", "updated_at")),
        _integer("schema_version"),
        sa.PrimaryKeyConstraint("schedule_id", name="pk_job_schedules"),
    )
    _index("job_schedules", "name", ["project", "name"], unique=True)
    _index("job_schedules", "due", ["enabled", "next_at"])


def _index(table: str, name: str, columns: list[Any], *, unique: bool = False, where: str = "") -> None:
    condition: dict[str, Any] = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)} if where else {}
    op.create_index(f"idx_{table}_{name}", table, columns, unique=unique, **condition)
