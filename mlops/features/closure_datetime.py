"""Parts of one date or datetime, from a `DatetimeColumn`: read in UTC, sines and cosines looked up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from mlops.features.plan import DatetimePart
from mlops.features.row_values import as_instant
from mlops.features.state import PERIODS, DatetimeColumn, angle

__all__ = ["datetime_values"]

_Part = Callable[[datetime], float]


def datetime_values(column: DatetimeColumn, places: Sequence[int]) -> Callable[[Any], Sequence[float]]:
    """Return the function from a date to the parts at these places."""
    outputs = [output for part in column.parts for output in _outputs(column, part)]
    chosen = tuple(outputs[place] for place in places)
    missing = _missing(column, chosen)
    name = column.name

    def values(value: Any) -> Sequence[float]:
        instant = as_instant(value, name)
        return missing if instant is None else [part(instant) for part in chosen]

    return values


def _missing(column: DatetimeColumn, chosen: Sequence[_Part]) -> tuple[float, ...]:
    if column.fill is None:
        return (math.nan,) * len(chosen)
    instant = datetime(1970, 1, 1) + timedelta(microseconds=column.fill)  # noqa: DTZ001  # UTC, as all instants here
    return tuple(part(instant) for part in chosen)


def _outputs(column: DatetimeColumn, part: DatetimePart) -> list[_Part]:
    read = _READERS[part]
    if not column.is_cyclic(part):
        return [lambda instant: float(read(instant))]
    return [_looked_up(read, part, math.sin), _looked_up(read, part, math.cos)]


def _looked_up(read: Callable[[datetime], int], part: DatetimePart, function: Callable[[float], float]) -> _Part:
    first, length = PERIODS[part]
    table = {value: function(angle(part, value)) for value in range(first, first + length)}
    return lambda instant: table[read(instant)]


_READERS: dict[DatetimePart, Callable[[datetime], int]] = {
    "year": lambda instant: instant.year,
    "month": lambda instant: instant.month,
    "day": lambda instant: instant.day,
    "weekday": lambda instant: instant.weekday(),
    "hour": lambda instant: instant.hour,
    "minute": lambda instant: instant.minute,
    "is_weekend": lambda instant: instant.weekday() >= 5,  # Saturday, Sunday
    "day_of_year": lambda instant: instant.timetuple().tm_yday,
}
