"""Two treatments of the same units, as a shadow sees them: McNemar's test, paired proportions, the paired t test."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlops.errors import InvalidInput
from mlops.stats.arguments import Alternative, Floats, check_alternative
from mlops.stats.arms import Counts
from mlops.stats.means import mean_test
from mlops.stats.moments import Sample
from mlops.stats.proportions import wilson_interval
from mlops.stats.results import Comparison, Interval, Significance
from mlops.stats.tails import binomial_cdf, binomial_sf, normal_p_value

__all__ = ["PairedCounts", "mcnemar_exact_test", "mcnemar_test", "paired_difference_interval", "paired_t_test"]


class PairedCounts(NamedTuple):
    """How often the event happened under both treatments, under one of them only, and under neither."""

    both: ArrayLike
    control_only: ArrayLike
    treatment_only: ArrayLike
    neither: ArrayLike


def mcnemar_test(pairs: PairedCounts, *, alternative: Alternative = "two-sided") -> Significance:
    """Return McNemar's asymptotic test, without continuity correction; the statistic is z, and z² the chi-squared.

    Null hypothesis: the event is equally likely under both treatments. Only units on which they differ count; of
    none z is 0. Assumes independent units; with fewer than some ten differing units take `mcnemar_exact_test`.

    Args:
        pairs: Numbers of units.
        alternative: `greater` stands for more events under treatment.

    Raises:
        InvalidInput: A number is negative or not finite.

    References:
        McNemar (1947), Note on the sampling error of the difference between correlated proportions or percentages,
        Psychometrika 12. doi:10.1007/BF02295996

    Example:
        >>> found = mcnemar_test(PairedCounts(794, 150, 86, 570))
        >>> round(float(found.statistic) ** 2, 2)
        17.36
    """
    table = _check(pairs)
    differing = table[1] + table[2]
    z = (table[2] - table[1]) / np.sqrt(np.where(differing > 0, differing, 1.0))
    return Significance(z, normal_p_value(z, alternative))


def mcnemar_exact_test(pairs: PairedCounts, *, alternative: Alternative = "two-sided") -> Significance:
    """Return McNemar's exact test; the statistic is the number of units with the event under treatment only.

    Null hypothesis: of units on which the treatments differ, each is equally likely to have the event. The p-value
    is binomial, two-sided twice the smaller tail. Never rejects too often, with few differing units far too seldom.

    Raises:
        InvalidInput: A number is negative or not finite.

    References:
        Agresti (2013), Categorical Data Analysis, 3rd ed., section 11.1.2. ISBN 978-0-470-46363-5

    Example:
        >>> round(float(mcnemar_exact_test(PairedCounts(1, 1, 7, 12)).p_value), 4)
        0.0703
    """
    check_alternative(alternative)
    table = _check(pairs)
    k, n = table[2], table[1] + table[2]
    less, greater = binomial_cdf(k, n, 0.5), binomial_sf(k - 1, n, 0.5)
    two_sided = np.minimum(1.0, 2 * np.minimum(less, greater))
    return Significance(k, {"two-sided": two_sided, "greater": greater, "less": less}[alternative])


def paired_difference_interval(pairs: PairedCounts, *, confidence: float = 0.95) -> Interval:
    """Return the rate under treatment minus the rate under control, with Newcombe's limits for paired units.

    Wilson's limits of both rates are combined by squares, less what their correlation explains (method 10 of the
    paper). Assumes independent units. NaN of none.

    Raises:
        InvalidInput: Impossible numbers, or a confidence outside (0, 1).

    References:
        Newcombe (1998), Improved confidence intervals for the difference between binomial proportions based on
        paired data, Statistics in Medicine 17.
        doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C

    Example:
        >>> found = paired_difference_interval(PairedCounts(59, 16, 6, 80))
        >>> round(float(found.lower), 4), round(float(found.upper), 4)
        (-0.1186, -0.0046)
    """
    both, control_only, treatment_only, neither = _check(pairs)
    n = both + control_only + treatment_only + neither
    one = wilson_interval(Counts(n, both + control_only), confidence=confidence)
    two = wilson_interval(Counts(n, both + treatment_only), confidence=confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = (treatment_only - control_only) / n
    phi = _correlation(both, control_only, treatment_only, neither)
    below = _distance(two.estimate - two.lower, one.upper - one.estimate, phi)
    above = _distance(two.upper - two.estimate, one.estimate - one.lower, phi)
    return Interval(difference, np.maximum(difference - below, -1.0), np.minimum(difference + above, 1.0))


def paired_t_test(
    differences: Sample, *, confidence: float = 0.95, alternative: Alternative = "two-sided"
) -> Comparison:
    """Return the t test that the mean difference within units, treatment minus control, is 0, and its interval.

    Null hypothesis: the mean of the differences is 0. Assumes independent units and a mean difference close to normal.

    Args:
        differences: Moments of one difference per unit, see `ExactPairMoments.differences`.
        confidence: Of the two-sided interval.
        alternative: `greater` stands for more under treatment.

    References:
        Student (1908), The probable error of a mean, Biometrika 6. doi:10.1093/biomet/6.1.1

    Example:
        >>> from mlops.stats.moments import ExactMoments
        >>> sleep = ExactMoments.of([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
        >>> round(float(paired_t_test(sleep).statistic), 4)
        4.0621
    """
    return mean_test(differences, confidence=confidence, alternative=alternative)


def _check(pairs: PairedCounts) -> Floats:
    table = np.stack(np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in pairs)))
    if not np.isfinite(table).all() or np.any(table < 0):
        raise InvalidInput(f"{pairs} cannot be; numbers of pairs are finite and 0 or more.")
    return table


def _correlation(both: Floats, control_only: Floats, treatment_only: Floats, neither: Floats) -> Floats:
    """Return phi, which the paper corrects for continuity where it is positive and sets to 0 where it has none."""
    n = both + control_only + treatment_only + neither
    above = both * neither - control_only * treatment_only
    above = np.where(above > 0, np.maximum(above - n / 2, 0.0), above)
    margins = (both + control_only) * (treatment_only + neither) * (both + treatment_only) * (control_only + neither)
    return np.asarray(above / np.sqrt(np.where(margins > 0, margins, np.inf)))


def _distance(one: Floats, other: Floats, phi: Floats) -> Floats:
    return np.sqrt(np.maximum(one**2 - 2 * phi * one * other + other**2, 0.0))
