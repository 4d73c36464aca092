"""One-sided tests for guardrails: is a rate or a quantile above its limit, at every look at once.

A guardrail is violated when its p-value is at most its level; with several guardrails, share the level out among them.
Means above a limit are `confidence_sequences.around` with its null hypothesis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mlops.stats.arguments import Floats, check_fraction
from mlops.stats.arms import Counts
from mlops.stats.bernoulli_mixture import log_e_value_above, prior_strength

__all__ = ["quantile_above", "rate_above"]


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
