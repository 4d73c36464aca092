"""Two proportions that fit the data best while their difference, or their ratio, is held at a given value.

The restricted maximum likelihood of Miettinen and Nurminen, in closed form. It serves score intervals, and, with
expected in place of observed events, the projection that an e-variable divides by.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts

__all__ = ["rates_at", "rates_at_difference", "rates_at_ratio"]


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
    return rates_at(control, treatment)(np.asarray(difference, dtype=float))


def rates_at(control: Counts, treatment: Counts) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Return what gives `rates_at_difference` for a difference: a search for one asks for many."""
    n1, x1, n2, x2 = _floats(*control, *treatment)
    n, events = n1 + n2, x1 + x2
    slope, total, own = n2 + 2 * n1, n + events, n + 2 * x1  # whole numbers, to be rounded once: roots may lie close

    def rates(difference: Floats) -> tuple[Floats, Floats]:
        rest = 1 - difference
        least, most = np.maximum(-difference, 0.0), np.minimum(rest, 1.0)
        root = _middle_root(
            (slope * difference - total) / (3 * n),
            ((n1 * difference - own) * difference + events) / n,
            x1 * difference * rest / n,
        )
        first = np.minimum(np.maximum(root, least), most)
        nearer = first + _newton_step(first, np.minimum(np.maximum(first + difference, 0.0), 1.0))
        rate = np.minimum(np.maximum(nearer, least), most)
        return rate, np.minimum(np.maximum(rate + difference, 0.0), 1.0)

    def _newton_step(p1: Floats, p2: Floats) -> Floats:
        """Return how far the maximum of the likelihood is: roots of the cubic that lie close are known to 1e-8 only."""
        with np.errstate(divide="ignore", invalid="ignore"):
            up1, down1, up2, down2 = x1 / p1, (n1 - x1) / (1 - p1), x2 / p2, (n2 - x2) / (1 - p2)
            curvature = up1 / p1 + down1 / (1 - p1) + up2 / p2 + down2 / (1 - p2)
            step = (up1 - down1 + up2 - down2) / curvature
        return np.where(np.isfinite(step), step, 0.0)

    return rates


def _middle_root(square: Floats, linear: Floats, constant: Floats) -> Floats:
    """Return the middle root of x³ + 3·square·x² + linear·x + constant, whose roots are all real."""
    both = square * square
    spread = np.sqrt(np.maximum(both - linear / 3, 0.0))
    skew = (both - linear / 2) * square + constant / 2
    cube = spread * spread * spread
    cosine = np.minimum(np.abs(skew), cube) / np.maximum(cube, np.finfo(float).tiny)
    return np.asarray(2 * np.copysign(spread, skew) * np.cos((np.pi + np.arccos(cosine)) / 3) - square)


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
