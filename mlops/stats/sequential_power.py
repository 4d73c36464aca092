"""Power of a test that is looked at all the time by an asymptotic confidence sequence, for the design of its size.

`drift` is what it is in `group_sequential`: the expected z at the end of the test, effect over standard error.
"""

from __future__ import annotations

import numpy as np

from mlops.stats.arguments import Floats, check_fraction, check_positive
from mlops.stats.group_sequential import crossing_probabilities
from mlops.stats.normal_mixture import critical_value, ratio_at

__all__ = ["drift_of_sequence", "power_of_sequence"]

_HALVINGS = 20


def power_of_sequence(drift: float, *, alpha: float = 0.05, tuned_at: float = 0.5, looks: int = 100) -> float:
    """Return the probability that a two-sided confidence sequence excludes 0, in the drift's direction, by the end.

    Args:
        drift: Expected z at the end.
        alpha: One minus the confidence.
        tuned_at: Share of the planned information at which the sequence is narrowest.
        looks: Evenly spaced looks to compute with; more looks have a little more power.

    Example:
        >>> round(power_of_sequence(3.494), 2)
        0.76
    """
    shares, limits = _boundary(alpha, tuned_at, looks)
    return float(crossing_probabilities(shares, limits, -limits, drift=abs(drift)).upper.sum())


def drift_of_sequence(power: float, *, alpha: float = 0.05, tuned_at: float = 0.5, looks: int = 100) -> float:
    """Return the expected z at the end at which a confidence sequence has a power.

    Arguments as in `power_of_sequence`.
    """
    wanted, low, high = check_fraction(power, "power"), 0.0, 20.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_enough = power_of_sequence(middle, alpha=alpha, tuned_at=tuned_at, looks=looks) >= wanted
        low, high = (low, middle) if is_enough else (middle, high)
    return high


def _boundary(alpha: float, tuned_at: float, looks: int) -> tuple[Floats, Floats]:
    shares = np.arange(1, looks + 1) / looks
    return shares, critical_value(ratio_at(shares / check_positive(tuned_at, "tuned_at"), alpha=alpha), alpha)
