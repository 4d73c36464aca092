"""How facts about experiments look in tables, beside those of `mlops.cli.cells`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlops.cli.cells import status_cell
from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.experiment_tracker import Experiment

__all__ = ["duration_cell", "experiment_status_cell", "id_cell"]


def id_cell(experiment_id: str) -> Cell:
    """Return the id, for people its end, which is accepted wherever an id is."""
    from mlops.formatting import short_id

    return Cell(experiment_id, short_id(experiment_id), "cyan")


def experiment_status_cell(experiment: Experiment) -> Cell:
    """Return the status; that of a deleted experiment is faint."""
    cell = status_cell(experiment.status)
    return cell if experiment.deleted_at is None else Cell(cell.value, f"○ {cell.value}, deleted", "dim")


def duration_cell(experiment: Experiment, now: datetime) -> Cell:
    """Return how long a run took, for people also how long one has been running."""
    from mlops.formatting import format_duration

    seconds = experiment.duration_s
    running = (now - experiment.created_at) / timedelta(seconds=1)
    return Cell(seconds, format_duration(running if seconds is None else seconds), "dim" if seconds is None else "")
