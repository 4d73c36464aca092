"""Writes the good rows of a run: always as Parquet, and in the form that the input had.

Text stays as it is, also where a spreadsheet would read it as a formula: what a laboratory stored is not ours to alter.
Workbooks are written with such cells as text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from mlops.data_pipeline.reading import Dialect, InputFormat, ReadOptions, Snapshot
from mlops.data_pipeline.snapshot_columns import ROW
from mlops.errors import MissingDependency

__all__ = ["write_output"]

_PARQUET = "output.parquet"
_COMPRESSION: Any = "lz4"  # a third larger than zstd, written and read in half the time
_STATISTICS: Any = {"null_count": True, "min": False, "max": False, "distinct_count": False}  # cost a third more
_NAMES = {
    InputFormat.CSV: "output.csv",
    InputFormat.TSV: "output.tsv",
    InputFormat.EXCEL: "output.xlsx",
    InputFormat.JSONL: "output.jsonl",
}


def write_output(good: pl.LazyFrame, folder: Path, snapshot: Snapshot, read: ReadOptions, *, as_input: bool) -> str:
    """Write good rows into a folder and return the name of the file that has them in the form asked for.

    Args:
        good: Rows with `__row__`, which is left out.
        folder: Where the files go.
        snapshot: Tells the form of the input.
        read: How it was read.
        as_input: Write them in the input's form too.

    Raises:
        MissingDependency: A workbook is wanted, and the extra `excel` is not installed.
    """
    rows = good.drop(ROW)
    name = _name(snapshot) if as_input else _PARQUET
    parquet = rows.sink_parquet(folder / _PARQUET, compression=_COMPRESSION, statistics=_STATISTICS, lazy=True)
    text = None if name in {_PARQUET, _NAMES[InputFormat.EXCEL]} else _text_sink(rows, folder / name, snapshot, read)
    pl.collect_all([sink for sink in (parquet, text) if sink is not None], engine="streaming")
    if name == _NAMES[InputFormat.EXCEL]:
        _write_workbook(rows, folder / name)
    return name


def _name(snapshot: Snapshot) -> str:
    name = _NAMES.get(snapshot.format, _PARQUET)
    return f"{name}.gz" if snapshot.dialect is not None and snapshot.dialect.compression == "gzip" else name


def _text_sink(rows: pl.LazyFrame, file: Path, snapshot: Snapshot, read: ReadOptions) -> pl.LazyFrame:
    compression: Any = "gzip" if file.suffix == ".gz" else "uncompressed"
    if snapshot.format is InputFormat.JSONL:
        return rows.sink_ndjson(file, compression=compression, lazy=True)
    separator = (snapshot.dialect or Dialect()).separator
    return rows.sink_csv(
        file, compression=compression, separator=separator, decimal_comma=read.decimal_comma, lazy=True
    )


def _write_workbook(rows: pl.LazyFrame, file: Path) -> None:
    try:
        rows.collect(engine="streaming").write_excel(file, worksheet="output")
    except ModuleNotFoundError as error:
        raise MissingDependency("xlsxwriter", purpose="writing workbooks", extra="excel") from error
