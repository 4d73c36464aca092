"""Parquet, DataFrames, JSON lines and workbooks give the snapshots that text files give."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from mlops.data_pipeline.errors import UnreadableInput, UnsupportedFormat
from mlops.data_pipeline.reading import ColumnSpec, ReadOptions, raw_lines, scan_snapshot, take_snapshot

COLUMNS = {"id": ColumnSpec(type="string"), "n": ColumnSpec(type="integer"), "dose": ColumnSpec(type="float")}
FRAME = pl.DataFrame({"id": [1, 2, 3], "n": [1.0, 2.5, None], "dose": ["0.5", "much", None], "more": [[1], [2], [3]]})
EXPECTED = [("1", 1, None, 0.5, None), ("2", None, "2.5", None, "much"), ("3", None, None, None, None)]
KNOWN = ("id", "n", "__raw__n", "dose", "__raw__dose")


def test_parquet_is_brought_into_its_types(tmp_path: Path) -> None:
    """Values of other types are converted where that loses nothing, and keep their text where it would."""
    FRAME.write_parquet(tmp_path / "in.parquet")
    snapshot = take_snapshot(tmp_path / "in.parquet", tmp_path / "out.parquet", columns=COLUMNS)
    assert scan_snapshot(snapshot).select(KNOWN).collect().rows() == EXPECTED
    assert snapshot.raw_columns == ("n", "dose")
    assert snapshot.types["more"] == "other"


def test_polars_frame_has_a_digest_of_its_content(tmp_path: Path) -> None:
    """The same table has the same digest, another one another."""
    first = take_snapshot(FRAME, tmp_path / "1.parquet", columns=COLUMNS)
    assert scan_snapshot(first).select(KNOWN).collect().rows() == EXPECTED
    assert take_snapshot(FRAME.clone(), tmp_path / "2.parquet").digest == first.digest
    assert take_snapshot(FRAME.with_columns(n=pl.lit(1)), tmp_path / "3.parquet").digest != first.digest


def test_pandas_frame_with_mixed_objects_and_named_index(tmp_path: Path) -> None:
    """Objects of several types become text before their type is sought; a named index is a column."""
    frame = pd.DataFrame({"n": [1.0, float("nan")], "dose": [1.5, "x"]}, index=pd.Index(["a", "b"], name="id"))
    snapshot = take_snapshot(frame, tmp_path / "out.parquet", columns=COLUMNS)
    rows = scan_snapshot(snapshot).select("id", "n", "dose", "__raw__dose").collect().rows()
    assert rows == [("a", 1, 1.5, None), ("b", None, None, "x")]


def test_moments_and_dates_become_each_other_at_midnight(tmp_path: Path) -> None:
    """A moment is a date only at midnight."""
    frame = pl.DataFrame({"d": [datetime(2024, 1, 5), datetime(2024, 1, 5, 10)]})  # noqa: DTZ001
    snapshot = take_snapshot(frame, tmp_path / "out.parquet", columns={"d": ColumnSpec(type="date")})
    assert scan_snapshot(snapshot).collect()["d"].to_list() == [date(2024, 1, 5), None]


def test_nested_column_that_the_schema_knows_is_refused(tmp_path: Path) -> None:
    """A list cannot become a cell."""
    with pytest.raises(UnreadableInput, match="column 'more'"):
        take_snapshot(FRAME, tmp_path / "out.parquet", columns={"more": ColumnSpec(type="string")})


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    """A Parquet file that was cut is refused, and nothing is left behind."""
    FRAME.write_parquet(tmp_path / "in.parquet")
    (tmp_path / "in.parquet").write_bytes((tmp_path / "in.parquet").read_bytes()[:-30])
    with pytest.raises(UnreadableInput, match="complete"):
        take_snapshot(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_json_lines_with_missing_keys_and_broken_lines(tmp_path: Path) -> None:
    """Keys that come late are columns, lines that are no object are broken rows, blank lines are none."""
    lines = [json.dumps({"id": "a", "n": 1}), "", "nope", "[1]", json.dumps({"id": "b", "dose": "x", "late": True})]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    snapshot = take_snapshot(tmp_path / "in.jsonl", tmp_path / "out.parquet", columns=COLUMNS)
    table = scan_snapshot(snapshot).collect()
    assert table["__fault__"].to_list() == [None, "json", "json", None]
    assert table["late"].to_list() == [None, None, None, True]
    assert table["__raw__dose"].to_list() == [None, None, None, "x"]
    assert raw_lines(snapshot, [1]) == {1: (3, "nope")}


def test_half_of_a_surrogate_pair_is_a_broken_row(tmp_path: Path) -> None:
    """JSON can escape what is no text; the rows around it are read."""
    (tmp_path / "in.jsonl").write_text('{"id": "a"}\n{"id": "\\ud83d"}\n{"id": "\\ud83e\\uddec"}\n')
    table = scan_snapshot(take_snapshot(tmp_path / "in.jsonl", tmp_path / "out.parquet")).collect()
    assert table.drop("__row__").rows() == [("a", None), (None, "json"), ("🧬", None)]


def test_one_json_list_is_refused(tmp_path: Path) -> None:
    """It is not read as a CSV file with a column called `[`."""
    (tmp_path / "in.json").write_text(json.dumps([{"id": "a"}], indent=1))
    with pytest.raises(UnsupportedFormat, match="one object a line"):
        take_snapshot(tmp_path / "in.json", tmp_path / "out.parquet")


def test_workbook_with_a_mixed_column_loses_nothing(tmp_path: Path) -> None:
    """A word among the numbers of a sheet keeps its text."""
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "in.xlsx") as book:
        sheet = book.add_worksheet("Samples")
        for place, row in enumerate([("id", "n", "dose"), ("a", 1, 0.5), ("b", 2, "n.d."), ("c", None, 3)]):
            sheet.write_row(place, 0, row)
    snapshot = take_snapshot(tmp_path / "in.xlsx", tmp_path / "out.parquet", columns=COLUMNS)
    rows = scan_snapshot(snapshot).select("id", "n", "dose", "__raw__dose").collect().rows()
    assert rows == [("a", 1, 0.5, None), ("b", 2, None, "n.d."), ("c", None, 3.0, None)]


def test_missing_sheet_is_named_with_near_ones(tmp_path: Path) -> None:
    """Asking for a sheet that is not there lists those that are."""
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "in.xlsx") as book:
        book.add_worksheet("Samples")
    with pytest.raises(UnreadableInput, match="Did you mean 'Samples'"):
        take_snapshot(tmp_path / "in.xlsx", tmp_path / "out.parquet", options=ReadOptions(sheet="Sample"))
