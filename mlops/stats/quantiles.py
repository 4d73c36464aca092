"""Quantiles of one arm and their difference between two, without assuming a distribution.

Limits of one quantile are order statistics, whose ranks a binomial distribution gives; they are read from a sketch, and
widened to the edges of its buckets so that the sketch's error never makes them too short.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mlops.errors import InvalidInput
from mlops.stats.arguments import Alternative, Floats, check_fraction
from mlops.stats.results import Comparison, Interval
from mlops.stats.sketch import QuantileSketch
from mlops.stats.tails import binomial_cdf, binomial_sf, critical_z, normal_p_value

__all__ = ["difference_of_intervals", "quantile_difference", "quantile_interval", "quantile_ranks", "quantile_spread"]


def quantile_ranks(n: int, q: float, *, confidence: float = 0.95) -> tuple[int, int]:
    """Return the ranks of the order statistics between which a quantile lies.

    Each tail misses with at most half of what the confidence leaves. Rank 0 stands for no lower limit and rank n + 1
    for no upper one, which is the truth for extreme quantiles of few numbers.

    Args:
        n: How many numbers there are.
        q: Which quantile, strictly between 0 and 1.
        confidence: Of the two-sided interval.

    Raises:
        InvalidInput: A number is out of its range.

    References:
        Conover (1999), Practical Nonparametric Statistics, 3rd ed., section 3.2. ISBN 978-0-471-16068-7

    Example:
        >>> quantile_ranks(10, 0.5)
        (2, 9)
    """
    check_fraction(q, "q")
    if n < 0:
        raise InvalidInput(f"n is {n!r}; it must be 0 or more.")
    tail = (1 - check_fraction(confidence, "confidence")) / 2
    spread = math.sqrt(n * q * (1 - q))
    reach = -float(special.ndtri(tail)) * spread
    lower = _last(lambda rank: rank <= n and bool(binomial_cdf(rank - 1, n, q) <= tail), round(n * q - reach))
    above = _last(lambda rank: rank <= n and bool(binomial_sf(n - rank, n, q) <= tail), round(n * (1 - q) - reach))
    return lower, n + 1 - above


def _last(holds: Callable[[int], bool], start: int) -> int:
    """Return the largest rank for which a condition holds that fails for all later ones, looking around a guess."""
    rank = max(0, start)
    while rank > 0 and not holds(rank):
        rank -= 1
    while holds(rank + 1):
        rank += 1
    return rank


def quantile_interval(sketch: QuantileSketch, q: float, *, confidence: float = 0.95) -> Interval:
    """Return a quantile with limits that are order statistics, of any distribution.

    Assumes independent values. Limits are infinite where there are too few values to have any: the 95th percentile
    has no upper limit at 95 % below 72 values. NaN of none.

    Raises:
        InvalidInput: q or the confidence is outside (0, 1).

    References:
        Conover (1999), Practical Nonparametric Statistics, 3rd ed., section 3.2. ISBN 978-0-471-16068-7

    Example:
        >>> found = quantile_interval(QuantileSketch.of(range(1, 65)), 0.5)
        >>> float(found.lower), float(found.estimate), float(found.upper)
        (24.0, 32.25, 41.5)
    """
    lower, upper = quantile_ranks(sketch.n, q, confidence=confidence)
    if not sketch.n:
        return Interval(*(np.asarray(math.nan),) * 3)
    low = sketch.limits(lower)[0] if lower else -math.inf
    high = sketch.limits(upper)[1] if upper <= sketch.n else math.inf
    return Interval(np.asarray(sketch.interpolated(q)), np.asarray(low), np.asarray(high))


def quantile_difference(
    control: QuantileSketch,
    treatment: QuantileSketch,
    q: float,
    *,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Comparison:
    """Return the difference of a quantile, treatment minus control, with limits from those of each arm.

    Null hypothesis of its p-value: the quantiles are equal. The distances from each quantile to its limits are squared
    and added; the p-value comes from the standard error that this implies on the side of 0, so that it agrees with the
    interval at its confidence. Assumes independent values, and enough of them for limits in both arms (NaN otherwise):
    some 100 for the median, 1,000 for the 95th percentile.

    References:
        Zou, Donner (2008), Construction of confidence limits about effect measures: a general approach, Statistics in
        Medicine 27. doi:10.1002/sim.3095
        Price, Bonett (2002), Distribution-free confidence intervals for difference and ratio of medians, Journal of
        Statistical Computation and Simulation 72. doi:10.1080/00949650212140
    """
    one = quantile_interval(control, q, confidence=confidence)
    two = quantile_interval(treatment, q, confidence=confidence)
    return difference_of_intervals(one, two, confidence=confidence, alternative=alternative)


def difference_of_intervals(
    one: Interval, two: Interval, *, confidence: float = 0.95, alternative: Alternative = "two-sided"
) -> Comparison:
    """Return what `quantile_difference` does, of arrays of quantiles whose limits are known.

    Args:
        one: Of control, as `quantile_interval` returns it.
        two: Of treatment, of any shape.
        confidence: Of both.
        alternative: `greater` stands for a greater quantile of treatment.

    References:
        Zou, Donner (2008), doi:10.1002/sim.3095

    Example:
        >>> arms = [quantile_interval(QuantileSketch.of(range(low, low + 100)), 0.5) for low in (0, 20)]
        >>> float(difference_of_intervals(*arms).p_value) < 0.05
        True
    """
    estimate = two.estimate - one.estimate
    below = np.hypot(two.estimate - two.lower, one.upper - one.estimate)
    above = np.hypot(two.upper - two.estimate, one.estimate - one.lower)
    error = np.where(estimate > 0, below, above) / critical_z(confidence)
    is_known = np.isfinite(error) & (error > 0)
    z = np.where(is_known, estimate / np.where(is_known, error, 1.0), np.nan)
    return Comparison(
        estimate, estimate - below, estimate + above, normal_p_value(z, alternative), z, error, np.asarray(math.inf)
    )


def quantile_spread(q: float, density: ArrayLike) -> Floats:
    """Return the standard deviation that one value contributes to a quantile, which plans its sample size as a mean's.

    A sample quantile is close to normal with standard error `quantile_spread(q, f) / √n`, where f is the density of the
    values at that quantile.

    Raises:
        InvalidInput: q is outside (0, 1) or the density not above 0.

    References:
        Serfling (1980), Approximation Theorems of Mathematical Statistics, section 2.3.3.
        doi:10.1002/9780470316481

    Example:
        >>> round(float(quantile_spread(0.5, 0.3989423)), 4)
        1.2533
    """
    check_fraction(q, "q")
    density = np.asarray(density, dtype=float)
    if not np.all(density > 0):
        raise InvalidInput(f"density is {density}; at a quantile that can be estimated it is above 0.")
    return np.asarray(math.sqrt(q * (1 - q)) / density)
