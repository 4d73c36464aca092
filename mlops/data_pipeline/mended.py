"""The snapshot of a run on mended rows: the good rows of the first run and the mended ones, in the input's order."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlops.data_pipeline.entities import DataSchema, PipelineRun
from mlops.data_pipeline.opening import output
from mlops.data_pipeline.quarantine import LINE, NUMBER, MendedRows, read_mended
from mlops.data_pipeline.reading import Dialect, ReadOptions, Snapshot, scan_snapshot, take_snapshot
from mlops.data_pipeline.reading.sinking import rows_a_group
from mlops.data_pipeline.snapshot_columns import ORIGINAL_LINE, ROW
from mlops.files import whole_file

__all__ = ["joined_snapshot"]

_COMPRESSION: Any = "lz4"


def joined_snapshot(
    first: PipelineRun, mended_file: Path, target: Path, *, schema: DataSchema, options: ReadOptions, folder: Path
) -> Snapshot:
    """Write a snapshot of all rows of a run that were good, and of those that were mended since.

    Args:
        first: The run, completed.
        mended_file: The mended copy of its quarantine's CSV file.
        target: The snapshot to write.
        schema: What mended rows have to be.
        options: How the input of the first run was read.
        folder: For files on the way.

    Raises:
        OutputDamaged: An output of the first run is not what it wrote.
        UnreadableInput: The mended file is no quarantine of that run.
    """
    assert first.quarantine_path is not None  # a run without one has nothing to mend
    kept = Path(first.quarantine_path).with_suffix(".parquet")
    mended = read_mended(mended_file, kept, folder / "mended.csv", options=options)
    second = take_snapshot(mended.path, folder / "mended.parquet", columns=schema.columns, options=mended.options)
    again = _renumbered(second, mended).join(_lines(kept), on=ROW, how="left")
    rows = pl.concat([_numbered(output(first), kept, first), again], how="diagonal_relaxed")
    numbered = rows.sort(ROW).drop(ROW).with_row_index(ROW)  # without gaps where rows were deleted
    with whole_file(target) as file:
        numbered.sink_parquet(file, compression=_COMPRESSION, row_group_size=rows_a_group(numbered))
    return second.changed(
        path=str(target),
        format=first.input_format,
        dialect=_dialect(first),
        source=first.input_data_path,
        digest=hashlib.sha256(f"{first.input_digest} {second.digest}".encode()).hexdigest(),
        rows=(first.output_rows or 0) + second.rows,
        bytes=target.stat().st_size,
        notes=(f"{second.rows} mended rows joined the {first.output_rows} good ones of run {first.run_id}.",),
    )


def _dialect(first: PipelineRun) -> Dialect | None:
    """Return how the input of the first run is written, for outputs in its form."""
    told = first.steps[0].details.get("dialect")
    return None if told is None else Dialect.from_document(told)


def _numbered(good: pl.LazyFrame, quarantine: Path, first: PipelineRun) -> pl.LazyFrame:
    """Return the good rows of the first run with the numbers that the input gave them."""
    bad = pl.scan_parquet(quarantine, glob=False).select(NUMBER).collect().to_series().to_numpy()
    is_good = np.ones(first.input_rows or 0, dtype=bool)
    is_good[bad] = False
    numbers = pl.Series(ROW, np.flatnonzero(is_good), dtype=pl.UInt32)
    return good.with_row_index(ROW).with_columns(pl.lit(numbers).gather(pl.col(ROW)).alias(ROW))


def _lines(quarantine: Path) -> pl.LazyFrame:
    """Return the lines on which rows of a quarantine stand in the input, by their numbers in it."""
    rows = pl.scan_parquet(quarantine, glob=False)
    return rows.select(pl.col(NUMBER).cast(pl.UInt32).alias(ROW), pl.col(LINE).alias(ORIGINAL_LINE))


def _renumbered(second: Snapshot, mended: MendedRows) -> pl.LazyFrame:
    numbers = mended.rows.cast(pl.UInt32)
    return scan_snapshot(second).with_columns(pl.lit(numbers).gather(pl.col(ROW)).alias(ROW))
