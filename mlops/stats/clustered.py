"""Metrics of interactions when whole units are assigned: the delta method, intra-class correlation, design effect.

One unit (a user, an instrument) gives many interactions that resemble each other; a test that takes them for
independent rejects far too often. Per unit two numbers are kept: x how many interactions, y the sum of their values.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlops.errors import InvalidInput
from mlops.stats.arguments import Alternative, Floats
from mlops.stats.moments import PairedSample
from mlops.stats.results import Comparison
from mlops.stats.tails import wald_comparison

__all__ = [
    "ClusterSums",
    "MixedMeans",
    "clustered_difference",
    "clustered_mean",
    "clustered_means_in_one_mixture",
    "design_effect",
    "intraclass_correlation",
]


def clustered_mean(units: PairedSample, *, confidence: float = 0.95) -> Comparison:
    """Return the mean per interaction, Σy / Σx over units, with limits that allow for units that differ.

    Assumes independent units, and enough of them (some 100) for a mean of x far from 0; how many interactions there
    are does not matter. The p-value is that of a mean of 0. NaN with fewer than two units or no interactions.

    Args:
        units: Moments over units of x, interactions of the unit, and y, the sum of their values.
        confidence: Of the two-sided interval.

    References:
        Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics: a practical guide with novel ideas,
        KDD, section 3.2. doi:10.1145/3219819.3219919

    Example:
        >>> from mlops.stats.moments import ExactPairMoments
        >>> users = ExactPairMoments.of([(4, 3), (1, 1), (6, 2), (2, 2), (3, 1)])
        >>> round(float(clustered_mean(users).estimate), 4)
        0.5625
    """
    mean, error = _mean_and_error(units)
    return wald_comparison(mean, error, confidence=confidence)


def clustered_difference(
    control: PairedSample,
    treatment: PairedSample,
    *,
    null: float = 0.0,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Comparison:
    """Return the difference of means per interaction, treatment minus control, where units were assigned.

    Null hypothesis: the means differ by `null`. Assumptions as for `clustered_mean`, in both arms. It misleads when
    treatment changes how many interactions a unit has: the mean per interaction then moves without any unit getting
    better or worse.

    References:
        Deng, Knoblich, Lu (2018), KDD, section 3.2. doi:10.1145/3219819.3219919
    """
    (one, error1), (two, error2) = _mean_and_error(control), _mean_and_error(treatment)
    return wald_comparison(
        two - one, np.hypot(error1, error2), null=null, confidence=confidence, alternative=alternative
    )


class MixedMeans(NamedTuple):
    """Arms in one mixture of strata; one entry per arm.

    Attributes:
        mean: Per interaction.
        standard_error: Of the mean.
        units: How many units of one stratum alone would carry as much: all of them where every stratum weighs as its
            units do, few where few of them have most of the weight.
    """

    mean: Floats
    standard_error: Floats
    units: Floats


def clustered_means_in_one_mixture(units: PairedSample) -> MixedMeans:
    """Return means per interaction that may be compared although arms have other shares in other strata.

    Within each stratum a mean and its error are those of `clustered_mean`; strata are added up with weights that all
    arms share, 1 / Σ (1 / Σx) over arms, which of two arms is x₁x₂ / (x₁ + x₂): that of Mantel and Haenszel. The
    difference of two arms is then the coefficient of treatment in a linear model of interactions with an effect of
    each stratum. Assumes independent units that each belong to one stratum. A stratum in which an arm has fewer than
    two units or no interactions is left out; NaN where none is left.

    Args:
        units: Moments over units of x, interactions of the unit, and y, the sum of their values; arms along the first
            axis, strata along the last.

    References:
        Donner, Klar (2000), Design and analysis of cluster randomization trials in health research, chapter 6.
        ISBN 978-0-340-69153-3
        Greenland, Robins (1985), Biometrics 41. doi:10.2307/2530643 (the weights)

    Example:
        >>> from types import SimpleNamespace
        >>> names = ("n", "mean_x", "mean_y", "variance_x", "variance_y", "covariance")
        >>> parts = [[50, 90], [50, 10]], 4, [3.6, 2.0], 0, 1, 0  # 90 % at 50/50, then 50 % at 90/10
        >>> units = SimpleNamespace(**{name: np.broadcast_to(part, (2, 2)) for name, part in zip(names, parts)})
        >>> found = clustered_means_in_one_mixture(units)
        >>> found.mean.round(4), found.units.round(1)
        (array([0.7941, 0.7941]), array([86.3, 56.1]))
    """
    n, mean_x = np.asarray(units.n, dtype=float), np.asarray(units.mean_x, dtype=float)
    mean, error = _mean_and_error(units)
    is_used = ((n > 1) & (mean_x > 0)).all(axis=0)
    weight = np.where(is_used, 1 / (1 / np.where(is_used, n * mean_x, 1.0)).sum(axis=0), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = weight / weight.sum(axis=-1, keepdims=True)
        parts = share * mean, share**2 * error**2, share**2 / n
        mixed, spread, concentration = (np.where(is_used, part, 0.0).sum(axis=-1) for part in parts)
    measured = np.where(is_used.any(axis=-1), 0.0, np.nan)
    return MixedMeans(mixed + measured, np.sqrt(spread) + measured, 1 / (concentration + measured))


def _mean_and_error(units: PairedSample) -> tuple[Floats, Floats]:
    n, x, y = (np.asarray(each, dtype=float) for each in (units.n, units.mean_x, units.mean_y))
    moments = units.variance_x, units.variance_y, units.covariance
    variance_x, variance_y, covariance = (np.asarray(each, dtype=float) for each in moments)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(x > 0, y / x, np.nan)
        spread = variance_y - 2 * mean * covariance + mean**2 * variance_x
        error = np.sqrt(np.maximum(spread, 0.0) / n) / x
    return mean, np.where(n > 1, error, np.nan)


class ClusterSums(NamedTuple):
    """What the analysis of variance between and within clusters needs, all of it additive over clusters.

    Attributes:
        clusters: Number of clusters with at least one value.
        n: Number of values.
        n_squares: Sum over clusters of the squared number of values.
        total: Sum of values.
        squares: Sum of squared values.
        between: Sum over clusters of (sum of its values)² / (number of its values).
    """

    clusters: ArrayLike
    n: ArrayLike
    n_squares: ArrayLike
    total: ArrayLike
    squares: ArrayLike
    between: ArrayLike


def intraclass_correlation(sums: ClusterSums) -> Floats:
    """Return how much values of one cluster resemble each other: 0 not at all, 1 wholly; slightly negative by chance.

    The analysis-of-variance estimator, for numbers and for 0/1 events. Assumes one common correlation in clusters of
    any size. Uncertain with fewer than some fifty clusters. NaN where clusters hold one value each or nothing varies.

    References:
        Donner, Koval (1980), The estimation of intraclass correlation in the analysis of family data, Biometrics 36.
        doi:10.2307/2530491

    Example:
        >>> groups = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]
        >>> squares = sum(value * value for group in groups for value in group)
        >>> between = sum(sum(group) ** 2 / 4 for group in groups)
        >>> round(float(intraclass_correlation(ClusterSums(6, 24, 96, 127, squares, between))), 2)
        0.17
    """
    k, n, n_squares, total, squares, between = (np.asarray(each, dtype=float) for each in sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        among = (between - total**2 / n) / (k - 1)
        within = (squares - between) / (n - k)
        typical = (n - n_squares / n) / (k - 1)
        answer = (among - within) / (among + (typical - 1) * within)
    return np.where((k > 1) & (n > k), answer, np.nan)


def design_effect(mean_size: ArrayLike, correlation: ArrayLike, *, size_variation: ArrayLike = 0.0) -> Floats:
    """Return by what factor clusters inflate a variance, and so the number of interactions that a test needs.

    Args:
        mean_size: Mean number of interactions of a unit, at least 1.
        correlation: Intra-class correlation, 0 to 1.
        size_variation: Standard deviation of the number of interactions divided by its mean.

    Raises:
        InvalidInput: A number is out of its range.

    References:
        Kish (1965), Survey Sampling, section 5.4. ISBN 978-0-471-48900-9
        Eldridge, Ashby, Kerry (2006), Sample size for cluster randomized trials: effect of coefficient of variation of
        cluster size, International Journal of Epidemiology 35. doi:10.1093/ije/dyl129

    Example:
        >>> round(float(design_effect(20, 0.1)), 2)
        2.9
    """
    size, rho, variation = (np.asarray(each, dtype=float) for each in (mean_size, correlation, size_variation))
    if not (np.all(size >= 1) and np.all(rho >= 0) and np.all(rho <= 1) and np.all(variation >= 0)):
        raise InvalidInput(
            f"mean_size {mean_size!r}, correlation {correlation!r} and size_variation {size_variation!r} cannot be; "
            "a size is at least 1, a correlation between 0 and 1, a variation 0 or more."
        )
    return np.asarray(1 + ((1 + variation**2) * size - 1) * rho)
