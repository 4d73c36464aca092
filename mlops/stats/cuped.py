"""CUPED: a metric made less noisy by what was known of each unit before the test began.

What a unit did before (x) cannot be a result of its arm; subtracting θ(x - mean of x) from the metric (y) leaves the
effect where it is and removes the part ρ² of the variance that x explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlops.errors import InvalidInput
from mlops.stats.arguments import Floats
from mlops.stats.moments import PairedSample, Summary

__all__ = ["Adjusted", "adjust_by_covariate"]


class Adjusted(NamedTuple):
    """Arms whose means were adjusted, ready for `welch_test`.

    Attributes:
        arms: n, adjusted mean and adjusted variance of each arm, in the order given.
        theta: The slope of y on x within arms; 0 where x does not vary.
        variance_reduction: Share of the pooled variance within arms that was removed, 0 to 1; NaN where y does not
            vary.
    """

    arms: tuple[Summary, ...]
    theta: float
    variance_reduction: float


def adjust_by_covariate(arms: Sequence[PairedSample]) -> Adjusted:
    """Return arms with means adjusted by x, the values of before the test, with one slope for all arms.

    Assumes that x was fixed before assignment: anything that treatment may have changed biases the effect towards
    nothing. Units without a past take x = 0 together with the same rule in every arm, or are a stratum of their own.
    The slope is estimated from the same units, which matters below some hundred per arm only.

    Args:
        arms: For each arm moments over units of x, before, and y, during the test; control first by custom.

    Returns:
        NaN means where an arm is empty; unadjusted values where x does not vary or is not known of two units.

    Raises:
        InvalidInput: No arms.

    References:
        Deng, Xu, Kohavi, Walker (2013), Improving the sensitivity of online controlled experiments by utilizing
        pre-experiment data, WSDM. doi:10.1145/2433396.2433413

    Example:
        >>> from mlops.stats.moments import ExactPairMoments
        >>> control = ExactPairMoments.of([(1.0, 2.0), (2.0, 4.5), (3.0, 5.5)])
        >>> treatment = ExactPairMoments.of([(2.0, 5.0), (3.0, 7.5), (4.0, 8.5)])
        >>> one, two = adjust_by_covariate([control, treatment]).arms
        >>> float(two.mean - one.mean)
        1.25
    """
    if not arms:
        raise InvalidInput("There are no arms to adjust; give the moments of at least one.")
    n, x, y = (_column(arms, name) for name in ("n", "mean_x", "mean_y"))
    variance_x, variance_y, covariance = (_column(arms, name) for name in ("variance_x", "variance_y", "covariance"))
    pooled_x, pooled_y, pooled_xy = (_pooled(n, each) for each in (variance_x, variance_y, covariance))
    theta = pooled_xy / pooled_x if pooled_x > 0 else 0.0
    centre = float(np.where(n > 0, n * x, 0.0).sum() / max(n.sum(), 1.0))
    means = y - theta * (x - centre)
    variances = np.maximum(variance_y - 2 * theta * covariance + theta**2 * variance_x, 0.0)
    reduction = theta * pooled_xy / pooled_y if pooled_y > 0 else np.nan
    adjusted = (Summary(*each) for each in zip(n, means, variances, strict=True))
    return Adjusted(tuple(adjusted), float(theta), float(reduction))


def _column(arms: Sequence[PairedSample], name: str) -> Floats:
    return np.array([getattr(arm, name) for arm in arms], dtype=float)


def _pooled(n: Floats, moments: Floats) -> float:
    """Return the sum of squares or products within arms, of those that have two units."""
    return float(np.where(n > 1, (n - 1) * moments, 0.0).sum())
