"""What is counted of training rows in the first pass: one mergeable summary per column.

Summaries of parts add up to the summary of the whole, bit for bit, whatever the parts and their order: counts are whole
numbers, sums are exact (`exact`), tables depend on their values only (`quantiles`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from mlops.errors import InvalidInput
from mlops.features.categories import CategoryStatistics, known_categories
from mlops.features.columns import check_columns
from mlops.features.errors import NothingToLearnFrom
from mlops.features.plan import FeaturePlan
from mlops.features.quantities import InstantStatistics, NumberStatistics
from mlops.features.state import ColumnState, TargetColumn
from mlops.features.targets import ClassTally, Encoding, QuantityTally, encode, tally
from mlops.features.terms import TermStatistics

__all__ = ["Statistics", "entries", "fit_statistics", "merge", "target_entry"]

Summary = NumberStatistics | InstantStatistics | CategoryStatistics | TermStatistics


@dataclass(frozen=True)
class Statistics:
    """Summaries of some training rows.

    Attributes:
        rows: How many rows.
        columns: By source column.
        targets: By categorical column, where the encoding asks for it.
    """

    rows: int = 0
    columns: Mapping[str, Summary] = field(default_factory=dict)
    targets: Mapping[str, ClassTally | QuantityTally] = field(default_factory=dict)


def fit_statistics(plan: FeaturePlan, part: pl.DataFrame, *, seen: Statistics | None = None) -> Statistics:
    """Count a part of the training rows, after the custom steps.

    Args:
        plan: Its target_type must not be `auto` where target encoding is asked for (`fit` finds it out).
        part: Rows with the plan's columns; a column `__fold__` says which fold a row is in.
        seen: Statistics of other rows that these will be merged with; saves work and does not change the sum.

    Raises:
        ColumnNotFound: A column of the plan is not there.
        UnsuitableColumn: A column cannot become what the plan says.
    """
    check_columns(plan, part.schema)
    kinds: dict[type[Any], tuple[str, ...]] = {
        NumberStatistics: plan.numeric,
        CategoryStatistics: plan.categorical,
        TermStatistics: plan.text,
        InstantStatistics: plan.datetime,
    }
    known = seen.columns if seen is not None else {}
    columns = {name: kind.of(name, part, plan, known.get(name)) for kind, names in kinds.items() for name in names}
    return Statistics(part.height, columns, _tallies(plan, part))


def _tallies(plan: FeaturePlan, part: pl.DataFrame) -> dict[str, ClassTally | QuantityTally]:
    if plan.encoding != "target" or plan.target is None:
        return {}
    if plan.target_type == "auto":
        raise InvalidInput(
            "target_type 'auto' cannot be told from a part of the rows. "
            "Say target_type='classification' or 'regression' in the plan."
        )
    return {name: tally(name, plan.target, part, plan.target_type) for name in plan.categorical}


def merge(one: Statistics, other: Statistics) -> Statistics:
    """Return the summaries of the rows of both, fitted with the same plan."""
    if not one.rows or not other.rows:
        return one if one.rows else other
    columns = {name: _merged(name, summary, other.columns[name]) for name, summary in one.columns.items()}
    targets = {name: counted + other.targets[name] for name, counted in one.targets.items()}  # type: ignore[operator]
    return Statistics(one.rows + other.rows, columns, targets)


def _merged(name: str, one: Any, other: Any) -> Summary:
    result: Summary = one.merged(name, other) if hasattr(one, "merged") else one + other
    return result


def entries(plan: FeaturePlan, found: Statistics) -> tuple[ColumnState, ...]:
    """Return the fitted entry of each source column, in the plan's order.

    Raises:
        NothingToLearnFrom: There were no rows.
        UnsuitableColumn: What was found cannot become what the plan says.
    """
    if not found.rows:
        raise NothingToLearnFrom
    return tuple(_entry(plan, found, name) for name in plan.columns)


def _entry(plan: FeaturePlan, found: Statistics, name: str) -> ColumnState:
    if name in found.targets:
        return target_entry(plan, found, name)
    return found.columns[name].entry(name, plan)


def target_entry(plan: FeaturePlan, found: Statistics, name: str, *, without: int | None = None) -> TargetColumn:
    """Return the target encoding of a column, learned from all rows or all but those of one fold."""
    summary, counted = found.columns[name], found.targets[name]
    if not isinstance(summary, CategoryStatistics):
        raise InvalidInput(f"Column {name!r} is not categorical; only categories are encoded by their target.")
    known, fill = known_categories(summary, plan), summary.fill(plan)
    outputs = [encode(groups, fill, known, plan.smoothing) for groups in counted.groups(without)]
    outputs = outputs or [Encoding((0.0,) * len(known), 0.0)]  # one class only: nobody is of a later one
    return TargetColumn(
        name=name,
        fill=fill,
        categories=known,
        classes=counted.classes,
        encodings=tuple(each.values for each in outputs),
        prior=tuple(each.prior for each in outputs),
        indicator=plan.missing_indicators and summary.missing > 0,
    )
