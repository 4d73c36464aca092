"""Reads a table of any supported form into one Parquet snapshot that every later pass works on.

`take_snapshot` is the door; `raw_lines` fetches the original lines of single rows again. Nothing is repaired in
silence: a cell that does not parse keeps its text beside it, a row that is broken as such is named with its fault.

Example:
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "samples.csv").write_text("id,dose\\nS1,1.5\\nS2,much\\n")
    >>> columns = {"dose": ColumnSpec(type="float")}
    >>> snapshot = take_snapshot(folder / "samples.csv", folder / "s.parquet", columns=columns)
    >>> snapshot.rows, snapshot.raw_columns
    (2, ('dose',))
    >>> scan_snapshot(snapshot).collect().rows()
    [(0, 'S1', 1.5, None), (1, 'S2', None, 'much')]
"""

from __future__ import annotations

from mlops.data_pipeline.column_spec import ColumnSpec
from mlops.data_pipeline.reading.formats import InputFormat
from mlops.data_pipeline.reading.options import NULL_WORDS, Dialect, ReadOptions, Snapshot
from mlops.data_pipeline.reading.raw_lines import raw_lines
from mlops.data_pipeline.reading.snapshot import scan_snapshot, take_snapshot

__all__ = [
    "NULL_WORDS",
    "ColumnSpec",
    "Dialect",
    "InputFormat",
    "ReadOptions",
    "Snapshot",
    "raw_lines",
    "scan_snapshot",
    "take_snapshot",
]
