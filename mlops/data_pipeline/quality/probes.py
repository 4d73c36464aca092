"""The conditions that make a cell worth a look, as expressions over a snapshot, by column.

A probe whose condition needs a sample first (fences, sentinels, sorts of text) gets it in a `ColumnSample`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import numpy as np
import polars as pl

from mlops.data_pipeline.quality.columns import Column
from mlops.data_pipeline.quality.formatting import share
from mlops.data_pipeline.quality.profiles import ColumnKind, FindingKind
from mlops.data_pipeline.quality.sampling import Numbers, Spread, spread

__all__ = ["PLACEHOLDERS", "ColumnSample", "Probe", "has_decimal_commas", "physical", "probes"]

PLACEHOLDERS = (
    "n/a", "N/A", "na", "NA", "n.a.", "N.A.", "#N/A", "nan", "NaN", "NAN", "null", "NULL", "Null", "none", "None",
    "NONE", "nil", "-", "--", "---", ".", "?", "??", "unknown", "Unknown", "UNKNOWN", "unk", "UNK", "missing",
    "Missing", "MISSING", "tbd", "TBD", "tba", "TBA", "xxx", "XXX", "k.A.", "s/d",
)  # fmt: skip
"""Texts that people write where they have no value."""

_SPACES = (" ", "\t", "\u00a0")  # the last is what word processors leave
_BLANKS = ("", *(space * times for space in _SPACES for times in (1, 2, 3, 4)))
_SENTINELS = (-1, -9, -99, -999, -9999, -99999, 99, 999, 9999, 99999, 999999, 9999999)
_SENTINEL_DAYS = (date(1899, 12, 30), date(1900, 1, 1), date(1970, 1, 1), date(2099, 12, 31), date(9999, 12, 31))
_OLDEST = datetime(1900, 1, 1)  # noqa: DTZ001  # compared with the table's own times, which have no zone
_ZONES = timedelta(days=1)  # a local time without a zone may be up to 14 hours ahead of UTC

_SORTS = {
    "numbers": r"^\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?\s*$",
    "ISO dates": r"^\s*\d{4}-\d{1,2}-\d{1,2}([ T]\d.*)?\s*$",
    "dates with dots": r"^\s*\d{1,2}\.\d{1,2}\.\d{2,4}(\s+\d.*)?\s*$",
    "dates with slashes": r"^\s*\d{1,4}/\d{1,2}/\d{1,4}(\s+\d.*)?\s*$",
}
_OTHER_TEXT = "text"
_DECIMAL_COMMA = r"^\s*[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+\s*$"
_MOST_OF_IT = 0.9  # of a column: then its texts are numbers
_T = TypeVar("_T", int, date)


@dataclass(frozen=True)
class Probe:
    """One condition on the cells of one column.

    Attributes:
        shown: The column whose cells are shown as examples.
    """

    kind: FindingKind
    column: str
    condition: pl.Expr
    shown: str
    detail: str = ""

    @property
    def is_elsewhere(self) -> bool:
        """Whether the condition is about another column than the probed one."""
        return self.shown != self.column


@dataclass(frozen=True)
class ColumnSample:
    """What the sample tells of one column, as far as its kind has it.

    Attributes:
        spread: Of its numbers.
        sentinels: Values (numbers, or days) that stand far off all others.
        sorts: Sorts of text to their fractions of the sample, largest first; empty where there is but one.
        has_decimal_commas: Whether nearly all texts are numbers such as `1,5`.
    """

    spread: Spread | None = None
    sentinels: tuple[int | date, ...] = ()
    sorts: dict[str, float] = field(default_factory=dict)
    has_decimal_commas: bool = False

    @classmethod
    def of(cls, column: Column, cells: pl.Series) -> ColumnSample:
        """Look at the sampled cells of a column."""
        if column.kind is ColumnKind.NUMBER:
            numbers = physical(column, cells)
            return cls(spread=spread(numbers), sentinels=_far_off(numbers, {value: value for value in _SENTINELS}))
        if column.kind is ColumnKind.MOMENT:
            days = {value: _seconds(value) for value in _SENTINEL_DAYS}
            numbers = physical(column, cells)
            return cls(spread=spread(numbers), sentinels=_far_off(numbers, days))
        if column.kind is not ColumnKind.TEXT:
            return cls()
        return cls(sorts=_sorts(cells), has_decimal_commas=has_decimal_commas(cells))


def has_decimal_commas(cells: pl.Series) -> bool:
    """Tell whether nearly all texts of a column are numbers with a decimal comma.

    Example:
        >>> has_decimal_commas(pl.Series(["1,5", "-0,25", None])), has_decimal_commas(pl.Series(["1,5", "low"]))
        (True, False)
    """
    said = cells.drop_nulls()
    return bool(len(said)) and int(said.str.contains(_DECIMAL_COMMA).sum()) >= _MOST_OF_IT * len(said)


def physical(column: Column, cells: pl.Series) -> Numbers:
    """Return the cells that have a finite value as numbers; moments as seconds since 1970-01-01."""
    if column.kind is ColumnKind.MOMENT:
        cells = cells.cast(pl.Datetime("us")).to_physical() / 1e6
    numbers = cells.drop_nulls().cast(pl.Float64).to_numpy()
    return numbers if column.dtype.is_integer() else numbers[np.isfinite(numbers)]


def probes(column: Column, sample: ColumnSample, *, now: datetime) -> Iterator[Probe]:
    """Yield the conditions to count in a column, in the order of `FindingKind`."""
    if column.raw:
        yield Probe(FindingKind.UNPARSEABLE, column.name, pl.col(column.raw).is_not_null(), column.raw)
    if column.kind is ColumnKind.NUMBER:
        yield from _number_probes(column, sample)
    elif column.kind is ColumnKind.MOMENT:
        yield from _moment_probes(column, sample, now)
    elif column.kind is ColumnKind.TEXT:
        yield from _text_probes(column, sample)


def _number_probes(column: Column, sample: ColumnSample) -> Iterator[Probe]:
    cell, probe = pl.col(column.name), _maker(column)
    is_number = pl.lit(value=True)
    if column.dtype.is_float():
        is_number = cell.is_finite()
        yield probe(FindingKind.NAN, cell.is_nan())
        yield probe(FindingKind.INFINITE, cell.is_infinite())
    if column.is_never_negative and not column.dtype.is_unsigned_integer():
        yield probe(FindingKind.NEGATIVE, is_number & (cell < 0) & ~_is_any(cell, sample.sentinels))
    for value in sample.sentinels:
        yield probe(FindingKind.SENTINEL, cell == value, str(value))
    found = sample.spread
    if found is not None and found.lower_fence is not None:
        yield probe(FindingKind.OUTLIER_IQR, is_number & ((cell < found.lower_fence) | (cell > found.upper_fence)))
    if found is not None and found.mad_low is not None:
        yield probe(FindingKind.OUTLIER_MAD, is_number & ((cell < found.mad_low) | (cell > found.mad_high)))


def _moment_probes(column: Column, sample: ColumnSample, now: datetime) -> Iterator[Probe]:
    cell, probe = pl.col(column.name).cast(pl.Datetime("us")), _maker(column)
    latest = (now.astimezone(UTC) + _ZONES).replace(tzinfo=None)
    day = cell.dt.date() if sample.sentinels else cell
    is_sentinel = _is_any(day, sample.sentinels)
    yield probe(FindingKind.FUTURE, (cell > latest) & ~is_sentinel)
    yield probe(FindingKind.TOO_OLD, (cell < _OLDEST) & ~is_sentinel)
    for value in sample.sentinels:
        yield probe(FindingKind.SENTINEL, day == value, str(value))


def _text_probes(column: Column, sample: ColumnSample) -> Iterator[Probe]:
    cell, probe = pl.col(column.name), _maker(column)
    yield probe(FindingKind.PLACEHOLDER, cell.is_in(PLACEHOLDERS))
    is_blank = cell.is_in(_BLANKS)
    yield probe(FindingKind.BLANK, is_blank)
    yield probe(FindingKind.PADDED, _is_padded(cell) & ~is_blank)
    if sample.has_decimal_commas:
        yield probe(FindingKind.DECIMAL_COMMA, cell.str.contains(_DECIMAL_COMMA))
    if sample.sorts:
        words = ", ".join(f"{share(part)} {sort}" for sort, part in sample.sorts.items())
        is_usual = _is_sort(cell, next(iter(sample.sorts)))
        yield probe(FindingKind.MIXED, ~is_usual & ~is_blank & ~cell.is_in(PLACEHOLDERS), words)


def _is_padded(cell: pl.Expr) -> pl.Expr:
    ends = [end for space in _SPACES for end in (cell.str.starts_with(space), cell.str.ends_with(space))]
    return pl.any_horizontal(ends)


def _maker(column: Column) -> Callable[..., Probe]:
    def probe(kind: FindingKind, condition: pl.Expr, detail: str = "") -> Probe:
        return Probe(kind, column.name, condition, column.name, detail)

    return probe


def _is_any(cell: pl.Expr, values: tuple[int | date, ...]) -> pl.Expr:
    found = pl.lit(value=False)
    for value in values:
        found |= cell == value
    return found


def _is_sort(cell: pl.Expr, sort: str) -> pl.Expr:
    if sort in _SORTS:
        return cell.str.contains(_SORTS[sort])
    return ~pl.any_horizontal([cell.str.contains(pattern) for pattern in _SORTS.values()])


def _sorts(cells: pl.Series) -> dict[str, float]:
    """Return the sorts of text among the cells when there are at least two."""
    name = pl.col(cells.name)
    said = ~name.is_in(PLACEHOLDERS) & name.str.contains(r"\S")
    frame = cells.to_frame().filter(said)
    if not frame.height:
        return {}
    counts = frame.select(_is_sort(name, sort).sum().alias(sort) for sort in _SORTS).row(0, named=True)
    counts[_OTHER_TEXT] = frame.height - sum(counts.values())
    found = {sort: count / frame.height for sort, count in counts.items() if count}
    return dict(sorted(found.items(), key=lambda item: -item[1])) if len(found) > 1 else {}


def _far_off(numbers: Numbers, candidates: dict[_T, float]) -> tuple[_T, ...]:
    """Return the candidates that occur and lie beyond three interquartile ranges of all other numbers.

    A positive one has to occur twice: a single 9,999 in a long tail means what it says.
    """
    marks = np.array(list(candidates.values()), dtype=np.float64)
    is_mark = np.isin(numbers, marks)
    times = Counter(numbers[is_mark].tolist())
    present = [key for key, mark in candidates.items() if times[mark] >= (2 if mark > 0 else 1)]
    rest = spread(numbers[~is_mark]) if present else None
    if rest is None:
        return ()
    reach = 3 * (rest.upper_quartile - rest.lower_quartile)
    low, high = rest.lower_quartile - reach, rest.upper_quartile + reach
    return tuple(key for key in present if not low <= candidates[key] <= high)


def _seconds(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
