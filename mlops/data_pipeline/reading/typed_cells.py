"""Brings values that have a type already into the one that a schema demands, null where they do not go."""

from __future__ import annotations

import polars as pl

from mlops.data_pipeline.reading.cells import CellForm, dtype_of
from mlops.data_pipeline.typed_values import TEXT_TYPES, ColumnType

__all__ = ["converted"]


def converted(cell: pl.Expr, dtype: pl.DataType, form: CellForm) -> pl.Expr:
    """Return the values of a column in the type that is demanded.

    A number becomes a whole one only when it is whole, and a truth value only when it is 0 or 1; a date becomes a
    moment at midnight, and a moment a date only at midnight; all things but nested ones become text.

    Args:
        cell: The column.
        dtype: Its type.
        form: What is demanded.
    """
    target = dtype_of(form)
    if form.type in TEXT_TYPES:
        return cell.cast(pl.String)
    if form.type is ColumnType.INTEGER and (dtype.is_float() or dtype.is_decimal()):
        return pl.when(cell == cell.floor()).then(cell).cast(pl.Int64, strict=False)
    if form.type is ColumnType.BOOLEAN and dtype.is_numeric():
        return pl.when(cell == 1).then(statement=True).when(cell == 0).then(statement=False)
    if _is_time(dtype) != (form.type in {ColumnType.DATE, ColumnType.DATETIME}):
        return pl.lit(None, target)
    if isinstance(dtype, pl.Datetime):
        return _of_moment(cell, dtype, form)
    return cell.cast(target, strict=False)


def _of_moment(cell: pl.Expr, dtype: pl.Datetime, form: CellForm) -> pl.Expr:
    if form.type is ColumnType.DATE:
        return pl.when(cell.dt.time() == pl.time(0, 0, 0)).then(cell.dt.date())
    utc = cell.dt.convert_time_zone("UTC") if dtype.time_zone is not None else cell
    return utc.cast(dtype_of(form), strict=False)


def _is_time(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Date | pl.Datetime)
