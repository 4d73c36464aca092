"""One proportion and the difference of two in closed form: Wilson, the pooled z test, Newcombe's hybrid interval.

Score methods by restricted maximum likelihood are in `proportion_scores`, ratios in `risk_ratio`, exact tests in
`exact_proportions`. Everything takes arrays as well as numbers, and broadcasts.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from mlops.errors import InvalidInput
from mlops.stats.arguments import Alternative, Floats, check_fraction
from mlops.stats.arms import Counts
from mlops.stats.results import Interval, Significance
from mlops.stats.tails import critical_z, normal_p_value

__all__ = ["check_counts", "clopper_pearson_interval", "newcombe_interval", "pooled_z_test", "wilson_interval"]


def check_counts(counts: Counts, arm: str = "arm") -> tuple[Floats, Floats]:
    """Return units and events as arrays of doubles.

    Raises:
        InvalidInput: A number is not finite or is negative, or there are more events than units.
    """
    n, events = np.asarray(counts.n, dtype=float), np.asarray(counts.events, dtype=float)
    if not np.all((events >= 0) & (events <= n) & (n < np.inf)):
        raise InvalidInput(
            f"{arm} has {counts.events} events in {counts.n} units; both must be finite, with 0 ≤ events ≤ units."
        )
    return n, events


def wilson_interval(counts: Counts, *, confidence: float = 0.95) -> Interval:
    """Return a proportion with Wilson's score interval; of no units NaN.

    Assumes independent units with one common probability. It covers a little less than promised at some combinations
    of small numbers and rates near 0 or 1; for clustered units it is too narrow.

    Raises:
        InvalidInput: Impossible counts, or a confidence outside (0, 1).

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference, Journal of the American
        Statistical Association 22. doi:10.1080/01621459.1927.10502953

    Example:
        >>> found = wilson_interval(Counts(263, 81))
        >>> round(float(found.lower), 4), round(float(found.upper), 4)
        (0.2553, 0.3662)
    """
    n, events = check_counts(counts)
    square = critical_z(confidence) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = events / n
        centre = (events + square / 2) / (n + square)
        reach = np.sqrt(square * (events * (1 - rate) + square / 4)) / (n + square)
    lower = np.where(events == 0, 0.0, np.minimum(centre - reach, rate))
    upper = np.where(events == n, 1.0, np.maximum(centre + reach, rate))
    is_empty = n == 0
    return Interval(rate, np.where(is_empty, np.nan, lower), np.where(is_empty, np.nan, upper))


def clopper_pearson_interval(counts: Counts, *, confidence: float = 0.95) -> Interval:
    """Return a proportion with the interval that inverts two exact binomial tests; of no units NaN.

    It covers at least what it promises, at the price of being wide: choose it where a regulator wants a guarantee.

    References:
        Clopper, Pearson (1934), The use of confidence or fiducial limits, Biometrika 26. doi:10.1093/biomet/26.4.404

    Example:
        >>> found = clopper_pearson_interval(Counts(10, 0))
        >>> float(found.lower), round(float(found.upper), 4)
        (0.0, 0.3085)
    """
    n, events = check_counts(counts)
    tail = (1 - check_fraction(confidence, "confidence")) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = events / n
        lower = np.where(events == 0, 0.0, special.betaincinv(events, n - events + 1, tail))
        upper = np.where(events == n, 1.0, special.betainccinv(events + 1, n - events, tail))
    return Interval(rate, np.where(n == 0, np.nan, lower), np.where(n == 0, np.nan, upper))


def pooled_z_test(control: Counts, treatment: Counts, *, alternative: Alternative = "two-sided") -> Significance:
    """Return the z test that two proportions are equal, with their common variance under that hypothesis.

    Null hypothesis: both arms have the same probability. z² is Pearson's chi-squared without correction. `greater`
    stands for a treatment above control. Assumes independent units, and some ten events and non-events per arm: with
    fewer it rejects too often, and Fisher's test is the choice. Two arms in which all or none have the event are equal
    (z = 0); an arm without units gives NaN.

    References:
        Agresti (2013), Categorical Data Analysis, 3rd ed., section 3.2.1. ISBN 978-0-470-46363-5

    Example:
        >>> found = pooled_z_test(Counts(11034, 189), Counts(11037, 104))
        >>> round(float(found.statistic), 3)
        -5.001
    """
    (n1, x1), (n2, x2) = check_counts(control, "control"), check_counts(treatment, "treatment")
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = (x1 + x2) / (n1 + n2)
        error = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
        difference = x2 / n2 - x1 / n1
        z = np.where(error == 0, 0.0 * difference, difference / error)
    return Significance(z, normal_p_value(z, alternative))


def newcombe_interval(control: Counts, treatment: Counts, *, confidence: float = 0.95) -> Interval:
    """Return the difference of two proportions, treatment minus control, with Newcombe's hybrid score interval.

    The distances from each rate to its own Wilson limits are squared and added (method 10 of the paper). It stays
    within -1 and 1 and needs no minimum of events. Assumes independent units. Beside a p-value of another test the two
    may disagree about the null hypothesis near the limit.

    Raises:
        InvalidInput: Impossible counts, or a confidence outside (0, 1).

    References:
        Newcombe (1998), Interval estimation for the difference between independent proportions: comparison of eleven
        methods, Statistics in Medicine 17.
        doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I

    Example:
        >>> found = newcombe_interval(Counts(80, 48), Counts(70, 56))
        >>> round(float(found.lower), 4), round(float(found.upper), 4)
        (0.0524, 0.3339)
    """
    one = wilson_interval(control, confidence=confidence)
    two = wilson_interval(treatment, confidence=confidence)
    difference = two.estimate - one.estimate
    return Interval(
        difference,
        np.maximum(difference - np.hypot(two.estimate - two.lower, one.upper - one.estimate), -1.0),
        np.minimum(difference + np.hypot(two.upper - two.estimate, one.estimate - one.lower), 1.0),
    )
