"""The beta mixture of likelihood ratios: an e-process that tests one Bernoulli rate exactly, at every look.

For a rate against a given value: error rates, and the share of values above a limit. Two arms are `e_process`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mlops.stats.arguments import Floats, check_fraction, check_positive
from mlops.stats.arms import Counts
from mlops.stats.normal_mixture import ratio_at

__all__ = ["log_e_value", "log_e_value_above", "log_threshold", "prior_strength"]


def prior_strength(target: float, *, alpha: float = 0.05, sides: int = 2) -> float:
    """Return the strength a + b of the beta prior that gives the narrowest interval after `target` units.

    References:
        Howard, Ramdas, McAuliffe, Sekhon (2021), Time-uniform, nonparametric, nonasymptotic confidence sequences,
        Annals of Statistics 49(2), section 3.5 and proposition 7. doi:10.1214/20-AOS1991
    """
    best = float(ratio_at(1.0, alpha=alpha, sides=sides))
    return max(check_positive(target, "target") / best - 1, 0.001)


def log_e_value(counts: Counts, rate: ArrayLike, strength: float) -> Floats:
    """Return the logarithm of the e-value against one rate, on both sides.

    Null hypothesis: every unit has the event with probability `rate`, independently. Then the e-value is a martingale
    that begins at 1, and it ever reaches 1/alpha with probability at most alpha (Ville).

    Args:
        counts: Units and events so far. Events need not be whole, so that a bound on a range of counts can be had.
        rate: Under the null hypothesis, between 0 and 1, not 0 or 1.
        strength: a + b of the beta prior, whose mean is `rate`; see `prior_strength`.

    References:
        Howard, Ramdas (2022), Sequential estimation of quantiles with applications to A/B testing and best-arm
        identification, Bernoulli 28(3), theorem 1(b). doi:10.3150/21-BEJ1388

    Example:
        >>> round(float(log_e_value(Counts(625, 135), 0.2, 77.6)), 2)
        -0.69
    """
    rate = np.asarray(rate, dtype=float)
    n, events = np.asarray(counts.n, dtype=float), np.asarray(counts.events, dtype=float)
    for_event, against = rate * strength, (1 - rate) * strength
    evidence = special.betaln(for_event + events, against + n - events) - special.betaln(for_event, against)
    return np.asarray(evidence - special.xlogy(events, rate) - special.xlog1py(n - events, -rate))


def log_e_value_above(counts: Counts, rate: ArrayLike, strength: float) -> Floats:
    """Return the logarithm of the e-value against the rate being at most `rate`.

    Null hypothesis: every unit, given those before, has the event with probability at most `rate`. The prior is cut
    off below `rate`, so that only rates above it are bet on. Arguments as in `log_e_value`; minus infinity where the
    data leave nothing of the prior.

    Example:
        >>> bool(log_e_value_above(Counts(1000, 80), 0.05, 100.0) > math.log(20))
        True
    """
    rate = np.asarray(rate, dtype=float)
    n, events = np.asarray(counts.n, dtype=float), np.asarray(counts.events, dtype=float)
    for_event, against = rate * strength, (1 - rate) * strength
    after = special.betaincc(for_event + events, against + n - events, rate)
    with np.errstate(divide="ignore"):
        kept = np.log(after) - np.log(special.betaincc(for_event, against, rate))
    return np.asarray(log_e_value(counts, rate, strength) + kept)


def log_threshold(alpha: float) -> float:
    """Return log(1/alpha), which the logarithm of an e-value ever reaches with probability at most alpha."""
    return -math.log(check_fraction(alpha, "alpha"))
