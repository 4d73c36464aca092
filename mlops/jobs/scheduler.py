"""Makes the jobs of schedules when they are due: any number of schedulers, each due time once.

A schedule's row is locked and its next time compared before jobs are made and it is moved on, all in one transaction.
The clock of the calendar is believed as it is: set back, it repeats no time, since a schedule's next time stays ahead;
set forward, the times between are missed ones.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa

from mlops import clock
from mlops.clock import NewId, Now
from mlops.database import Database, Transaction
from mlops.errors import Conflict, InvalidInput, Unavailable
from mlops.jobs.misfires import Decision, decide
from mlops.jobs.queueing import enqueue
from mlops.jobs.schedule_entities import SCHEDULED_FOR, JobSchedule
from mlops.jobs.schedules import schedule_of
from mlops.jobs.signals import ENDED, SCHEDULES_CHANGED
from mlops.jobs.tables import UNFINISHED, job_schedules, jobs

__all__ = ["Scheduler", "make_due"]

_LOOK_EVERY_S = 5.0  # for schedules of other processes, and for a clock that was set
_HELD_S = 0.5  # between looks at jobs elsewhere that schedules wait for
_SHORTEST_S = 0.001
_AT_ONCE = 1_000
_IS_BUSY = sa.exists().where(jobs.c.job_id == job_schedules.c.last_job_id, jobs.c.status.in_(UNFINISHED))


class Scheduler:
    """A thread that makes the jobs of due schedules.

    Args:
        database: Where schedules and jobs are; it stays open as long as this runs.
        now: The clock of the calendar.
        new_id: The source of ids.
        chance: The randomness of `jitter_s`.
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Now = clock.now,
        new_id: NewId = clock.new_id,
        chance: Random | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._new_id = new_id
        self._chance = chance or Random()  # noqa: S311 (spreads load, guards nothing)
        self._woken = threading.Event()
        self._stopping = False
        self._reported: set[str] = set()
        self._deaf = [database.bell.listen(topic, self._wake) for topic in (SCHEDULES_CHANGED, ENDED)]
        self._thread = threading.Thread(target=self._run, name="mlops-jobs-scheduler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; harmless when it has ended."""
        self._stopping = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()
        for stop_listening in self._deaf:
            stop_listening()

    def has_due(self) -> bool:
        """Say whether some schedule's job is to be made now."""
        with self._database.read() as tx:
            found = _due(tx, self._now(), lock=False)
        return any(self._decide(*one) for one in found)

    def _wake(self, _message: object) -> None:
        self._woken.set()

    def _run(self) -> None:
        while not self._stopping:
            self._woken.wait(self._step())
            self._woken.clear()

    def _step(self) -> float:
        """Make what is due; return for how many seconds there is nothing else to do."""
        try:
            with self._database.read() as tx:
                found = _due(tx, self._now(), lock=False)
                next_at = _next_at(tx, self._now())
            if any(self._decide(*one) for one in found):
                with self._database.write() as tx:
                    self._make(tx)
                return 0.0
            return self._sleep_s(next_at, is_held=bool(found))
        except (Unavailable, Conflict) as error:
            self._log().warning("schedules could not be looked at", error=str(error))
        except Exception:  # noqa: BLE001 (one bad schedule must not end the others)
            self._log().exception("a scheduler stumbled")
        return _LOOK_EVERY_S

    def _make(self, tx: Transaction) -> None:
        for schedule, is_busy in _due(tx, self._now(), lock=True):
            if (decision := self._decide(schedule, is_busy)) is not None:
                make_due(tx, schedule, decision, now=self._now, new_id=self._new_id, chance=self._chance)

    def _decide(self, schedule: JobSchedule, is_busy: bool) -> Decision | None:
        try:
            return decide(schedule, self._now(), is_busy=is_busy)
        except InvalidInput as error:
            if schedule.schedule_id not in self._reported:
                self._reported.add(schedule.schedule_id)
                self._log().warning("a schedule cannot be followed here", schedule=schedule.name, error=str(error))
            return None

    def _sleep_s(self, next_at: datetime | None, *, is_held: bool) -> float:
        longest = _HELD_S if is_held else _LOOK_EVERY_S
        left = longest if next_at is None else (next_at - self._now()) / timedelta(seconds=1)
        return min(longest, max(_SHORTEST_S, left))

    def _log(self) -> Any:
        import structlog  # 90 ms that only trouble costs

        return structlog.get_logger("mlops.jobs")


def make_due(
    tx: Transaction,
    schedule: JobSchedule,
    decision: Decision,
    *,
    now: Now = clock.now,
    new_id: NewId = clock.new_id,
    chance: Random,
) -> list[str]:
    """Carry out a decision, unless another scheduler has moved the schedule on meanwhile.

    Args:
        tx: A write transaction.
        schedule: The schedule as it was when the decision was made.
        decision: What is to be done about it.
        now: The clock.
        new_id: The source of ids.
        chance: The randomness of `jitter_s`.

    Returns:
        The ids of the jobs that it made.
    """
    same = (job_schedules.c.schedule_id == schedule.schedule_id, job_schedules.c.next_at == schedule.next_at)
    moved = sa.update(job_schedules).where(*same, job_schedules.c.enabled == 1)
    if not tx.execute(moved.values(last_at=decision.last_at, next_at=decision.next_at)).rowcount:
        return []
    made = [_enqueue(tx, schedule, time, now=now, new_id=new_id, chance=chance) for time in decision.times]
    if made:
        mine = job_schedules.c.schedule_id == schedule.schedule_id
        tx.execute(sa.update(job_schedules).where(mine).values(last_job_id=made[-1]))
    return made


def _enqueue(tx: Transaction, schedule: JobSchedule, time: datetime, *, now: Now, new_id: NewId, chance: Random) -> str:
    late = timedelta(seconds=chance.uniform(0, schedule.jitter_s))
    return enqueue(
        tx,
        kind=schedule.kind,
        payload={**schedule.payload, SCHEDULED_FOR: time.isoformat()},
        priority=schedule.priority,
        requires=schedule.requires,
        run_at=max(time, now()) + late if late else None,
        max_attempts=schedule.max_attempts,
        timeout_s=schedule.timeout_s,
        project=schedule.project,
        actor=schedule.created_by,
        now=now,
        new_id=new_id,
    )


def _due(tx: Transaction, at: datetime, *, lock: bool) -> list[tuple[JobSchedule, bool]]:
    """Return what is due, with whether its last job is unfinished; another scheduler's rows are passed over."""
    query = sa.select(job_schedules, _IS_BUSY.label("is_busy"))
    query = query.where(job_schedules.c.enabled == 1, job_schedules.c.next_at <= at)
    query = query.order_by(job_schedules.c.next_at).limit(_AT_ONCE)
    if lock:
        query = query.with_for_update(skip_locked=True, of=job_schedules)
    return [(schedule_of(row), bool(row.is_busy)) for row in tx.execute(query)]


def _next_at(tx: Transaction, at: datetime) -> datetime | None:
    query = sa.select(sa.func.min(job_schedules.c.next_at))
    query = query.where(job_schedules.c.enabled == 1, job_schedules.c.next_at > at)
    found: datetime | None = tx.execute(query).scalar()
    return found
