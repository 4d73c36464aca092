"""Trackers on real databases, SQLite and PostgreSQL in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlops.config import ConfigManager, MLOpsConfig
from mlops.experiment_tracker import ExperimentTrackerService

MakeTracker = Callable[[str], ExperimentTrackerService]


@pytest.fixture
def quiet_config() -> MLOpsConfig:
    """Return a configuration without sampling and without environment capture, for tests of other things."""
    return ConfigManager(environ={}).load_config(
        experiment_tracking={"system_metrics_interval_s": 0.0, "capture_environment": False}
    )


@pytest.fixture
def make_tracker(tmp_path: Path, quiet_config: MLOpsConfig) -> Iterator[MakeTracker]:
    """Yield what opens a tracker on a database; all of them are closed afterwards."""
    opened: list[ExperimentTrackerService] = []

    def make(url: str) -> ExperimentTrackerService:
        opened.append(ExperimentTrackerService(tmp_path / "experiments", url, config=quiet_config))
        return opened[-1]

    yield make
    for tracker in opened:
        tracker.close()


@pytest.fixture
def tracker(make_tracker: MakeTracker, database_url: str) -> ExperimentTrackerService:
    """Return a tracker on SQLite and on PostgreSQL in turn."""
    return make_tracker(database_url)


@pytest.fixture
def sqlite_tracker(make_tracker: MakeTracker, sqlite_url: str) -> ExperimentTrackerService:
    """Return a tracker on SQLite, for what does not depend on the database."""
    return make_tracker(sqlite_url)
