"""Proposes a schema for a table: types, empty cells, a key, and limits where they are asked for.

A proposal says what the table at hand is, which is not what tables have to be: a person should read it. Columns of text
are taken for numbers, dates or booleans when all their cells can be read so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from mlops.data_pipeline.duplicates import find_duplicates
from mlops.data_pipeline.entities import ColumnSpec, DataSchema
from mlops.data_pipeline.quality.probes import has_decimal_commas
from mlops.data_pipeline.snapshot_columns import FAULT, ROW, is_own, raw_name
from mlops.data_pipeline.typed_values import ORDERED_TYPES, ColumnType
from mlops.errors import InvalidInput
from mlops.values import short_repr

__all__ = ["SAMPLE_ROWS", "infer_schema"]

SAMPLE_ROWS = 100_000
"""First rows of a table that decide about its types."""

_EARLIEST = 1000  # a year of two digits is no year
_MOST_CATEGORIES = 30
_ROWS_PER_CATEGORY = 5  # a column of fewer rows a value is text
_KEY_NAME = re.compile(r"(?:^|[ _.-])(?i:id|key|barcode|accession|uuid)$|[a-z]I[dD]$")
_KEY_TYPES = frozenset({ColumnType.STRING, ColumnType.INTEGER})
_INTEGER = r"[+-]?(?:0|[1-9][0-9]{0,17})"  # a leading zero is part of a code, not of a number
_FLOAT = r"(?i)[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?inf(?:inity)?|nan"
_COMMA = r"(?i)\s*[+-]?(?:[0-9]+,?[0-9]*|,[0-9]+)(?:e[+-]?[0-9]+)?\s*"  # numbers with at most a decimal comma
_BOOLEAN = r"(?i)true|false|yes|no"
_ISO_DATE = "%Y-%m-%d"
_DATE_FORMATS = ("%d.%m.%Y", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%b-%Y")
_ISO_DATETIME = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)


def infer_schema(
    rows: pl.DataFrame | pl.LazyFrame, *, name: str, version: str = "1.0", with_limits: bool = False
) -> DataSchema:
    """Propose a schema for a table or snapshot.

    Types come of the first `SAMPLE_ROWS` rows; empty cells, limits and the key of all rows, in passes that stream. The
    key is the first column that has another value in every row and a name such as `sample_id`. Integers among few
    values stay integers: only text becomes a category.

    Args:
        rows: The table; a snapshot's own columns are left out.
        name: Name of the schema.
        version: Its version.
        with_limits: Whether to propose `min` and `max` of what is ordered, and the allowed values of categories.

    Example:
        >>> table = pl.DataFrame({"sample_id": ["S1", "S2"], "taken": ["2024-01-31", None]})
        >>> {name: spec.type.value for name, spec in infer_schema(table, name="samples").columns.items()}
        {'sample_id': 'string', 'taken': 'date'}

    Raises:
        InvalidInput: The table has no columns, or one of a kind that no schema has, such as lists.
    """
    lazy = rows.lazy()
    types = {column: dtype for column, dtype in lazy.collect_schema().items() if not is_own(column)}
    if not types:
        raise InvalidInput("The table has no columns, so that there is nothing to propose. Pass one with a header.")
    if FAULT in lazy.collect_schema():  # the cells of a broken row are empty because nobody could read them
        lazy = lazy.filter(pl.col(FAULT).is_null())
    sample = lazy.head(SAMPLE_ROWS).collect(engine="streaming")
    found = {column: _column(sample, column) for column in types}
    facts = _facts(lazy, found, with_limits=with_limits)
    columns = {column: spec | _nullable(column, facts) | _limits(column, spec, facts) for column, spec in found.items()}
    key = _key(lazy, columns)
    if key:
        columns[key] = columns[key] | {"primary_key": True}
    if with_limits:
        _add_categories(lazy, columns)
    return DataSchema(name=name, version=version, columns={name: ColumnSpec(**spec) for name, spec in columns.items()})


def _column(sample: pl.DataFrame, column: str) -> dict[str, Any]:
    """Return the type of a column, and the formats of its dates where these are not ISO."""
    cells = sample[column].drop_nulls()
    if raw_name(column) in sample.columns and sample[raw_name(column)].is_not_null().any():
        return {"type": ColumnType.STRING}  # it was read as another type, which some cells refuse
    if cells.dtype == pl.Null:
        return {"type": ColumnType.STRING}
    if isinstance(cells.dtype, pl.String | pl.Categorical | pl.Enum):
        return _text_column(cells.cast(pl.String))
    for kind, is_kind in _TYPES.items():
        if is_kind(cells.dtype):
            return {"type": kind}
    raise InvalidInput(
        f"Column {column!r} is {cells.dtype}, which no schema has. Turn it into text or numbers, or drop it."
    )


_TYPES: Mapping[ColumnType, Any] = {
    ColumnType.BOOLEAN: lambda dtype: dtype == pl.Boolean,
    ColumnType.INTEGER: lambda dtype: dtype.is_integer(),
    ColumnType.FLOAT: lambda dtype: dtype.is_float() or dtype.is_decimal(),
    ColumnType.DATE: lambda dtype: dtype == pl.Date,
    ColumnType.DATETIME: lambda dtype: isinstance(dtype, pl.Datetime),
}


def _text_column(cells: pl.Series) -> dict[str, Any]:
    if cells.is_empty():
        return {"type": ColumnType.STRING}
    for kind, pattern in (
        (ColumnType.INTEGER, _INTEGER),
        (ColumnType.FLOAT, _FLOAT),
        (ColumnType.BOOLEAN, _BOOLEAN),
        (ColumnType.DATETIME, _ISO_DATETIME),
    ):
        if cells.str.contains(rf"\A(?:{pattern})\z").all():
            return {"type": kind}
    dates = pl.DataFrame([_dates(cells, pattern) for pattern in (_ISO_DATE, *_DATE_FORMATS)])
    formats = _date_formats(dates)
    if formats:
        return {"type": ColumnType.DATE, "format": [] if formats == [_ISO_DATE] else formats}
    values = cells.n_unique()
    is_category = values <= _MOST_CATEGORIES and values * _ROWS_PER_CATEGORY <= len(cells)
    kind = ColumnType.CATEGORY if is_category else ColumnType.STRING
    return {"type": kind, "description": _doubt(cells, dates)}


def _dates(cells: pl.Series, pattern: str) -> pl.Series:
    """Return which cells are dates in a format, under its name."""
    days = cells.str.to_date(pattern, strict=False)
    return (days.dt.year() >= _EARLIEST).fill_null(value=False).rename(pattern)


def _date_formats(dates: pl.DataFrame) -> list[str]:
    """Return formats so that every cell is a date in just one of them; none where day and month cannot be told apart.

    A format that fits fewer cells than another, all of which that one fits too, is not meant.
    """
    masks = {name: dates[name] for name in dates.columns if dates[name].any()}
    kept = [
        name
        for name, mask in masks.items()
        if not any(other.sum() > mask.sum() and not (mask & ~other).any() for other in masks.values())
    ]
    is_clear = bool(kept) and bool((dates.select(pl.sum_horizontal(kept)).to_series() == 1).all())
    return kept if is_clear else []


def _doubt(cells: pl.Series, dates: pl.DataFrame) -> str:
    """Return what a person should know who sees that a column is taken for text."""
    if has_decimal_commas(cells):
        others = cells.filter(~cells.str.contains(rf"\A(?:{_COMMA})\z"))
        if others.is_empty():
            return "Numbers with a decimal comma, it seems: read the table with decimal_comma to have them as such."
        shown = short_repr(others[0])
        return (
            f"Numbers with a decimal comma, it seems, but decimal_comma does not read {shown}: mend such cells first."
        )
    if dates.select(pl.any_horizontal(pl.all())).to_series().all():
        return "Dates, it seems, of which day and month cannot be told apart: name their formats in `format`."
    return ""


def _facts(lazy: pl.LazyFrame, found: Mapping[str, Any], *, with_limits: bool) -> dict[str, Any]:
    """Count empty cells, and find the smallest and largest values of typed columns, in one pass over all rows."""
    types = lazy.collect_schema()
    wanted = [pl.len().alias("rows"), *(pl.col(column).null_count().alias(f"nulls {column}") for column in found)]
    for column, spec in found.items():
        if with_limits and spec["type"] in ORDERED_TYPES and types[column] != pl.String:
            wanted += [
                _without_nan(column, types[column]).min().alias(f"min {column}"),
                _without_nan(column, types[column]).max().alias(f"max {column}"),
            ]
    return dict(lazy.select(wanted).collect(engine="streaming").row(0, named=True))


def _without_nan(column: str, dtype: pl.DataType) -> pl.Expr:
    cells = pl.col(column)
    return cells.filter(cells.is_finite()) if dtype.is_float() else cells


def _nullable(column: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"nullable": facts[f"nulls {column}"] > 0 or facts["rows"] == 0}


def _limits(column: str, spec: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for limit in ("min", "max"):
        value = facts.get(f"{limit} {column}")
        if value is not None:
            found[limit] = float(value) if spec["type"] is ColumnType.FLOAT else value
    return found


def _key(lazy: pl.LazyFrame, columns: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the column that is the key, or an empty text."""
    return next((name for name in _candidates(columns) if _is_unique(lazy, name)), "")


def _candidates(columns: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, spec in columns.items():
        if spec["type"] in _KEY_TYPES and not spec["nullable"] and _KEY_NAME.search(name):
            yield name


def _is_unique(lazy: pl.LazyFrame, column: str) -> bool:
    numbered = lazy if ROW in lazy.collect_schema() else lazy.with_row_index(ROW)
    return find_duplicates(numbered, [pl.col(column)]).is_empty()


def _add_categories(lazy: pl.LazyFrame, columns: dict[str, dict[str, Any]]) -> None:
    for name, spec in columns.items():
        if spec["type"] is ColumnType.CATEGORY:
            cells = pl.col(name).cast(pl.String)
            values = lazy.select(cells.drop_nulls().unique()).collect(engine="streaming").to_series()
            columns[name] = spec | {"allowed_values": values.sort().to_list()}
