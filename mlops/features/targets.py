"""Target encoding: the target's mean by category, shrunk towards the mean of all, for all rows or all but one fold.

The formulas are scikit-learn's `TargetEncoder` (Micci-Barreca, "A preprocessing scheme for high-cardinality categorical
attributes", SIGKDD Explorations 3, 2001): with a smoothing of m the mean counts for m rows more; `auto` weighs the
category's mean by n·σ² / (n·σ² + s²), σ² the variance of all and s² that of the category.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import polars as pl

from mlops.features.columns import as_category, as_number
from mlops.features.exact import ExactSums

__all__ = ["FOLD", "ClassTally", "Encoding", "Group", "QuantityTally", "encode", "tally"]

FOLD = "__fold__"
"""Column of whole numbers that says which fold a training row is in; without it all rows are in fold 0."""


@dataclass(frozen=True)
class Group:
    """Rows of one category: how many, the sum of their targets and the sum of squared deviations from their mean."""

    count: int
    total: Fraction
    deviations: Fraction


@dataclass(frozen=True)
class Encoding:
    """One output of a target encoding: the value of each known category, and of any other."""

    values: tuple[float, ...]
    prior: float


@dataclass(frozen=True, eq=False)
class ClassTally:
    """How often each class occurs with each category in each fold: columns `fold`, `category`, `class`, `count`."""

    counts: pl.DataFrame

    def __add__(self, other: ClassTally) -> ClassTally:
        keys = ("fold", "category", "class")
        return ClassTally(pl.concat([self.counts, other.counts]).group_by(keys).agg(pl.col("count").sum()))

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes: whole numbers by size, others by alphabet."""
        found = self.counts["class"].unique().to_list()
        return tuple(sorted(found, key=int)) if all(map(_is_whole, found)) else tuple(sorted(found))

    @property
    def folds(self) -> tuple[int, ...]:
        """All folds, ascending."""
        return tuple(self.counts["fold"].unique().sort().to_list())

    def groups(self, without: int | None = None) -> list[dict[str | None, Group]]:
        """Return for each output (the later of two classes, else each) its groups, leaving out a fold."""
        kept = self.counts if without is None else self.counts.filter(pl.col("fold") != without)
        rows = _totals(kept, ("category",))
        classes = self.classes if len(self.classes) > 2 else self.classes[1:]
        return [self._of_class(rows, _totals(kept.filter(pl.col("class") == each), ("category",))) for each in classes]

    @staticmethod
    def _of_class(rows: Mapping[str | None, int], hits: Mapping[str | None, int]) -> dict[str | None, Group]:
        pairs = {category: (count, hits.get(category, 0)) for category, count in rows.items()}
        return {
            category: Group(count, Fraction(hit), Fraction(hit * (count - hit), count))
            for category, (count, hit) in pairs.items()
        }


def _totals(counts: pl.DataFrame, keys: tuple[str]) -> dict[str | None, int]:
    return dict(counts.group_by(keys).agg(pl.col("count").sum()).iter_rows())


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


@dataclass(frozen=True)
class QuantityTally:
    """The exact moments of the target for each fold and category."""

    moments: Mapping[tuple[int, str | None], ExactSums] = field(default_factory=dict)
    classes: tuple[str, ...] = ()

    def __add__(self, other: QuantityTally) -> QuantityTally:
        both = dict(self.moments)
        for key, moments in other.moments.items():
            both[key] = both.get(key, ExactSums()) + moments
        return QuantityTally(both)

    @property
    def folds(self) -> tuple[int, ...]:
        """All folds, ascending."""
        return tuple(sorted({fold for fold, _ in self.moments}))

    def groups(self, without: int | None = None) -> list[dict[str | None, Group]]:
        """Return the groups of the one output, leaving out a fold."""
        whole: dict[str | None, ExactSums] = {}
        for (fold, category), moments in self.moments.items():
            if fold != without:
                whole[category] = whole.get(category, ExactSums()) + moments
        return [{category: Group(m.count, m.mean * m.count, m.deviations) for category, m in whole.items()}]


def tally(
    name: str, target: str, frame: pl.DataFrame, target_type: Literal["classification", "regression"]
) -> ClassTally | QuantityTally:
    """Count a categorical column of some rows against the target; rows without a target do not count."""
    fold = pl.col(FOLD).cast(pl.Int64) if FOLD in frame.columns else pl.lit(0, dtype=pl.Int64)
    keys = [fold.alias("fold"), as_category(name, frame.schema[name]).alias("category")]
    if target_type == "classification":
        classes = as_category(target, frame.schema[target]).alias("class")
        found = frame.lazy().select(*keys, classes).drop_nulls("class").group_by("fold", "category", "class")
        return ClassTally(found.agg(pl.len().cast(pl.Int64).alias("count")).collect())
    quantities = frame.lazy().select(*keys, as_number(target).alias("target")).drop_nulls("target")
    grouped = quantities.group_by("fold", "category").agg("target").collect()
    return QuantityTally(
        {
            (fold_, category): ExactSums.of(values.to_numpy())
            for fold_, category, values in zip(*(grouped[each] for each in grouped.columns), strict=True)
        }
    )


def encode(
    groups: Mapping[str | None, Group], fill: str | None, known: Iterable[str], smoothing: float | Literal["auto"]
) -> Encoding:
    """Return the encoding of the known categories, those rows filled where the category was missing."""
    whole = _joined(groups.values())
    prior = float(whole.total / whole.count) if whole.count else 0.0
    variance = float(whole.deviations / whole.count) if whole.count else 0.0
    values = []
    for category in known:
        keys = {category, None} if category == fill else {category}
        found = _joined([groups[key] for key in keys if key in groups])
        values.append(_shrunk(found, prior, variance, smoothing))
    return Encoding(tuple(values), prior)


def _joined(groups: Iterable[Group]) -> Group:
    """Return all rows of several groups as one."""
    several = [group for group in groups if group.count]
    if len(several) == 1:
        return several[0]
    count, total = sum(group.count for group in several), sum((group.total for group in several), Fraction(0))
    squares = sum((group.deviations + group.total**2 / group.count for group in several), Fraction(0))
    return Group(count, total, squares - total**2 / count if count else Fraction(0))


def _shrunk(group: Group, prior: float, variance: float, smoothing: float | Literal["auto"]) -> float:
    if not group.count:
        return prior
    if smoothing != "auto":
        return (smoothing * prior + float(group.total)) / (smoothing + group.count)
    spread = variance * group.count + float(group.deviations) / group.count
    if spread == 0 or not math.isfinite(spread):
        return prior
    weight = variance * group.count / spread
    return weight * float(group.total / group.count) + (1 - weight) * prior
