"""Finds the original text of single rows again, with the lines that they stand on.

The file is read once, by blocks, and nothing but the rows asked for is kept. Rows are counted as the snapshot counts
them: records below the header, blank lines left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlops.data_pipeline.reading.decoding import plain_blocks, skip_lines
from mlops.data_pipeline.reading.options import Snapshot
from mlops.data_pipeline.reading.record_blocks import RecordForm, record_blocks

__all__ = ["RawText", "raw_lines", "raw_texts", "shown"]


class RawText(NamedTuple):
    """The bytes of a record, in UTF-8 where they are text.

    Attributes:
        row: Number in the snapshot, from 0.
        line: Line of the file that it begins on, from 1.
        text: Its bytes without the line end.
    """

    row: int
    line: int
    text: bytes


def raw_lines(snapshot: Snapshot, rows: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Return for each row its line number, from 1, and its raw text; of rows beyond the end nothing.

    Raises:
        UnreadableInput: The file has changed so that it cannot be read any more.
    """
    return {found.row: (found.line, shown(found.text)) for found in raw_texts(snapshot, sorted(set(rows)))}


def raw_texts(snapshot: Snapshot, rows: Sequence[int]) -> Iterator[RawText]:
    """Yield the rows asked for, in their order, reading the source once.

    Args:
        snapshot: Of an input with lines of text.
        rows: Numbers in ascending order, without duplicates.
    """
    wanted = np.asarray(rows, np.int64)
    dialect = snapshot.dialect
    if dialect is None or not len(wanted):
        return
    width = len(snapshot.columns) if dialect.separator else 2
    form = RecordForm(dialect.separator, width, dialect.first_line, with_faults=False)
    parts = skip_lines(plain_blocks(Path(snapshot.source), dialect), dialect.first_line - 1)
    first = 0
    for block in record_blocks(parts, form):
        begin, end = np.searchsorted(wanted, (first, first + len(block.starts)))
        for row in map(int, wanted[begin:end]):
            place = row - first
            yield RawText(row, int(block.lines[place]), block.text[int(block.starts[place]) : int(block.ends[place])])
        first += len(block.starts)
        if end == len(wanted):
            return


def shown(text: bytes) -> str:
    """Return text of a file for people; bytes that are no UTF-8 are written `\\xfc`."""
    return text.decode("utf-8", "backslashreplace")
