"""Reads tables whose columns have types already: Parquet files, pandas and Polars DataFrames."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mlops.data_pipeline.column_spec import ColumnSpec
from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.reading.column_plans import ColumnPlan, plan_typed
from mlops.data_pipeline.reading.names import name_problem
from mlops.data_pipeline.reading.outcome import Order, Outcome
from mlops.data_pipeline.reading.passes import Result, run_passes
from mlops.data_pipeline.reading.plain_values import cell_text
from mlops.data_pipeline.reading.survey import digest_file
from mlops.data_pipeline.snapshot_columns import ROW

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_frame", "is_frame", "read_frame", "read_parquet"]

_BATCH = 100_000
_NULL = "\0null"


def read_parquet(source: Path, order: Order) -> Outcome:
    """Write the snapshot of a Parquet file.

    Raises:
        UnreadableInput: It is damaged, or a column cannot be brought into its type at all.
    """
    digests: list[str] = []

    def beside() -> None:
        digests.append(digest_file(source, tick=order.watch.bytes_read))

    result = _read(pl.scan_parquet(source, glob=False), order, str(source), beside)
    return Outcome(digests[0], result, {})


def is_frame(source: object) -> bool:
    """Return whether a source is a DataFrame of Polars or pandas."""
    return isinstance(source, pl.DataFrame) or type(source).__module__.partition(".")[0] == "pandas"


def as_frame(source: Any) -> pl.DataFrame:
    """Return a DataFrame of Polars or pandas as one of Polars.

    Raises:
        UnreadableInput: It is not a table of named columns.
    """
    return source if isinstance(source, pl.DataFrame) else _from_pandas(source)


def read_frame(source: Any, order: Order) -> Outcome:
    """Write the snapshot of a DataFrame; its digest is of its columns' names, types and values.

    A named index of pandas becomes columns; another one is left out. NaN of pandas means that there is no value.

    Raises:
        UnreadableInput: It is not a table of named columns.
    """
    frame = as_frame(source)
    result = _read(frame.lazy(), order, "<table>", order.watch.check)
    return Outcome(_digest(frame), result, {})


def _read(table: pl.LazyFrame, order: Order, source: str, beside: Callable[[], object]) -> Result:
    try:
        schema = table.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UnreadableInput(source, f"it cannot be read: {_first_line(error)}. Is it complete?") from error
    _check_columns(schema, order.columns, source)
    numbered = table.with_row_index(ROW)

    def scan(_plans: Sequence[ColumnPlan]) -> pl.LazyFrame:
        return numbered

    plans = plan_typed(schema, order.columns, order.options)
    try:
        return run_passes(scan, plans, order.target, has_fault=False, beside=beside, check=order.watch.check)
    except pl.exceptions.PolarsError as error:
        raise UnreadableInput(source, f"it cannot be read: {_first_line(error)}. Is it complete?") from error


def _check_columns(schema: Mapping[str, pl.DataType], columns: Mapping[str, ColumnSpec], source: str) -> None:
    if not schema:
        raise UnreadableInput(source, "it has no columns.")
    for name, dtype in schema.items():
        if reason := name_problem(name):
            raise UnreadableInput(source, reason, column=name)
        if name in columns and (dtype.is_nested() or isinstance(dtype, pl.Object | pl.Binary)):
            reason = f"its values are {dtype}, which cannot become {columns[name].type}. Unfold the column first."
            raise UnreadableInput(source, reason, column=name)


def _from_pandas(frame: pd.DataFrame) -> pl.DataFrame:
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise UnreadableInput("<table>", f"a {type(frame).__name__} is no table; pass a DataFrame.")
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableInput("<table>", "the name stands for several columns. Rename all but one.", column=twice)
    return pl.DataFrame([_series(name, frame.iloc[:, place]) for place, name in enumerate(names)])


def _series(name: str, column: pd.Series[Any]) -> pl.Series:
    if column.dtype == object:
        missing = column.isna().tolist()
        cells = (None if none else cell_text(value) for value, none in zip(column.tolist(), missing, strict=True))
        return pl.Series(name, list(cells), dtype=pl.String)
    return pl.from_pandas(column, nan_to_null=True).alias(name)


def _digest(frame: pl.DataFrame) -> str:
    digest = hashlib.sha256(repr([(name, str(dtype)) for name, dtype in frame.schema.items()]).encode())
    flat = [
        name for name, dtype in frame.schema.items() if not dtype.is_nested() and dtype not in {pl.Binary, pl.Object}
    ]
    for batch in frame.iter_slices(_BATCH):
        text = io.BytesIO()
        batch.select(flat).write_csv(text, include_header=False, null_value=_NULL, quote_style="non_numeric")
        digest.update(text.getvalue())
        for name in [name for name in frame.columns if name not in flat]:
            digest.update(repr((name, batch[name].to_list())).encode())
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0].rstrip(".")
