"""One-sided bounds for guardrails: is a rate, a mean or a quantile above its limit, at every look at once.

A guardrail is violated when its p-value is at most its level, or, the same, when its lower bound is above the limit.
With several guardrails, share the level out among them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mlops.stats import confidence_sequences
from mlops.stats.arguments import Floats, check_fraction
from mlops.stats.arms import Counts
from mlops.stats.bernoulli_mixture import log_e_value_above, log_threshold, prior_strength
from mlops.stats.moments import Sample

__all__ = ["mean_above", "quantile_above", "rate_above", "rate_lower_bound"]

_HALVINGS = 50  # of the interval of rates


def rate_above(counts: Counts, limit: float, *, target: float, alpha: float = 0.05) -> Floats:
    """Return the always-valid p-value of a rate being at most its limit.

    Null hypothesis: every unit, given those before, fails with a probability of at most `limit`. Exact for any number
    of units. Misleads when failures come in bursts that are not independent (an outage counts as many).

    Args:
        counts: Units and failures so far.
        limit: The greatest rate allowed.
        target: Number of units at which the test shall be sharpest.
        alpha: The level that it is tuned at.

    References:
        Howard, Ramdas, McAuliffe, Sekhon (2021), section 3.5. doi:10.1214/20-AOS1991

    Example:
        >>> bool(rate_above(Counts(1000, 80), 0.05, target=1000) < 0.01)
        True
    """
    strength = prior_strength(target, alpha=alpha, sides=1)
    log_e = log_e_value_above(counts, check_fraction(limit, "limit"), strength)
    return np.exp(-np.maximum(log_e, 0.0))


def rate_lower_bound(counts: Counts, *, target: float, alpha: float = 0.05) -> Floats:
    """Return the greatest limit that `rate_above` finds violated: a lower bound of the rate at every look; 0 if none.

    Example:
        >>> round(float(rate_lower_bound(Counts(1000, 80), target=1000)), 3)
        0.058
    """
    strength, threshold = prior_strength(target, alpha=alpha, sides=1), log_threshold(alpha)
    above = np.clip(np.nan_to_num(counts.rate), 1e-12, 1 - 1e-12)
    below = np.zeros(above.shape)
    for _ in range(_HALVINGS):
        middle = np.maximum((below + above) / 2, 1e-15)
        is_rejected = log_e_value_above(counts, middle, strength) >= threshold
        below, above = np.where(is_rejected, middle, below), np.where(is_rejected, above, middle)
    return below


def mean_above(
    values: Sample, limit: float, *, target: float, alpha: float = 0.05, burn_in: int = 100
) -> confidence_sequences.AlwaysValid:
    """Return the lower bound of a mean, and the always-valid p-value of it being at most its limit.

    Null hypothesis: the mean is at most `limit`. Asymptotic; assumptions and arguments are those of
    `confidence_sequences.mean`.

    Example:
        >>> from mlops.stats.arms import Moments
        >>> found = mean_above(Moments(1000, 210_000.0, 46_600_000.0), 200.0, target=1000)
        >>> bool(found.lower > 200.0), bool(found.p_value < 0.05)
        (True, True)
    """
    return confidence_sequences.mean(
        values, target=target, alpha=alpha, null=limit, alternative="greater", burn_in=burn_in
    )


def quantile_above(n: ArrayLike, above: ArrayLike, level: float, *, target: float, alpha: float = 0.05) -> Floats:
    """Return the always-valid p-value of a quantile being at most its limit.

    Null hypothesis: at most a share of 1 - `level` of the values lies above the limit. Exact, for values of any law.

    Args:
        n: Number of values so far.
        above: How many of them were above the limit.
        level: Of the quantile, 0.95 for p95.
        target: Number of values at which the test shall be sharpest.
        alpha: The level that it is tuned at.

    References:
        Howard, Ramdas (2022), theorem 1(b). doi:10.3150/21-BEJ1388

    Example:
        >>> bool(quantile_above(1000, 90, 0.95, target=1000) < 0.001)
        True
    """
    return rate_above(Counts(n, above), 1 - check_fraction(level, "level"), target=target, alpha=alpha)
