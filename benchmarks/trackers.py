"""Opens trackers for the figures, and counts what they stored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from mlops.database import open_database
from mlops.experiment_tracker import ExperimentConfig, ExperimentTracker

__all__ = ["count_values", "open_tracker", "start_run", "url_of"]


def url_of(folder: Path) -> str:
    """Return the URL of a tracker's database."""
    return f"sqlite:///{folder / 'mlops.db'}"


@contextlib.contextmanager
def open_tracker(folder: Path) -> Iterator[ExperimentTracker]:
    """Open a tracker in a folder of its own, or in one that another process uses too."""
    folder.mkdir(parents=True, exist_ok=True)
    tracker = ExperimentTracker(tracking_dir=str(folder), database_url=url_of(folder))
    try:
        yield tracker
    finally:
        tracker.sync.close()


def start_run(tracker: ExperimentTracker, name: str = "run") -> str:
    """Start a run and return its id."""
    return tracker.sync.start_experiment(ExperimentConfig(name=name))


def count_values(folder: Path) -> int:
    """Return how many values of `train_loss` are committed."""
    with open_database(url_of(folder)) as database, database.read() as tx:
        count: int = tx.execute(
            sa.text("SELECT count(*) FROM experiment_metrics WHERE name = 'train_loss'")
        ).scalar_one()
    return count
