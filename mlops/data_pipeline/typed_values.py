"""Values as a schema writes them: bounds and allowed values, brought into the one form that their column's type has.

The form is JSON (numbers, text, booleans, ISO text for dates and moments), so that a schema can be stored, compared
and digested; `python_value` gives back what a table would hold. Moments without a time zone stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from mlops.values import check_text, short_repr

__all__ = ["ORDERED_TYPES", "TEXT_TYPES", "ColumnType", "normal_value", "python_value"]

_LARGEST = 2**63


class ColumnType(StrEnum):
    """What the cells of a column are."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    DATE = "date"
    CATEGORY = "category"


TEXT_TYPES = frozenset({ColumnType.STRING, ColumnType.CATEGORY})
"""Types whose cells are text."""

ORDERED_TYPES = frozenset({ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.DATE, ColumnType.DATETIME})
"""Types that may have a smallest and a largest value."""


def normal_value(kind: ColumnType, value: object) -> Any:
    """Return a value of a schema in the JSON form of its column's type.

    Example:
        >>> normal_value(ColumnType.FLOAT, 5), normal_value(ColumnType.DATE, date(2024, 1, 31))
        (5.0, '2024-01-31')

    Raises:
        ValueError: It is no value of this type.
    """
    return _NORMAL[kind](value)


def python_value(kind: ColumnType, value: Any) -> Any:
    """Return the Python object that a value in JSON form stands for: a `date` or `datetime` for these types.

    Example:
        >>> python_value(ColumnType.DATE, "2024-01-31")
        datetime.date(2024, 1, 31)
    """
    if kind is ColumnType.DATE:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if kind is ColumnType.DATETIME else value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{short_repr(value)} is not text; write it in quotes")
    return check_text(value)


def _integer(value: object) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError(f"{short_repr(value)} is not a whole number")
    whole = int(value) if isinstance(value, int) else int(number)
    if not -_LARGEST <= whole < _LARGEST:
        raise ValueError(f"{short_repr(value)} is beyond what 64 bits can hold")
    return whole


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{short_repr(value)} is not a number")
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError(f"{short_repr(value)} is beyond what a double can hold") from error
    if not math.isfinite(number):
        raise ValueError(f"{short_repr(value)} is not a finite number; leave it out where there is no limit")
    return number


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{short_repr(value)} is not true or false")
    return value


def _date(value: object) -> str:
    if isinstance(value, datetime):
        raise ValueError(f"{short_repr(value)} has a time of day; a date has none")
    return (value if isinstance(value, date) else _parsed(date.fromisoformat, value, "2024-01-31")).isoformat()


def _datetime(value: object) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    moment = value if isinstance(value, datetime) else _parsed(datetime.fromisoformat, value, "2024-01-31T08:00")
    return (moment if moment.tzinfo is None else moment.astimezone(UTC)).isoformat()


def _parsed(read: Callable[[str], Any], value: object, example: str) -> Any:
    if isinstance(value, str):
        try:
            return read(value)
        except ValueError as error:
            raise ValueError(f"{short_repr(value)} is no ISO date of this type; write it as {example}") from error
    raise ValueError(f"{short_repr(value)} is not a date; write it as {example}")


_NORMAL: Mapping[ColumnType, Callable[[object], Any]] = {
    ColumnType.STRING: _text,
    ColumnType.CATEGORY: _text,
    ColumnType.INTEGER: _integer,
    ColumnType.FLOAT: _number,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
}
