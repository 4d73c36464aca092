"""How facts look in tables: short for people, exact for programs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from mlops.cli.output import Cell

__all__ = ["age_cell", "ago", "format_age", "metric_cell", "size_cell", "status_cell", "status_style", "value_cell"]

_UNITS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("min", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)
_OLD = timedelta(days=100)
_STATUS_STYLES = {
    **dict.fromkeys(("planning", "pending", "waiting", "queued", "cancelled", "archived"), "dim"),
    **dict.fromkeys(("running", "training", "validating"), "blue"),
    **dict.fromkeys(("paused", "interrupted", "staging"), "yellow"),
    **dict.fromkeys(("completed", "succeeded"), "green"),
    "production": "bold green",
    "failed": "red",
}


def age_cell(moment: datetime, now: datetime) -> Cell:
    """Return a moment, for people as its distance from now."""
    return Cell(moment, format_age(moment, now), "dim")


def format_age(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was, in its largest unit; a date when that is long.

    Example:
        >>> from datetime import UTC
        >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
        >>> [format_age(noon - timedelta(**ago), noon) for ago in ({"seconds": 5}, {"hours": 50}, {"days": 400})]
        ['5 s', '2 d', '2024-11-28']
    """
    age = max(now - moment, timedelta())
    if age >= _OLD:
        return f"{moment:%Y-%m-%d}"
    for unit, length in _UNITS:
        if age >= length:
            return f"{age // length} {unit}"
    return "now"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was, as words that end a sentence.

    Example:
        >>> from datetime import UTC
        >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
        >>> ago(noon - timedelta(hours=2), noon), ago(noon, noon)
        ('2 h ago', 'now')
    """
    age = format_age(moment, now)
    return age if age == "now" or "-" in age else f"{age} ago"


def metric_cell(value: float | None, style: str = "") -> Cell:
    """Return a measured number, for people with four digits; nothing where it was not measured."""
    from mlops.formatting import format_metric

    return Cell(value, "" if value is None else format_metric(value), style)


def value_cell(value: Any, style: str = "", *, most: int = 60) -> Cell:
    """Return a parameter, tag or attribute, for people as text of at most so many characters."""
    from mlops.formatting import format_value

    return Cell(value, "" if value is None else format_value(value, most=most), style)


def size_cell(size_bytes: int) -> Cell:
    """Return a number of bytes, for people in the largest unit."""
    from rich.filesize import decimal

    return Cell(size_bytes, decimal(size_bytes))


def status_cell(status: str) -> Cell:
    """Return a status, for people with a dot in its colour; it is hollow where nothing has begun, or nothing is left.

    Example:
        >>> status_cell("running"), status_cell("cancelled").shown
        (Cell(value='running', shown='● running', style='blue'), '○ cancelled')
    """
    style = status_style(status)
    return Cell(str(status), f"{'○' if style == 'dim' else '●'} {status}", style)


def status_style(status: str) -> str:
    """Return the colour of a status: the same of runs, jobs, tests and versions."""
    return _STATUS_STYLES[status]
