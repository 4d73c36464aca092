"""Features of single rows, in plain Python: the executor for a request, where a frame would cost a hundred times more.

`compile_row` reads the state once and leaves a table of small functions, one per source column, with every lookup table
and constant bound; a row is then one loop, measured at 5 µs for 20 columns and 43 features. Writing Python source from
the state and compiling that was refused: it would save little of that, and no text of a user ever becomes code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from mlops.errors import InvalidInput
from mlops.features.closure_columns import encoded_values, numeric_values, onehot_values
from mlops.features.closure_datetime import datetime_values
from mlops.features.closure_text import text_values
from mlops.features.row_values import as_number, is_missing
from mlops.features.state import (
    ColumnState,
    DatetimeColumn,
    FeatureState,
    NumericColumn,
    OneHotColumn,
    StepState,
    TextColumn,
)

if TYPE_CHECKING:
    from mlops.features.custom import RowFunction, Transformation

__all__ = ["RowTransform", "compile_row"]

RowTransform: TypeAlias = Callable[[Mapping[str, Any]], list[float]]
"""From the raw values of a row, by column, to its features in the order of `FeatureState.feature_names`."""

_Values: TypeAlias = Callable[[Any], Sequence[float]]


def compile_row(state: FeatureState) -> RowTransform:
    """Return the function that makes the features of one row, as the batch would.

    The function takes a mapping of column names to Python values: numbers, booleans, text, dates and datetimes (or
    ISO 8601 text for these), scalars of numpy, and None or nothing at all where a value is missing. What else the
    mapping has is ignored. It may be called from many threads.

    It raises `UnsuitableColumn` for a value that is not of its column's kind, with the column, the value and what is
    allowed.

    Raises:
        TransformationNotFound: A custom step is not registered in this process.
        InvalidInput: A custom step was registered without a function of one row.

    Example:
        >>> from mlops.features.plan import FeaturePlan
        >>> state = FeatureState(
        ...     plan=FeaturePlan(numeric=("ph",)), rows=3, input_names=("ph",), feature_names=("ph",),
        ...     columns=(NumericColumn(name="ph", fill=7.0, center=7.0, scale=2.0),),
        ... )
        >>> transform = compile_row(state)
        >>> transform({"ph": 8}), transform({"ph": None})
        ([0.5], [0.0])
    """
    table = tuple((column.name, _with_indicator(column, places)) for column, places in state.chosen())

    def transform_row(row: Mapping[str, Any]) -> list[float]:
        get = row.get
        features: list[float] = []
        for name, values in table:
            features += values(get(name))
        return features

    return _after_steps(state.steps, transform_row) if state.steps else transform_row


def _after_steps(steps: Sequence[StepState], transform_row: RowTransform) -> RowTransform:
    """Return the transform of a row to which the custom steps have added their columns."""
    from mlops.features.custom import get_transformation  # brings Polars, which no other closure needs

    adders = [_adder(get_transformation(step.name), step) for step in steps]

    def transform_wider_row(row: Mapping[str, Any]) -> list[float]:
        wider = dict(row)
        for added in adders:
            wider.update(added(wider))
        return transform_row(wider)

    return transform_wider_row


def _adder(step: Transformation, fitted: StepState) -> RowFunction:
    """Return the function from a row to what the step adds to it; columns that it was registered to read are there."""
    function, inputs, made = step.row, step.inputs, frozenset(fitted.made)
    if function is None:
        raise InvalidInput(
            f"Transformation {step.name!r} was registered for frames only, and a single row needs one of rows. "
            "Register it with row=…, a function from a mapping of values to the values it adds."
        )

    def added(row: Mapping[str, Any]) -> Mapping[str, Any]:
        values = function({name: row.get(name) for name in inputs} if inputs else row)
        if not made <= values.keys():
            absent = ", ".join(sorted(made - values.keys()))
            raise InvalidInput(
                f"The row function of transformation {step.name!r} gave no {absent}, which its frame function makes. "
                "Return every column, with None where there is no value."
            )
        return values

    return added


def _with_indicator(column: ColumnState, places: Sequence[int]) -> _Values:
    """Return the function from a raw value to the outputs at these places, of which the last may be the indicator."""
    if places[-1] < len(column.values):
        return _values(column, places)
    values = _values(column, places[:-1]) if places[:-1] else _nothing
    name, is_number = column.name, isinstance(column, NumericColumn)

    def with_indicator(value: Any) -> tuple[float, ...]:
        absent = not math.isfinite(as_number(value, name)) if is_number else is_missing(value)
        return (*values(value), 1.0 if absent else 0.0)

    return with_indicator


def _nothing(_: Any) -> tuple[float, ...]:
    return ()


def _values(column: ColumnState, places: Sequence[int]) -> _Values:
    if isinstance(column, NumericColumn):
        return numeric_values(column)
    if isinstance(column, OneHotColumn):
        return onehot_values(column, places)
    if isinstance(column, TextColumn):
        return text_values(column, places)
    if isinstance(column, DatetimeColumn):
        return datetime_values(column, places)
    return encoded_values(column, places)
