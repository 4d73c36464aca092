"""Rows of text that come in batches, from JSON lines, a worksheet or a database, on their way to a snapshot.

They are first laid down in a Parquet file of text, so that the memory in use does not grow with their number and later
passes are possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from mlops.data_pipeline.column_spec import ColumnSpec
from mlops.data_pipeline.reading.cells import iso_formats
from mlops.data_pipeline.reading.column_plans import plan_text
from mlops.data_pipeline.reading.options import ReadOptions
from mlops.data_pipeline.reading.outcome import Order, Watch
from mlops.data_pipeline.reading.passes import Result, run_passes
from mlops.data_pipeline.reading.sinking import scratch_file
from mlops.data_pipeline.snapshot_columns import FAULT, ROW

__all__ = ["read_staged", "with_iso_dates"]

_SAMPLE = 20_000


def read_staged(batches: Iterable[pl.DataFrame], order: Order) -> Result:
    """Write the snapshot of batches, at least one, that all have the same columns of text.

    Each has `__fault__` too, which says which of its rows are broken.
    """
    options = order.options
    with scratch_file(order.target.parent, ".staged.") as path:
        has_fault = _lay_down(batches, path, order.watch)
        staged = pl.scan_parquet(path, glob=False)
        names = [name for name in staged.collect_schema().names() if name != FAULT]
        texts = [_text(name, options) for name in names]
        sample = staged.select(texts).head(_SAMPLE).collect(engine="streaming")
        plans = plan_text(names, order.columns, sample, options, has_parser=False)

        check = order.watch.check

        def scan(_plans: object) -> pl.LazyFrame:
            return staged.with_row_index(ROW).with_columns(texts)

        return run_passes(scan, plans, order.target, has_fault=has_fault, beside=check, check=check)


def with_iso_dates(columns: Mapping[str, ColumnSpec]) -> dict[str, ColumnSpec]:
    """Return columns whose formats of dates, where they have any, are joined by ISO 8601.

    Dates that are dates in a worksheet or a database are no text in anybody's format; they arrive in ISO 8601.
    """
    return {
        name: spec.changed(format=(*spec.format, *iso_formats(spec.type, spec.format))) if spec.format else spec
        for name, spec in columns.items()
    }


def _lay_down(batches: Iterable[pl.DataFrame], path: Path, watch: Watch) -> bool:
    """Write the batches one behind the other; `__fault__` becomes a column of all when any may have it."""
    import pyarrow.parquet as pq

    writer = None
    has_fault = False
    try:
        for batch in batches:
            watch.check()
            has_fault = has_fault or bool(batch[FAULT].count())
            table = batch.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer = writer or pq.ParquetWriter(path, table.schema, compression="lz4")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
    return has_fault


def _text(name: str, options: ReadOptions) -> pl.Expr:
    return pl.when(~pl.col(name).is_in(options.nulls)).then(pl.col(name)).alias(name)
