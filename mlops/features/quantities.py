"""Numbers and instants: what is counted of a column, and the entry that comes of it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from fractions import Fraction

import polars as pl

from mlops.features.columns import as_instant, as_number
from mlops.features.errors import UnsuitableColumn
from mlops.features.exact import ExactSums
from mlops.features.plan import FeaturePlan
from mlops.features.quantiles import ValueTable
from mlops.features.state import DatetimeColumn, NumericColumn

__all__ = ["InstantStatistics", "NumberStatistics"]

_EPSILON = 2.0**-52  # a spread below this share of the mean is the rounding of whoever wrote the numbers


@dataclass(frozen=True)
class NumberStatistics:
    """Counts and sums of a column of numbers.

    Attributes:
        missing: Rows where it is null, NaN or infinite.
        moments: Of the others.
        least: The smallest; +inf of nothing.
        most: The largest; -inf of nothing.
        table: How often each number occurs; None where the plan needs no quantiles.
    """

    missing: int
    moments: ExactSums
    least: float = math.inf
    most: float = -math.inf
    table: ValueTable | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls, name: str, frame: pl.DataFrame, plan: FeaturePlan, seen: NumberStatistics | None = None
    ) -> NumberStatistics:
        """Count a column of some rows; what other rows had saves work and changes nothing once both are added."""
        found = frame.lazy().select(as_number(name)).collect().to_series().drop_nulls()
        missing = frame.height - len(found)
        values = found.to_numpy()
        cut = seen.table.cut if seen is not None and seen.table is not None else 0
        table = ValueTable.of(values, cut=cut) if _wants_quantiles(plan) else None
        if not len(values):
            return cls(missing, ExactSums(), table=table)
        return cls(missing, ExactSums.of(values), float(values.min()), float(values.max()), table)

    def __add__(self, other: NumberStatistics) -> NumberStatistics:
        both = self.table is not None and other.table is not None
        return NumberStatistics(
            self.missing + other.missing,
            self.moments + other.moments,
            min(self.least, other.least),
            max(self.most, other.most),
            self.table + other.table if both else None,  # type: ignore[operator]
        )

    def entry(self, name: str, plan: FeaturePlan) -> NumericColumn:
        """Return what the column's rows are to be shifted and divided by, once missing ones are filled."""
        fill = self._fill(plan)
        center, scale = _SCALINGS[plan.scaling](self._filled(fill))
        for number in (center, scale):
            if not math.isfinite(number):
                raise UnsuitableColumn(name, "spans more than a double can hold. Clip it, or leave it out of the plan.")
        if scale < sys.float_info.min:  # its reciprocal is infinite
            scale = 1.0
        return NumericColumn(
            name=name, fill=fill, center=center, scale=scale, indicator=plan.missing_indicators and self.missing > 0
        )

    def _fill(self, plan: FeaturePlan) -> float | None:
        if plan.numeric_imputation == "none":
            return None
        if plan.numeric_imputation == "constant" or not self.moments.count:
            return plan.numeric_fill
        if plan.numeric_imputation == "mean":
            return float(self.moments.mean)
        return _need(self.table).quantile(0.5)

    def _filled(self, fill: float | None) -> NumberStatistics:
        """Return the statistics of the column with its missing numbers filled."""
        if fill is None or not self.missing:
            return self
        return NumberStatistics(
            0,
            self.moments.with_value(fill, self.missing),
            min(self.least, fill),
            max(self.most, fill),
            None if self.table is None else self.table.with_value(fill, self.missing),
        )


def _wants_quantiles(plan: FeaturePlan) -> bool:
    return plan.numeric_imputation == "median" or plan.scaling == "robust"


def _need(table: ValueTable | None) -> ValueTable:
    if table is None:
        raise AssertionError("quantiles were not counted")
    return table


def _unscaled(_found: NumberStatistics) -> tuple[float, float]:
    return 0.0, 1.0


def _standard(found: NumberStatistics) -> tuple[float, float]:
    moments = found.moments
    mean, variance = float(moments.mean), _finite(moments.variance)
    deviation = math.sqrt(variance)
    return mean, 1.0 if deviation <= _EPSILON * abs(mean) else deviation


def _finite(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _minmax(found: NumberStatistics) -> tuple[float, float]:
    if not found.moments.count:
        return 0.0, 1.0
    return found.least, (found.most - found.least) or 1.0


def _robust(found: NumberStatistics) -> tuple[float, float]:
    table = _need(found.table)
    if not table.count:
        return 0.0, 1.0
    return table.quantile(0.5), (table.quantile(0.75) - table.quantile(0.25)) or 1.0


_SCALINGS = {"none": _unscaled, "standard": _standard, "minmax": _minmax, "robust": _robust}


@dataclass(frozen=True)
class InstantStatistics:
    """How many instants are missing, and the moments of the others in microseconds since 1970."""

    missing: int
    moments: ExactSums

    @classmethod
    def of(cls, name: str, frame: pl.DataFrame, _plan: FeaturePlan, _seen: object = None) -> InstantStatistics:
        """Count a column of some rows."""
        instants = frame.select(as_instant(name, frame.schema[name]).to_physical().cast(pl.Float64)).to_series()
        found = instants.drop_nulls()
        return cls(frame.height - len(found), ExactSums.of(found.to_numpy()))

    def __add__(self, other: InstantStatistics) -> InstantStatistics:
        return InstantStatistics(self.missing + other.missing, self.moments + other.moments)

    def entry(self, name: str, plan: FeaturePlan) -> DatetimeColumn:
        """Return the column's entry; a missing instant becomes the mean one, unless nothing is to be imputed."""
        fill = None if plan.numeric_imputation == "none" else round(self.moments.mean)
        return DatetimeColumn(
            name=name,
            fill=fill,
            parts=plan.datetime_parts,
            cyclic=plan.cyclic,
            indicator=plan.missing_indicators and self.missing > 0,
        )
