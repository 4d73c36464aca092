"""Reading jobs back: one, many by page, what they logged, and which of them a key stands for."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from mlops.database import Transaction
from mlops.errors import InvalidInput
from mlops.jobs.entities import Job, JobLogLine, JobProgress, JobStatus
from mlops.jobs.errors import JobNotFound
from mlops.jobs.tables import IS_UNFINISHED, job_dependencies, jobs
from mlops.jobs.tables import job_logs as logs_table
from mlops.records import decode_json
from mlops.search import InvalidCursor, Page

__all__ = ["find_job", "find_unfinished", "get_job", "job_logs", "job_of", "list_jobs"]

_MOST_LISTED = 10_000
_CURSOR = re.compile(r"[0-9a-f-]{36}")  # the id of a job
_FIELDS = (
    *("job_id", "project", "kind", "priority", "status", "run_at", "attempts", "max_attempts", "timeout_s", "worker"),
    *("token", "heartbeat_at", "error", "key", "created_by", "created_at", "started_at", "ended_at"),
)


def job_of(row: sa.Row[Any], depends_on: tuple[str, ...] = ()) -> Job:
    """Make a record of a row of `jobs`."""
    values = {name: getattr(row, name) for name in _FIELDS}
    return Job(
        **values,
        depends_on=depends_on,
        payload=decode_json(row.payload),
        requires=frozenset(decode_json(row.requires)),
        result=None if row.result is None else decode_json(row.result),
        cancel_requested=bool(row.cancel_requested),
        progress=JobProgress(done=row.progress_done, total=row.progress_total, message=row.progress_message),
    )


def get_job(tx: Transaction, job_id: str) -> Job:
    """Return a job.

    Raises:
        JobNotFound: There is none with this id; ended ones are pruned after a while.
    """
    found = find_job(tx, job_id)
    if found is None:
        raise JobNotFound(job_id, hint="Ended jobs are pruned after a while; `mlops jobs list` shows what is kept.")
    return found


def find_job(tx: Transaction, job_id: str) -> Job | None:
    """Return a job, or None when there is none with this id."""
    row = tx.execute(sa.select(jobs).where(jobs.c.job_id == job_id)).one_or_none()
    return None if row is None else job_of(row, _needs(tx, [job_id]).get(job_id, ()))


def find_unfinished(tx: Transaction, *, kind: str, key: str, project: str = "default") -> str | None:
    """Return the id of the unfinished job that a key stands for, or None."""
    same = (jobs.c.project == project, jobs.c.kind == kind, jobs.c.key == key)
    query = sa.select(jobs.c.job_id).where(*same, IS_UNFINISHED)
    found: str | None = tx.execute(query).scalar_one_or_none()
    return found


def list_jobs(
    tx: Transaction,
    *,
    limit: int = 100,
    status: JobStatus | str | None = None,
    kind: str | None = None,
    project: str | None = None,
    cursor: str | None = None,
) -> Page[Job]:
    """Return a page of jobs, the newest first.

    Args:
        tx: The transaction to read in.
        limit: Most jobs of the page, 1 to 10,000.
        status: Only jobs with this status.
        kind: Only jobs of this kind.
        project: Only jobs of this project.
        cursor: `next_cursor` of the page before.

    Raises:
        InvalidInput: A limit out of range, an unknown status, or a cursor that no page had.
    """
    if not 1 <= limit <= _MOST_LISTED:
        raise InvalidInput(f"limit is {limit}; a page has 1 to {_MOST_LISTED} jobs. Use next_cursor for more.")
    wanted = {"status": None if status is None else _status(status), "kind": kind, "project": project}
    conditions = [jobs.c[name] == value for name, value in wanted.items() if value is not None]
    if cursor is not None:
        conditions.append(jobs.c.job_id < _checked(cursor))
    rows = tx.execute(sa.select(jobs).where(*conditions).order_by(jobs.c.job_id.desc()).limit(limit + 1)).all()
    needs = _needs(tx, [row.job_id for row in rows[:limit]])
    found = [job_of(row, needs.get(row.job_id, ())) for row in rows[:limit]]
    return Page(found, found[-1].job_id if len(rows) > limit else None)


def job_logs(tx: Transaction, job_id: str, *, after: int = 0, limit: int = 1_000) -> list[JobLogLine]:
    """Return what a job logged, in order.

    Args:
        tx: The transaction to read in.
        job_id: Which job.
        after: Only lines with a higher `sequence`, to follow a running job.
        limit: Most lines, 1 to 10,000.

    Raises:
        JobNotFound: There is no such job.
        InvalidInput: The limit is out of range.
    """
    if not 1 <= limit <= _MOST_LISTED:
        raise InvalidInput(f"limit is {limit}; 1 to {_MOST_LISTED} lines are read at once. Use after for more.")
    query = sa.select(logs_table).where(logs_table.c.job_id == job_id, logs_table.c.sequence > after)
    rows = tx.execute(query.order_by(logs_table.c.sequence).limit(limit)).all()
    if not rows:
        get_job(tx, job_id)
    return [JobLogLine(**{name: getattr(row, name) for name in JobLogLine.model_fields}) for row in rows]


def _checked(cursor: str) -> str:
    if not _CURSOR.fullmatch(cursor):
        raise InvalidCursor(f"{cursor!r} is no cursor. Pass the next_cursor of a page unchanged, or none at all.")
    return cursor


def _status(status: JobStatus | str) -> str:
    try:
        return JobStatus(status).value
    except ValueError:
        allowed = ", ".join(JobStatus)
        raise InvalidInput(f"{status!r} is no status of a job. Allowed are {allowed}.") from None


def _needs(tx: Transaction, job_ids: list[str]) -> dict[str, tuple[str, ...]]:
    query = sa.select(job_dependencies).where(job_dependencies.c.job_id.in_(job_ids))
    found: dict[str, tuple[str, ...]] = {}
    for row in tx.execute(query.order_by(job_dependencies.c.needs_job_id)):
        found[row.job_id] = (*found.get(row.job_id, ()), row.needs_job_id)
    return found
