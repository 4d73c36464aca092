"""The queries over all rows of a snapshot: few, and one after the other.

Columns go in blocks: a table of thousands of columns is then a handful of queries of bounded size instead of one that
takes longer to plan than to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import polars as pl

from mlops.data_pipeline.duplicates import Repeats
from mlops.data_pipeline.quality.columns import Column
from mlops.data_pipeline.quality.probes import Probe
from mlops.data_pipeline.quality.profiles import ColumnKind, FindingKind
from mlops.data_pipeline.snapshot_columns import ROW

__all__ = [
    "MOST_EXAMPLES",
    "Duplicates",
    "Wanted",
    "category_counts",
    "count_all",
    "distinct_counts",
    "examples",
    "find_duplicates",
]

_BLOCK = 100  # columns of one query
_MOST_HASHES = 2**21  # row hashes held at a time, some 80 MB
MOST_EXAMPLES = 5
_MOST_CHARACTERS = 80
_NO_FRACTION = ".000000"  # of a second
_COUNT, _KEY = "__count__", "__key__"  # names that no column of a table has
_T = TypeVar("_T")


@dataclass(frozen=True)
class Wanted:
    """What to count of one column in all rows.

    Attributes:
        common: A value to count; None for none.
        counts: How many rows have each value, as `category_counts` has it, where that is known: values are then looked
            at once instead of once a row.
    """

    column: Column
    probes: tuple[Probe, ...] = ()
    common: Any = None
    counts: pl.DataFrame | None = None


@dataclass(frozen=True)
class Duplicates:
    """Rows that repeat an earlier one, whether that is exact, and the first repeated ones with how often."""

    count: int
    is_exact: bool = True
    first: tuple[tuple[int, int], ...] = ()


def count_all(frame: pl.LazyFrame, wanted: Sequence[Wanted], *, rows: int) -> list[dict[str, Any]]:
    """Return the numbers of each column: `nulls`, `common`, `probe0`…, and `min`, `max`, `mean`, `std`."""
    questions = [(place, _numbers(item)) for place, item in enumerate(wanted)]
    queries = [
        frame.select(
            expression.alias(f"{place}.{name}") for place, asked in block for name, expression in asked.items()
        )
        for block in _blocks([(place, asked) for place, asked in questions if asked])
    ]
    found = [_by_value(item, rows) for item in wanted]
    for query in queries:
        for key, value in _collected(query).row(0, named=True).items():
            place, _, name = key.partition(".")
            found[int(place)][name] = value
    return found


def _numbers(wanted: Wanted) -> dict[str, pl.Expr]:
    asked = {f"probe{place}": probe.condition.sum() for place, probe in enumerate(wanted.probes)}
    if wanted.counts is not None:  # but the texts of cells that could not be read stand in another column
        return {
            name: asked[name]
            for place, probe in enumerate(wanted.probes)
            if probe.is_elsewhere and (name := f"probe{place}")
        }
    cell = pl.col(wanted.column.name)
    asked |= {"nulls": cell.null_count(), **_KINDS[wanted.column.kind](wanted.column)}
    if wanted.common is not None:
        asked["common"] = (cell == pl.lit(wanted.common, dtype=wanted.column.dtype)).sum()
    return asked


def _by_value(wanted: Wanted, rows: int) -> dict[str, Any]:
    """Return what the counts of values tell of a column."""
    if wanted.counts is None:
        return {}
    values = wanted.counts.rename({"value": wanted.column.name, "count": _COUNT})
    count = pl.col(_COUNT)
    asked = {
        f"probe{place}": count.filter(item.condition).sum()
        for place, item in enumerate(wanted.probes)
        if not item.is_elsewhere
    }
    summary = _WEIGHTED.get(wanted.column.kind, _KINDS[wanted.column.kind])(wanted.column)
    found = values.select(**asked, **summary, values=count.sum()).row(0, named=True)
    return {**found, "nulls": rows - found["values"]}


def _number(column: Column) -> dict[str, pl.Expr]:
    cell = pl.col(column.name)
    if column.dtype.is_float():
        cell = pl.when(cell.is_finite()).then(cell)
    return {"min": cell.min(), "max": cell.max(), "mean": cell.mean(), "std": cell.std()}


def _text(column: Column) -> dict[str, pl.Expr]:
    length = pl.col(column.name).str.len_chars()
    return {"min": length.min(), "max": length.max(), "mean": length.mean()}


def _moment(column: Column) -> dict[str, pl.Expr]:
    edges = {"min": pl.col(column.name).min(), "max": pl.col(column.name).max()}
    return {name: edge.cast(pl.String).str.strip_suffix(_NO_FRACTION) for name, edge in edges.items()}


def _nothing(_: Column) -> dict[str, pl.Expr]:
    return {}


def _weighted_number(column: Column) -> dict[str, pl.Expr]:
    cell, is_counted = pl.col(column.name), pl.lit(value=True)
    if column.dtype.is_float():
        is_counted = cell.is_finite()
    value, count = cell.filter(is_counted), pl.col(_COUNT).filter(is_counted)
    number, total = value.cast(pl.Float64), count.sum()
    mean = pl.when(total > 0).then((number * count).sum() / total)
    variance = ((number - mean) ** 2 * count).sum() / (total - 1)
    std = pl.when(total > 1).then(variance.sqrt())
    return {"min": value.min(), "max": value.max(), "mean": mean, "std": std}


def _weighted_text(column: Column) -> dict[str, pl.Expr]:
    length, count = pl.col(column.name).str.len_chars(), pl.col(_COUNT)
    return {"min": length.min(), "max": length.max(), "mean": (length * count).sum() / count.sum()}


_KINDS = {
    ColumnKind.NUMBER: _number,
    ColumnKind.TEXT: _text,
    ColumnKind.MOMENT: _moment,
    ColumnKind.BOOLEAN: _nothing,
    ColumnKind.OTHER: _nothing,
}
_WEIGHTED = {ColumnKind.NUMBER: _weighted_number, ColumnKind.TEXT: _weighted_text}
"""The same of values and their counts, where that is not the same expression."""


def category_counts(frame: pl.LazyFrame, names: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Return how many rows have each value of these columns, empty ones left out: frames of `value` and `count`."""
    queries = [frame.select(value=pl.col(name)).drop_nulls().group_by("value").agg(count=pl.len()) for name in names]
    return dict(zip(names, map(_collected, queries), strict=True))


def distinct_counts(frame: pl.LazyFrame, parts: Mapping[str, int]) -> dict[str, int]:
    """Return how many different values columns have, empty not counted.

    A query a column: the streaming engine holds the whole column where it counts within a larger query.

    Args:
        parts: By column, how many parts the space of hashes is cut into, of which one is counted. With n values in it
            the standard error is a fraction 1 / sqrt(n); 1 part is exact.
    """
    queries = [_distinct(frame, name, parts[name]) for name in parts]
    found = (int(_collected(query).item()) for query in queries)
    return {name: count * parts[name] for name, count in zip(parts, found, strict=True)}


def _distinct(frame: pl.LazyFrame, name: str, parts: int) -> pl.LazyFrame:
    hashes = frame.select(pl.col(name)).drop_nulls().select(pl.col(name).hash().alias(_KEY))
    return hashes.filter(pl.col(_KEY) <= _last_of(parts)).select(pl.col(_KEY).n_unique())


def find_duplicates(
    frame: pl.LazyFrame, names: Sequence[str], keys: Sequence[str], *, rows: int, repeats: Repeats | None = None
) -> Duplicates:
    """Return the rows that equal an earlier row in every column, by a 64-bit hash.

    Rows that differ in `keys` differ, so that all columns are read only where some rows are alike in these. Beyond two
    million rows only those are compared whose hash of the keys falls into a part of the space: equal rows fall into the
    same part, so that the count times the number of parts is an unbiased estimate, and memory stays bounded.

    Args:
        names: All columns that make a row what it is.
        keys: A few of them with many different values.
        repeats: Which rows repeat a key, where that is known: only rows of these keys, and those without one, can be
            equal. They are counted exactly unless they are too many.
    """
    if not names or rows < 2:
        return Duplicates(0)
    few = _of_repeated_keys(frame, repeats) if repeats is not None else None
    table, parts = (frame, -(-rows // _MOST_HASHES)) if few is None else (few, 1)
    in_part = table.with_columns(_hash(keys).alias(_KEY)).filter(pl.col(_KEY) <= _last_of(parts))
    alike = in_part.group_by(_KEY).agg(pl.len().alias(_COUNT)).filter(pl.col(_COUNT) > 1).select(_KEY)
    alike_keys = alike.collect(engine="streaming")
    if not alike_keys.height:
        return Duplicates(0, is_exact=parts == 1)
    return _duplicates(_repeated(in_part.join(alike_keys.lazy(), on=_KEY, how="semi"), names), parts)


def _of_repeated_keys(frame: pl.LazyFrame, repeats: Repeats) -> pl.LazyFrame | None:
    """Return the rows whose key another row has too, and those without a key; None when they are too many to hold."""
    lacks_key = pl.any_horizontal(pl.col(name).is_null() for name in repeats.key)
    lacking = int(frame.select(lacks_key.sum()).collect(engine="streaming").item())
    if lacking + 2 * len(repeats.rows) > _MOST_HASHES:
        return None
    keyed = frame.with_columns(_hash(repeats.key).alias(_KEY))
    again = keyed.filter(pl.col(ROW).is_in(repeats.rows.implode())).select(_KEY).collect(engine="streaming")
    return keyed.filter(pl.col(_KEY).is_in(again.to_series().unique().implode()) | lacks_key).drop(_KEY)


def _duplicates(repeated: pl.DataFrame, parts: int = 1) -> Duplicates:
    first = repeated.bottom_k(MOST_EXAMPLES, by=ROW).sort(ROW).select(ROW, _COUNT).rows()
    extra = int(repeated[_COUNT].sum()) - repeated.height
    return Duplicates(extra * parts, is_exact=parts == 1, first=tuple(first))


def _repeated(frame: pl.LazyFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the first row and the count of each group of equal rows."""
    groups = frame.select(ROW, _hash(names).alias(_KEY)).group_by(_KEY).agg(pl.col(ROW).min(), pl.len().alias(_COUNT))
    return groups.filter(pl.col(_COUNT) > 1).collect(engine="streaming")


def _hash(names: Sequence[str]) -> pl.Expr:
    return pl.sum_horizontal([pl.col(name).hash(seed) for seed, name in enumerate(names)])


def examples(frame: pl.LazyFrame, probes: Sequence[Probe]) -> list[list[tuple[int, str]]]:
    """Return for each probe its first cells in the order of rows, at most five: number of the row, and text."""
    queries = (
        frame.filter(probe.condition).select(pl.col(ROW), value=_text_of(probe)).head(MOST_EXAMPLES) for probe in probes
    )
    return [_collected(query).rows() for query in queries]


def _text_of(probe: Probe) -> pl.Expr:
    text = pl.col(probe.shown).cast(pl.String).str.slice(0, _MOST_CHARACTERS)
    is_moment = probe.kind in {FindingKind.FUTURE, FindingKind.TOO_OLD}
    return text.str.strip_suffix(_NO_FRACTION) if is_moment else text


def _last_of(parts: int) -> pl.Expr:
    """Return the last hash of the first of as many equal parts of the space of hashes."""
    return pl.lit(2**64 // parts - 1, dtype=pl.UInt64)


def _collected(query: pl.LazyFrame) -> pl.DataFrame:
    """Return the result of one query.

    Alone: of several that read one file, the quickest waits for none, and what the others have not come to is held.
    """
    return query.collect(engine="streaming")


def _blocks(items: Iterable[_T], size: int = _BLOCK) -> Iterator[list[_T]]:
    rest = iter(items)
    while block := list(islice(rest, size)):
        yield block
