"""Worksheets as laboratories keep them: with a preamble, dates that are dates, errors of formulas, times of day."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from mlops.data_pipeline.errors import UnreadableInput, UnsupportedFormat
from mlops.data_pipeline.lines import lines_of
from mlops.data_pipeline.reading import ColumnSpec, ReadOptions, Snapshot, scan_snapshot, take_snapshot


def book(folder: Path, *rows: tuple[Any, ...]) -> Path:
    """Write a workbook with one sheet of these rows."""
    written = openpyxl.Workbook()
    for row in rows:
        written.active.append(row)
    written.save(folder / "in.xlsx")
    return folder / "in.xlsx"


def read(file: Path, columns: dict[str, ColumnSpec] | None = None, **told: Any) -> tuple[Snapshot, list[Any]]:
    """Return the snapshot of a workbook and its rows without their numbers."""
    snapshot = take_snapshot(file, file.parent / "out.parquet", columns=columns, options=ReadOptions(**told))
    return snapshot, scan_snapshot(snapshot).drop("__row__").collect().rows()


def test_dates_are_dates_whatever_format_text_would_have(tmp_path: Path) -> None:
    """A schema made for CSV files reads the cells of a worksheet that are dates, and its texts."""
    file = book(tmp_path, ("taken",), (date(2026, 11, 3),), ("04.11.2026",), ("soon",))
    _, rows = read(file, {"taken": ColumnSpec(type="date", format="%d.%m.%Y")})
    assert rows == [(date(2026, 11, 3), None), (date(2026, 11, 4), None), (None, "soon")]


def test_an_error_of_a_formula_is_no_empty_cell(tmp_path: Path) -> None:
    """It keeps its name, so that a number is missed where one should be."""
    file = book(tmp_path, ("ct", "gene"), (21.5, "#N/A"), ("#DIV/0!", "actb"))
    snapshot, rows = read(file, {"ct": ColumnSpec(type="float")})
    assert snapshot.columns == ("ct", "gene")
    assert rows == [(21.5, None, "#N/A"), (None, "#DIV/0!", "actb")]


def test_a_time_of_day_has_no_day(tmp_path: Path) -> None:
    """The day zero of worksheets is not shown."""
    assert read(book(tmp_path, ("begun",), (time(8, 30),)))[1] == [("08:30:00",)]


def test_what_an_instrument_writes_above_the_header_is_left_out(tmp_path: Path) -> None:
    """The line of the header is said, and rows are known by their lines in the sheet."""
    file = book(tmp_path, ("Instrument", "QS5"), (), ("well", "ct"), ("A1", 21.5), ("A2", 22.5))
    snapshot, rows = read(file, header_line=3)
    assert rows == [("A1", 21.5), ("A2", 22.5)]
    assert lines_of(snapshot, [1]) == {1: 5}


def test_empty_rows_above_the_header_are_no_header(tmp_path: Path) -> None:
    """The first row that has something holds the names."""
    snapshot, rows = read(book(tmp_path, (), (None, None), ("well", "ct"), ("A1", 21.5)))
    assert (rows, snapshot.first_line) == ([("A1", 21.5)], 4)


def test_columns_without_a_name_are_told(tmp_path: Path) -> None:
    """Merged headers and preambles leave empty cells where names should be."""
    snapshot, _ = read(book(tmp_path, ("well", "measured", None), ("A1", 21.5, 3)))
    assert "no name for column_3; header_line" in snapshot.notes[0]


def test_a_header_below_the_sheet_is_refused(tmp_path: Path) -> None:
    """There is nothing to be read."""
    with pytest.raises(UnreadableInput, match="nothing on line 9 or below"):
        read(book(tmp_path, ("well",)), header_line=9)


def test_a_workbook_is_read_by_its_bytes(tmp_path: Path) -> None:
    """Systems call a new workbook `.xls`; a cut one is refused as such."""
    file = book(tmp_path, ("well",), ("A1",)).rename(tmp_path / "in.xls")
    assert read(file)[1] == [("A1",)]
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(UnreadableInput, match="damaged or cut short"):
        read(file)


def test_a_gzipped_workbook_is_told_from_text(tmp_path: Path) -> None:
    """The message says what to do."""
    import gzip

    (tmp_path / "in.xlsx.gz").write_bytes(gzip.compress(book(tmp_path, ("well",)).read_bytes()))
    with pytest.raises(UnsupportedFormat, match="gzipped excel, which is compressed anyway"):
        read(tmp_path / "in.xlsx.gz")
