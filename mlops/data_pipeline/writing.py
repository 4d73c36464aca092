"""Writes the good rows of a run: always as Parquet, and in the form that the input had.

Text stays as it is, also where a spreadsheet would read it as a formula: what a laboratory stored is not ours to alter.
Workbooks are written with such cells as text.
"""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from mlops.data_pipeline.column_spec import ColumnSpec
from mlops.data_pipeline.notation import dates_in_their_formats
from mlops.data_pipeline.reading import Dialect, InputFormat, ReadOptions, Snapshot
from mlops.data_pipeline.reading.decoding import is_utf8
from mlops.data_pipeline.reading.sinking import scratch_file
from mlops.data_pipeline.snapshot_columns import ROW
from mlops.errors import InvalidInput, MissingDependency

__all__ = ["write_output"]

_PARQUET = "output.parquet"
_COMPRESSION: Any = "lz4"  # a third larger than zstd, written and read in half the time
_STATISTICS: Any = {"null_count": True, "min": False, "max": False, "distinct_count": False}  # cost a third more
_BLOCK = 1 << 20  # characters
_NAMES = {
    InputFormat.CSV: "output.csv",
    InputFormat.TSV: "output.tsv",
    InputFormat.EXCEL: "output.xlsx",
    InputFormat.JSONL: "output.jsonl",
}


def write_output(
    good: pl.LazyFrame,
    folder: Path,
    snapshot: Snapshot,
    *,
    columns: Mapping[str, ColumnSpec],
    read: ReadOptions,
    as_input: bool,
) -> str:
    """Write good rows into a folder and return the name of the file that has them in the form asked for.

    Args:
        good: Rows with `__row__`, which is left out.
        folder: Where the files go.
        snapshot: Tells the form of the input.
        columns: What the schema says of columns: text has dates in the formats that it reads.
        read: How the input was read.
        as_input: Write them in the input's form too.

    Raises:
        MissingDependency: A workbook is wanted, and the extra `excel` is not installed.
        InvalidInput: A mended cell has a character that the input's encoding has not.
    """
    rows = good.drop(ROW)
    name = _name(snapshot) if as_input else _PARQUET
    rows.sink_parquet(folder / _PARQUET, compression=_COMPRESSION, statistics=_STATISTICS)
    if name == _NAMES[InputFormat.EXCEL]:
        _write_workbook(rows, folder / name)
    elif name != _PARQUET:
        written = rows.with_columns(dates_in_their_formats(rows.collect_schema(), columns))
        _write_text(written, folder / name, snapshot.dialect or Dialect(), read)
    return name


def _name(snapshot: Snapshot) -> str:
    name = _NAMES.get(snapshot.format, _PARQUET)
    return f"{name}.gz" if snapshot.dialect is not None and snapshot.dialect.compression == "gzip" else name


def _write_text(rows: pl.LazyFrame, file: Path, dialect: Dialect, read: ReadOptions) -> None:
    if is_utf8(dialect.encoding):
        _sink_text(rows, file, dialect, read)
        return
    with scratch_file(file.parent, ".utf8.") as plain:
        _sink_text(rows, plain, dialect, read)
        _encode(plain, file, dialect.encoding)


def _sink_text(rows: pl.LazyFrame, file: Path, dialect: Dialect, read: ReadOptions) -> None:
    compression: Any = "gzip" if file.suffix == ".gz" else "uncompressed"
    if not dialect.separator:
        rows.sink_ndjson(file, compression=compression)
        return
    rows.sink_csv(
        file,
        compression=compression,
        include_bom=dialect.encoding.lower() in {"utf-8-sig", "utf_8_sig"},
        separator=dialect.separator,
        line_terminator="\r\n" if dialect.newline == "\r\n" else "\n",
        decimal_comma=read.decimal_comma,
    )


def _encode(plain: Path, target: Path, encoding: str) -> None:
    """Write text of UTF-8 in another encoding, compressed where the name of the target says so."""
    encoder = codecs.getincrementalencoder(encoding)()
    with plain.open(encoding="utf-8", newline="") as source, target.open("wb") as raw:
        file = gzip.GzipFile(fileobj=raw, mode="wb") if target.suffix == ".gz" else raw
        with file:
            for text in iter(lambda: source.read(_BLOCK), ""):
                try:
                    file.write(encoder.encode(text))
                except UnicodeEncodeError as error:
                    letter = text[error.start]
                    raise InvalidInput(
                        f"{letter!r} cannot be written in {encoding}, the encoding of the input. "
                        "Mend the cell without it, or ask for output_format='parquet'."
                    ) from error


def _write_workbook(rows: pl.LazyFrame, file: Path) -> None:
    try:
        rows.collect(engine="streaming").write_excel(file, worksheet="output")
    except ModuleNotFoundError as error:
        raise MissingDependency("xlsxwriter", purpose="writing workbooks", extra="excel") from error
