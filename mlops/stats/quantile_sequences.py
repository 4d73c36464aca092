"""Confidence sequences of a quantile, and of the difference of two, from the counts of a mergeable sketch.

A sketch is counts of values in bins with fixed edges, such as the buckets of `sketch`; bin i lies between edges[i] and
edges[i + 1], and either end may belong to it. Nothing is assumed of the law of the values. Where in its bin a value
lies is not known, so bounds are edges, and the truth is covered whatever the answer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlops.errors import InvalidInput
from mlops.stats.arguments import Floats, check_fraction
from mlops.stats.arms import Counts
from mlops.stats.bernoulli_mixture import log_e_value, log_threshold, prior_strength

__all__ = ["QuantileSequence", "difference_of_quantiles", "p_value_of_equal_quantiles", "quantile"]


class QuantileSequence(NamedTuple):
    """An estimate with bounds that hold at every look at once; NaN and infinite without data."""

    estimate: float
    lower: float
    upper: float


def quantile(
    edges: ArrayLike, counts: ArrayLike, level: float, *, target: float, alpha: float = 0.05
) -> QuantileSequence:
    """Return a quantile with its confidence sequence.

    Null hypothesis, inverted for every value x: the quantile is x. Assumes independent values of one law. Misleads
    when many values come from one unit, which are not independent.

    Args:
        edges: Ascending edges of the bins, one more than bins; the outer ones may be infinite.
        counts: Values in each bin.
        level: Of the quantile, 0.95 for p95.
        target: Number of values at which the interval shall be narrowest.
        alpha: One minus the confidence.

    Raises:
        InvalidInput: Edges and counts do not fit, or the edges do not ascend.

    References:
        Howard, Ramdas (2022), Sequential estimation of quantiles with applications to A/B testing and best-arm
        identification, Bernoulli 28(3), theorem 1(b). doi:10.3150/21-BEJ1388

    Example:
        >>> found = quantile(range(101), [10] * 100, 0.95, target=1000)
        >>> found.estimate, found.lower < 95 < found.upper
        (95.0, True)
    """
    bins, sizes = _checked(edges, counts)
    kept = _log_e_values(sizes, level, target, alpha) < log_threshold(alpha)
    found = np.flatnonzero(kept)
    return QuantileSequence(_estimate(bins, sizes, level), float(bins[found[0]]), float(bins[found[-1] + 1]))


def difference_of_quantiles(
    edges: ArrayLike,
    control: ArrayLike,
    treatment: ArrayLike,
    level: float,
    *,
    targets: tuple[float, float],
    alpha: float = 0.05,
) -> QuantileSequence:
    """Return the quantile of treatment minus that of control with its confidence sequence.

    Null hypothesis, inverted for every d: the quantiles differ by d. Its e-process is the product of those of both
    arms, at the pair of values, d apart, that the data speak least against. Assumptions as in `quantile`.

    Args:
        edges: Ascending edges of the bins, the same for both arms.
        control: Values of control in each bin.
        treatment: Values of treatment in each bin.
        level: Of the quantile, 0.95 for p95.
        targets: Numbers of values in control and in treatment at which the interval shall be narrowest.
        alpha: One minus the confidence.

    References:
        Howard, Ramdas (2022), section 5. doi:10.3150/21-BEJ1388

    Example:
        >>> found = difference_of_quantiles(range(101), [100] * 50 + [0] * 50, [100] * 100, 0.5, targets=(5e3, 5e3))
        >>> found.estimate, found.lower > 0
        (25.0, True)
    """
    bins, one = _checked(edges, control)
    _, other = _checked(edges, treatment)
    against1 = _log_e_values(one, level, targets[0], alpha)
    against2 = _log_e_values(other, level, targets[1], alpha)
    kept1, kept2 = np.nonzero(against1[:, None] + against2[None, :] < log_threshold(alpha))
    lower, upper = (bins[kept2] - bins[kept1 + 1]).min(), (bins[kept2 + 1] - bins[kept1]).max()
    return QuantileSequence(_estimate(bins, other, level) - _estimate(bins, one, level), float(lower), float(upper))


def p_value_of_equal_quantiles(
    control: ArrayLike, treatment: ArrayLike, level: float, *, targets: tuple[float, float], alpha: float = 0.05
) -> Floats:
    """Return the always-valid p-value of both arms having one quantile.

    Args:
        control: Values of control in each bin, in the last axis.
        treatment: The same of treatment, in the same bins.
        level: Of the quantile, 0.95 for p95.
        targets: Numbers of values in control and in treatment at which the test shall be sharpest.
        alpha: The level that it is tuned at.

    Example:
        >>> bool(p_value_of_equal_quantiles([100] * 50 + [0] * 50, [50] * 100, 0.95, targets=(5e3, 5e3)) < 1e-6)
        True
    """
    arms = zip((control, treatment), targets, strict=True)
    against = sum(_log_e_values(np.asarray(arm, dtype=float), level, target, alpha) for arm, target in arms)
    return np.asarray(np.exp(-np.maximum(np.min(against, axis=-1), 0.0)))


def _log_e_values(counts: Floats, level: float, target: float, alpha: float) -> Floats:
    """Return, for each bin, the least evidence against the quantile lying in it."""
    strength = prior_strength(target, alpha=alpha)
    upto = np.cumsum(counts, axis=-1)
    total = upto[..., -1:]
    # Evidence is convex in the count; this is where it is least.
    least = total * check_fraction(level, "level") + 0.5 - level
    return log_e_value(Counts(total, np.clip(least, upto - counts, upto)), level, strength)


def _estimate(edges: Floats, counts: Floats, level: float) -> float:
    """Return the quantile, interpolated in its bin; the finite edge of an unbounded bin."""
    upto = np.cumsum(counts)
    if upto[-1] == 0:
        return float("nan")
    place = int(np.searchsorted(upto, level * upto[-1]))
    low, high = edges[place], edges[place + 1]
    if not (np.isfinite(low) and np.isfinite(high)):
        return float(low if np.isfinite(low) else high)
    return float(low + (high - low) * (level * upto[-1] - upto[place] + counts[place]) / counts[place])


def _checked(edges: ArrayLike, counts: ArrayLike) -> tuple[Floats, Floats]:
    bins, sizes = np.asarray(edges, dtype=float), np.asarray(counts, dtype=float)
    if bins.ndim != 1 or sizes.shape != (bins.size - 1,):
        raise InvalidInput(f"{sizes.size} counts for {bins.size} edges; a sketch has one edge more than bins.")
    if not np.all(np.diff(bins) > 0):
        raise InvalidInput(f"edges {bins[:3].tolist()} … do not ascend; sort them and merge bins without width.")
    return bins, sizes
