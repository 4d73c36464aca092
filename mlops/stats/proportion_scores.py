"""The difference of two proportions by score methods: Miettinen and Nurminen, Mee, Farrington and Manning.

All three divide by the standard error that holds under the difference tested, from the rates most likely under it.
Miettinen and Nurminen multiply the variance by N / (N - 1); Mee's interval, and the test of Farrington and Manning,
do not. At a difference of zero the latter is the pooled z test. Limits are found by bisection, to 1e-13.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from mlops.errors import InvalidInput
from mlops.stats.arguments import Alternative, Floats
from mlops.stats.arms import Counts
from mlops.stats.proportions import check_counts
from mlops.stats.restricted_proportions import rates_at_difference
from mlops.stats.results import Interval, Significance
from mlops.stats.tails import critical_z, normal_p_value

__all__ = [
    "bisected",
    "farrington_manning_test",
    "mee_interval",
    "miettinen_nurminen_interval",
    "miettinen_nurminen_test",
]

_HALVINGS = 46


def miettinen_nurminen_test(
    control: Counts, treatment: Counts, *, difference: float = 0.0, alternative: Alternative = "two-sided"
) -> Significance:
    """Return the score test that treatment minus control is `difference`.

    Null hypothesis: the rates differ by exactly that much; with `greater` and a negative difference it is a test of
    non-inferiority. Assumes independent units; it keeps its level with fewer events than Wald's test, yet not exactly.

    Args:
        control: Units and events.
        treatment: Units and events.
        difference: Tested, strictly between -1 and 1.
        alternative: `greater` stands for a difference above the one tested.

    Raises:
        InvalidInput: Impossible counts or difference.

    References:
        Miettinen, Nurminen (1985), Comparative analysis of two rates, Statistics in Medicine 4.
        doi:10.1002/sim.4780040211

    Example:
        >>> found = miettinen_nurminen_test(Counts(100, 50), Counts(100, 48), difference=-0.2, alternative="greater")
        >>> round(float(found.p_value), 4)
        0.0048
    """
    z = _statistic(control, treatment, _tested(difference), corrected=True)
    return Significance(z, normal_p_value(z, alternative))


def farrington_manning_test(
    control: Counts, treatment: Counts, *, difference: float = 0.0, alternative: Alternative = "two-sided"
) -> Significance:
    """Return the test of Miettinen and Nurminen without their factor N / (N - 1), the one that `power` plans for.

    Raises:
        InvalidInput: Impossible counts or difference.

    References:
        Farrington, Manning (1990), Test statistics and sample size formulae for comparative binomial trials with null
        hypothesis of non-zero risk difference or non-unity relative risk, Statistics in Medicine 9.
        doi:10.1002/sim.4780091208

    Example:
        >>> found = farrington_manning_test(Counts(100, 50), Counts(100, 48), difference=-0.2, alternative="greater")
        >>> round(float(found.statistic), 3)
        2.599
    """
    z = _statistic(control, treatment, _tested(difference), corrected=False)
    return Significance(z, normal_p_value(z, alternative))


def miettinen_nurminen_interval(control: Counts, treatment: Counts, *, confidence: float = 0.95) -> Interval:
    """Return the difference, treatment minus control, with the limits that the test of the same name does not refuse.

    Raises:
        InvalidInput: Impossible counts, or a confidence outside (0, 1).

    References:
        Miettinen, Nurminen (1985), Comparative analysis of two rates, Statistics in Medicine 4.
        doi:10.1002/sim.4780040211

    Example:
        >>> found = miettinen_nurminen_interval(Counts(80, 48), Counts(70, 56))
        >>> round(float(found.lower), 4), round(float(found.upper), 4)
        (0.0528, 0.3382)
    """
    return _interval(control, treatment, critical_z(confidence), corrected=True)


def mee_interval(control: Counts, treatment: Counts, *, confidence: float = 0.95) -> Interval:
    """Return the difference, treatment minus control, with the limits of the test of Farrington and Manning.

    Raises:
        InvalidInput: Impossible counts, or a confidence outside (0, 1).

    References:
        Mee (1984), Confidence bounds for the difference between two probabilities, Biometrics 40(4), 1175-1176.

    Example:
        >>> found = mee_interval(Counts(80, 48), Counts(70, 56))
        >>> round(float(found.lower), 4), round(float(found.upper), 4)
        (0.0533, 0.3377)
    """
    return _interval(control, treatment, critical_z(confidence), corrected=False)


def bisected(is_inside: Callable[[Floats], Floats], inside: ArrayLike, outside: ArrayLike) -> Floats:
    """Return where a region ends between points inside and points outside of it, elementwise."""
    inside, outside = np.asarray(inside, dtype=float), np.asarray(outside, dtype=float)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        found = is_inside(middle)
        inside, outside = np.where(found, middle, inside), np.where(found, outside, middle)
    return np.asarray((inside + outside) / 2)


def _tested(difference: float) -> Floats:
    if not -1 < difference < 1:
        raise InvalidInput(f"difference is {difference!r}; a difference of proportions lies between -1 and 1.")
    return np.asarray(float(difference))


def _distance_and_error(control: Counts, treatment: Counts, at: Floats, corrected: bool) -> tuple[Floats, Floats]:
    """Return how far the observed difference is from a value, and the standard error under that value."""
    (n1, x1), (n2, x2) = check_counts(control, "control"), check_counts(treatment, "treatment")
    with np.errstate(invalid="ignore", divide="ignore"):
        p1, p2 = rates_at_difference(control, treatment, at)
        variance = p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2
        factor = (n1 + n2) / (n1 + n2 - 1) if corrected else 1.0
        return x2 / n2 - x1 / n1 - at, np.sqrt(variance * factor)


def _statistic(control: Counts, treatment: Counts, at: Floats, *, corrected: bool) -> Floats:
    distance, error = _distance_and_error(control, treatment, at, corrected)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(error == 0, np.where(distance == 0, 0.0, distance * np.inf), distance / error)


def _interval(control: Counts, treatment: Counts, z: float, *, corrected: bool) -> Interval:
    def is_inside(at: Floats) -> Floats:
        distance, error = _distance_and_error(control, treatment, at, corrected)
        return np.asarray(np.abs(distance) < z * error)

    estimate, _ = _distance_and_error(control, treatment, np.asarray(0.0), corrected)
    ends = np.stack([np.full_like(estimate, -1.0), np.full_like(estimate, 1.0)])
    lower, upper = bisected(is_inside, np.stack([estimate, estimate]), ends)
    measured = np.where(np.isnan(estimate), np.nan, 0.0)
    return Interval(estimate, np.minimum(lower, estimate) + measured, np.maximum(upper, estimate) + measured)
