"""The rows of a snapshot that a schema lets pass, as the table that people work on."""

from __future__ import annotations

import polars as pl

from mlops.data_pipeline.cells import cell_expression
from mlops.data_pipeline.checking import CheckedRows
from mlops.data_pipeline.entities import DataSchema
from mlops.data_pipeline.snapshot_columns import ROW, is_own

__all__ = ["bad_row_numbers", "good_rows", "reasons_of_bad_rows"]


def bad_row_numbers(checked: CheckedRows) -> pl.Series:
    """Return the numbers of the rows that break a rule that is an error, ascending."""
    if not checked.bad_rows:
        return pl.Series(ROW, [], dtype=pl.UInt32)
    bad = checked.faults.filter(checked.checks.is_bad()).select(ROW)
    return bad.collect(engine="streaming").to_series()


def reasons_of_bad_rows(checked: CheckedRows) -> pl.DataFrame:
    """Return `__row__` and `reasons`, a list of rule ids, of every bad row."""
    reasons = checked.checks.reasons().str.split(";").alias("reasons")
    bad = checked.faults.filter(checked.checks.is_bad()).select(ROW, reasons)
    return bad.collect(engine="streaming")


def good_rows(rows: pl.LazyFrame, schema: DataSchema, bad: pl.Series) -> pl.LazyFrame:
    """Return the good rows with `__row__`, the schema's columns in the schema's types, and further columns as read.

    Columns come in the order of the table; those that it lacks are empty and come last.
    """
    types = rows.collect_schema()
    names = [name for name in types if not is_own(name)]
    lacking = [name for name in schema.columns if name not in types]
    cells = [
        cell_expression(name, schema.columns[name].type, types.get(name)).alias(name)
        if name in schema.columns
        else pl.col(name)
        for name in [*names, *lacking]
    ]
    kept = rows.filter(~pl.col(ROW).is_in(bad.implode())) if len(bad) else rows
    return kept.select(ROW, *cells)
