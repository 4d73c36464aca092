"""The ratio of two proportions: Katz's log interval, and score intervals with and without correction.

A ratio says more than a difference where rates are rare, and nothing where control has no event: the estimate is
infinite then (NaN when neither arm has one), and score limits still hold.
"""

from __future__ import annotations

import numpy as np

from mlops.errors import InvalidInput
from mlops.stats.arguments import Alternative, Floats
from mlops.stats.arms import Counts
from mlops.stats.proportion_scores import bisected
from mlops.stats.proportions import check_counts
from mlops.stats.restricted_proportions import rates_at_ratio
from mlops.stats.results import Interval, Significance
from mlops.stats.tails import critical_z, normal_p_value

__all__ = ["katz_interval", "koopman_interval", "miettinen_nurminen_ratio_interval", "ratio_score_test"]

_FARTHEST = 80.0  # logarithm of the largest ratio that limits are searched up to


def katz_interval(control: Counts, treatment: Counts, *, confidence: float = 0.95) -> Interval:
    """Return the ratio of the rates, treatment to control, with limits that are symmetric on the log scale.

    Assumes independent units and many events in both arms. With few it is too narrow on the side of 1; without any
    in one arm it is 0 to infinity: `koopman_interval` is better there.

    Raises:
        InvalidInput: Impossible counts, or a confidence outside (0, 1).

    References:
        Katz, Baptista, Azen, Pike (1978), Obtaining confidence intervals for the risk ratio in cohort studies,
        Biometrics 34, 469-474. doi:10.2307/2530610

    Example:
        >>> found = katz_interval(Counts(34, 1), Counts(34, 7))
        >>> round(float(found.lower), 4), round(float(found.upper), 4)
        (0.9096, 53.8695)
    """
    (n1, x1), (n2, x2) = check_counts(control, "control"), check_counts(treatment, "treatment")
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (x2 / n2) / (x1 / n1)
        factor = np.exp(critical_z(confidence) * np.sqrt(np.maximum(1 / x1 - 1 / n1 + 1 / x2 - 1 / n2, 0.0)))
        lower, upper = ratio / factor, ratio * factor
    is_open = (x1 == 0) | (x2 == 0)
    measured = np.where((n1 > 0) & (n2 > 0), 0.0, np.nan)
    return Interval(ratio, np.where(is_open, 0.0, lower) + measured, np.where(is_open, np.inf, upper) + measured)


def koopman_interval(control: Counts, treatment: Counts, *, confidence: float = 0.95) -> Interval:
    """Return the ratio of the rates, treatment to control, with the limits that the score test does not refuse.

    Assumes independent units; covers close to what it promises from about ten units an arm.

    Raises:
        InvalidInput: Impossible counts, or a confidence outside (0, 1).

    References:
        Koopman (1984), Confidence intervals for the ratio of two binomial proportions, Biometrics 40, 513-517.
        doi:10.2307/2531405

    Example:
        >>> found = koopman_interval(Counts(34, 1), Counts(34, 7))
        >>> round(float(found.lower), 4), round(float(found.upper), 4)
        (1.2209, 42.5757)
    """
    return _interval(control, treatment, critical_z(confidence), corrected=False)


def miettinen_nurminen_ratio_interval(control: Counts, treatment: Counts, *, confidence: float = 0.95) -> Interval:
    """Return Koopman's interval with the variance multiplied by N / (N - 1), a little wider.

    Raises:
        InvalidInput: Impossible counts, or a confidence outside (0, 1).

    References:
        Miettinen, Nurminen (1985), Comparative analysis of two rates, Statistics in Medicine 4.
        doi:10.1002/sim.4780040211

    Example:
        >>> found = miettinen_nurminen_ratio_interval(Counts(34, 1), Counts(34, 7))
        >>> round(float(found.lower), 4), round(float(found.upper), 4)
        (1.2086, 43.033)
    """
    return _interval(control, treatment, critical_z(confidence), corrected=True)


def ratio_score_test(
    control: Counts, treatment: Counts, *, ratio: float = 1.0, alternative: Alternative = "two-sided"
) -> Significance:
    """Return the score test that the rate of treatment is `ratio` times that of control.

    Null hypothesis: exactly that. At a ratio of 1 it is the pooled z test.

    Raises:
        InvalidInput: Impossible counts, or a ratio that is not above 0 and finite.

    References:
        Farrington, Manning (1990), Statistics in Medicine 9. doi:10.1002/sim.4780091208
    """
    if not 0 < ratio < np.inf:
        raise InvalidInput(f"ratio is {ratio!r}; a ratio to test is finite and above 0.")
    distance, error = _distance_and_error(control, treatment, np.asarray(float(ratio)), corrected=False)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(error == 0, np.where(distance == 0, 0.0, distance * np.inf), distance / error)
    return Significance(z, normal_p_value(z, alternative))


def _distance_and_error(control: Counts, treatment: Counts, at: Floats, *, corrected: bool) -> tuple[Floats, Floats]:
    (n1, x1), (n2, x2) = check_counts(control, "control"), check_counts(treatment, "treatment")
    with np.errstate(invalid="ignore", divide="ignore"):
        p1, p2 = rates_at_ratio(control, treatment, at)
        variance = p2 * (1 - p2) / n2 + at**2 * p1 * (1 - p1) / n1
        factor = (n1 + n2) / (n1 + n2 - 1) if corrected else 1.0
        return x2 / n2 - at * x1 / n1, np.sqrt(variance * factor)


def _interval(control: Counts, treatment: Counts, z: float, *, corrected: bool) -> Interval:
    (n1, x1), (n2, x2) = check_counts(control, "control"), check_counts(treatment, "treatment")
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (x2 / n2) / (x1 / n1)
    reach = _upper_limit(control, treatment, z, corrected)
    mirrored = _upper_limit(treatment, control, z, corrected)
    measured = np.where((n1 > 0) & (n2 > 0), 0.0, np.nan)
    lower = np.where(x2 == 0, 0.0, np.fmin(1 / mirrored, ratio))
    upper = np.where(x1 == 0, np.inf, np.fmax(reach, ratio))
    return Interval(ratio, lower + measured, upper + measured)


def _upper_limit(control: Counts, treatment: Counts, z: float, corrected: bool) -> Floats:
    """Return the largest ratio that is not refused, if control has an event."""

    def is_inside(logarithm: Floats) -> Floats:
        distance, error = _distance_and_error(control, treatment, np.exp(logarithm), corrected=corrected)
        return np.asarray(np.abs(distance) < z * error)

    (n1, x1), (n2, x2) = check_counts(control, "control"), check_counts(treatment, "treatment")
    with np.errstate(invalid="ignore", divide="ignore"):
        start = np.log(np.where(x2 > 0, x2 / n2, 0.0) / (x1 / n1))
    start = np.where(np.isfinite(start), start, -_FARTHEST)
    return np.exp(bisected(is_inside, start, np.full_like(start, _FARTHEST)))
