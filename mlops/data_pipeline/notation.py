"""How values are written as text, so that the schema they came by reads them again as what they are."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mlops.data_pipeline.column_spec import ColumnSpec
from mlops.data_pipeline.reading.cells import has_zone

__all__ = ["dates_in_their_formats"]


def dates_in_their_formats(types: Mapping[str, pl.DataType], columns: Mapping[str, ColumnSpec]) -> list[pl.Expr]:
    """Return dates and times as text in the first format that the schema names for them; those without one are left.

    Args:
        types: Of the columns of a table.
        columns: What the schema says of them.

    Example:
        >>> from datetime import date
        >>> table = pl.DataFrame({"drawn": [date(2026, 2, 1)]})
        >>> columns = {"drawn": ColumnSpec(type="date", format="%d.%m.%Y")}
        >>> table.select(dates_in_their_formats(table.schema, columns)).item()
        '01.02.2026'
    """
    return [
        _text(name, dtype, spec.format[0])
        for name, dtype in types.items()
        if isinstance(dtype, pl.Date | pl.Datetime) and (spec := columns.get(name)) is not None and spec.format
    ]


def _text(name: str, dtype: pl.DataType, form: str) -> pl.Expr:
    cell = pl.col(name)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is None and has_zone(form):
        cell = cell.dt.replace_time_zone("UTC")
    return cell.dt.strftime(form)
