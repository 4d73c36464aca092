"""Sums of doubles and of their squares without any rounding, so that no order of adding them can change the result.

A number is cut into three whole numbers of up to 20 bits on a grid that the largest of a block sets; products of such
pieces stay below 2**40, so that 8192 of them add up exactly in double precision and one small matrix product per block
does the work. What sticks out below the third piece (a number much smaller than the largest) is taken in a block of its
own. The blocks' sums are added as Python integers. The cutting is the first step of Demmel and Nguyen, "Fast
Reproducible Floating-Point Summation" (ARITH 2013); the rest is integer arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = ["ExactSums"]

Array = np.ndarray[Any, np.dtype[np.float64]]

_BLOCK = 8192  # 2**13 products below 2**40: their sum is below 2**53, which a double holds exactly
_BITS = 20
_PIECES = 3
_UNIT = 1074  # every double is a multiple of 2**-1074, its square of 2**-2148
_NEAR = 400  # exponents up to which powers of two, and the rounding constant, are ordinary doubles


@dataclass(frozen=True)
class ExactSums:
    """How many numbers there were, their sum and the sum of their squares, exactly.

    They describe a population, in fractions that are never rounded; `stats.ExactMoments` reads such sums as a sample's.

    Attributes:
        count: How many.
        total: Their sum, in units of 2**-1074.
        squares: The sum of their squares, in units of 2**-2148.

    Example:
        >>> import numpy as np
        >>> one = ExactSums.of(np.array([1e16, 1.0])) + ExactSums.of(np.array([-1e16]))
        >>> float(one.mean * 3)
        1.0
    """

    count: int = 0
    total: int = 0
    squares: int = 0

    @classmethod
    def of(cls, values: Array) -> ExactSums:
        """Return the moments of finite numbers."""
        total = squares = 0
        for start in range(0, len(values), _BLOCK):
            one, two = _block(values[start : start + _BLOCK])
            total += one
            squares += two
        return cls(len(values), total, squares)

    def __add__(self, other: ExactSums) -> ExactSums:
        return ExactSums(self.count + other.count, self.total + other.total, self.squares + other.squares)

    def __sub__(self, other: ExactSums) -> ExactSums:
        return ExactSums(self.count - other.count, self.total - other.total, self.squares - other.squares)

    def with_value(self, value: float, times: int) -> ExactSums:
        """Return the moments with one number added so many times."""
        number = _scaled(value)
        return self + ExactSums(times, times * number, times * number * number)

    @property
    def mean(self) -> Fraction:
        """The mean; 0 of nothing."""
        return Fraction(self.total, self.count << _UNIT) if self.count else Fraction(0)

    @property
    def deviations(self) -> Fraction:
        """The sum of squared deviations from the mean; 0 of nothing."""
        if not self.count:
            return Fraction(0)
        return Fraction(self.squares * self.count - self.total * self.total, self.count << (2 * _UNIT))

    @property
    def variance(self) -> Fraction:
        """The variance of the population; 0 of nothing."""
        return self.deviations / self.count if self.count else Fraction(0)


def _scaled(value: float) -> int:
    numerator, denominator = float(value).as_integer_ratio()
    return (numerator << _UNIT) // denominator


def _block(values: Array) -> tuple[int, int]:
    """Return the sum and the sum of squares of at most 8192 numbers, in their units."""
    largest = max(float(values.max()), -float(values.min())) if len(values) else 0.0
    if largest == 0:
        return 0, 0
    exponent = math.frexp(largest)[1]
    if not -_NEAR < exponent < _NEAR:
        return _far_block(values)
    grid = exponent - _BITS
    pieces, rest = _cut(values, grid)
    if rest is None:
        return _add_up(pieces, grid)
    pieces[1:, rest] = 0
    one, two = _block(values[rest])
    total, squares = _add_up(pieces, grid)
    return total + one, squares + two


def _cut(values: Array, grid: int) -> tuple[Array, np.ndarray[Any, Any] | None]:
    """Return a row of ones and rows of pieces, in units of 2**grid, 2**(grid - 20), …; and who has more."""
    pieces = np.empty((_PIECES + 1, len(values)))
    pieces[0] = 1
    remainder = values
    for row in pieces[1:]:
        rounding = 1.5 * 2.0 ** (52 + grid)  # adding it rounds to the grid, exactly as it is taken away again
        np.add(remainder, rounding, out=row)
        np.subtract(row, rounding, out=row)
        remainder = remainder - row
        np.multiply(row, 2.0**-grid, out=row)
        grid -= _BITS
    return pieces, np.flatnonzero(remainder) if remainder.any() else None


def _add_up(pieces: Array, grid: int) -> tuple[int, int]:
    products = pieces @ pieces.T
    shifts = [_UNIT + grid - _BITS * place for place in range(_PIECES)]
    total = sum(int(products[0, place + 1]) << shift for place, shift in enumerate(shifts))
    squares = sum(
        int(products[first + 1, second + 1]) << (shifts[first] + shifts[second])
        for first in range(_PIECES)
        for second in range(_PIECES)
    )
    return total, squares


def _far_block(values: Array) -> tuple[int, int]:
    """Take numbers one by one whose powers of two a double has no room for, and the others as a block again."""
    is_far = (np.abs(values) >= 2.0 ** (_NEAR - 1)) | (np.abs(values) < 2.0**-_NEAR)
    numbers = [_scaled(value) for value in values[is_far].tolist()]
    total, squares = _block(values[~is_far])
    return total + sum(numbers), squares + sum(number * number for number in numbers)
