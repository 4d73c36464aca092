"""Experiments: what a training run was started with, what it measured and what it made, recorded and found again.

Example:
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> tracker = ExperimentTracker(f"{folder}/experiments", f"sqlite:///{folder}/lab.db")
    >>> with tracker.sync.run("baseline", hyperparameters={"max_depth": 5}, tags=["demo"]) as run:
    ...     for step in range(3):
    ...         run.log(train_loss=1 / (step + 1), step=step)
    >>> found = tracker.sync.list_experiments("metrics.train_loss < 0.5 and params.max_depth = 5")
    >>> [(experiment.name, experiment.status.value) for experiment in found]
    [('baseline', 'completed')]
    >>> tracker.sync.get_experiment_metrics(run.id)["train_loss"].round(2).tolist()
    [1.0, 0.5, 0.33]
    >>> tracker.sync.close()

The same operations are coroutines on the tracker itself: `await tracker.log_metrics(ExperimentMetrics(...))`.
"""

from __future__ import annotations

from mlops.experiment_tracker.aio import ExperimentTracker
from mlops.experiment_tracker.entities import (
    Experiment,
    ExperimentArtifact,
    ExperimentConfig,
    ExperimentMetrics,
    ExperimentStatus,
    GarbageReport,
    MetricPoint,
    MetricSummary,
)
from mlops.experiment_tracker.errors import (
    EnvironmentNotFound,
    ExperimentArtifactNotFound,
    ExperimentDeleted,
    ExperimentEnded,
    ExperimentExists,
    ExperimentNotFound,
    MetricNotFound,
    ParameterConflict,
)
from mlops.experiment_tracker.run import AsyncRun, Run
from mlops.experiment_tracker.service import ExperimentTrackerService
from mlops.provenance import DatasetFingerprint, EnvironmentCapture, GitState

__all__ = [
    "AsyncRun",
    "DatasetFingerprint",
    "EnvironmentCapture",
    "EnvironmentNotFound",
    "Experiment",
    "ExperimentArtifact",
    "ExperimentArtifactNotFound",
    "ExperimentConfig",
    "ExperimentDeleted",
    "ExperimentEnded",
    "ExperimentExists",
    "ExperimentMetrics",
    "ExperimentNotFound",
    "ExperimentStatus",
    "ExperimentTracker",
    "ExperimentTrackerService",
    "GarbageReport",
    "GitState",
    "MetricNotFound",
    "MetricPoint",
    "MetricSummary",
    "ParameterConflict",
    "Run",
]
