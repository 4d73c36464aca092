"""A table's statistics from one snapshot: a sample first, then one reading of all rows.

Exact, of all rows: counts of rows, empty cells and findings, minimum, maximum, mean, standard deviation, lengths of
texts, and counts of categories of columns with at most 1,000 different values in the sample. Of a sample of at most
50,000 rows when there are more (`is_sampled`): quartiles, median, MAD, the fences that findings are counted against,
histograms, which sentinels and sorts of text to count (what only a few rows in 50,000 have can be missed), and the
most common values of columns with many. Estimated: `distinct` where the profile says so, and duplicates beyond two
million rows, unless it is known which rows repeat a key.

Memory is bounded by the sample and by two million row hashes, whatever the number of rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from mlops import clock
from mlops.data_pipeline.duplicates import Repeats
from mlops.data_pipeline.entities import DataSchema
from mlops.data_pipeline.quality import passes
from mlops.data_pipeline.quality.columns import Column, columns_of, plain_types
from mlops.data_pipeline.quality.probes import ColumnSample, Probe, physical, probes
from mlops.data_pipeline.quality.profiles import (
    Category,
    ColumnKind,
    ColumnProfile,
    Example,
    Finding,
    FindingKind,
    Histogram,
    MomentSummary,
    NumberSummary,
    TableProfile,
    TextSummary,
)
from mlops.data_pipeline.quality.sampling import (
    Spread,
    histogram,
    is_sampled_row,
    nearly_all_different,
    sample_size,
)
from mlops.data_pipeline.snapshot_columns import FAULT, ROW

__all__ = ["profile"]

_MOST_CATEGORIES = 40
_MOST_COUNTED = 1_000  # different values in the sample of a column whose categories are counted in all rows
_HASHES_TO_COUNT = 2**16  # a distinct count then has a standard error of 0.4 %, of uneven columns up to 2 %
_MOST_WITH_EXAMPLES = 500  # findings; a query each
_COMMON = 0.01  # fraction of the sample that makes a value worth counting in all rows
_KEYS = 3  # columns that tell rows apart before all of them are compared


@dataclass(frozen=True)
class _Sampled:
    """One column's part of the sample, and what it tells."""

    column: Column
    sample: ColumnSample
    common: tuple[tuple[Any, int], ...]
    values: int
    distinct: int
    histogram: Histogram | None
    probes: tuple[Probe, ...]


@dataclass(frozen=True)
class _Table:
    """What is read: all rows that are rows, the sample, and how many of each there are."""

    frame: pl.LazyFrame
    sample: pl.DataFrame
    rows: int
    broken: int = 0
    broken_first: tuple[Example, ...] = ()

    @property
    def is_sampled(self) -> bool:
        return self.sample.height < self.rows


def profile(
    frame: pl.LazyFrame | pl.DataFrame,
    schema: DataSchema | None = None,
    *,
    repeats: Repeats | None = None,
    now: clock.Now = clock.now,
) -> TableProfile:
    """Return the statistics of a snapshot, or of any table; the same for the same rows.

    Args:
        frame: A snapshot as `reading` makes it; columns whose names begin with two underscores are not profiled.
        schema: Tells which columns may be empty and which numbers cannot be negative.
        repeats: Which rows of the snapshot repeat a key, if that is known.
        now: Moments more than a day after it are in the future.

    Example:
        >>> found = profile(pl.DataFrame({"dose": [1.0, 2.0, None, 3.0]}))
        >>> found.rows, found.columns[0].nulls, found.columns[0].numbers.median
        (4, 1, 2.0)
    """
    lazy = frame.lazy()
    types: Mapping[str, pl.DataType] = lazy.collect_schema()
    if ROW not in types:
        lazy = lazy.with_row_index(ROW)
    columns = columns_of(types, schema)
    table = _read(lazy.with_columns(plain_types(types)), columns, has_faults=FAULT in types)
    sampled = [_sampled(column, table, now=now) for column in columns]
    duplicates = _duplicates(table, sampled, repeats)
    return TableProfile(
        rows=table.rows,
        broken_rows=table.broken,
        broken=table.broken_first,
        duplicate_rows=duplicates.count,
        is_duplicates_exact=duplicates.is_exact,
        duplicates=tuple(Example(row=row, value=f"{count} times") for row, count in duplicates.first),
        sample_rows=table.sample.height,
        columns=tuple(_profiles(table, sampled)),
    )


def _read(frame: pl.LazyFrame, columns: Sequence[Column], *, has_faults: bool) -> _Table:
    broken, first = _broken(frame) if has_faults else (0, ())
    if broken:
        frame = frame.filter(pl.col(FAULT).is_null())
    rows = int(frame.select(pl.len()).collect(engine="streaming").item())
    size = sample_size(rows, len(columns))
    chosen = frame.select(ROW, *(column.name for column in columns), *(c.raw for c in columns if c.raw))
    if size == rows:
        sample = chosen.collect(engine="streaming")
        return _Table(sample.lazy(), sample, rows, broken, first)
    sample = chosen.filter(is_sampled_row(pl.col(ROW), rows, size)).head(size).collect(engine="streaming")
    return _Table(frame, sample, rows, broken, first)


def _broken(frame: pl.LazyFrame) -> tuple[int, tuple[Example, ...]]:
    """Return how many rows could not be read as rows, and the first of them with what is wrong."""
    faulty = frame.filter(pl.col(FAULT).is_not_null()).select(ROW, FAULT)
    count = int(faulty.select(pl.len()).collect(engine="streaming").item())
    first = faulty.head(passes.MOST_EXAMPLES).collect(engine="streaming")
    return count, tuple(Example(row=row, value=fault) for row, fault in first.rows())


def _sampled(column: Column, table: _Table, *, now: clock.Now) -> _Sampled:
    cells = table.sample[column.name]
    sample = ColumnSample.of(column, cells)
    common, distinct = _common(column, cells)
    return _Sampled(
        column=column,
        sample=sample,
        common=common,
        values=len(cells) - cells.null_count(),
        distinct=distinct,
        histogram=_histogram(column, cells, sample.spread),
        probes=tuple(probes(column, sample, now=now())),
    )


def _common(column: Column, cells: pl.Series) -> tuple[tuple[tuple[Any, int], ...], int]:
    """Return the most common values with their counts, and how many different ones there are."""
    cells = cells.drop_nulls()
    if column.kind is ColumnKind.OTHER or not len(cells):
        return (), cells.n_unique() if len(cells) else 0
    counts = cells.rename("value").value_counts(name="count")
    return _first(counts), counts.height


def _first(counts: pl.DataFrame) -> tuple[tuple[Any, int], ...]:
    """Return the most common values; ties in the order of values."""
    if counts.height > _MOST_COUNTED:  # sorting fewer costs less than looking for the most common first
        counts = counts.filter(pl.col("count") >= counts["count"].top_k(_MOST_CATEGORIES).min())
    return tuple(counts.sort(["count", "value"], descending=[True, False]).head(_MOST_CATEGORIES).rows())


def _histogram(column: Column, cells: pl.Series, middle: Spread | None) -> Histogram | None:
    if column.kind not in {ColumnKind.NUMBER, ColumnKind.MOMENT}:
        return None
    return histogram(physical(column, cells), middle, is_whole=column.dtype.is_integer())


def _duplicates(table: _Table, sampled: Sequence[_Sampled], repeats: Repeats | None) -> passes.Duplicates:
    """Return the repeated rows, looked for among rows that are alike in the columns with most different values."""
    names = [name for item in sampled for name in (item.column.name, item.column.raw) if name]
    keys = [item.column.name for item in sorted(sampled, key=lambda item: -item.distinct)[:_KEYS]]
    return passes.find_duplicates(table.frame, names, keys, rows=table.rows, repeats=repeats)


def _profiles(table: _Table, sampled: Sequence[_Sampled]) -> list[ColumnProfile]:
    counted = _counted(table, sampled)
    wanted = [_wanted(item, table, counted.get(item.column.name)) for item in sampled]
    distinct = _distinct(table, sampled, counted)
    numbers = passes.count_all(table.frame, wanted, rows=table.rows)
    findings = _findings(table, sampled, numbers)
    return [
        _column(table, asked, found, finding, item=item, distinct=distinct.get(item.column.name, (item.distinct, True)))
        for item, asked, found, finding in zip(sampled, wanted, numbers, findings, strict=True)
    ]


def _wanted(item: _Sampled, table: _Table, counts: pl.DataFrame | None) -> passes.Wanted:
    if counts is not None:
        return passes.Wanted(item.column, item.probes, counts=counts)
    is_worth = item.common and item.common[0][1] >= _COMMON * table.sample.height
    common = item.common[0][0] if is_worth and table.is_sampled else None
    return passes.Wanted(item.column, item.probes, common)


def _counted(table: _Table, sampled: Sequence[_Sampled]) -> dict[str, pl.DataFrame]:
    """Return the counts in all rows of the columns that have few different values; nothing where all rows were read."""
    if not table.is_sampled:
        return {}
    names = [item.column.name for item in sampled if item.common and item.distinct <= _MOST_COUNTED]
    return passes.category_counts(table.frame, names)


def _distinct(
    table: _Table, sampled: Sequence[_Sampled], counted: Mapping[str, pl.DataFrame]
) -> dict[str, tuple[int, bool]]:
    """Return by column how many different values it has and whether that is exact; nothing where all rows were read."""
    if not table.is_sampled:
        return {}
    growth = table.rows / max(1, table.sample.height)
    found = {name: (counts.height, True) for name, counts in counted.items()}
    parts = {}
    for item in sampled:
        name, most = item.column.name, nearly_all_different(item.values, item.distinct, growth=growth)
        if name not in found and most is not None:
            found[name] = most, False
        elif name not in found:
            parts[name] = max(1, int(item.distinct * growth) // _HASHES_TO_COUNT)
    estimates = passes.distinct_counts(table.frame, parts)
    return found | {name: (count, parts[name] == 1) for name, count in estimates.items()}


def _findings(table: _Table, sampled: Sequence[_Sampled], numbers: Sequence[Mapping[str, Any]]) -> list[list[Finding]]:
    """Return the findings of each column that there are any of, with examples."""
    hits = [
        (place, probe, int(found[f"probe{index}"] or 0))
        for place, (item, found) in enumerate(zip(sampled, numbers, strict=True))
        for index, probe in enumerate(item.probes)
        if found[f"probe{index}"]
    ]
    shown = _shown(table, [(probe, count) for _, probe, count in hits[:_MOST_WITH_EXAMPLES]])
    shown += [[] for _ in hits[_MOST_WITH_EXAMPLES:]]
    result: list[list[Finding]] = [[] for _ in sampled]
    for (place, probe, count), cells in zip(hits, shown, strict=True):
        seen = tuple(Example(row=row, value=value) for row, value in cells)
        result[place].append(Finding(kind=probe.kind, count=count, detail=probe.detail, examples=seen))
    return result


def _shown(table: _Table, hits: Sequence[tuple[Probe, int]]) -> list[list[tuple[int, str]]]:
    """Return cells that show findings: of the sample where it has enough of them, else of all rows."""
    shown = passes.examples(table.sample.lazy(), [probe for probe, _ in hits])
    short = [place for place, (_, count) in enumerate(hits) if len(shown[place]) < min(count, passes.MOST_EXAMPLES)]
    if table.is_sampled and short:
        for place, cells in zip(short, passes.examples(table.frame, [hits[place][0] for place in short]), strict=True):
            shown[place] = cells
    return shown


def _column(
    table: _Table,
    asked: passes.Wanted,
    found: Mapping[str, Any],
    findings: Sequence[Finding],
    *,
    item: _Sampled,
    distinct: tuple[int, bool],
) -> ColumnProfile:
    column, counts = item.column, asked.counts
    unparseable = sum(finding.count for finding in findings if finding.kind is FindingKind.UNPARSEABLE)
    common = item.common if counts is None else _first(counts)
    return ColumnProfile(
        name=column.name,
        dtype=column.stored,
        kind=column.kind,
        units=column.units,
        is_nullable=column.is_nullable,
        rows=table.rows,
        nulls=max(0, found["nulls"] - unparseable),
        distinct=min(distinct[0], table.rows - found["nulls"]),
        is_distinct_exact=distinct[1],
        is_sampled=table.is_sampled,
        histogram=item.histogram,
        categories=tuple(_category(*found) for found in common if found[1] > 1 or len(common) < _MOST_CATEGORIES),
        is_categories_exact=not table.is_sampled or counts is not None,
        most_common=_most_common(table, asked, found, common),
        findings=tuple(findings),
        **_summary(item, found),
    )


def _most_common(
    table: _Table, asked: passes.Wanted, found: Mapping[str, Any], common: Sequence[tuple[Any, int]]
) -> Category | None:
    """Return the most common value with its count in all rows; None of values too many to count."""
    if not common or (table.is_sampled and asked.counts is None and asked.common is None):
        return None
    return _category(common[0][0], found.get("common", common[0][1]))


def _category(value: Any, count: int) -> Category:
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return Category(value=text[:80], count=count)


def _summary(item: _Sampled, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the summary that fits the column's kind, as a field of its profile; none where no cell has a value."""
    if found.get("min") is None:
        return {}
    low, high, middle = found["min"], found["max"], item.sample.spread
    if item.column.kind is ColumnKind.NUMBER:
        fences = vars(middle) if middle else {}
        numbers = NumberSummary(
            minimum=low, maximum=high, mean=_finite(found["mean"]), std=_finite(found["std"]), **fences
        )
        return {"numbers": numbers}
    if item.column.kind is ColumnKind.TEXT:
        return {"text": TextSummary(shortest=low, longest=high, mean_length=found["mean"])}
    return {"moments": MomentSummary(earliest=low, latest=high, median=_moment(middle))}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _moment(middle: Spread | None) -> str | None:
    if middle is None:
        return None
    return str(
        pl.Series([int(middle.median * 1e6)], dtype=pl.Int64)
        .cast(pl.Datetime("us"))
        .dt.strftime("%Y-%m-%d %H:%M:%S")[0]
    )
