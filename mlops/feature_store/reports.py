"""What is reported of features: statistics of days, drift, history, and whether a training set is as it was."""

from __future__ import annotations

from datetime import date

from mlops.feature_store.entities import FeatureView, Materialization, OnDemandView
from mlops.records import Record

__all__ = ["FeatureDrift", "FeatureHistory", "FeatureStatistics", "TrainingSetReport"]


class TrainingSetReport(Record):
    """What was found when a training set was read and computed again.

    Attributes:
        is_sound: Whether the stored rows are those that were saved.
        is_reproducible: Whether the sources still give the same rows.
        problems: What is not, a sentence each.
    """

    training_set_id: str
    is_sound: bool
    is_reproducible: bool
    problems: tuple[str, ...] = ()


class FeatureStatistics(Record):
    """One feature on one day of events, in UTC.

    Attributes:
        count: Rows of the day.
        nulls: Rows without a value.
        mean: None where the feature is no number, or nothing was measured. So are the following.
        std: Sample standard deviation.
        quantiles: Values at 0, 0.25, 0.5, 0.75 and 1.
        distinct: Number of different values.
    """

    view: str
    version: int
    feature: str
    day: date
    count: int
    nulls: int
    distinct: int
    mean: float | None = None
    std: float | None = None
    quantiles: tuple[float, ...] = ()


class FeatureDrift(Record):
    """How far a feature's online values are from those of a training set.

    Attributes:
        psi: Population stability index; None when a side has no values.
        training_nulls: Share of missing values there, 0 to 1.
    """

    feature: str
    psi: float | None
    training_count: int
    online_count: int
    training_nulls: float
    online_nulls: float

    @property
    def level(self) -> str:
        """The usual reading: below 0.1 `stable`, below 0.25 `shifting`, else `drifted`; `unknown` without values."""
        if self.psi is None:
            return "unknown"
        return "stable" if self.psi < 0.1 else "shifting" if self.psi < 0.25 else "drifted"


class FeatureHistory(Record):
    """What became of a view: its versions, its materialisations, the days with statistics; the newest first."""

    view: str
    versions: tuple[FeatureView | OnDemandView, ...] = ()
    serving_version: int | None = None
    materializations: tuple[Materialization, ...] = ()
    statistics: tuple[FeatureStatistics, ...] = ()
