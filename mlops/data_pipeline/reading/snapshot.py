"""Takes the snapshot of an input of any form: finds out what it is, has it read, publishes the file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mlops.data_pipeline.column_spec import ColumnSpec
from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.reading.column_plans import type_name
from mlops.data_pipeline.reading.formats import InputFormat, detect_format, is_url
from mlops.data_pipeline.reading.json_lines import read_json_lines
from mlops.data_pipeline.reading.lims import masked_url, read_query
from mlops.data_pipeline.reading.options import ReadOptions, Snapshot
from mlops.data_pipeline.reading.outcome import Order, Outcome, Watch
from mlops.data_pipeline.reading.tables import is_frame, read_frame, read_parquet
from mlops.data_pipeline.reading.text_files import read_text
from mlops.data_pipeline.reading.workbooks import read_workbook
from mlops.data_pipeline.snapshot_columns import FAULT, RAW, ROW
from mlops.files import whole_file

if TYPE_CHECKING:
    import pandas as pd

    Source = str | Path | pl.DataFrame | pd.DataFrame
else:
    Source = Any

__all__ = ["Source", "scan_snapshot", "take_snapshot"]


def take_snapshot(
    source: Source,
    target: Path,
    *,
    columns: Mapping[str, ColumnSpec] | None = None,
    options: ReadOptions | None = None,
    progress: Callable[[int, int], object] | None = None,
    cancelled: Callable[[], object] | None = None,
) -> Snapshot:
    """Read an input once and keep it as one Parquet file, published by an atomic rename.

    A cell that does not parse as its column's type is null, and its text stands in `__raw__<name>`. A row that is
    broken as such is null throughout, and `__fault__` says why: `ragged` (cells too few or too many), `quotes` (a
    quoted cell that does not end, or goes on behind its end), `encoding` (bytes that are no text), `nul`, or `json`.
    Columns that `columns` does not name are kept; those that are named and missing are not looked for.

    Args:
        source: A path, a DataFrame of Polars or pandas, or the SQLAlchemy URL of a database with `options.query`.
        target: File to write; its folder is made when needed.
        columns: Names of columns to what they have to be.
        options: How to read what is not to be detected.
        progress: Called with bytes done and bytes in all, at most a hundred times.
        cancelled: Called every few milliseconds; raises to stop, and then nothing is published.

    Raises:
        UnreadableInput: It cannot be read as a table at all, or changed while it was read.
        UnsupportedFormat: It is something that is not read.
        MissingDependency: An Excel file, and the extra `excel` is not installed.
    """
    begun = time.perf_counter()
    options, columns = options or ReadOptions(), columns or {}
    kind, path = _identified(source, options)
    before = _state(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target) as file:
        outcome = _read(source, kind, Order(file, columns, options, Watch(progress, cancelled, before[1])))
        if _state(path) != before:
            raise UnreadableInput(str(path), "it changed while it was read. Try again once it is complete.")
    found = _record(outcome, target, columns, _name(source, kind), kind)
    return found.changed(source_bytes=before[1], seconds=time.perf_counter() - begun)


def scan_snapshot(snapshot: Snapshot) -> pl.LazyFrame:
    """Return the rows of a snapshot, with companions for the columns in which cells did not parse, and no others."""
    names = [ROW]
    for name in snapshot.columns:
        names += [name, RAW + name] if name in snapshot.raw_columns else [name]
    return pl.scan_parquet(snapshot.path, glob=False).select([*names, FAULT] if snapshot.faults else names)


def _identified(source: Source, options: ReadOptions) -> tuple[InputFormat, Path | None]:
    if is_frame(source):
        return InputFormat.TABLE, None
    if isinstance(source, str) and is_url(source):
        return InputFormat.SQL, None
    path = Path(str(source))
    if options.query:
        raise UnreadableInput(str(path), "a query was given with a file; pass the URL of a database instead.")
    return detect_format(path, options.format), path


def _read(source: Source, kind: InputFormat, order: Order) -> Outcome:
    if kind is InputFormat.TABLE:
        return read_frame(source, order)
    if kind is InputFormat.SQL:
        return read_query(str(source), order)
    path = Path(str(source))
    if kind in {InputFormat.CSV, InputFormat.TSV}:
        return read_text(path, kind, order)
    readers = {
        InputFormat.EXCEL: read_workbook,
        InputFormat.PARQUET: read_parquet,
        InputFormat.JSONL: read_json_lines,
    }
    return readers[kind](path, order)


def _record(
    outcome: Outcome, target: Path, columns: Mapping[str, ColumnSpec], source: str, kind: InputFormat
) -> Snapshot:
    plans = outcome.result.plans
    return Snapshot(
        path=str(target),
        source=source,
        format=kind,
        digest=outcome.digest,
        rows=outcome.result.rows,
        columns=tuple(plan.name for plan in plans),
        types={plan.name: type_name(plan) for plan in plans},
        raw_columns=outcome.result.raw_columns,
        unknown_columns=tuple(plan.name for plan in plans if plan.name not in columns),
        faults=dict(outcome.faults),
        dialect=outcome.dialect,
        notes=outcome.notes,
        first_line=outcome.first_line,
        bytes=target.stat().st_size,
    )


def _name(source: Source, kind: InputFormat) -> str:
    if kind is InputFormat.TABLE:
        return "<table>"
    return masked_url(str(source)) if kind is InputFormat.SQL else str(source)


def _state(path: Path | None) -> tuple[int, int]:
    if path is None:
        return 0, 0
    found = path.stat()
    return found.st_mtime_ns, found.st_size
