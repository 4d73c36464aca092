"""The cells of a snapshot's columns in the one Polars type that checks work with, and values of schemas likewise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from mlops.data_pipeline.errors import SchemaMismatch
from mlops.data_pipeline.typed_values import ColumnType, python_value

__all__ = ["CELL_TYPES", "bound_literal", "cell_expression", "literals"]

CELL_TYPES: Mapping[ColumnType, pl.DataType] = {
    ColumnType.STRING: pl.String(),
    ColumnType.CATEGORY: pl.String(),
    ColumnType.INTEGER: pl.Int64(),
    ColumnType.FLOAT: pl.Float64(),
    ColumnType.BOOLEAN: pl.Boolean(),
    ColumnType.DATE: pl.Date(),
    ColumnType.DATETIME: pl.Datetime("us"),
}
"""The Polars type of each type of column; moments are in UTC."""

_TEXTS = (pl.String, pl.Categorical, pl.Enum)
_FITTING: Mapping[ColumnType, Callable[[pl.DataType], bool]] = {
    ColumnType.STRING: lambda dtype: isinstance(dtype, _TEXTS),
    ColumnType.CATEGORY: lambda dtype: isinstance(dtype, _TEXTS),
    ColumnType.INTEGER: lambda dtype: dtype.is_integer(),
    ColumnType.FLOAT: lambda dtype: dtype.is_float() or dtype.is_integer(),
    ColumnType.BOOLEAN: lambda dtype: dtype == pl.Boolean,
    ColumnType.DATE: lambda dtype: dtype == pl.Date,
    ColumnType.DATETIME: lambda dtype: isinstance(dtype, pl.Datetime),
}


def cell_expression(name: str, kind: ColumnType, dtype: pl.DataType | None) -> pl.Expr:
    """Return a column's cells in the type of `CELL_TYPES`; all null where the table has no such column.

    Raises:
        SchemaMismatch: The snapshot holds something else in this column.
    """
    wanted = CELL_TYPES[kind]
    if dtype is None or dtype == pl.Null:
        return pl.lit(None, dtype=wanted)
    if not _FITTING[kind](dtype):
        raise SchemaMismatch(
            [name], f"Column {name!r} is {dtype} in the snapshot, and the schema wants {kind}. Take the snapshot anew."
        )
    cells = pl.col(name)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        cells = cells.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return cells if dtype == wanted else cells.cast(wanted)


def literals(kind: ColumnType, values: tuple[Any, ...]) -> pl.Series:
    """Return values of a schema, in JSON form, as the cells of a table have them."""
    return pl.Series([_cell(python_value(kind, value)) for value in values], dtype=CELL_TYPES[kind])


def bound_literal(kind: ColumnType, bound: Any, *, is_lower: bool) -> pl.Expr:
    """Return a bound as a literal of the column's type; a fraction that bounds whole numbers is rounded inwards."""
    if kind is ColumnType.INTEGER and isinstance(bound, float):
        bound = math.ceil(bound) if is_lower else math.floor(bound)
        if abs(bound) >= 2**63:
            return pl.lit(float(bound))
    return pl.lit(_cell(python_value(kind, bound)), dtype=CELL_TYPES[kind])


def _cell(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
