"""What people do to schedules: make, replace, read, pause, resume and remove them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mlops import audit, clock
from mlops.clock import NewId, Now
from mlops.database import Transaction
from mlops.errors import InvalidInput
from mlops.jobs.documents import encode_document
from mlops.jobs.entities import several
from mlops.jobs.errors import JobScheduleNotFound
from mlops.jobs.misfires import next_of
from mlops.jobs.schedule_entities import SCHEDULED_FOR, JobSchedule, Misfire, NewSchedule
from mlops.jobs.signals import tell_schedules_changed
from mlops.jobs.tables import job_schedules
from mlops.records import decode_json, encode_json

__all__ = [
    "get_schedule",
    "list_schedules",
    "pause_schedule",
    "remove_schedule",
    "resume_schedule",
    "schedule",
    "schedule_of",
]

_AS_THEY_ARE = (
    *("schedule_id", "project", "name", "kind", "priority", "max_attempts", "timeout_s", "cron", "time_zone"),
    *("jitter_s", "misfire", "next_at", "last_at", "last_job_id", "created_by", "created_at", "updated_at"),
)
_WANTED = tuple(NewSchedule.model_fields)
_LONGEST_TIME = datetime.max.replace(tzinfo=UTC).isoformat()


def schedule(
    tx: Transaction,
    *,
    name: str,
    kind: str,
    cron: str,
    time_zone: str = "UTC",
    payload: Mapping[str, Any] | None = None,
    jitter_s: float = 0.0,
    misfire: Misfire | str = Misfire.RUN_ONCE,
    overlap: bool = False,
    priority: int = 0,
    requires: Iterable[str] = (),
    max_attempts: int = 3,
    timeout_s: float | None = None,
    project: str = "default",
    actor: str | None = None,
    now: Now = clock.now,
    new_id: NewId = clock.new_id,
) -> JobSchedule:
    """Have a job of a kind made again and again; a schedule of the same name is replaced, and stays paused if it is.

    Saying again what is so already changes nothing: programs may do so at every start. Runners that were opened with
    `schedules=True`, those of `mlops worker` and of an open platform among them, make the jobs.

    Args:
        tx: A write transaction, in which this is the last step: a change is audited.
        name: The schedule's name.
        kind: Names the handler.
        cron: Five fields: minute, hour, day of the month, month, day of the week; or a word such as `@daily`.
        time_zone: Whose clock the fields mean; see `mlops.jobs.timetable` for days on which it changes.
        payload: What the handler needs to know. Each job's has also `scheduled_for`: the time it is for, ISO, UTC.
        jitter_s: Each job begins up to so many seconds late, by chance, so that not all begin at once.
        misfire: What becomes of times that nobody was there for: `run_once`, `skip` or `run_all`.
        overlap: Whether a job may begin while the last one is unfinished; if not, its time is passed over, or waits.
        priority, requires, max_attempts, timeout_s: Of each of its jobs, as `enqueue` takes them.
        project: Whose work it is.
        actor: On whose behalf its jobs work; the `current_actor` when left out.
        now: The clock.
        new_id: The source of ids.

    Raises:
        InvalidInput: Something cannot be; the message says what.
    """
    new = NewSchedule(
        name=name,
        kind=kind,
        payload=payload or {},
        project=project,
        cron=cron,
        time_zone=time_zone,
        jitter_s=jitter_s,
        misfire=_misfire(misfire),
        overlap=overlap,
        priority=priority,
        requires=several(requires, "requires"),
        max_attempts=max_attempts,
        timeout_s=timeout_s,
    )
    return _put(tx, new, audit.current_actor() if actor is None else actor, now, new_id)


def get_schedule(tx: Transaction, name: str, *, project: str = "default") -> JobSchedule:
    """Return a schedule.

    Raises:
        JobScheduleNotFound: The project has none of this name.
    """
    row = tx.execute(_named(name, project)).one_or_none()
    if row is None:
        names = sa.select(job_schedules.c.name).where(job_schedules.c.project == project)
        raise JobScheduleNotFound(name, known=tx.execute(names).scalars())
    return schedule_of(row)


def list_schedules(tx: Transaction, *, project: str | None = None) -> list[JobSchedule]:
    """Return the schedules of a project, or with None of all, by project and name."""
    query = sa.select(job_schedules).order_by(job_schedules.c.project, job_schedules.c.name)
    if project is not None:
        query = query.where(job_schedules.c.project == project)
    return [schedule_of(row) for row in tx.execute(query)]


def pause_schedule(tx: Transaction, name: str, *, project: str = "default", now: Now = clock.now) -> JobSchedule:
    """Have a schedule make no more jobs; those that it made go on. Pausing a paused one changes nothing.

    Args:
        tx: A write transaction, in which this is the last step: it is audited.
        name: Which schedule.
        project: Of which project.
        now: The clock.

    Raises:
        JobScheduleNotFound: The project has none of this name.
    """
    before = _locked(tx, name, project)
    if not before.enabled:
        return before
    _change(tx, before, enabled=0, next_at=None, updated_at=now())
    return _note(tx, before, "pause", now)


def resume_schedule(tx: Transaction, name: str, *, project: str = "default", now: Now = clock.now) -> JobSchedule:
    """Have a paused schedule go on with its next time; those that passed meanwhile are not made up for.

    Args:
        tx: A write transaction, in which this is the last step: it is audited.
        name: Which schedule.
        project: Of which project.
        now: The clock.

    Raises:
        JobScheduleNotFound: The project has none of this name.
    """
    before = _locked(tx, name, project)
    if before.enabled:
        return before
    next_at = next_of(before.cron, before.time_zone, now=now(), last_at=before.last_at)
    _change(tx, before, enabled=1, next_at=next_at, updated_at=now())
    return _note(tx, before, "resume", now)


def remove_schedule(tx: Transaction, name: str, *, project: str = "default", now: Now = clock.now) -> None:
    """Forget a schedule; jobs that it made go on.

    Args:
        tx: A write transaction, in which this is the last step: it is audited.
        name: Which schedule.
        project: Of which project.
        now: The clock.

    Raises:
        JobScheduleNotFound: The project has none of this name.
    """
    before = _locked(tx, name, project)
    tx.execute(sa.delete(job_schedules).where(job_schedules.c.schedule_id == before.schedule_id))
    _audit(tx, before, "remove", now)


def schedule_of(row: sa.Row[Any]) -> JobSchedule:
    """Make a record of a row of `job_schedules`."""
    return JobSchedule(
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
        payload=decode_json(row.payload),
        requires=frozenset(decode_json(row.requires)),
        overlap=bool(row.overlap),
        enabled=bool(row.enabled),
    )


def _put(tx: Transaction, new: NewSchedule, actor: str, now: Now, new_id: NewId) -> JobSchedule:
    if SCHEDULED_FOR in new.payload:
        raise InvalidInput(
            f"The payload of schedule {new.name!r} has {SCHEDULED_FOR!r}, which each job gets. Rename it."
        )
    encode_document({**new.payload, SCHEDULED_FOR: _LONGEST_TIME}, "payload", new.kind)  # as each job will have it
    next_at = next_of(new.cron, new.time_zone, now=now(), last_at=None)
    own = {"schedule_id": new_id(), "created_by": actor, "created_at": now(), "updated_at": now()}
    dialect: Any = postgresql if tx.dialect == "postgresql" else sqlite
    insert = dialect.insert(job_schedules).on_conflict_do_nothing().returning(job_schedules.c.schedule_id)
    row = {**_row(new), **own, "enabled": 1, "next_at": next_at}
    is_new = tx.execute(insert, row).one_or_none() is not None
    before = _locked(tx, new.name, new.project)
    if is_new:
        return _note(tx, before, "create", now)
    if _wanted(before) == _wanted(new):
        return before
    _replace(tx, before, new, actor, now())
    return _note(tx, before, "replace", now)


def _misfire(misfire: Misfire | str) -> Misfire:
    try:
        return Misfire(misfire)
    except ValueError:
        raise InvalidInput(f"misfire is {misfire!r}; allowed are {', '.join(Misfire)}.") from None


def _row(new: NewSchedule) -> dict[str, Any]:
    return {
        **_wanted(new),
        "payload": encode_json(new.payload, where="payload"),
        "requires": encode_json(sorted(new.requires)),
        "misfire": new.misfire.value,
        "overlap": int(new.overlap),
        "schema_version": JobSchedule.schema_version,
    }


def _wanted(one: NewSchedule) -> dict[str, Any]:
    """Return what somebody asked for, without what became of it."""
    return {name: getattr(one, name) for name in _WANTED}


def _replace(tx: Transaction, before: JobSchedule, new: NewSchedule, actor: str, at: datetime) -> None:
    """Write a schedule anew; what is due stays due unless the times themselves have changed."""
    next_at = before.next_at
    if before.enabled and (before.cron, before.time_zone) != (new.cron, new.time_zone):
        next_at = next_of(new.cron, new.time_zone, now=at, last_at=before.last_at)
    _change(tx, before, **_row(new), created_by=actor, next_at=next_at, updated_at=at)


def _named(name: str, project: str) -> sa.Select[Any]:
    return sa.select(job_schedules).where(job_schedules.c.project == project, job_schedules.c.name == name)


def _locked(tx: Transaction, name: str, project: str) -> JobSchedule:
    tx.execute(_named(name, project).with_for_update()).one_or_none()
    return get_schedule(tx, name, project=project)


def _change(tx: Transaction, one: JobSchedule, **values: Any) -> None:
    tx.execute(sa.update(job_schedules).where(job_schedules.c.schedule_id == one.schedule_id).values(**values))


def _note(tx: Transaction, before: JobSchedule, action: str, now: Now) -> JobSchedule:
    """Wake the schedulers, write the audit, and return the schedule as it is now."""
    tell_schedules_changed(tx)
    changed = get_schedule(tx, before.name, project=before.project)
    _audit(tx, changed, action, now)
    return changed


def _audit(tx: Transaction, one: JobSchedule, action: str, now: Now) -> None:
    details = {"kind": one.kind, "cron": one.cron, "time_zone": one.time_zone}
    audit.append(
        tx,
        action=action,
        subject_kind="job_schedule",
        subject_id=one.name,
        project=one.project,
        details=details,
        now=now,
    )
