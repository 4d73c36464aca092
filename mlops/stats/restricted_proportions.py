"""Two proportions that fit the data best while their difference, or their ratio, is held at a given value.

The restricted maximum likelihood of Miettinen and Nurminen, in closed form. It serves score intervals, and, with
expected in place of observed events, the projection that an e-variable divides by.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts

__all__ = ["rates_at_difference", "rates_at_ratio"]


def rates_at_difference(control: Counts, treatment: Counts, difference: ArrayLike) -> tuple[Floats, Floats]:
    """Return the most likely rates of control and treatment whose difference is the given one.

    Args:
        control: Units and events; events may be expected numbers, with fractions.
        treatment: Units and events of the other arm; both arms have at least one unit together.
        difference: Treatment minus control, between -1 and 1.

    Returns:
        The rate of control and the rate of treatment, of the shape that all arguments broadcast to.

    References:
        Miettinen, Nurminen (1985), Comparative analysis of two rates, Statistics in Medicine 4, appendix I.
        doi:10.1002/sim.4780040211

    Example:
        >>> rates = rates_at_difference(Counts(100, 20), Counts(100, 40), 0.0)
        >>> [round(float(rate), 6) for rate in rates]
        [0.3, 0.3]
    """
    n1, x1, n2, x2, delta = _floats(control.n, control.events, treatment.n, treatment.events, difference)
    n = n1 + n2
    square = ((n2 + 2 * n1) * delta - n - x1 - x2) / (3 * n)
    linear = ((n1 * delta - n - 2 * x1) * delta + x1 + x2) / n
    constant = x1 * delta * (1 - delta) / n
    lowest = _middle_root(square, linear, constant)
    rate = np.clip(lowest, np.maximum(0.0, -delta), np.minimum(1.0, 1 - delta))
    return rate, np.clip(rate + delta, 0.0, 1.0)


def _middle_root(square: Floats, linear: Floats, constant: Floats) -> Floats:
    """Return the middle root of x³ + 3·square·x² + linear·x + constant, whose roots are all real."""
    spread = np.sqrt(np.maximum(square**2 - linear / 3, 0.0))
    skew = square**3 - square * linear / 2 + constant / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.where(spread > 0, np.abs(skew) / spread**3, 0.0)
    angle = (np.pi + np.arccos(np.minimum(cosine, 1.0))) / 3
    return 2 * np.where(skew < 0, -spread, spread) * np.cos(angle) - square


def rates_at_ratio(control: Counts, treatment: Counts, ratio: ArrayLike) -> tuple[Floats, Floats]:
    """Return the most likely rates of control and treatment whose ratio, treatment to control, is the given one.

    Args:
        control: Units and events; events may be expected numbers, with fractions.
        treatment: Units and events of the other arm; both arms have at least one unit together.
        ratio: Above 0.

    Returns:
        The rate of control and the rate of treatment, of the shape that all arguments broadcast to.

    References:
        Farrington, Manning (1990), Test statistics and sample size formulae for comparative binomial trials,
        Statistics in Medicine 9. doi:10.1002/sim.4780091208

    Example:
        >>> rates = rates_at_ratio(Counts(100, 20), Counts(100, 40), 2.0)
        >>> [round(float(rate), 6) for rate in rates]
        [0.2, 0.4]
    """
    n1, x1, n2, x2, times = _floats(control.n, control.events, treatment.n, treatment.events, ratio)
    linear = n2 * times + x2 + n1 + x1 * times
    root = np.sqrt(np.maximum(linear**2 - 4 * (n1 + n2) * times * (x1 + x2), 0.0))
    rate = np.clip(2 * (x1 + x2) / (linear + root), 0.0, np.minimum(1.0, 1 / times))
    return rate, np.clip(rate * times, 0.0, 1.0)


def _floats(*values: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.asarray(value, dtype=float) for value in values)
