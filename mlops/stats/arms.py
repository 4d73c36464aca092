"""What a formula needs to know of an arm of units with or without an event; of values, see `moments`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlops.stats.arguments import Floats

__all__ = ["Counts", "effective_size"]


class Counts(NamedTuple):
    """How many units an arm has, and on how many of them the event happened. Both of any one shape."""

    n: ArrayLike
    events: ArrayLike

    @property
    def rate(self) -> Floats:
        """The share of units with the event; NaN where there are none."""
        return _divide(self.events, self.n)

    def plus(self, other: Counts) -> Counts:
        """Return the counts of both together."""
        return Counts(np.add(self.n, other.n), np.add(self.events, other.events))


def _divide(above: ArrayLike, below: ArrayLike, *, without: float = np.nan) -> Floats:
    """Return the quotient; where nothing is above 0 to divide by, the number given for that."""
    below = np.asarray(below, dtype=float)
    is_some = below > 0
    return np.where(is_some, np.divide(above, np.where(is_some, below, 1.0)), without)


def effective_size(control: ArrayLike, treatment: ArrayLike) -> Floats:
    """Return n₁n₂ / (n₁ + n₂), to which the information about a difference is proportional.

    Args:
        control: Number of units in one arm.
        treatment: Number of units in the other.

    Example:
        >>> float(effective_size(5000, 5000)), float(effective_size(9000, 1000))
        (2500.0, 900.0)
    """
    one, other = np.asarray(control, dtype=float), np.asarray(treatment, dtype=float)
    return _divide(one * other, one + other, without=0.0)
