"""The columns of a snapshot as the statistics see them: what kind each is, and what its schema expects of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from mlops.data_pipeline.entities import DataSchema
from mlops.data_pipeline.quality.profiles import ColumnKind
from mlops.data_pipeline.snapshot_columns import is_own, raw_name

__all__ = ["Column", "columns_of", "plain_types"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        dtype: Its type as the statistics read it; see `plain_types`.
        stored: Its type in the snapshot, for people.
        raw: Name of the column that holds the text of cells that could not be read; empty when there is none.
        is_never_negative: Whether its schema's smallest allowed value is at least 0.
    """

    name: str
    kind: ColumnKind
    dtype: pl.DataType
    stored: str
    raw: str = ""
    units: str = ""
    is_nullable: bool = True
    is_never_negative: bool = False


def columns_of(types: Mapping[str, pl.DataType], schema: DataSchema | None) -> list[Column]:
    """Return the columns of a snapshot in its order, without the snapshot's own."""
    return [_column(name, types, schema) for name in types if not is_own(name)]


def plain_types(types: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """Return the conversions of types that have no statistics of their own: decimals to floats, categories to text."""
    found = []
    for name, dtype in types.items():
        if isinstance(dtype, pl.Decimal):
            found.append(pl.col(name).cast(pl.Float64))
        elif isinstance(dtype, pl.Categorical | pl.Enum):
            found.append(pl.col(name).cast(pl.String))
    return found


def _column(name: str, types: Mapping[str, pl.DataType], schema: DataSchema | None) -> Column:
    stored = types[name]
    dtype = _plain(stored)
    spec = schema.columns.get(name) if schema else None
    raw = raw_name(name)
    return Column(
        name=name,
        kind=_kind(dtype),
        dtype=dtype,
        stored=_word(stored),
        raw=raw if raw in types else "",
        units=spec.units if spec else "",
        is_nullable=spec.nullable if spec else True,
        is_never_negative=bool(spec and isinstance(spec.min, int | float) and spec.min >= 0),
    )


def _plain(dtype: pl.DataType) -> pl.DataType:
    if isinstance(dtype, pl.Decimal):
        return pl.Float64()
    return pl.String() if isinstance(dtype, pl.Categorical | pl.Enum) else dtype


def _word(dtype: pl.DataType) -> str:
    """Return a type as people write it: with its time zone, without its unit of time or its categories."""
    zone = f" {dtype.time_zone}" if isinstance(dtype, pl.Datetime) and dtype.time_zone else ""
    return f"{dtype.base_type()}".lower() + zone


def _kind(dtype: pl.DataType) -> ColumnKind:
    if dtype.is_numeric():
        return ColumnKind.NUMBER
    if dtype == pl.Boolean:
        return ColumnKind.BOOLEAN
    if dtype == pl.String:
        return ColumnKind.TEXT
    return ColumnKind.MOMENT if isinstance(dtype, pl.Date | pl.Datetime) else ColumnKind.OTHER
