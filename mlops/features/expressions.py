"""Features of a frame as Polars expressions: what transforms batches, lazily and streaming.

Every expression looks at one row at a time and gives Float64 without nulls; the rules are those of `state`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import polars as pl

from mlops.features.columns import as_category, as_instant, as_number
from mlops.features.plan import DatetimePart
from mlops.features.state import (
    PERIODS,
    ColumnState,
    DatetimeColumn,
    LabelColumn,
    NumericColumn,
    OneHotColumn,
    TargetColumn,
    TextColumn,
)
from mlops.features.weights import text_weights

__all__ = ["feature_expressions", "working_columns"]

_PARTS: dict[DatetimePart, Callable[[pl.Expr], pl.Expr]] = {
    "year": lambda instant: instant.dt.year(),
    "month": lambda instant: instant.dt.month(),
    "day": lambda instant: instant.dt.day(),
    "weekday": lambda instant: instant.dt.weekday() - 1,
    "hour": lambda instant: instant.dt.hour(),
    "minute": lambda instant: instant.dt.minute(),
    "is_weekend": lambda instant: instant.dt.weekday() > 5,
    "day_of_year": lambda instant: instant.dt.ordinal_day(),
}


def working_columns(columns: Iterable[ColumnState], schema: pl.Schema) -> list[pl.Expr]:
    """Return expressions for columns that the features are made from in a second step, each used several times."""
    made: list[pl.Expr] = []
    for column in columns:
        if isinstance(column, OneHotColumn):
            made.append(_position(column, schema).alias(_working(column)))
        elif isinstance(column, TextColumn):
            made.append(text_weights(column).alias(_working(column)))
        elif isinstance(column, DatetimeColumn):
            made.append(_filled_instant(column, schema).alias(_working(column)))
    return made


def feature_expressions(column: ColumnState, places: Iterable[int], schema: pl.Schema) -> list[pl.Expr]:
    """Return the expressions of an entry's outputs at these positions, named; they need the working columns."""
    outputs, wanted = column.outputs, set(places)
    made = enumerate(_expressions(column, schema))
    return [expression.cast(pl.Float64).alias(outputs[place]) for place, expression in made if place in wanted]


def _working(column: ColumnState) -> str:
    return f"__working__{column.name}"


def _expressions(column: ColumnState, schema: pl.Schema) -> Iterator[pl.Expr]:
    if isinstance(column, NumericColumn):
        filled = as_number(column.name).fill_null(math.nan if column.fill is None else column.fill)
        # Polars divides by the reciprocal, but not in frames of one row; a row's features must not depend on the others
        yield (filled - column.center) * (1 / column.scale)
    elif isinstance(column, OneHotColumn):
        for position in range(len(column.categories)):
            yield pl.col(_working(column)) == position
    elif isinstance(column, LabelColumn):
        yield _position(column, schema)
    elif isinstance(column, TargetColumn):
        for values, prior in zip(column.encodings, column.prior, strict=True):
            yield _target_encoding(column, values, prior, schema)
    elif isinstance(column, TextColumn):
        for term in range(len(column.terms)):
            yield pl.col(_working(column)).struct.field(str(term))
    else:
        yield from _parts(column)
    if column.indicator:
        yield _is_missing(column, schema)


def _is_missing(column: ColumnState, schema: pl.Schema) -> pl.Expr:
    if isinstance(column, NumericColumn):
        return as_number(column.name).is_null()
    if isinstance(column, OneHotColumn | LabelColumn | TargetColumn):
        return as_category(column.name, schema[column.name]).is_null()
    return pl.col(column.name).is_null()


def _category(column: OneHotColumn | LabelColumn | TargetColumn, schema: pl.Schema) -> pl.Expr:
    text = as_category(column.name, schema[column.name])
    return text if column.fill is None else text.fill_null(column.fill)


def _position(column: OneHotColumn | LabelColumn | TargetColumn, schema: pl.Schema) -> pl.Expr:
    """Return the category's position among the known ones, -1 if it is none of them.

    By a cast, because the streaming engine gathers a whole column for `replace_strict`.
    """
    known = _category(column, schema).cast(pl.Enum(column.categories), strict=False)
    return known.to_physical().cast(pl.Int32).fill_null(-1)


def _target_encoding(column: TargetColumn, values: Iterable[float], prior: float, schema: pl.Schema) -> pl.Expr:
    table = np.array([*values, prior])  # the prior comes last, where the position -1 finds it
    return _position(column, schema).map_batches(
        lambda positions: pl.Series(positions.name, table[positions.fill_null(-1).to_numpy()]),  # null: not asked for
        return_dtype=pl.Float64,
        is_elementwise=True,
    )


def _filled_instant(column: DatetimeColumn, schema: pl.Schema) -> pl.Expr:
    instant = as_instant(column.name, schema[column.name])
    return instant if column.fill is None else instant.fill_null(pl.lit(column.fill).cast(pl.Datetime("us")))


def _parts(column: DatetimeColumn) -> Iterator[pl.Expr]:
    for part in column.parts:
        value = _PARTS[part](pl.col(_working(column))).cast(pl.Float64).fill_null(math.nan)
        if column.is_cyclic(part):
            first, length = PERIODS[part]
            angle = (value - first) * (2 * math.pi / length)
            yield angle.sin()
            yield angle.cos()
        else:
            yield value
