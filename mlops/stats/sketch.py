"""A sketch of many numbers from which quantiles are read with a bounded relative error, and which adds and subtracts.

As in DDSketch, a number counts in a bucket whose width is in proportion to it. Here buckets are the leading binary
digits of the double itself: bucketing is integer arithmetic without a logarithm, alike on every machine, and two
sketches of the same numbers are equal, whatever the order and the parts that they came in.

Reference:
    Masson, Rim, Lee (2019), DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees, VLDB
    12(12). doi:10.14778/3352063.3352135
"""

from __future__ import annotations

import itertools
import math
import struct
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops.errors import InvalidInput

__all__ = ["QuantileSketch"]

_FRACTION = 52  # binary digits of a double after the leading one
_INTEGERS, _DOUBLES = struct.Struct("=2q"), struct.Struct("=2d")  # the same bits


@dataclass(frozen=True)
class QuantileSketch:
    """How many numbers fell into each bucket.

    Attributes:
        digits: Binary digits kept after the leading one, 1 to 20; a value read back is off by at most
            2^-(digits + 1) of itself, 0.8 % with the default 6 (64 buckets from any number to its double).
        buckets: Pairs of bucket and count, in ascending order of bucket and of the numbers in it; no count is 0.

    Example:
        >>> morning, evening = QuantileSketch.of([12.0, 15.0, 11.0]), QuantileSketch.of([240.0])
        >>> day = morning + evening
        >>> day.n, day.quantile(0.5), day - evening == morning
        (4, 12.0625, True)
    """

    digits: int = 6
    buckets: tuple[tuple[int, int], ...] = field(default=())

    def __post_init__(self) -> None:
        if not 1 <= self.digits <= 20:
            raise InvalidInput(f"digits is {self.digits!r}; a sketch keeps 1 to 20 binary digits.")

    @classmethod
    def of(cls, values: Iterable[float], *, digits: int = 6) -> QuantileSketch:
        """Return the sketch of finite numbers.

        Raises:
            InvalidInput: A value is NaN or infinite; count those apart.
        """
        numbers = np.fromiter(values, dtype=np.float64)
        if not np.isfinite(numbers).all():
            raise InvalidInput("NaN and infinite values have no place in a sketch of quantiles; count them apart.")
        magnitudes = np.abs(numbers).view(np.int64) >> (_FRACTION - digits)
        keys, counts = np.unique(np.where(numbers < 0, -magnitudes, magnitudes), return_counts=True)
        return cls(digits, tuple(zip(keys.tolist(), counts.tolist(), strict=True)))

    def __add__(self, other: QuantileSketch) -> QuantileSketch:
        counts = self._counter(other)
        counts.update(dict(other.buckets))
        return QuantileSketch(self.digits, tuple(sorted(counts.items())))

    def __sub__(self, other: QuantileSketch) -> QuantileSketch:
        counts = self._counter(other)
        counts.subtract(dict(other.buckets))
        if any(count < 0 for count in counts.values()):
            raise InvalidInput("Cannot take away from a sketch what was not added to it.")
        return QuantileSketch(self.digits, tuple(sorted(pair for pair in counts.items() if pair[1])))

    def _counter(self, other: QuantileSketch) -> Counter[int]:
        if self.digits != other.digits:
            raise InvalidInput(f"Sketches of {self.digits} and {other.digits} digits do not add up; use the same.")
        return Counter(dict(self.buckets))

    @cached_property
    def _ranks(self) -> list[int]:
        return list(itertools.accumulate(count for _, count in self.buckets))

    @property
    def n(self) -> int:
        """How many numbers were counted."""
        return self._ranks[-1] if self.buckets else 0

    @property
    def relative_error(self) -> float:
        """By how much, relative to itself, a value read back may be off."""
        return 2.0 ** -(self.digits + 1)

    def quantile(self, q: float) -> float:
        """Return the smallest number that at least the share `q` of numbers do not exceed, within the relative error.

        Returns:
            NaN of no numbers.

        Raises:
            InvalidInput: q is not between 0 and 1.
        """
        rank = self._rank(q)
        if not self.n:
            return math.nan
        lower, upper = self.limits(rank)
        return lower + (upper - lower) / 2

    def interpolated(self, q: float) -> float:
        """Return a quantile as if the numbers of a bucket lay evenly in it, each in the middle of its part.

        Of many numbers that is far nearer than `quantile`, which knows buckets only, and moves as the numbers do; at
        worst it is off by twice the relative error.

        Returns:
            NaN of no numbers.

        Raises:
            InvalidInput: q is not between 0 and 1.

        Example:
            >>> sketch = QuantileSketch.of([number / 1000 for number in range(100_000, 200_000)])
            >>> sketch.quantile(0.5), round(sketch.interpolated(0.5), 2)
            (149.0, 150.0)
        """
        rank = self._rank(q)
        if not self.n:
            return math.nan
        place = bisect_left(self._ranks, rank)
        key, count = self.buckets[place]
        lower, upper = self._edges(key)
        return lower + (upper - lower) * ((rank - 0.5 - (self._ranks[place] - count)) / count)

    def _rank(self, q: float) -> int:
        if not 0 <= q <= 1:
            raise InvalidInput(f"q is {q!r}; a quantile lies between 0 and 1.")
        return max(1, math.ceil(q * self.n))

    def limits(self, rank: int) -> tuple[float, float]:
        """Return between which values the number of a rank lies, 1 being the smallest of all.

        Raises:
            InvalidInput: There is no such rank.
        """
        if not 1 <= rank <= self.n:
            raise InvalidInput(f"rank is {rank!r}; the sketch has ranks 1 to {self.n}.")
        return self._edges(self.buckets[bisect_left(self._ranks, rank)][0])

    def edges(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return between which values the numbers of each bucket lie, as lower and upper edges in ascending order.

        Example:
            >>> low, high = QuantileSketch.of([1.0, 2.0]).edges()
            >>> low, bool((high > low).all())
            (array([1., 2.]), True)
        """
        keys = np.array([key for key, _ in self.buckets], dtype=np.int64)
        steps = np.where(keys == 0, 0, np.stack([np.abs(keys), np.abs(keys) + 1])) << (_FRACTION - self.digits)
        near, far = np.minimum(steps.view(np.float64), np.finfo(np.float64).max)
        return np.where(keys < 0, -far, near), np.where(keys < 0, -near, far)

    def count_at_most(self, value: float) -> int:
        """Return how many numbers lie in the bucket of `value` or below it.

        Raises:
            InvalidInput: The value is NaN or infinite.
        """
        [(key, _)] = QuantileSketch.of([value], digits=self.digits).buckets
        place = int(np.searchsorted([bucket for bucket, _ in self.buckets], key, side="right"))
        return self._ranks[place - 1] if place else 0

    def to_document(self) -> dict[str, Any]:
        """Return the sketch as JSON: digits, and flat lists of bucket steps and counts."""
        keys = [key for key, _ in self.buckets]
        steps = [after - before for before, after in itertools.pairwise([0, *keys])]
        return {"digits": self.digits, "steps": steps, "counts": [count for _, count in self.buckets]}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> QuantileSketch:
        """Return the sketch that `to_document` wrote.

        Raises:
            InvalidInput: The document is not one of a sketch.
        """
        try:
            keys = itertools.accumulate(document["steps"])
            return cls(document["digits"], tuple(zip(keys, document["counts"], strict=True)))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"Not a document of a sketch: {document!r:.200}") from error

    def _edges(self, key: int) -> tuple[float, float]:
        if key == 0:
            return 0.0, 0.0
        shift = _FRACTION - self.digits
        near, far = _DOUBLES.unpack(_INTEGERS.pack(abs(key) << shift, (abs(key) + 1) << shift))
        far = min(far, sys.float_info.max)
        return (near, far) if key > 0 else (-far, -near)
