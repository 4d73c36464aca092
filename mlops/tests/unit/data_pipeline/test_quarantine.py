"""Bad rows are set aside as they were, mended by a person, and joined again."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.quarantine import Quarantine, read_mended, write_quarantine
from mlops.data_pipeline.reading import ColumnSpec, ReadOptions, Snapshot, scan_snapshot, take_snapshot

COLUMNS = {"id": ColumnSpec(type="string"), "dose": ColumnSpec(type="float")}
TEXT = 'id;dose;note\na;1.50;fine\nb;much;"=CMD(); x"\nc;2\nd;4;end\n'
REASONS = pl.DataFrame({"__row__": [2, 1], "reasons": [["ragged"], ["type:dose", "rule:limit"]]})


def quarantined(folder: Path) -> tuple[Snapshot, Quarantine]:
    (folder / "in.csv").write_text(TEXT)
    snapshot = take_snapshot(folder / "in.csv", folder / "snapshot.parquet", columns=COLUMNS)
    return snapshot, write_quarantine(REASONS, snapshot, folder / "bad")


def mended(folder: Path, text: str) -> Path:
    (folder / "mended.csv").write_text(text)
    return folder / "mended.csv"


def test_rows_stand_as_they_were_with_line_and_reasons(tmp_path: Path) -> None:
    """The file for people has the exact cells, formulas too, and the whole line where cells are missing."""
    _, files = quarantined(tmp_path)
    with files.csv.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["quarantine_row", "quarantine_line", "quarantine_reasons", "id", "dose", "note", "quarantine_text"],
        ["1", "3", "type:dose; rule:limit", "b", "much", "=CMD(); x", ""],
        ["2", "4", "ragged", "c", "2", "", "c;2"],
    ]
    assert pl.read_parquet(files.parquet)["quarantine_reasons"].to_list() == [["type:dose", "rule:limit"], ["ragged"]]


def test_mended_rows_are_read_with_their_numbers(tmp_path: Path) -> None:
    """Whatever order and separator the person's program wrote, each row keeps the number of its place."""
    _, files = quarantined(tmp_path)
    path = mended(tmp_path, "quarantine_row;id;dose;note\n2;c;2.0;\n1;b;3.5;mended\n")
    again = read_mended(path, files.parquet, tmp_path / "again.csv")
    second = take_snapshot(again.path, tmp_path / "second.parquet", columns=COLUMNS, options=again.options)
    assert again.rows.to_list() == [2, 1]
    assert scan_snapshot(second).collect()["dose"].to_list() == [2.0, 3.5]


def test_deleted_rows_stay_in_quarantine(tmp_path: Path) -> None:
    """A person may mend some of the rows only."""
    _, files = quarantined(tmp_path)
    path = mended(tmp_path, "quarantine_row,id,dose,note\n1,b,3.5,mended\n")
    assert read_mended(path, files.parquet, tmp_path / "again.csv").rows.to_list() == [1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quarantine_row,id,dose,note\n0,a,1,x\n", "row '0' was not in the quarantine"),
        ("quarantine_row,id,dose,note\n,a,1,x\n", "was not in the quarantine"),
        ("quarantine_row,id,dose,note\n1,a,1,x\n1,a,1,x\n", "row 1 stands twice"),
        ("quarantine_row,id,dose\n1,a,1\n", "column 'note'.*lacks"),
        ("id,dose,note\na,1,x\n", "column 'quarantine_row'.*lacks"),
        ("quarantine_row,id,dose,note\n1,a,1\n", "ragged.*line 2"),
    ],
)
def test_files_that_do_not_match_are_refused(tmp_path: Path, text: str, said: str) -> None:
    """A mended file that is not of this quarantine is refused with the place."""
    _, files = quarantined(tmp_path)
    with pytest.raises(UnreadableInput, match=said):
        read_mended(mended(tmp_path, text), files.parquet, tmp_path / "again.csv")


def test_tables_without_lines_are_quarantined_by_their_values(tmp_path: Path) -> None:
    """Rows of a DataFrame have no line; cells that did not parse have their text."""
    frame = pl.DataFrame({"id": ["a", "b"], "dose": ["1.5", "much"], "tags": [[1], [2]]})
    snapshot = take_snapshot(frame, tmp_path / "s.parquet", columns=COLUMNS)
    reasons = pl.DataFrame({"__row__": [1], "reasons": [["type:dose"]]})
    found = pl.read_parquet(write_quarantine(reasons, snapshot, tmp_path / "bad").parquet)
    assert found.rows() == [(1, None, ["type:dose"], "b", "much", "[2]", None)]


def test_empty_quarantine_has_its_header(tmp_path: Path) -> None:
    """No bad row makes files of no rows."""
    snapshot, _ = quarantined(tmp_path)
    files = write_quarantine(REASONS.clear(), snapshot, tmp_path / "none")
    assert pl.read_parquet(files.parquet).height == files.rows == 0


def test_values_without_text_are_written_as_the_input_is_read(tmp_path: Path) -> None:
    """A cell that nobody touched is read again as what it was: dates in the schema's format, with a decimal comma."""
    columns = {"dose": ColumnSpec(type="float"), "day": ColumnSpec(type="date", format=["%d.%m.%Y", "%Y-%m-%d"])}
    options = ReadOptions(decimal_comma=True)
    frame = pl.DataFrame({"dose": [1.5], "day": [date(2026, 2, 1)]})
    snapshot = take_snapshot(frame, tmp_path / "s.parquet", columns=columns)
    reasons = pl.DataFrame({"__row__": [0], "reasons": [["rule:x"]]})
    files = write_quarantine(reasons, snapshot, tmp_path / "bad", columns=columns, options=options)
    again = read_mended(files.csv, files.parquet, tmp_path / "again.csv", options=options)
    second = take_snapshot(again.path, tmp_path / "second.parquet", columns=columns, options=again.options)
    assert scan_snapshot(second).select("dose", "day").collect().rows() == [(1.5, date(2026, 2, 1))]


def test_a_workbook_is_no_mended_file(tmp_path: Path) -> None:
    """It says what to do instead, for spreadsheets turn codes into numbers and dates."""
    _, files = quarantined(tmp_path)
    pl.DataFrame({"quarantine_row": [1]}).write_excel(tmp_path / "mended.xlsx")
    with pytest.raises(UnreadableInput, match="Save the sheet as CSV"):
        read_mended(tmp_path / "mended.xlsx", files.parquet, tmp_path / "again.csv")
