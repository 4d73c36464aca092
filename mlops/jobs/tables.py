"""The tables of jobs.

Two times of a job are kept apart. `run_at` is a moment of the calendar. `held_until` is a deadline on the lease clock
(see `lease_clock`), which does not jump: of a running job it is the end of its worker's lease, of a queued one the end
of the pause before its next attempt.
"""

from __future__ import annotations

import sqlalchemy as sa

from mlops.database import Text, UtcDateTime, metadata

__all__ = [
    "IS_QUEUED",
    "IS_RUNNING",
    "IS_UNFINISHED",
    "UNFINISHED",
    "job_dependencies",
    "job_logs",
    "job_schedules",
    "job_workers",
    "jobs",
]

UNFINISHED = ("waiting", "queued", "running")

IS_QUEUED = sa.text("status = 'queued'")  # in these words, here and in queries: else SQLite uses no partial index
IS_RUNNING = sa.text("status = 'running'")
IS_UNFINISHED = sa.text("status IN ('waiting', 'queued', 'running')")
_UNFINISHED_WITH_KEY = sa.text("status IN ('waiting', 'queued', 'running') AND key IS NOT NULL")

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("job_id", Text, primary_key=True),
    sa.Column("project", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("payload", Text, nullable=False),  # JSON
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("requires", Text, nullable=False),  # JSON, a sorted list
    sa.Column("status", Text, nullable=False),
    sa.Column("run_at", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("max_attempts", sa.Integer, nullable=False),
    sa.Column("timeout_s", sa.Double),
    sa.Column("held_until", sa.BigInteger),  # microseconds of the lease clock; NULL when nothing holds it
    sa.Column("held_boot", Text),  # the machine's boot that the deadline belongs to; empty on PostgreSQL
    sa.Column("worker", Text),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("heartbeat_at", UtcDateTime),
    sa.Column("cancel_requested", sa.Integer, nullable=False),  # 0 or 1
    sa.Column("progress_done", sa.Double, nullable=False),
    sa.Column("progress_total", sa.Double),
    sa.Column("progress_message", Text, nullable=False),
    sa.Column("result", Text),  # JSON
    sa.Column("error", Text),
    sa.Column("key", Text),
    sa.Column("created_by", Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("schema_version", sa.Integer, nullable=False),
)
sa.Index("idx_jobs_claim", jobs.c.priority.desc(), jobs.c.job_id, sqlite_where=IS_QUEUED, postgresql_where=IS_QUEUED)
sa.Index("idx_jobs_lease", jobs.c.held_until, sqlite_where=IS_RUNNING, postgresql_where=IS_RUNNING)
sa.Index(
    "idx_jobs_key",
    jobs.c.project,
    jobs.c.kind,
    jobs.c.key,
    unique=True,
    sqlite_where=_UNFINISHED_WITH_KEY,
    postgresql_where=_UNFINISHED_WITH_KEY,
)
# None on status alone: SQLite would prefer it to the first one, and sort all that is queued for every job.
sa.Index("idx_jobs_kind", jobs.c.kind, jobs.c.job_id)
sa.Index("idx_jobs_project", jobs.c.project, jobs.c.job_id)
sa.Index("idx_jobs_ended_at", jobs.c.ended_at)

job_dependencies = sa.Table(
    "job_dependencies",
    metadata,
    sa.Column("job_id", Text, primary_key=True),
    sa.Column("needs_job_id", Text, primary_key=True),
    sa.Index("idx_job_dependencies_needs", "needs_job_id", "job_id"),
)

job_logs = sa.Table(
    "job_logs",
    metadata,
    sa.Column("job_id", Text, primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("level", Text, nullable=False),
    sa.Column("message", Text, nullable=False),
)

job_workers = sa.Table(
    "job_workers",
    metadata,
    sa.Column("worker_id", Text, primary_key=True),
    sa.Column("host", Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("kinds", Text, nullable=False),  # JSON, a sorted list
    sa.Column("capabilities", Text, nullable=False),  # JSON, a sorted list
    sa.Column("slots", sa.Integer, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("held_until", sa.BigInteger, nullable=False),  # alive until then, by the lease clock
    sa.Column("held_boot", Text, nullable=False),
)

job_schedules = sa.Table(
    "job_schedules",
    metadata,
    sa.Column("schedule_id", Text, primary_key=True),
    sa.Column("project", Text, nullable=False),
    sa.Column("name", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("payload", Text, nullable=False),  # JSON
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("requires", Text, nullable=False),  # JSON, a sorted list
    sa.Column("max_attempts", sa.Integer, nullable=False),
    sa.Column("timeout_s", sa.Double),
    sa.Column("cron", Text, nullable=False),
    sa.Column("time_zone", Text, nullable=False),
    sa.Column("jitter_s", sa.Double, nullable=False),
    sa.Column("misfire", Text, nullable=False),  # what becomes of times that passed while nobody looked
    sa.Column("overlap", sa.Integer, nullable=False),  # 0: no second job while the last one is unfinished
    sa.Column("enabled", sa.Integer, nullable=False),
    sa.Column("next_at", UtcDateTime),
    sa.Column("last_at", UtcDateTime),
    sa.Column("last_job_id", Text),
    sa.Column("created_by", Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Index("idx_job_schedules_name", "project", "name", unique=True),
    sa.Index("idx_job_schedules_due", "enabled", "next_at"),
)
