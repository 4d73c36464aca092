"""Reads the first, or the named, worksheet of a workbook; its first filled row holds the names of the columns."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.reading.names import name_problem
from mlops.data_pipeline.reading.outcome import Order, Outcome
from mlops.data_pipeline.reading.staged import read_staged, with_iso_dates
from mlops.data_pipeline.reading.survey import digest_file
from mlops.data_pipeline.snapshot_columns import FAULT
from mlops.errors import did_you_mean, require

if TYPE_CHECKING:
    from fastexcel import ExcelReader

__all__ = ["read_workbook"]

_DAY_ZERO = r"^1899-12-3[01] "  # before all dates of a worksheet: what a cell with a time of day alone is given
_ERRORS = {
    "Div0": "#DIV/0!", "NA": "#N/A", "Name": "#NAME?", "Null": "#NULL!", "Num": "#NUM!", "Ref": "#REF!",
    "Value": "#VALUE!",
}  # fmt: skip


def read_workbook(source: Path, order: Order) -> Outcome:
    """Write the snapshot of a worksheet. Formulas count as the values that were last computed for them.

    Cells are taken as text, so that a column of mixed types loses nothing; numbers and dates are whole again where the
    schema says so. A cell with an error has its name, such as `#DIV/0!`.

    Raises:
        UnreadableInput: It is no workbook, has no such sheet or no header, or is protected by a password.
        MissingDependency: The extra `excel` is not installed.
    """
    require("fastexcel", package="fastexcel", extra="excel", purpose="reading a workbook")
    book = _opened(source)
    cells = _cells(book, _sheet(book, source, order.options.sheet))
    header = _header(cells, source, order.options.header_line)
    names = _names(cells.row(header), source, header + 1)
    dated = order._replace(columns=with_iso_dates(order.columns))
    result = read_staged([_table(cells, names, header)], dated)
    notes = _notes(cells.row(header), names, header + 1)
    return Outcome(digest_file(source, tick=order.watch.bytes_read), result, {}, notes=notes, first_line=header + 2)


def _opened(source: Path) -> ExcelReader:
    """Open a workbook by its bytes, for names such as `.xls` do not always say what it is."""
    import fastexcel

    try:
        return fastexcel.read_excel(source.read_bytes())
    except fastexcel.FastExcelError as error:
        reason = f"it cannot be opened as a workbook ({str(error).splitlines()[0]}): it is damaged or cut short, or "
        raise UnreadableInput(str(source), reason + "it has a password. Save it again without one.") from error


def _sheet(book: ExcelReader, source: Path, wanted: str) -> str:
    names = book.sheet_names
    if wanted and wanted not in names:
        listed = ", ".join(map(repr, names))
        reason = f"it has no sheet {wanted!r}. {did_you_mean(wanted, names)} Its sheets are {listed}."
        raise UnreadableInput(str(source), reason.replace("  ", " "))
    return wanted or names[0]


def _cells(book: ExcelReader, sheet: str) -> pl.DataFrame:
    """Return all cells as text, from the first row of the sheet on."""
    batch, errors = book.load_sheet(sheet, header_row=None, dtypes="string", skip_rows=0).to_arrow_with_errors()
    cells: pl.DataFrame = pl.from_arrow(batch)  # type: ignore[assignment]
    texts: dict[int, dict[int, str]] = {}
    for error in errors.errors if errors else ():
        row, column = error.offset_position
        found = (text for word, text in _ERRORS.items() if f"Error({word})" in error.detail)
        texts.setdefault(column, {})[row] = next(found, "#ERROR")
    for column, at_rows in texts.items():
        cells = cells.with_columns(cells.to_series(column).scatter(list(at_rows), list(at_rows.values())))
    return cells.with_columns(pl.all().str.replace(_DAY_ZERO, ""))


def _header(cells: pl.DataFrame, source: Path, wanted: int) -> int:
    """Return which row, from 0, has the names: the first that is not empty from the wanted line on."""
    filled = cells.select(pl.any_horizontal(pl.all().is_not_null()))
    rows = filled.to_series().slice(max(wanted - 1, 0)).arg_true() if cells.width else pl.Series(dtype=pl.UInt32)
    if rows.is_empty():
        where = f"has nothing on line {wanted} or below" if cells.height and wanted else "is empty"
        raise UnreadableInput(str(source), f"its sheet {where}: not even a header is there.")
    return max(wanted - 1, 0) + int(rows[0])


def _names(header: tuple[str | None, ...], source: Path, line: int) -> list[str]:
    names = [(cell or "").strip() or f"column_{number}" for number, cell in enumerate(header, 1)]
    for name, times in Counter(names).items():
        reason = "a name stands in the header once. Rename the column." if times > 1 else name_problem(name)
        if reason:
            raise UnreadableInput(str(source), reason, line=line, column=name)
    return names


def _notes(header: tuple[str | None, ...], names: list[str], line: int) -> tuple[str, ...]:
    unnamed = [name for name, cell in zip(names, header, strict=True) if not (cell or "").strip()]
    if not unnamed:
        return ()
    called = f"{unnamed[0]} to {unnamed[-1]}" if len(unnamed) > 1 else unnamed[0]
    note = f"Line {line} was taken for the header and has no name for {called}; header_line says where it stands."
    return (note,)


def _table(cells: pl.DataFrame, names: list[str], header: int) -> pl.DataFrame:
    """Return the rows below the header up to the last one that is not empty."""
    frame = cells.slice(header + 1).rename(dict(zip(cells.columns, names, strict=True)))
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    rows = 0 if filled.is_empty() else int(filled[-1]) + 1
    return frame.head(rows).with_columns(pl.lit(None, pl.String).alias(FAULT))
