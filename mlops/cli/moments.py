"""Moments and durations as people type them: `2026-05-03`, `2026-05-03T14:30+02:00`, `7d ago`, `12h`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from mlops import clock
from mlops.clock import Now
from mlops.errors import InvalidInput

__all__ = ["read_duration", "read_moment"]

_DURATION = re.compile(r"(\d{1,6}(?:\.\d+)?)\s*(s|m|min|h|d|w)?")
_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_moment(text: str, option: str, *, now: Now = clock.now) -> datetime:
    """Read a moment in ISO 8601, or how long ago it was.

    Without a zone it is in UTC, and a date alone is its first moment.

    Args:
        text: Such as `2026-05-03`, `2026-05-03T14:30`, `7d`, `7d ago`.
        option: Where it was typed, for the error.
        now: The clock.

    Raises:
        InvalidInput: It cannot be read.

    Example:
        >>> read_moment("2026-05-03T14:30+02:00", "--at").isoformat()
        '2026-05-03T12:30:00+00:00'
        >>> read_moment("36h ago", "--at", now=lambda: datetime(2026, 5, 3, tzinfo=UTC)).isoformat()
        '2026-05-01T12:00:00+00:00'
    """
    words = text.strip()
    try:
        if words.removesuffix("ago").rstrip().endswith(tuple(_UNITS)):
            return now() - read_duration(words.removesuffix("ago"))
        moment = datetime.fromisoformat(words)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"{option} is {text!r}, which is no moment. Write 2026-05-03 or 2026-05-03T14:30, in UTC, or how long ago "
            "it was: 7d."
        ) from error


def read_duration(text: str) -> timedelta:
    """Read a duration such as `30d`, `12h`, `1.5h`, `10min`; a bare number means days.

    Raises:
        InvalidInput: It cannot be read.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"{text!r} is not a duration. Write a number and s, min, h, d or w, such as 30d.")
    return timedelta(**{_UNITS[found[2] or "d"]: float(found[1])})
