"""How source columns are read, the same way when fitting and when making features: what is missing, what a category is.

Also refuses columns whose type cannot become what was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from mlops.features.errors import ColumnNotFound, UnsuitableColumn
from mlops.features.plan import FeaturePlan

__all__ = ["as_category", "as_instant", "as_number", "as_text", "check_columns", "check_present", "check_types"]

_WHOLE = 2.0**53  # beyond this, doubles skip whole numbers


def as_number(name: str) -> pl.Expr:
    """Return the column as Float64, null where it is missing: null, NaN, ±inf."""
    number = pl.col(name).cast(pl.Float64)
    return pl.when(number.is_finite()).then(number)


def as_category(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return the column as the text of its categories, null where it is missing."""
    column = pl.col(name)
    if dtype.is_float():
        whole = (column == column.round()) & (column.abs() < _WHOLE)
        text = (
            pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))
        )
        return pl.when(column.is_not_nan()).then(text)
    return column.cast(pl.String)


def as_text(name: str) -> pl.Expr:
    """Return the column as text; missing text is empty."""
    return pl.col(name).cast(pl.String).fill_null("")


def as_instant(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return the column as datetimes in microseconds without a zone, in UTC if it had one."""
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us"))


def check_present(wanted: Iterable[str], schema: pl.Schema) -> None:
    """Refuse a frame that lacks a column.

    Raises:
        ColumnNotFound: With the names that look similar.
    """
    for name in wanted:
        if name not in schema:
            raise ColumnNotFound(name, known=schema.names())


def check_columns(plan: FeaturePlan, schema: pl.Schema) -> None:
    """Refuse training rows whose columns are not there or cannot become what the plan says.

    Raises:
        ColumnNotFound: A column is not there.
        UnsuitableColumn: A column has another type.
    """
    check_present((*plan.columns, *((plan.target,) if plan.target is not None else ())), schema)
    for name in plan.categorical:
        if schema[name].is_float():
            raise UnsuitableColumn(
                name,
                f"is of type {schema[name]}, and categories are text, integers or booleans. "
                "List decimal numbers under numeric, or round them first.",
            )
    check_types(plan, plan.columns, schema)


def check_types(plan: FeaturePlan, names: Iterable[str], schema: pl.Schema) -> None:
    """Refuse columns of a type that the features cannot be made of; a category may be a float where codes have gaps.

    Raises:
        UnsuitableColumn: With the type, and what is needed.
    """
    wanted = {
        **dict.fromkeys(plan.numeric, ("a number or boolean", _is_number)),
        **dict.fromkeys(plan.categorical, ("text, a whole number or a boolean", _is_nominal)),
        **dict.fromkeys(plan.text, ("text", _is_text)),
        **dict.fromkeys(plan.datetime, ("a date or datetime", _is_instant)),
    }
    for name in names:
        words, is_suitable = wanted[name]
        dtype = schema[name]
        if not is_suitable(dtype) and dtype != pl.Null:  # a column of nulls only may be anything
            raise UnsuitableColumn(name, f"is of type {dtype}, and the plan needs {words} there. Convert it first.")


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Boolean


def _is_text(dtype: pl.DataType) -> bool:
    return dtype in (pl.String, pl.Categorical, pl.Enum)


def _is_nominal(dtype: pl.DataType) -> bool:
    return _is_text(dtype) or dtype.is_integer() or dtype.is_float() or dtype == pl.Boolean


def _is_instant(dtype: pl.DataType) -> bool:
    return dtype in (pl.Date, pl.Datetime)
