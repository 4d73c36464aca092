"""Fitting: from a plan and training rows to the state, in one pass, with two more where features are selected.

The state depends on the training rows as a set: not on their order, not on the parts or batches they come in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

import polars as pl

from mlops.errors import InvalidInput
from mlops.features.columns import as_number
from mlops.features.counting import Statistics, entries, fit_statistics, merge
from mlops.features.errors import UnsuitableColumn
from mlops.features.plan import FeaturePlan
from mlops.features.selection import select
from mlops.features.state import FeatureState, StepState
from mlops.features.training_rows import Parts, TrainingRows

__all__ = ["finish", "fit", "fit_rows", "resolved"]

_MOST_CLASSES = 20  # more different whole numbers than this are a quantity


def fit(plan: FeaturePlan, parts: Parts) -> FeatureState:
    """Learn from the training rows what turning any row into features needs.

    Args:
        plan: What is wanted of which columns.
        parts: The training rows, and no others: a LazyFrame, which is streamed, a DataFrame, or DataFrames one after
            the other (in a list if the plan selects features; an iterator can be read only once).

    Returns:
        The state: the same document for the same rows, whatever their order and parts.

    Raises:
        ColumnNotFound: A column of the plan is not there.
        UnsuitableColumn: A column cannot become what the plan says; the message says why.
        NothingToLearnFrom: There are no rows.

    Example:
        >>> import polars as pl
        >>> plan = FeaturePlan(numeric=("ph",), categorical=("kind",))
        >>> state = fit(plan, pl.DataFrame({"ph": [6.0, None, 8.0], "kind": ["blood", "serum", "blood"]}))
        >>> state.feature_names
        ('ph', 'kind=blood', 'kind=serum')
    """
    rows = TrainingRows(plan, parts)
    return fit_rows(resolved(plan, rows), rows)[0]


def fit_rows(plan: FeaturePlan, rows: TrainingRows) -> tuple[FeatureState, Statistics]:
    """Fit a plan whose target type is known; return the state, and the statistics it was made of."""
    found = Statistics()
    for batch in rows.batches():
        found = merge(found, fit_statistics(plan, batch, seen=found))
    state = _state(plan, found, rows.steps, rows.input_names)
    return (select(state, rows) if plan.is_selecting else state), found


def finish(plan: FeaturePlan, found: Statistics) -> FeatureState:
    """Return the state that merged statistics make, for plans without custom steps and selection.

    The same document as `fit` makes of the same rows, for whoever counts the parts elsewhere.

    Raises:
        InvalidInput: The plan selects features or has custom steps, for which the rows themselves are needed.
    """
    if plan.is_selecting or plan.steps:
        raise InvalidInput(
            "Selection and custom steps need the rows, not only their statistics. Call fit with the rows."
        )
    return _state(plan, found, (), plan.columns)


def _state(
    plan: FeaturePlan, found: Statistics, steps: tuple[StepState, ...], input_names: tuple[str, ...]
) -> FeatureState:
    columns = entries(plan, found)
    names = tuple(name for column in columns for name in column.outputs)
    for name, times in Counter(names).items():
        if times > 1:
            raise InvalidInput(f"Two features would both be called {name!r}. Rename one of their columns.")
    return FeatureState(
        plan=plan, rows=found.rows, steps=steps, columns=columns, input_names=input_names, feature_names=names
    )


def resolved(plan: FeaturePlan, rows: TrainingRows) -> FeaturePlan:
    """Return the plan with a target type that is not `auto`, if anything depends on it.

    Raises:
        UnsuitableColumn: The target is neither classes nor a number.
    """
    is_used = (plan.encoding == "target" and bool(plan.categorical)) or _ranks_by_target(plan)
    if plan.target is None or not is_used:
        return plan
    dtype = rows.schema[plan.target]
    if plan.target_type == "regression" and not (dtype.is_numeric() or dtype == pl.Boolean):
        raise UnsuitableColumn(plan.target, f"is of type {dtype}, and the target of a regression must be a number.")
    if plan.target_type != "auto":
        return plan
    return plan.changed(target_type=_type_of(plan.target, dtype, rows))


def _ranks_by_target(plan: FeaturePlan) -> bool:
    return plan.mutual_information is not None or plan.max_features is not None


def _type_of(target: str, dtype: pl.DataType, rows: TrainingRows) -> Literal["classification", "regression"]:
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Boolean):
        return "classification"
    if not dtype.is_numeric():
        raise UnsuitableColumn(target, f"is of type {dtype}; a target is text, a boolean or a number.")
    return "classification" if _has_few_whole_numbers(target, rows.batches()) else "regression"


def _has_few_whole_numbers(target: str, batches: Iterator[pl.DataFrame]) -> bool:
    different: set[float] = set()
    for batch in batches:
        found = batch.select(as_number(target).drop_nulls().unique()).to_series()
        if (found != found.round()).any():
            return False
        different.update(found.head(_MOST_CLASSES + 1).to_list())
        if len(different) > _MOST_CLASSES:
            return False
    return True
