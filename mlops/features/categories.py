"""Categories: how often each occurs, which are known, and the one-hot and label entries that come of it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from mlops.features.columns import as_category
from mlops.features.errors import UnsuitableColumn
from mlops.features.plan import FeaturePlan
from mlops.features.state import LabelColumn, OneHotColumn

__all__ = ["CategoryStatistics", "known_categories"]

_MOST_DIFFERENT = 1 << 20
_MOST_ONE_HOT = 4096


@dataclass(frozen=True, eq=False)
class CategoryStatistics:
    """How often each category of a column occurs.

    Attributes:
        missing: Rows without one.
        counts: Columns `category` and `count`, in no order, no category twice.
    """

    missing: int
    counts: pl.DataFrame

    @classmethod
    def of(cls, name: str, frame: pl.DataFrame, _plan: FeaturePlan, _seen: object = None) -> CategoryStatistics:
        """Count a column of some rows."""
        category = as_category(name, frame.schema[name]).alias("category")
        counts = frame.lazy().group_by(category).agg(pl.len().cast(pl.Int64).alias("count")).collect()
        known = counts.filter(pl.col("category").is_not_null())
        return cls._checked(name, frame.height - int(known["count"].sum()), known)

    def merged(self, name: str, other: CategoryStatistics) -> CategoryStatistics:
        """Return the counts of both."""
        both = pl.concat([self.counts, other.counts]).group_by("category").agg(pl.col("count").sum())
        return self._checked(name, self.missing + other.missing, both)

    @classmethod
    def _checked(cls, name: str, missing: int, counts: pl.DataFrame) -> CategoryStatistics:
        if counts.height > _MOST_DIFFERENT:
            raise UnsuitableColumn(
                name, f"has more than {_MOST_DIFFERENT:,} categories. Leave it out of the plan, or group its values."
            )
        return cls(missing, counts)

    def fill(self, plan: FeaturePlan) -> str | None:
        """Return what stands for a missing category; of the most frequent ones it is the alphabetically first."""
        if plan.categorical_imputation == "constant":
            return plan.categorical_fill
        if plan.categorical_imputation == "none" or self.counts.is_empty():
            return None
        return str(_by_frequency(self.counts)["category"][0])

    def entry(self, name: str, plan: FeaturePlan) -> OneHotColumn | LabelColumn:
        """Return the column's entry.

        Raises:
            UnsuitableColumn: There are too many categories for one feature each.
        """
        kind = OneHotColumn if plan.encoding == "onehot" else LabelColumn
        known = known_categories(self, plan)
        if kind is OneHotColumn and len(known) > _MOST_ONE_HOT:
            raise UnsuitableColumn(
                name,
                f"has {len(known):,} categories, and one-hot encoding makes a feature of each (at most "
                f"{_MOST_ONE_HOT:,}). Set max_categories or min_frequency, or choose the label or target encoding.",
            )
        indicator = plan.missing_indicators and self.missing > 0
        return kind(name=name, fill=self.fill(plan), categories=known, indicator=indicator)


def known_categories(found: CategoryStatistics, plan: FeaturePlan) -> tuple[str, ...]:
    """Return the categories that are frequent enough once missing ones are filled, in ascending order."""
    counts, fill = found.counts, found.fill(plan)
    if fill is not None and found.missing:
        filled = pl.DataFrame({"category": [fill], "count": [found.missing]}, schema=counts.schema)
        counts = pl.concat([counts, filled]).group_by("category").agg(pl.col("count").sum())
    if plan.min_frequency is not None:
        counts = counts.filter(pl.col("count") >= plan.min_frequency)
    if plan.max_categories is not None:
        counts = _by_frequency(counts).head(plan.max_categories)
    return tuple(counts["category"].sort().to_list())


def _by_frequency(counts: pl.DataFrame) -> pl.DataFrame:
    return counts.sort("count", "category", descending=[True, False])
