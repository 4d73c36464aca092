"""Finds the rows that repeat the key of an earlier row: exactly, in memory bounded by the number of rows at once.

Keys are read as 64-bit hashes and sorted; only where hashes are equal are the keys themselves read and compared. A
table of more rows is worked on in parts by the hash, one reading of the key's columns a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from mlops.data_pipeline.snapshot_columns import ROW

__all__ = ["ROWS_AT_ONCE", "Repeats", "find_duplicates"]

ROWS_AT_ONCE = 4_000_000
"""Hashes that are held in memory together: 32 MB, and as much again for sorting."""

_HASH = "__hash__"


@dataclass(frozen=True)
class Repeats:
    """The rows that repeat a key: names of its columns, and numbers of the rows but the first of each key."""

    key: tuple[str, ...]
    rows: pl.Series


def find_duplicates(rows: pl.LazyFrame, key: Sequence[pl.Expr], *, at_once: int = ROWS_AT_ONCE) -> pl.Series:
    """Return the numbers, ascending, of rows whose key an earlier row has; the first row of a key is not among them.

    A key with a null in any of its parts is equal to no other. NaN is equal to NaN, and -0.0 to 0.0.

    Args:
        rows: A snapshot, with `__row__`.
        key: Expressions of the parts of the key.
        at_once: Rows whose hashes are held in memory together.

    Example:
        >>> visits = pl.LazyFrame({"__row__": [0, 1, 2, 3], "id": ["a", "b", "a", None]})
        >>> find_duplicates(visits, [pl.col("id")]).to_list()
        [2]
    """
    names = [f"__key_{index}__" for index in range(len(key))]
    keyed = rows.select(ROW, *(part.alias(name) for part, name in zip(key, names, strict=True))).drop_nulls(names)
    count = int(keyed.select(pl.len()).collect(engine="streaming").item())
    parts = max(1, -(-count // at_once))
    hashed = keyed.with_columns(_hash(names).alias(_HASH))
    found = [
        _in_part(hashed if parts == 1 else hashed.filter(pl.col(_HASH) % parts == part), names) for part in range(parts)
    ]
    return pl.concat(found).sort()


def _hash(names: Sequence[str]) -> pl.Expr:
    whole = pl.col(names[0]) if len(names) == 1 else pl.struct(*names)
    return whole.hash()


def _in_part(hashed: pl.LazyFrame, names: Sequence[str]) -> pl.Series:
    hashes = hashed.select(_HASH).collect(engine="streaming").to_series().sort()
    repeated = hashes.filter(hashes == hashes.shift(1)).unique()
    wanted = (
        hashed.filter(pl.col(_HASH).is_in(repeated.implode())) if len(repeated) else hashed.filter(pl.lit(value=False))
    )
    candidates = wanted.select(ROW, *names).collect(engine="streaming").sort(ROW)
    return candidates.filter(~pl.struct(*names).is_first_distinct())[ROW]
