"""A table of numbers and how often they occur, small however many there are, from which quantiles are read.

Up to 2**17 different numbers are kept as they are, and quantiles are exactly numpy's. Beyond that the last binary
digits are cut off, as few as it takes: numbers that agree in their first 20, 18, 16, … digits after the leading one
count as one. The table depends only on the numbers, not on the order or the parts they came in, because cutting twice
is cutting once and a part never has more different numbers than the whole. A quantile's relative error is then below
2**-(digits + 1), which for measurements within a few powers of two is 2**-17 (0.0008 %).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

__all__ = ["ValueTable"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]

_MOST = 1 << 17  # different numbers: 2 MB a column
_CUTS = (0, *range(32, 64, 2))  # binary digits to cut off the 52 of a double's fraction, and at last of its exponent
_DENSE = 1 << 21  # below this range of keys, counting into an array beats sorting
_MAGNITUDE = np.int64(0x7FFF_FFFF_FFFF_FFFF)


def _empty() -> Integers:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class ValueTable:
    """Different numbers in ascending order, and how often each occurs.

    Attributes:
        cut: Binary digits cut off; 0 where the numbers are exact.
        keys: The numbers as integers that sort like them.
        counts: How often each occurs.

    Example:
        >>> import numpy as np
        >>> (ValueTable.of(np.array([3.0, 1.0])) + ValueTable.of(np.array([2.0, 10.0]))).quantile(0.5)
        2.5
    """

    cut: int = 0
    keys: Integers = field(default_factory=_empty)
    counts: Integers = field(default_factory=_empty)

    @classmethod
    def of(cls, values: Floats, *, cut: int = 0) -> ValueTable:
        """Return the table of finite numbers; `cut` as many digits as one knows must go anyway."""
        keys = _keys(values) >> cut
        return _within_bounds(cut, *_counted(keys))

    def __add__(self, other: ValueTable) -> ValueTable:
        cut = max(self.cut, other.cut)
        return _within_bounds(cut, *_merged(self._at(cut), other._at(cut)))

    def _at(self, cut: int) -> tuple[Integers, Integers]:
        return (self.keys, self.counts) if cut == self.cut else _summed(self.keys >> (cut - self.cut), self.counts)

    def with_value(self, value: float, times: int) -> ValueTable:
        """Return the table with one number added so many times."""
        key = _keys(np.array([value])) >> self.cut
        return self + ValueTable(self.cut, key[:times], np.array([times], dtype=np.int64)[:times])

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return int(self.counts.sum())

    def quantile(self, share: float) -> float:
        """Return the value below which this share of the numbers lies, between two of them in proportion.

        What `numpy.quantile` calls linear. There must be a number.
        """
        position = (self.count - 1) * share
        below = int(position)
        rank = np.searchsorted(np.cumsum(self.counts), [below, min(below + 1, self.count - 1)], side="right")
        low, high = _values(self.keys[rank], self.cut).tolist()
        part = position - below
        step = high - low
        return float(low + step * part if part < 0.5 else high - step * (1 - part))

    def edges(self, bins: int) -> Floats:
        """Return the inner borders of up to so many bins with about equal numbers; a value is right of its border."""
        ends = np.cumsum(self.counts)
        if len(self.keys) <= bins:
            return _values(self.keys[1:], 0 if self.cut == 0 else self.cut)
        wanted = self.count * np.arange(1, bins) // bins
        return np.unique(_values(self.keys[np.searchsorted(ends, wanted, side="right")], self.cut))


def _keys(values: Floats) -> Integers:
    """Return integers that sort like the numbers; the two zeros are one."""
    bits = (values + 0.0).view(np.int64)
    return np.where(bits < 0, bits ^ _MAGNITUDE, bits)


def _values(keys: Integers, cut: int) -> Floats:
    """Return the numbers of keys: themselves, or the middle of what has the same first digits."""
    whole = (keys << cut) | (1 << (cut - 1)) if cut else keys
    return np.where(whole < 0, whole ^ _MAGNITUDE, whole).view(np.float64)


def _counted(values: Integers) -> tuple[Integers, Integers]:
    """Return the different keys in ascending order, and how often each occurs."""
    if not len(values):
        return values, values
    least = int(values.min())
    if int(values.max()) - least < _DENSE:
        counts = np.bincount(values - least)
        found = np.flatnonzero(counts)
        return found + least, counts[found]
    is_most = values == values.max()
    if (is_most | (values == least)).all():  # of two kinds, as 0 and 1
        times = int(is_most.sum())
        return np.unique(values[[values.argmin(), values.argmax()]]), np.array([len(values) - times, times])
    table = pl.DataFrame({"key": values}).group_by("key").agg(pl.len().cast(pl.Int64)).sort("key")
    return table["key"].to_numpy(), table["len"].to_numpy()


def _merged(one: tuple[Integers, Integers], other: tuple[Integers, Integers]) -> tuple[Integers, Integers]:
    """Add two tables of different keys."""
    keys, counts = (np.concatenate(both) for both in zip(one, other, strict=True))
    if not len(keys) or int(keys.max()) - int(keys.min()) >= _DENSE:
        return _summed(keys, counts)
    least = int(keys.min())
    dense = np.zeros(int(keys.max()) - least + 1, dtype=np.int64)
    for part, times in (one, other):
        dense[part - least] += times
    found = np.flatnonzero(dense)
    return found + least, dense[found]


def _summed(keys: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Return the different keys in ascending order with the sums of their counts; the input is made of sorted runs."""
    order = np.argsort(keys, kind="stable")  # merges runs in linear time
    ordered = keys[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(keys)])
    return ordered[first], np.add.reduceat(counts[order], first) if len(keys) else counts


def _within_bounds(cut: int, keys: Integers, counts: Integers) -> ValueTable:
    """Cut off as many digits more as it takes to have few enough different numbers."""
    for further in (each for each in _CUTS if each > cut):
        if len(keys) <= _MOST:
            break
        keys, counts = _summed(keys >> (further - cut), counts)
        cut = further
    return ValueTable(cut, keys, counts)
