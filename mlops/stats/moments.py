"""Sufficient statistics of means, variances and covariances that merge and subtract without any rounding.

Sums are kept as whole numbers: every double is a multiple of 2^-1074 and every product of two of 2^-2148, so that no
order of adding changes a bit, and what was added can be taken away again (a label that is revised) as if it had never
been. Rounding happens once, when a mean or a variance is read. One value costs about a microsecond.

`Sample` and `PairedSample` say what the tests need of an arm; `summarise` puts many arms side by side for one call.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from mlops.errors import InvalidInput

__all__ = ["ExactMoments", "ExactPairMoments", "PairedSample", "Sample", "Summary", "summarise"]

_UNIT = 1074


class Sample(Protocol):
    """What a test of means needs to know of an arm: numbers, or arrays of one shape."""

    @property
    def n(self) -> ArrayLike:
        """How many values there are."""

    @property
    def mean(self) -> ArrayLike:
        """Their mean; NaN of none."""

    @property
    def variance(self) -> ArrayLike:
        """Their sample variance (denominator n - 1); NaN of fewer than two."""


class PairedSample(Protocol):
    """What is needed to know of units with two values each, x and y."""

    @property
    def n(self) -> ArrayLike:
        """How many units there are."""

    @property
    def mean_x(self) -> ArrayLike:
        """The mean of x; NaN of none."""

    @property
    def mean_y(self) -> ArrayLike:
        """The mean of y; NaN of none."""

    @property
    def variance_x(self) -> ArrayLike:
        """The sample variance of x; NaN of fewer than two."""

    @property
    def variance_y(self) -> ArrayLike:
        """The sample variance of y; NaN of fewer than two."""

    @property
    def covariance(self) -> ArrayLike:
        """The sample covariance of both; NaN of fewer than two."""


class Summary(NamedTuple):
    """Numbers of values, means and sample variances as they are, of one arm or of many."""

    n: ArrayLike
    mean: ArrayLike
    variance: ArrayLike


def summarise(samples: Sequence[Sample]) -> Summary:
    """Return many arms as one summary of arrays.

    Example:
        >>> summarise([ExactMoments.of([1.0, 2.0]), ExactMoments.of([4.0, 8.0])]).mean
        array([1.5, 6. ])
    """
    columns = zip(*((each.n, each.mean, each.variance) for each in samples), strict=True)
    return Summary(*(np.array(column, dtype=float) for column in columns)) if samples else Summary(*np.empty((3, 0)))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Whole numbers that add up field by field, the first of them counting."""

    n: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*[mine + yours for mine, yours in zip(self._values(), other._values(), strict=True)])

    def __sub__(self, other: Self) -> Self:
        if other.n > self.n:
            raise InvalidInput(f"Cannot take {other.n} values away from {self.n}; only what was added can be removed.")
        return type(self)(*[mine - yours for mine, yours in zip(self._values(), other._values(), strict=True)])

    def _values(self) -> tuple[int, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])

    def to_document(self) -> dict[str, str]:
        """Return the sums as JSON-able hexadecimal text, equal for equal sums."""
        return {name: _to_text(getattr(self, name)) for name in self.__match_args__}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the sums that `to_document` wrote.

        Raises:
            InvalidInput: The document is not one of this kind.
        """
        try:
            return cls(*[_from_text(document[name]) for name in cls.__match_args__])
        except (KeyError, ValueError, AttributeError, TypeError) as error:
            names = ", ".join(cls.__match_args__)
            raise InvalidInput(f"Not a document of {cls.__name__} with {names}: {document!r:.200}") from error


@dataclass(frozen=True, slots=True)
class ExactMoments(_Sums):
    """How many values there were, their sum, and the sum of their squares, exactly.

    Attributes:
        n: How many.
        total: Their sum, in units of 2^-1074.
        squares: The sum of their squares, in units of 2^-2148.

    Example:
        >>> both = ExactMoments.of([1e16, 1.0]) + ExactMoments.of([-1e16])
        >>> both.sum, (both - ExactMoments.of([1e16, -1e16])).mean
        (1.0, 1.0)
    """

    total: int = 0
    squares: int = 0

    @classmethod
    def from_texts(cls, n: int, total: str, squares: str) -> ExactMoments:
        """Return the moments of a number of values and the two texts that `to_document` wrote, quicker than a document.

        Raises:
            InvalidInput: A text is not one of this kind.

        Example:
            >>> document = ExactMoments.of([1.5, 2.0]).to_document()
            >>> ExactMoments.from_texts(2, document["total"], document["squares"]).mean
            1.75
        """
        try:
            return cls(n, _from_text(total), _from_text(squares))
        except (ValueError, AttributeError, TypeError) as error:
            raise InvalidInput(f"Not sums of {cls.__name__}: {total!r:.100} and {squares!r:.100}") from error

    @classmethod
    def of(cls, values: Iterable[float]) -> ExactMoments:
        """Return the moments of finite numbers.

        Raises:
            InvalidInput: A value is NaN or infinite; count those apart.
        """
        n = total = squares = 0
        for value in values:
            whole, shift = _whole(value)
            n += 1
            total += whole << shift
            squares += whole * whole << (2 * shift)
        return cls(n, total, squares)

    @property
    def sum(self) -> float:
        """The sum, rounded once."""
        return _quotient(self.total, 1 << _UNIT)

    @property
    def mean(self) -> float:
        """The mean, rounded once; NaN of no values."""
        return _quotient(self.total, self.n << _UNIT)

    @property
    def variance(self) -> float:
        """The sample variance (denominator n - 1), rounded once; NaN of fewer than two values."""
        return _covariance(self.n, self.total, self.total, self.squares)


@dataclass(frozen=True, slots=True)
class ExactPairMoments(_Sums):
    """How many units there were with two values each, and the sums, squares and products of these, exactly.

    It serves ratio metrics of clustered units (x how many, y how much), CUPED (x before, y during) and paired arms.

    Attributes:
        n: How many units.
        x: The sum of the first values, in units of 2^-1074.
        y: The sum of the second values, in units of 2^-1074.
        xx: The sum of squares of the first, in units of 2^-2148.
        yy: The sum of squares of the second, in units of 2^-2148.
        xy: The sum of products, in units of 2^-2148.

    Example:
        >>> pairs = ExactPairMoments.of([(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)])
        >>> pairs.mean_y, pairs.covariance, pairs.differences.mean
        (4.0, 2.0, 2.0)
    """

    x: int = 0
    y: int = 0
    xx: int = 0
    yy: int = 0
    xy: int = 0

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, float]]) -> ExactPairMoments:
        """Return the moments of pairs of finite numbers.

        Raises:
            InvalidInput: A value is NaN or infinite; count those apart.
        """
        n = x = y = xx = yy = xy = 0
        for first, second in pairs:
            (one, shift), (two, other) = _whole(first), _whole(second)
            n += 1
            x += one << shift
            y += two << other
            xx += one * one << (2 * shift)
            yy += two * two << (2 * other)
            xy += one * two << (shift + other)
        return cls(n, x, y, xx, yy, xy)

    @property
    def mean_x(self) -> float:
        """The mean of the first values; NaN of no units."""
        return _quotient(self.x, self.n << _UNIT)

    @property
    def mean_y(self) -> float:
        """The mean of the second values; NaN of no units."""
        return _quotient(self.y, self.n << _UNIT)

    @property
    def variance_x(self) -> float:
        """The sample variance of the first values; NaN of fewer than two units."""
        return _covariance(self.n, self.x, self.x, self.xx)

    @property
    def variance_y(self) -> float:
        """The sample variance of the second values; NaN of fewer than two units."""
        return _covariance(self.n, self.y, self.y, self.yy)

    @property
    def covariance(self) -> float:
        """The sample covariance; NaN of fewer than two units."""
        return _covariance(self.n, self.x, self.y, self.xy)

    @property
    def differences(self) -> ExactMoments:
        """The moments of y - x of each unit."""
        return ExactMoments(self.n, self.y - self.x, self.xx + self.yy - 2 * self.xy)


def _whole(value: float) -> tuple[int, int]:
    """Return a double as a whole number, and by how many binary digits to shift it to units of 2^-1074."""
    try:
        numerator, denominator = float(value).as_integer_ratio()
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{value!r} cannot be summed; sums take finite numbers, count others apart.") from error
    return numerator, _UNIT + 1 - denominator.bit_length()


def _quotient(above: int, below: int) -> float:
    if not below:
        return math.nan
    try:
        return above / below
    except OverflowError:
        return math.inf if above > 0 else -math.inf


def _covariance(n: int, x: int, y: int, xy: int) -> float:
    return _quotient(n * xy - x * y, (n * (n - 1)) << (2 * _UNIT)) if n > 1 else math.nan


def _to_text(whole: int) -> str:
    """Write a whole number as hexadecimal digits and a power of two, without the zeros at its end."""
    zeros = (whole & -whole).bit_length() - 1 if whole else 0
    return f"{whole >> zeros:x}p{zeros}"


def _from_text(text: str) -> int:
    digits, zeros = text.split("p")
    return int(digits, 16) << int(zeros)
