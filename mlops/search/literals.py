"""Whether a literal fits the field it is compared with, and what it is then: a date in a text becomes a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mlops.search.syntax import Attribute, Field, Kind, Literal, Member, Relative

__all__ = ["LONGEST_OFFSET", "duration", "fitted", "kinds_meet", "spell"]

LONGEST_OFFSET = timedelta(days=36_525)
"""The farthest from `now` that a search may look: a hundred years."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EXPECTED = {
    Kind.TEXT: "{field} is a text; compare it with one in single quotes, such as 'draft'",
    Kind.NUMBER: "{field} is a number; compare it with one, such as 0.9",
    Kind.DATE: "{field} is a date; compare it with one such as '2026-01-31', '2026-01-31T08:00+01:00' or now - 7d",
    Kind.MIXED: "{field} is compared with a number, a text in single quotes, true or false",
}


def spell(field: Field) -> str:
    """Return a field as it is written in a filter."""
    match field:
        case Attribute(name):
            return name
        case Member(collection, name, measure):
            plain = name.replace("_", "a").replace("/", "a").replace(".", "a").isalnum()
            path = f"{collection}.{name}" if plain else f"{collection}.`{name.replace('`', '``')}`"
            return f"{measure}({path})" if measure else path


def duration(text: str) -> timedelta | None:
    """Read a duration such as `7d` or `1.5h`; None when it is longer than a search may look."""
    amount, unit = float(text[:-1]), _UNITS[text[-1]]
    longest = LONGEST_OFFSET / timedelta(**{unit: 1})
    return timedelta(**{unit: amount}) if amount <= longest else None


def fitted(field: Field, kind: Kind, value: Literal) -> Literal:
    """Return the value as a field of this kind is compared with it.

    Raises:
        ValueError: It cannot be compared; the text says what can.
    """
    match kind, value:
        case (Kind.NUMBER | Kind.MIXED, float()) | (Kind.TEXT, str()) | (Kind.MIXED, str() | bool()):
            return value
        case Kind.DATE, str():
            return _moment(value)
        case Kind.DATE, datetime() | Relative():
            return value
    raise ValueError(_EXPECTED[kind].format(field=spell(field)))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not an ISO date; write '2026-01-31' or '2026-01-31T08:00:00+01:00'") from None


def kinds_meet(left: Kind, right: Kind) -> bool:
    """Tell whether fields of these kinds can be compared with each other."""
    if left is right:
        return True
    return Kind.MIXED in (left, right) and Kind.DATE not in (left, right)
