"""The fast and the careful way through delimited text agree, whatever the bytes."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlops.data_pipeline.reading import raw_lines, scan_snapshot, take_snapshot
from mlops.data_pipeline.reading.decoding import skip_lines
from mlops.data_pipeline.reading.one_record import read_record
from mlops.data_pipeline.reading.options import ReadOptions
from mlops.data_pipeline.reading.raw_cells import raw_cells
from mlops.data_pipeline.reading.raw_lines import raw_texts
from mlops.data_pipeline.reading.record_blocks import RecordForm, record_blocks

DAMAGED = st.text(alphabet='ab,"\n', max_size=60).map(str.encode)
CELLS = st.text(alphabet='abü," \r\n;', max_size=6)
AS_TEXT = ReadOptions(separator=",", null_values=(), infer_unknown=False, encoding="utf-8")


def by_blocks(content: bytes, size: int, width: int) -> list[tuple[int, bytes, str]]:
    parts = [content[begin : begin + size] for begin in range(0, len(content), size)]
    found = []
    for block in record_blocks(parts, RecordForm(",", width, 2)):
        for place, (start, end) in enumerate(zip(block.starts, block.ends, strict=True)):
            found.append((int(block.lines[place]), block.text[start:end], block.faults.get(place, "")))
    return found


def one_by_one(content: bytes, width: int) -> list[tuple[int, bytes, str]]:
    found, place = [], 0
    while place < len(content):
        record = read_record(content, place, b",", is_last=True)
        assert record is not None
        text = content[place : record.end]
        fault = "quotes" if not record.is_sound else "" if len(record.cells) == width else "ragged"
        if text.rstrip(b"\r\n"):
            found.append((2 + content.count(b"\n", 0, place), text.removesuffix(b"\n"), fault))
        place = record.end
    return found


@given(content=DAMAGED, size=st.integers(1, 70), width=st.integers(2, 3))
@settings(max_examples=400, deadline=None)
def test_blocks_find_what_careful_reading_finds(content: bytes, size: int, width: int) -> None:
    """Records, their lines and their faults are the same by blocks of any size as one by one."""
    assert [(line, text.rstrip(b"\n"), fault) for line, text, fault in by_blocks(content, size, width)] == [
        (line, text.rstrip(b"\n"), fault) for line, text, fault in one_by_one(content, width)
    ]


@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_whatever_csv_writes_is_read_back(rows: list[tuple[str, str]]) -> None:
    """Cells with separators, quotes and line breaks come back as they were, and so do their raw records."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("x", "y"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.csv"
        path.write_bytes(text.getvalue().encode())
        snapshot = take_snapshot(path, Path(folder) / "out.parquet", options=AS_TEXT)
        assert snapshot.digest == hashlib.sha256(path.read_bytes()).hexdigest()
        read = scan_snapshot(snapshot).select("x", "y").collect().rows()
        assert read == [tuple(cell or None for cell in row) for row in rows]
        assert raw_cells(list(raw_texts(snapshot, range(len(rows)))), ["x", "y"], ",").select("x", "y").rows() == rows


@given(content=DAMAGED)
@example(b',\n,""a""')
@example(b',\n,"\n"a""')
@example(b",\n\n,,")
@settings(max_examples=100, deadline=None)
def test_no_row_is_lost_in_damaged_text(content: bytes) -> None:
    """Every record of a damaged file is a row, sound or marked, and its raw text is found under its number."""
    expected = one_by_one(content, 2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.csv"
        path.write_bytes(b"x,y\n" + content)
        snapshot = take_snapshot(path, Path(folder) / "out.parquet", options=AS_TEXT)
        assert snapshot.rows == len(expected)
        table = scan_snapshot(snapshot).collect()
        marks = table["__fault__"].to_list() if snapshot.faults else [None] * snapshot.rows
        assert [mark or "" for mark in marks] == [fault for _, _, fault in expected]
        lines = {row: line for row, (line, _) in raw_lines(snapshot, range(snapshot.rows)).items()}
        assert list(lines.values()) == [line for line, _, _ in expected]


@given(text=st.text(alphabet="ab\n", max_size=30), size=st.integers(1, 9), lines=st.integers(0, 5))
def test_lines_are_skipped_across_blocks(text: str, size: int, lines: int) -> None:
    """Skipping lines does not depend on where blocks end."""
    content = text.encode()
    parts = (content[begin : begin + size] for begin in range(0, len(content), size))
    rest = content.split(b"\n", lines)
    assert b"".join(skip_lines(parts, lines)) == (rest[lines] if len(rest) > lines else b"")
