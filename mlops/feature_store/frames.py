"""Tables of callers, pandas or Polars: what is needed is taken out of them, and features are added to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import polars as pl

from mlops.errors import InvalidInput, did_you_mean
from mlops.feature_store.point_in_time import AT

__all__ = ["add_columns", "as_moment", "as_polars", "cast_keys", "column_names", "moments_and_keys", "plain_errors"]

_MOMENT = pl.Datetime("us", "UTC")
_FORMS = (
    "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M%#z",
)  # fmt: skip


def column_names(table: Any) -> list[str]:
    """Return the names of a table's columns.

    Raises:
        InvalidInput: It is no table.
    """
    if isinstance(table, pl.LazyFrame):
        return table.collect_schema().names()
    if isinstance(table, pl.DataFrame) or _is_pandas(table):
        return [str(name) for name in table.columns]
    raise InvalidInput(f"A {type(table).__qualname__} is no table. Pass a pandas or Polars DataFrame.")


def as_polars(table: Any, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Return some columns of a table, all when None are named, as a Polars DataFrame.

    Raises:
        InvalidInput: It is no table, or has no such column.
    """
    known = column_names(table)
    wanted = list(known if columns is None else dict.fromkeys(columns))
    for name in wanted:
        if name not in known:
            hint = did_you_mean(name, known) or f"It has {', '.join(known)}."
            raise InvalidInput(f"The entity rows have no column {name!r}. {hint}")
    if isinstance(table, pl.LazyFrame):
        return table.select(wanted).collect()
    return table.select(wanted) if isinstance(table, pl.DataFrame) else pl.from_pandas(table[wanted])


def moments_and_keys(table: Any, keys: Mapping[str, pl.DataType], timestamp_column: str) -> pl.DataFrame:
    """Return the join keys in their types and the time asked for as `AT`.

    Raises:
        InvalidInput: A column is not there or of another type.
    """
    frame = as_polars(table, [*keys, timestamp_column])
    with plain_errors():
        at = frame.select(as_moment(timestamp_column, frame.schema[timestamp_column]).alias(AT))
    return frame.select(cast_keys(frame.lazy(), keys)).hstack(at)


def cast_keys(frame: pl.LazyFrame, keys: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """Return expressions of the join keys in their types.

    Raises:
        InvalidInput: A column is of a type that would lose or change values.
    """
    schema = frame.collect_schema()
    return [_key(name, schema[name], wanted) for name, wanted in keys.items()]


def _key(name: str, present: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    is_text = present.base_type() in {pl.String, pl.Categorical, pl.Enum, pl.Null}
    if (is_text and wanted == pl.String) or (present.is_integer() and wanted == pl.Int64) or present == pl.Null:
        return pl.col(name) if present == wanted else pl.col(name).cast(wanted)
    kind = "text" if wanted == pl.String else "a whole number"
    raise InvalidInput(
        f"Key {name!r} is of type {present}; its entity says that it is {kind}. Cast the column, or apply the entity "
        "with the other type."
    )


def as_moment(name: str, present: pl.DataType) -> pl.Expr:
    """Return an expression of a time column in UTC and microseconds; times without a zone are taken as UTC.

    Raises:
        InvalidInput: The column has no times.
    """
    column = pl.col(name)
    if present == _MOMENT:
        return column
    if isinstance(present, pl.Datetime):
        moved = column.dt.convert_time_zone("UTC") if present.time_zone else column.dt.replace_time_zone("UTC")
        return moved.dt.cast_time_unit("us")
    if present == pl.Date:
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if present in (pl.String, pl.Null):
        return column.cast(pl.String).map_batches(partial(_read_times, name), return_dtype=_MOMENT, is_elementwise=True)
    raise InvalidInput(
        f"Column {name!r} is of type {present}; a time is a datetime, a date, or text such as 2026-05-03."
    )


def _read_times(name: str, texts: pl.Series) -> pl.Series:
    """Read times in ISO 8601. Others are not guessed at: 11/03/2026 is in March to one and in November to another.

    Raises:
        InvalidInput: A text is no such time.
    """
    found = pl.Series(values=[None], dtype=_MOMENT).new_from_index(0, len(texts))
    for form in _FORMS:
        missing = texts.is_not_null() & found.is_null()
        if not missing.any():
            return found
        read = texts.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False, exact=True)
        found = found.zip_with(~missing, read)
    strange = texts.filter(texts.is_not_null() & found.is_null())
    if len(strange):
        raise InvalidInput(
            f"Column {name!r} has {strange[0]!r}, which is no time in ISO 8601. Write it as 2026-05-03T14:30, or hand "
            "over a column of datetimes; the data pipeline reads other formats."
        )
    return found


@contextmanager
def plain_errors() -> Iterator[None]:
    """Take away what Polars adds to errors that arise within an expression."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(str(error).split("\n", maxsplit=1)[0]) from None


def add_columns(table: Any, added: pl.DataFrame) -> Any:
    """Return the table with columns added on its right, of the same kind; its own columns stay as they are."""
    if isinstance(table, pl.LazyFrame):
        return table.collect().hstack(added).lazy()
    if isinstance(table, pl.DataFrame):
        return table.hstack(added)
    import pandas as pd

    features = added.to_pandas().set_axis(table.index, axis="index")
    return pd.concat([table, features], axis="columns")


def _is_pandas(table: Any) -> bool:
    return type(table).__module__.split(".", maxsplit=1)[0] == "pandas" and hasattr(table, "columns")
