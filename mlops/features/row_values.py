"""Raw values of a single row as the closure takes them in: numbers, category names, text and instants, or an error.

The rules are those of the batch, value by value: what a Polars column of a type becomes there, the Python value of that
type becomes here. Text that looks like a number is refused, not guessed at: reading files is the pipeline's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar

from mlops.features.errors import UnsuitableColumn

__all__ = ["as_category", "as_instant", "as_number", "as_text", "is_missing"]

_MOST_SHOWN = 80
_WHOLE = 2.0**53  # beyond this, doubles skip whole numbers
_Taken = TypeVar("_Taken")


def is_missing(value: Any) -> bool:
    """Say whether a value of any kind but a number is missing: None, or the NaN and NaT that pandas writes for it."""
    return value is None or value != value  # noqa: PLR0124  # they alone differ from themselves


def as_number(value: Any, column: str) -> float:
    """Return a number or boolean as a float; NaN for None.

    Raises:
        UnsuitableColumn: It is something else, or a whole number beyond what a double can hold.
    """
    if value is None:
        return math.nan
    if isinstance(value, int | float | Decimal):
        return _float(value, column)
    return _unwrapped(as_number, value, column, "a number, a boolean or None")


def _float(value: float | Decimal, column: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise _refused(value, column, "a number of at most 1.8e308 in size") from None


def as_category(value: Any, column: str) -> str | None:
    """Return the name of a category: text as it is, whole numbers in decimal, `true` and `false`; None for missing.

    Raises:
        UnsuitableColumn: It is something else.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float_category(value)
    return _unwrapped(as_category, value, column, "text, a number, a boolean or None")


def _float_category(value: float) -> str | None:
    if math.isnan(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)


def as_text(value: Any, column: str) -> str:
    """Return text as it is and "" for None.

    Raises:
        UnsuitableColumn: It is something else.
    """
    if isinstance(value, str):
        return value
    if is_missing(value):
        return ""
    raise _refused(value, column, "text or None")


def as_instant(value: Any, column: str) -> datetime | None:
    """Return a datetime whose parts are to be read: one with a zone in UTC, one without as it is, a date's midnight.

    Text is taken if it is ISO 8601 (`2026-03-01`, `2026-03-01T08:30:00+01:00`, `…Z`), as JSON has no datetimes.

    Raises:
        UnsuitableColumn: It is something else, or UTC has no such instant in the years 1 to 9999.
    """
    if is_missing(value):
        return None
    if isinstance(value, str):
        value = _parsed(value, column)
    if isinstance(value, datetime):
        return _in_utc(value, column) if value.tzinfo is not None else value
    if isinstance(value, date):
        return datetime.combine(value, time())
    raise _refused(value, column, _INSTANTS)


_INSTANTS = "a datetime, a date, either as ISO 8601 text, or None"


def _parsed(text: str, column: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise _refused(text, column, _INSTANTS) from None


def _in_utc(value: datetime, column: str) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise _refused(value, column, "an instant within the years 1 to 9999 of UTC") from None


def _unwrapped(take: Callable[[Any, str], _Taken], value: Any, column: str, allowed: str) -> _Taken:
    """Try a scalar of numpy again as the Python value that it holds."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        item = value.item()
        if type(item) is not type(value):
            return take(item, column)
    raise _refused(value, column, allowed)


def _refused(value: Any, column: str, allowed: str) -> UnsuitableColumn:
    shown = repr(value)
    shown = shown if len(shown) <= _MOST_SHOWN else shown[: _MOST_SHOWN - 1] + "…"
    return UnsuitableColumn(
        column, f"cannot be {shown} ({type(value).__name__}): it takes {allowed}. Convert the value first."
    )
