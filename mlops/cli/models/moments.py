"""Moments as one types them: a date, a date and a time, with or without a zone."""

from __future__ import annotations

from datetime import UTC, datetime

from mlops.errors import InvalidInput

__all__ = ["read_moment"]


def read_moment(text: str) -> datetime:
    """Read a moment in ISO 8601; without a zone it is in UTC, and a date alone is its first moment.

    Raises:
        InvalidInput: It cannot be read.

    Example:
        >>> read_moment("2026-05-03").isoformat(), read_moment("2026-05-03T14:30+02:00").isoformat()
        ('2026-05-03T00:00:00+00:00', '2026-05-03T12:30:00+00:00')
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{text!r} is not a moment. Write it as 2026-05-03 or 2026-05-03T14:30, in UTC.") from error
