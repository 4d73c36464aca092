"""The nouns of experiment tracking: what a caller hands in, and what is read back.

All are frozen records. The states a run may pass through are a table here too.
Nothing here reads a clock, a disk or a database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, Field

from mlops.experiment_tracker.values import Epoch, Measured, MeasuredMap, NewIdentifier, Step
from mlops.provenance import DatasetFingerprint
from mlops.records import FrozenDict, FrozenMap, Record
from mlops.values import Name, OptionalName, ParamMap, TagMap, Words

__all__ = [
    "METRIC_FIELDS",
    "SYSTEM_PREFIX",
    "Experiment",
    "ExperimentArtifact",
    "ExperimentConfig",
    "ExperimentMetrics",
    "ExperimentQuery",
    "ExperimentStatus",
    "GarbageReport",
    "MetricPoint",
    "MetricSummary",
]

SYSTEM_PREFIX = "system/"
"""Names of metrics sampled from the machine begin with this; histories leave them out unless they are asked for."""


class ExperimentStatus(StrEnum):
    """Where a run stands. A run whose process died stays `running` until somebody ends or resumes it."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """Whether the run is over, so that it takes no more metrics."""
        return self is not ExperimentStatus.RUNNING

    def may_become(self, other: ExperimentStatus) -> bool:
        """Return whether the table of transitions allows going from this status to `other`.

        Example:
            >>> ExperimentStatus.RUNNING.may_become(ExperimentStatus.FAILED)
            True
            >>> ExperimentStatus.FAILED.may_become(ExperimentStatus.COMPLETED)
            False
        """
        return other in _TRANSITIONS[self]


_TRANSITIONS: Mapping[ExperimentStatus, frozenset[ExperimentStatus]] = {
    ExperimentStatus.RUNNING: frozenset(
        {ExperimentStatus.COMPLETED, ExperimentStatus.FAILED, ExperimentStatus.CANCELLED}
    ),
    ExperimentStatus.COMPLETED: frozenset({ExperimentStatus.RUNNING}),
    ExperimentStatus.FAILED: frozenset({ExperimentStatus.RUNNING}),
    ExperimentStatus.CANCELLED: frozenset({ExperimentStatus.RUNNING}),
}


class ExperimentConfig(Record):
    """What a run is started with.

    Attributes:
        experiment_id: Leave empty to have a sortable one made.
        name: What people call it; need not be unique.
        project: Experiments are listed by project; empty means the configured default.
        hyperparameters: Names to JSON values. They are searched as `params.<name>`.
        tags: Names to text, or a list of words, each of which becomes a tag with the value `true`.
        parent_experiment_id: The run this one is a part of.
        created_by: Empty means the operating system's user.
    """

    experiment_id: NewIdentifier = ""
    name: Name
    description: Words = ""
    project: OptionalName = ""
    model_type: Words = ""
    framework: Words = ""
    algorithm: Words = ""
    dataset_name: Words = ""
    dataset_version: Words = ""
    hyperparameters: ParamMap = FrozenDict()
    tags: TagMap = FrozenDict()
    notes: Words = ""
    parent_experiment_id: str | None = None
    created_by: Words = ""


class ExperimentMetrics(Record):
    """Measurements of one run at one step.

    A value of None, or one left out, was not measured; NaN and the infinities are values and are kept.

    Attributes:
        step: The caller's count of progress, such as batches or epochs; any 64-bit integer.
        epoch: The epoch, where that is another count than the step.
        timestamp: When it was measured, with a time zone; None means when it is stored.
        custom_metrics: Metrics by any other name. Slashes group them: `val/auc`.

    Example:
        >>> metrics = ExperimentMetrics(experiment_id="e1", step=3, train_loss=0.25, custom_metrics={"val/auc": 0.91})
        >>> metrics.measured()
        [('train_loss', 0.25), ('val/auc', 0.91)]
    """

    experiment_id: str = Field(min_length=1)
    step: Step = 0
    epoch: Epoch | None = None
    timestamp: AwareDatetime | None = None
    train_loss: Measured = None
    train_accuracy: Measured = None
    train_precision: Measured = None
    train_recall: Measured = None
    train_f1: Measured = None
    val_loss: Measured = None
    val_accuracy: Measured = None
    val_precision: Measured = None
    val_recall: Measured = None
    val_f1: Measured = None
    custom_metrics: MeasuredMap = FrozenDict()

    def measured(self) -> list[tuple[str, float]]:
        """Return the names and values that were measured; a custom metric wins over a field of the same name."""
        values = self.__dict__
        found = [
            (name, values[name])
            for name in self.__pydantic_fields_set__
            if name in _METRIC_FIELDS and values[name] is not None
        ]
        custom = values["custom_metrics"]
        if not custom:
            return found
        return [pair for pair in found if pair[0] not in custom] + list(custom.items())


_NOT_METRICS = frozenset({"experiment_id", "step", "epoch", "timestamp", "custom_metrics"})
METRIC_FIELDS: tuple[str, ...] = tuple(name for name in ExperimentMetrics.model_fields if name not in _NOT_METRICS)
"""Metrics that `ExperimentMetrics` has a field for, in order."""
_METRIC_FIELDS = frozenset(METRIC_FIELDS)


class MetricSummary(Record):
    """One metric of one run in short.

    Attributes:
        last: The value at the greatest step; of several there, the one that arrived last.
        last_step: That step.
        min: Least value; None when every value is NaN.
        max: Greatest value; None when every value is NaN.
        count: Number of values, NaN among them.
    """

    last: float
    last_step: int
    min: float | None
    max: float | None
    count: int


class MetricPoint(Record):
    """One value of one metric, as it was logged."""

    step: int
    value: float
    logged_at: datetime
    epoch: int | None = None


class Experiment(Record):
    """A run as it is stored.

    Attributes:
        ended_at: When it was completed, failed or was cancelled; None while it runs.
        deleted_at: When it was deleted; None when it was not.
        error: Why it failed or was cancelled.
        datasets: Fingerprints of the data it used.
        environment_digest: Key of its captured environment; None when none was captured.
        metrics: Last value of each metric, without those sampled from the machine.
    """

    experiment_id: str
    project: str
    name: str
    description: str = ""
    status: ExperimentStatus
    model_type: str = ""
    framework: str = ""
    algorithm: str = ""
    dataset_name: str = ""
    dataset_version: str = ""
    parent_experiment_id: str | None = None
    created_by: str = ""
    notes: Words = ""
    created_at: datetime
    ended_at: datetime | None = None
    deleted_at: datetime | None = None
    error: str | None = None
    hyperparameters: ParamMap = FrozenDict()
    tags: TagMap = FrozenDict()
    datasets: tuple[DatasetFingerprint, ...] = ()
    environment_digest: str | None = None
    metrics: FrozenMap = FrozenDict()

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end; None while the run has not ended."""
        return None if self.ended_at is None else (self.ended_at - self.created_at) / timedelta(seconds=1)

    def _repr_html_(self) -> str:
        from mlops.experiment_tracker.rendering import experiment_html

        return experiment_html(self)

    @staticmethod
    def _page_html_(experiments: Sequence[Experiment]) -> str:
        from mlops.experiment_tracker.rendering import experiments_html

        return experiments_html(experiments)


class ExperimentQuery(Record):
    """Which experiments to list, and in which order.

    Attributes:
        filter: A condition in the search language, such as `metrics.val_accuracy > 0.9`; None means all.
        project: Only this project's.
        status: Only those with this status.
        order_by: A column and `ASC` or `DESC`, or several with commas; None means the newest first.
        limit: Most experiments in the page.
        offset: Experiments to leave out at the beginning.
        cursor: Where an earlier page ended: its `next_cursor`.
        include_deleted: Whether deleted ones that still can be restored are listed.
    """

    filter: str | None = None
    project: str | None = None
    status: ExperimentStatus | None = None
    order_by: str | None = None
    limit: int = Field(50, ge=1, le=10_000)
    offset: int = Field(0, ge=0)
    cursor: str | None = None
    include_deleted: bool = False


class ExperimentArtifact(Record):
    """An object that was kept with a run.

    Attributes:
        artifact_type: The caller's word for it, such as `model` or `plot`.
        codec: How the object was written as bytes.
        digest: SHA-256 of those bytes, in hexadecimal; equal objects share one blob.
        details: How it was saved: what loading it needs.
    """

    artifact_id: str
    experiment_id: str
    name: Name
    artifact_type: Words = ""
    description: Words = ""
    codec: str
    digest: str
    size_bytes: int
    created_at: datetime
    details: FrozenMap = FrozenDict()


class GarbageReport(Record):
    """What garbage collection removed, or would remove.

    Attributes:
        experiment_ids: Experiments gone for good.
        blobs: Number of artifact blobs that nothing referred to any more.
        freed_bytes: Their size.
        is_dry_run: Whether this only tells what would be removed.
    """

    experiment_ids: tuple[str, ...] = ()
    blobs: int = 0
    freed_bytes: int = 0
    is_dry_run: bool = False
