"""What is told of a column from a sample of its rows: quartiles, fences, a histogram, and what its texts look like.

The sample is the same for the same rows: a row is in it or not by a multiplicative hash of its number (Knuth, The Art
of Computer Programming 3, 6.4), which spreads evenly and does not fall in step with plates of 96 or runs of 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlops.data_pipeline.quality.profiles import Histogram

__all__ = [
    "MOST_SAMPLED",
    "Spread",
    "histogram",
    "is_sampled_row",
    "nearly_all_different",
    "sample_size",
    "spread",
]

MOST_SAMPLED = 50_000
"""Rows of a sample at most; the rank of its median is then off by 0.22 percentage points (a standard error)."""

_MOST_CELLS = 20_000_000  # bounds the sample of a table of thousands of columns
_FEWEST = 2_000
_MOST_BINS = 40
_MOST_MATES, _SURE = 0.1, 0.02
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Where the middle of some numbers lies and how far they spread; fences are None where they cannot be told."""

    lower_quartile: float
    median: float
    upper_quartile: float
    mad: float
    lower_fence: float | None
    upper_fence: float | None
    mad_low: float | None
    mad_high: float | None


def sample_size(rows: int, columns: int) -> int:
    """Return how many rows to sample: all of a small table, fewer of one with very many columns.

    Example:
        >>> sample_size(500, 20), sample_size(2_000_000, 20), sample_size(2_000_000, 5_000)
        (500, 50000, 4000)
    """
    return min(rows, max(_FEWEST, min(MOST_SAMPLED, _MOST_CELLS // max(1, columns))))


def is_sampled_row(row: pl.Expr, rows: int, size: int) -> pl.Expr:
    """Return whether a row, by its number, belongs to a sample of about `size` of `rows` rows; never more are kept."""
    stride = math.ceil(rows / size)
    spread_out = row.cast(pl.UInt64) * pl.lit(_GOLDEN, dtype=pl.UInt64)
    return spread_out // 2**32 % stride == 0


def nearly_all_different(values: int, distinct: int, *, growth: float) -> int | None:
    """Return about how many different values a column has when nearly all of them are; None when not, or not sure.

    Two equal ones of N values both fall into a sample of n in (n/N)^2 of the cases: so the few repetitions in the
    sample tell how many there are in all, with an error below 2 % (one standard error) of the result.

    Args:
        values: Values in the sample.
        distinct: Different ones among them.
        growth: How many times the sample the column is.

    Example:
        >>> nearly_all_different(50_000, 49_980, growth=40), nearly_all_different(50_000, 45_000, growth=40)
        (1968000, None)
    """
    if not values:
        return None
    mates_each = 2 * growth / values  # other rows with a row's value, on average, for each repetition in the sample
    mates = mates_each * (values - distinct)
    if mates_each > _SURE or mates > _MOST_MATES:
        return None
    return int(values * growth * (1 - mates / 2))


def spread(values: Numbers) -> Spread | None:
    """Return quartiles, MAD and outlier fences of finite numbers; None of no numbers.

    Example:
        >>> found = spread(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
        >>> found.lower_quartile, found.median, found.mad, found.upper_fence
        (2.0, 3.0, 1.0, 7.0)
    """
    if not values.size:
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the largest: they have no fences
        low, median, high = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
        mad = float(np.median(np.abs(values - median)))
    fences = _fences(low, high, 1.5 * (high - low))
    mad_fences = _fences(median, median, 3.5 * mad / 0.6745)
    return Spread(low, median, high, mad, *fences, *mad_fences)


def _fences(low: float, high: float, reach: float) -> tuple[float | None, float | None]:
    fences = low - reach, high + reach
    return fences if reach > 0 and all(map(math.isfinite, fences)) else (None, None)


def histogram(values: Numbers, middle: Spread | None, *, is_whole: bool) -> Histogram | None:
    """Return counts in at most 40 bins of equal width; None where there is nothing to draw.

    Bins reach at most three interquartile ranges beyond the quartiles, so that one far value does not squash the rest;
    what lies beyond is counted apart. Widths follow Freedman and Diaconis (1981); whole numbers get whole widths.
    """
    if middle is None:
        return None
    edges = _edges(values, middle, is_whole=is_whole)
    if edges is None:
        return None
    counts, _ = np.histogram(values, bins=edges)
    return Histogram(
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        below=int((values < edges[0]).sum()),
        above=int((values > edges[-1]).sum()),
    )


def _edges(values: Numbers, middle: Spread, *, is_whole: bool) -> Numbers | None:
    low, high = float(values.min()), float(values.max())
    reach = 3 * (middle.upper_quartile - middle.lower_quartile)
    if reach > 0 and math.isfinite(reach):
        inside = values[(values >= middle.lower_quartile - reach) & (values <= middle.upper_quartile + reach)]
        low, high = float(inside.min()), float(inside.max())
    if is_whole and high - low < 2**52:
        return _whole_edges(math.ceil(low), math.floor(high))
    if not math.isfinite(high - low):
        return None
    width = reach / 3 * 2 / values.size ** (1 / 3)
    bins = int(min(_MOST_BINS, max(5, math.ceil((high - low) / width)))) if width > 0 else _MOST_BINS
    edges = np.linspace(low, high, bins + 1)
    return edges if bool(np.all(np.diff(edges) > 0)) else _around(low, high)


def _around(low: float, high: float) -> Numbers:
    """Return one bin around numbers that are (nearly) all the same."""
    margin = max(abs(low), abs(high), 1.0) * 1e-6
    return np.array([low - margin, high + margin])


def _whole_edges(low: int, high: int) -> Numbers:
    width = math.ceil((high - low + 1) / _MOST_BINS)
    bins = math.ceil((high - low + 1) / width)
    return np.arange(bins + 1, dtype=np.float64) * width + low - 0.5
