"""How facts about experiments look in tables, beside those of `mlops.cli.cells`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.experiment_tracker import Experiment

__all__ = ["duration_cell", "id_cell", "status_cell", "status_style"]

_STYLES = {"running": "blue", "completed": "green", "failed": "red", "cancelled": "yellow"}


def id_cell(experiment_id: str) -> Cell:
    """Return the id, for people its end, which is accepted wherever an id is."""
    from mlops.formatting import short_id

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


def duration_cell(experiment: Experiment, now: datetime) -> Cell:
    """Return how long a run took, for people also how long one has been running."""
    from mlops.formatting import format_duration

    seconds = experiment.duration_s
    running = (now - experiment.created_at) / timedelta(seconds=1)
    return Cell(seconds, format_duration(running if seconds is None else seconds), "dim" if seconds is None else "")
