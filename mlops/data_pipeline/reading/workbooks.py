"""Reads the first, or the named, worksheet of a workbook; its first row holds the names of the columns."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl

from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.reading.names import name_problem
from mlops.data_pipeline.reading.outcome import Order, Outcome
from mlops.data_pipeline.reading.staged import read_staged
from mlops.data_pipeline.reading.survey import digest_file
from mlops.data_pipeline.snapshot_columns import FAULT
from mlops.errors import did_you_mean, require

__all__ = ["read_workbook"]


def read_workbook(source: Path, order: Order) -> Outcome:
    """Write the snapshot of a worksheet. Formulas count as the values that were last computed for them.

    Cells are taken as text, so that a column of mixed types loses nothing; numbers and dates are whole again where the
    schema says so.

    Raises:
        UnreadableInput: It is no workbook, has no such sheet or no header, or is protected by a password.
        MissingDependency: The extra `excel` is not installed.
    """
    require("fastexcel", package="fastexcel", extra="excel", purpose="reading a workbook")
    frame = _named(_cells(source, _sheet(source, order.options.sheet)), source)
    result = read_staged([frame], order)
    return Outcome(digest_file(source, tick=order.watch.bytes_read), result, {})


def _sheet(source: Path, wanted: str) -> str:
    import fastexcel

    try:
        names = fastexcel.read_excel(source).sheet_names
    except fastexcel.FastExcelError as error:
        reason = f"it cannot be opened as a workbook: {str(error).splitlines()[0]}. Save it again without a password."
        raise UnreadableInput(str(source), reason) from error
    if wanted and wanted not in names:
        listed = ", ".join(map(repr, names))
        reason = f"it has no sheet {wanted!r}. {did_you_mean(wanted, names)} Its sheets are {listed}."
        raise UnreadableInput(str(source), reason.replace("  ", " "))
    return wanted or names[0]


def _cells(source: Path, sheet: str) -> pl.DataFrame:
    import fastexcel

    loaded = fastexcel.read_excel(source).load_sheet(sheet, header_row=None, dtypes="string", skip_rows=0)
    return loaded.to_polars()


def _named(cells: pl.DataFrame, source: Path) -> pl.DataFrame:
    """Take the names of the columns from the first row."""
    if not cells.height:
        raise UnreadableInput(str(source), "its sheet is empty: not even a header is there.")
    names = [(cell or "").strip() or f"column_{number}" for number, cell in enumerate(cells.row(0), 1)]
    for name, times in Counter(names).items():
        reason = "a name stands in the header once. Rename the column." if times > 1 else name_problem(name)
        if reason:
            raise UnreadableInput(str(source), reason, line=1, column=name)
    frame = cells.slice(1).rename(dict(zip(cells.columns, names, strict=True)))
    filled = frame.select(pl.all_horizontal(pl.all().is_null()).not_().alias("filled"))["filled"]
    last = filled.arg_max() if filled.any() else None
    rows = frame.height - (filled.reverse().arg_max() or 0) if last is not None else 0
    return frame.head(rows).with_columns(pl.lit(None, pl.String).alias(FAULT))
