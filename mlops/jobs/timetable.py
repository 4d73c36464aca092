"""When a cron expression is due in a time zone; pure.

A day on which the clocks change has wall times that do not exist, or exist twice. What names its hours, such as
`30 2 * * *`, happens once on every such day: a time that does not exist is due when the gap ends, one that comes twice
is due the first time. What begins its hours with `*`, such as `*/15 * * * *`, follows elapsed time: it passes over the
gap and is due in both of the repeated hours.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from mlops.errors import InvalidInput

__all__ = ["Timetable"]

_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = "minute, hour, day of the month, month, day of the week"
_CHANCE = re.compile(r"\b[HR]\b", re.IGNORECASE)  # croniter would draw these anew with every reading
_DAY = timedelta(days=1)
_WIDEST_CHANGE = timedelta(hours=25)  # zones have moved across the date line
_FIRST_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True)
class Timetable:
    """A cron expression in a time zone.

    Attributes:
        cron: Five fields: minute, hour, day of the month, month, day of the week; or `@hourly`, `@daily`, `@weekly`,
            `@monthly`, `@yearly`.
        time_zone: A name of the IANA database, such as `Europe/Berlin`.

    Raises:
        InvalidInput: The expression cannot be read or never comes true, or there is no such time zone.

    Example:
        >>> night = Timetable("30 2 * * *", "Europe/Berlin")
        >>> night.next(datetime(2026, 3, 28, 12, tzinfo=UTC)).isoformat()
        '2026-03-29T01:00:00+00:00'
    """

    cron: str
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        _check_cron(self.cron)
        _zone(self.time_zone)
        self.next(datetime(2026, 1, 1, tzinfo=UTC))

    def next(self, after: datetime) -> datetime:
        """Return the first time later than a moment, in UTC.

        Raises:
            InvalidInput: There is none.
        """
        search = self._next_elapsed if _fields(self.cron)[1].startswith("*") else self._next_named
        return search(after.astimezone(UTC))

    def newest(self, first: datetime, last: datetime, most: int) -> list[datetime]:
        """Return the newest times from a moment to another one, both included, at most so many, the oldest first.

        It looks back in windows that double, so that a year of missed minutes costs no more than `most` of them.
        """
        first, last, window = first.astimezone(UTC), last.astimezone(UTC), _FIRST_WINDOW
        while True:
            begin = max(first - timedelta(microseconds=1), last - window)
            found = deque(takewhile(lambda time: time <= last, self._times(begin)), maxlen=most)
            if len(found) == most or begin < first:
                return list(found)
            window *= 2

    def _times(self, after: datetime) -> Iterator[datetime]:
        while True:
            yield (after := self.next(after))

    def _next_named(self, after: datetime) -> datetime:
        """Go along the wall times: their moments never go back when a repeated one means the first."""
        for wall in self._walls(self._wall(after) - _WIDEST_CHANGE):
            moment = self._moment(wall)
            if moment > after:
                return moment
        raise _never(self.cron)

    def _next_elapsed(self, after: datetime) -> datetime:
        """Search the next day at each of the offsets in force in it, then the wall times beyond."""
        soon = [self._next_at(offset, after) for offset in {self._offset(after), self._offset(after + _DAY)}]
        if found := [moment for moment in soon if moment is not None]:
            return min(found)
        horizon = after + _DAY
        for wall in self._walls(self._wall(horizon) - timedelta(minutes=1)):
            for fold in (0, 1):
                moment = wall.replace(tzinfo=_zone(self.time_zone), fold=fold).astimezone(UTC)
                if moment > horizon and self._wall(moment) == wall:
                    return moment
        raise _never(self.cron)

    def _next_at(self, offset: timedelta, after: datetime) -> datetime | None:
        """Return the first time within a day at which this offset is in force."""
        for wall in self._walls((after + offset).replace(tzinfo=None)):
            moment = wall.replace(tzinfo=UTC) - offset
            if moment > after + _DAY:
                return None
            if self._offset(moment) == offset:
                return moment
        raise _never(self.cron)

    def _walls(self, after: datetime) -> Iterator[datetime]:
        """Yield the wall times after one, as though clocks never changed."""
        from croniter import CroniterBadDateError

        times = _croniter(self.cron, after)
        while True:
            try:
                yield times.get_next(datetime)
            except CroniterBadDateError:
                return

    def _moment(self, wall: datetime) -> datetime:
        """Return the moment of a wall time: the first of two, and the end of the gap for one that does not exist."""
        zone = _zone(self.time_zone)
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        if self._wall(moment) == wall:
            return moment
        return _gap_end(zone, moment)

    def _wall(self, moment: datetime) -> datetime:
        return moment.astimezone(_zone(self.time_zone)).replace(tzinfo=None)

    def _offset(self, moment: datetime) -> timedelta:
        offset = moment.astimezone(_zone(self.time_zone)).utcoffset()
        assert offset is not None
        return offset


def _gap_end(zone: ZoneInfo, inside: datetime) -> datetime:
    """Return when the gap ends into which a wall time falls, whose moment by the offset before the gap is given.

    By that offset the moment lies after the change, by less than the gap's length.
    """
    low, high = inside - _WIDEST_CHANGE, inside
    after = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == after else (middle, high)
    return high.replace(microsecond=0)


def _fields(cron: str) -> list[str]:
    return _NAMED.get(cron.strip().lower(), cron).split()


def _check_cron(cron: str) -> None:
    from croniter import CroniterError

    if len(_fields(cron)) != len(_FIELDS.split(", ")) or _CHANCE.search(cron):
        raise InvalidInput(
            f"{cron!r} is no time to run at. Write five fields ({_FIELDS}), such as '30 2 * * 1-5' for half past two "
            f"on working days, or one of {', '.join(_NAMED)}."
        )
    try:
        _croniter(cron, datetime(2026, 1, 1))  # noqa: DTZ001 (a wall time)
    except CroniterError as error:
        raise InvalidInput(f"{cron!r} is no time to run at: {error}. The fields are {_FIELDS}.") from error


def _croniter(cron: str, after: datetime) -> Any:
    from croniter import croniter

    return croniter(" ".join(_fields(cron)), after)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    from zoneinfo import available_timezones

    from mlops.errors import did_you_mean

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        hint = did_you_mean(name, available_timezones()) or "Use a name such as Europe/Berlin, America/New_York or UTC."
        raise InvalidInput(f"{name!r} is no time zone that this machine knows. {hint}") from error


def _never(cron: str) -> InvalidInput:
    return InvalidInput(f"{cron!r} never comes true. Look whether there is such a day in such a month.")
