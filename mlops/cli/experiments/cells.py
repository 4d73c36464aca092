"""How facts about experiments look in tables: short for people, exact for programs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.experiment_tracker import Experiment

__all__ = [
    "age_cell",
    "duration_cell",
    "format_age",
    "id_cell",
    "metric_cell",
    "status_cell",
    "status_style",
    "value_cell",
]

_STYLES = {"running": "blue", "completed": "green", "failed": "red", "cancelled": "yellow"}
_UNITS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("min", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)
_OLD = timedelta(days=100)


def id_cell(experiment_id: str) -> Cell:
    """Return the id, for people its end, which is accepted wherever an id is."""
    from mlops.experiment_tracker.formatting import short_id

    return Cell(experiment_id, short_id(experiment_id), "cyan")


def status_cell(experiment: Experiment) -> Cell:
    """Return the status, with a dot in its colour; a deleted experiment is faint."""
    status = str(experiment.status)
    if experiment.deleted_at is not None:
        return Cell(status, f"○ {status}, deleted", "dim")
    return Cell(status, f"● {status}", status_style(status))


def status_style(status: str) -> str:
    """Return the colour of a status."""
    return _STYLES[status]


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


def duration_cell(experiment: Experiment, now: datetime) -> Cell:
    """Return how long a run took, for people also how long one has been running."""
    from mlops.experiment_tracker.formatting import format_duration

    seconds = experiment.duration_s
    running = (now - experiment.created_at) / timedelta(seconds=1)
    return Cell(seconds, format_duration(running if seconds is None else seconds), "dim" if seconds is None else "")


def metric_cell(value: float | None, style: str = "") -> Cell:
    """Return a measured number, for people with four digits; nothing where it was not measured."""
    from mlops.experiment_tracker.formatting import format_metric

    return Cell(value, "" if value is None else format_metric(value), style)


def value_cell(value: Any, style: str = "", *, most: int = 60) -> Cell:
    """Return a parameter, tag or attribute, for people as text of at most so many characters."""
    from mlops.experiment_tracker.formatting import format_value

    return Cell(value, "" if value is None else format_value(value, most=most), style)
