"""What a scheduler does about a schedule at a moment: decided from values, carried out by `scheduler`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from mlops.jobs.schedule_entities import JobSchedule, Misfire
from mlops.jobs.timetable import Timetable

__all__ = ["MOST_MISSED", "ON_TIME", "Decision", "decide", "next_of"]

ON_TIME = timedelta(minutes=1)
"""A time that is no longer ago was not missed."""

MOST_MISSED = 100
"""So many missed times are made up for at most, the newest ones."""


class Decision(NamedTuple):
    """What is to be done.

    Attributes:
        times: Times for which a job is to be made, the oldest first.
        last_at: The newest time that is dealt with.
        next_at: The next time after it; a past one when there is more to make up for.
    """

    times: tuple[datetime, ...]
    last_at: datetime
    next_at: datetime


def decide(schedule: JobSchedule, now: datetime, *, is_busy: bool) -> Decision | None:
    """Decide what a schedule makes due.

    Args:
        schedule: The schedule.
        now: The present moment.
        is_busy: Whether its last job is unfinished.

    Returns:
        None when there is nothing to do: it is paused, its time has not come, or it waits for its last job.

    Raises:
        InvalidInput: This machine cannot read its time zone or cron expression.
    """
    if not schedule.enabled or schedule.next_at is None or schedule.next_at > now:
        return None
    due, is_held = schedule.next_at, is_busy and not schedule.overlap
    table = Timetable(schedule.cron, schedule.time_zone)
    if schedule.misfire is Misfire.RUN_ALL:
        missed = table.newest(due, now, MOST_MISSED) or [due]
        return None if is_held else _make_up(missed if schedule.overlap else missed[:1], table)
    newest = (table.newest(due, now, 1) or [due])[-1]
    too_late = schedule.misfire is Misfire.SKIP and now - newest > ON_TIME
    return Decision(() if is_held or too_late else (newest,), newest, table.next(max(newest, now)))


def next_of(cron: str, time_zone: str, *, now: datetime, last_at: datetime | None) -> datetime:
    """Return when a schedule that is made or resumed is due next: never again at a time that was dealt with."""
    return Timetable(cron, time_zone).next(now if last_at is None else max(now, last_at))


def _make_up(times: list[datetime], table: Timetable) -> Decision:
    return Decision(tuple(times), times[-1], table.next(times[-1]))
