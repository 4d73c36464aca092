"""What features looked like, day by day of their events, and how far online values are from those trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from mlops.feature_store.drift import population_stability_index
from mlops.feature_store.entities import Feature, FeatureView
from mlops.feature_store.point_in_time import EVENT
from mlops.feature_store.reports import FeatureDrift, FeatureStatistics

__all__ = ["daily_statistics", "drift_of"]

_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def daily_statistics(
    view: FeatureView, rows: pl.LazyFrame, *, start: datetime | None = None, end: datetime | None = None
) -> list[FeatureStatistics]:
    """Return statistics of every feature on every day with events, in order of days.

    Args:
        view: The view.
        rows: Its rows, as `SourceReader.rows` gives them.
        start: Days from this one on; None for all.
        end: Days up to this one.
    """
    day = pl.col(EVENT).dt.date()
    known = rows.drop_nulls(EVENT)
    chosen = known if start is None else known.filter(day >= start.date())
    chosen = chosen if end is None else chosen.filter(day <= end.date())
    expressions = [one for feature in view.features for one in _expressions(feature)]
    table = chosen.group_by(day.alias("day")).agg(pl.len().alias("rows"), *expressions).sort("day").collect()
    return [one for row in table.iter_rows(named=True) for one in _of_day(view, row)]


def _expressions(feature: Feature) -> Iterator[pl.Expr]:
    column = pl.col(feature.name)
    yield column.null_count().alias(f"nulls:{feature.name}")
    yield column.drop_nulls().n_unique().alias(f"distinct:{feature.name}")
    if feature.dtype.is_number:
        finite = column.cast(pl.Float64).filter(column.cast(pl.Float64).is_finite())
        yield finite.mean().alias(f"mean:{feature.name}")
        yield finite.std().alias(f"std:{feature.name}")
        for at, quantile in enumerate(_QUANTILES):
            yield finite.quantile(quantile, "linear").alias(f"q{at}:{feature.name}")


def _of_day(view: FeatureView, row: dict[str, Any]) -> Iterator[FeatureStatistics]:
    for feature in view.features:
        quantiles = [row.get(f"q{at}:{feature.name}") for at in range(len(_QUANTILES))]
        yield FeatureStatistics(
            view=view.name,
            version=view.version,
            feature=feature.name,
            day=row["day"],
            count=row["rows"],
            nulls=row[f"nulls:{feature.name}"],
            distinct=row[f"distinct:{feature.name}"],
            mean=row.get(f"mean:{feature.name}"),
            std=row.get(f"std:{feature.name}"),
            quantiles=tuple(value for value in quantiles if value is not None),
        )


def drift_of(feature: str, training: Sequence[Any], online: Sequence[Any]) -> FeatureDrift:
    """Return how far the online values of a feature are from those trained on."""
    return FeatureDrift(
        feature=feature,
        psi=population_stability_index(training, online),
        training_count=len(training),
        online_count=len(online),
        training_nulls=_share_missing(training),
        online_nulls=_share_missing(online),
    )


def _share_missing(values: Sequence[Any]) -> float:
    return sum(value is None for value in values) / len(values) if values else 0.0
