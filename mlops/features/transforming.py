"""Features of whole frames from a fitted state: lazy frames stay lazy and stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import polars as pl

from mlops.features.columns import check_present, check_types
from mlops.features.custom import apply_steps, naming_steps
from mlops.features.expressions import feature_expressions, working_columns
from mlops.features.state import FeatureState

__all__ = ["Frame", "features_of", "ready_rows", "transform"]

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def transform(state: FeatureState, frame: Frame, *, keep: Iterable[str] = ()) -> Frame:
    """Return the features of each row, in the order of the rows.

    Args:
        state: What `fit` returned.
        frame: Rows with at least the columns `state.input_names`; a LazyFrame is not read.
        keep: Columns to hand through before the features, such as a row number or the target.

    Returns:
        A frame of the same kind: the kept columns, then one Float64 column per feature, named and ordered as
        `state.feature_names`. Nothing is null; NaN stands where a number is missing and nothing is imputed.

    Raises:
        ColumnNotFound: A column is not in the frame; the message names similar ones.
        UnsuitableColumn: A column is of a type that the features cannot be made of, such as text for a number.
        TransformationNotFound: A custom step is not registered in this process.
    """
    lazy = _lazily(state, frame.lazy(), tuple(keep))
    if isinstance(frame, pl.LazyFrame):
        return lazy
    with naming_steps((step.name for step in state.steps), frame.lazy()):
        return lazy.collect()


def _lazily(state: FeatureState, frame: pl.LazyFrame, keep: tuple[str, ...]) -> pl.LazyFrame:
    ready, schema = ready_rows(state, frame, keep)
    return features_of(state, ready, schema, [pl.col(name) for name in keep])


def ready_rows(state: FeatureState, frame: pl.LazyFrame, keep: Iterable[str]) -> tuple[pl.LazyFrame, pl.Schema]:
    """Return the rows after the custom steps, and their schema, once it is sure that features can be made of them."""
    check_present((*state.input_names, *keep), frame.collect_schema())
    ready = apply_steps((step.name for step in state.steps), frame)
    schema = ready.collect_schema()
    names = [column.name for column, _ in state.chosen()]
    check_present(names, schema)
    check_types(state.plan, names, schema)
    return ready, schema


def features_of(
    state: FeatureState, ready: pl.LazyFrame, schema: pl.Schema, others: Iterable[pl.Expr] = ()
) -> pl.LazyFrame:
    """Return the features of rows that the custom steps have been applied to, after the columns of `others`."""
    chosen = list(state.chosen())
    made = [expression for column, places in chosen for expression in feature_expressions(column, places, schema)]
    return ready.with_columns(working_columns((column for column, _ in chosen), schema)).select(*others, *made)
