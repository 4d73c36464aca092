"""Arms compared within strata (site, instrument, lot) and added up over them: Cochran–Mantel–Haenszel and friends.

Strata lie along the last axis of every array, so that many metrics can be compared in one call. A stratum in which
one arm has no unit says nothing and is left out.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mlops.errors import InvalidInput
from mlops.stats.arguments import Alternative, Floats
from mlops.stats.arms import Counts, effective_size
from mlops.stats.inversion import limits
from mlops.stats.moments import Sample
from mlops.stats.proportions import check_counts
from mlops.stats.restricted_proportions import rates_at
from mlops.stats.results import Comparison, Interval, Significance
from mlops.stats.tails import critical_z, normal_p_value, wald_comparison

__all__ = [
    "cochran_mantel_haenszel_test",
    "mantel_haenszel_difference",
    "mantel_haenszel_ratio",
    "score_limits",
    "stratified_difference",
]


def cochran_mantel_haenszel_test(
    control: Counts, treatment: Counts, *, alternative: Alternative = "two-sided"
) -> Significance:
    """Return the test that treatment and event are independent within every stratum; z, whose square is chi-squared.

    Null hypothesis: in each stratum both arms have the same rate. Without continuity correction. Assumes independent
    units; strata may be tiny, even pairs. It looks for effects of one direction: where they are opposite between
    strata it finds nothing. NaN where no stratum says anything.

    References:
        Mantel, Haenszel (1959), Statistical aspects of the analysis of data from retrospective studies of disease,
        Journal of the National Cancer Institute 22. doi:10.1093/jnci/22.4.719

    Example:
        >>> found = cochran_mantel_haenszel_test(Counts([60, 40], [30, 10]), Counts([60, 40], [40, 16]))
        >>> round(float(found.p_value), 4)
        0.0198
    """
    n1, x1, n2, x2 = _tables(control, treatment)
    n, events = n1 + n2, x1 + x2
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = np.where(n > 1, x2 - n2 * events / n, 0.0).sum(axis=-1)
        variance = np.where(n > 1, n1 * n2 * events * (n - events) / (n**2 * (n - 1)), 0.0).sum(axis=-1)
        z = excess / np.sqrt(variance)
    return Significance(z, normal_p_value(z, alternative))


def mantel_haenszel_difference(
    control: Counts,
    treatment: Counts,
    *,
    variance: Literal["sato", "greenland-robins"] = "sato",
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Comparison:
    """Return the difference of rates common to all strata, treatment minus control, weighted as Mantel and Haenszel do.

    Null hypothesis of its p-value: the common difference is 0. Assumes independent units and a difference that is much
    the same in every stratum; otherwise it is a weighted mean that depends on the design. Sato's variance holds with
    a few large strata and with many small ones, that of Greenland and Robins with few and large ones.

    References:
        Greenland, Robins (1985), Estimation of a common effect parameter from sparse follow-up data, Biometrics 41.
        doi:10.2307/2530643
        Sato (1989), On the variance estimator for the Mantel–Haenszel risk difference, Biometrics 45(4), 1323-1324.

    Example:
        >>> found = mantel_haenszel_difference(Counts([60, 40], [30, 10]), Counts([60, 40], [40, 16]))
        >>> round(float(found.estimate), 4)
        0.16
    """
    if variance not in {"sato", "greenland-robins"}:
        raise InvalidInput(f"variance is {variance!r}; it must be 'sato' or 'greenland-robins'.")
    tables = _tables(control, treatment)
    n1, x1, n2, x2 = tables
    n = np.where(n1 + n2 > 0, n1 + n2, 1.0)
    weight = (n1 * n2 / n).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = ((x2 * n1 - x1 * n2) / n).sum(axis=-1) / weight
        spread = _sato(tables, n, estimate) if variance == "sato" else _greenland_robins(tables, n)
        error = np.sqrt(spread) / weight
    return wald_comparison(estimate, error, confidence=confidence, alternative=alternative)


def mantel_haenszel_ratio(control: Counts, treatment: Counts, *, confidence: float = 0.95) -> Interval:
    """Return the ratio of rates common to all strata, treatment to control, with limits on the log scale.

    Assumes independent units and a ratio that is much the same in every stratum. Limits are 0 and infinite where one
    arm has no event at all.

    References:
        Greenland, Robins (1985), Biometrics 41. doi:10.2307/2530643

    Example:
        >>> found = mantel_haenszel_ratio(Counts([60, 40], [30, 10]), Counts([60, 40], [40, 16]))
        >>> round(float(found.estimate), 4)
        1.4
    """
    n1, x1, n2, x2 = _tables(control, treatment)
    n = np.where(n1 + n2 > 0, n1 + n2, 1.0)
    above, below = (x2 * n1 / n).sum(axis=-1), (x1 * n2 / n).sum(axis=-1)
    spread = ((n1 * n2 * (x1 + x2) - x1 * x2 * n) / n**2).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = above / below
        factor = np.exp(critical_z(confidence) * np.sqrt(spread / (above * below)))
        lower, upper = ratio / factor, ratio * factor
    is_open = (above == 0) | (below == 0)
    measured = np.where((n1 * n2).sum(axis=-1) > 0, 0.0, np.nan)
    return Interval(ratio, np.where(is_open, 0.0, lower) + measured, np.where(is_open, np.inf, upper) + measured)


def stratified_difference(
    control: Sample,
    treatment: Sample,
    *,
    weights: Literal["inverse-variance", "size", "overlap"] = "inverse-variance",
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Comparison:
    """Return the difference of means, treatment minus control, within strata and averaged over them.

    Null hypothesis of its p-value: the average difference is 0. Inverse variances weigh best if the difference is the
    same everywhere; weights by size answer for the mixture of strata at hand (post-stratification) whatever they are;
    overlap weights n₁n₂ / (n₁ + n₂), those of Mantel and Haenszel, let a stratum in which one arm is small say little.
    Assumes independent values and some thirty per arm and stratum, as variances are taken for known: with few,
    inverse variances prefer strata that look quiet by chance. A stratum with fewer than two values in an arm, or
    under inverse variances with none at all, is left out.

    References:
        Cochran (1954), The combination of estimates from different experiments, Biometrics 10. doi:10.2307/3001666
        Miratrix, Sekhon, Yu (2013), Adjusting treatment effect estimates by post-stratification in randomized
        experiments, Journal of the Royal Statistical Society B 75. doi:10.1111/j.1467-9868.2012.01048.x
        Li, Morgan, Zaslavsky (2018), Balancing covariates via propensity score weighting, Journal of the American
        Statistical Association 113. doi:10.1080/01621459.2016.1260466

    Example:
        >>> from mlops.stats.moments import Summary
        >>> one, two = Summary([50, 80], [10.0, 20.0], [4.0, 9.0]), Summary([50, 80], [11.0, 20.5], [4.0, 9.0])
        >>> round(float(stratified_difference(one, two).estimate), 4)
        0.7922
    """
    if weights not in {"inverse-variance", "size", "overlap"}:
        raise InvalidInput(f"weights is {weights!r}; it must be 'inverse-variance', 'size' or 'overlap'.")
    n1, m1, v1 = (np.asarray(each, dtype=float) for each in (control.n, control.mean, control.variance))
    n2, m2, v2 = (np.asarray(each, dtype=float) for each in (treatment.n, treatment.mean, treatment.variance))
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = v1 / n1 + v2 / n2
        is_used = (n1 > 1) & (n2 > 1) & ((spread > 0) | (weights != "inverse-variance"))
        known = {"inverse-variance": 1 / spread, "size": n1 + n2, "overlap": effective_size(n1, n2)}
        weight = np.where(is_used, known[weights], 0.0)
        weight = weight / weight.sum(axis=-1, keepdims=True)
        estimate = np.where(is_used, weight * (m2 - m1), 0.0).sum(axis=-1)
        error = np.sqrt(np.where(is_used, weight**2 * spread, 0.0).sum(axis=-1))
    measured = np.where(is_used.any(axis=-1), 0.0, np.nan)
    return wald_comparison(estimate + measured, error + measured, confidence=confidence, alternative=alternative)


def score_limits(control: Counts, treatment: Counts, critical: ArrayLike) -> tuple[Floats, Floats]:
    """Return the least and the greatest common difference of rates that a score test does not reject.

    The estimate is that of Mantel and Haenszel; its standard error under each difference comes from the rates that fit
    every stratum best at that difference. At 0 that is Cochran's statistic. Assumes independent units.

    Args:
        control: Units and events, strata along the last axis.
        treatment: The same of the other arm.
        critical: How many standard errors are not rejected, one entry less deep than the counts; infinite ones give
            -1 and 1.

    References:
        Miettinen, Nurminen (1985), Comparative analysis of two rates, Statistics in Medicine 4, section on strata.
        doi:10.1002/sim.4780040211

    Example:
        >>> low, high = score_limits(Counts([60, 40], [30, 10]), Counts([60, 40], [40, 16]), 1.96)
        >>> round(float(low), 3), round(float(high), 3)
        (0.026, 0.289)
    """
    n1, x1, n2, x2 = _tables(control, treatment)
    weight = effective_size(n1, n2)
    total = np.maximum(weight.sum(axis=-1), np.finfo(float).tiny)
    sizes = np.maximum(n1, 1.0), np.maximum(n2, 1.0)
    estimate = (weight * (x2 / sizes[1] - x1 / sizes[0])).sum(axis=-1) / total
    is_open = np.isinf(critical) | (weight.sum(axis=-1) <= 0)
    width = np.where(is_open, 0.0, critical)
    ends = np.stack([np.full(estimate.shape, -1.0), np.full(estimate.shape, 1.0)])
    rates = rates_at(Counts(sizes[0], x1), Counts(sizes[1], x2))

    def excess(difference: Floats) -> Floats:
        rate1, rate2 = rates(difference[..., None])
        spread = weight**2 * (rate1 * (1 - rate1) / sizes[0] + rate2 * (1 - rate2) / sizes[1])
        return np.asarray(np.abs(difference - estimate) - width * np.sqrt(spread.sum(axis=-1)) / total)

    lower, upper = np.where(is_open, ends, limits(excess, np.stack([estimate, estimate]), ends))
    return lower, upper


def _tables(control: Counts, treatment: Counts) -> tuple[Floats, Floats, Floats, Floats]:
    """Return units and events of both arms, strata along the last axis, zero where an arm has no unit."""
    arrays = np.broadcast_arrays(*check_counts(control, "control"), *check_counts(treatment, "treatment"))
    is_used = (arrays[0] > 0) & (arrays[2] > 0)
    n1, x1, n2, x2 = (np.atleast_1d(np.where(is_used, each, 0.0)) for each in arrays)
    return n1, x1, n2, x2


def _sato(tables: tuple[Floats, Floats, Floats, Floats], n: Floats, estimate: Floats) -> Floats:
    n1, x1, n2, x2 = tables
    p = (n2**2 * x1 - n1**2 * x2 + n1 * n2 * (n1 - n2) / 2) / n**2
    q = (x2 * (n1 - x1) + x1 * (n2 - x2)) / (2 * n)
    return np.asarray(np.maximum(estimate * p.sum(axis=-1) + q.sum(axis=-1), 0.0))


def _greenland_robins(tables: tuple[Floats, Floats, Floats, Floats], n: Floats) -> Floats:
    n1, x1, n2, x2 = tables
    products = np.where(n1 * n2 > 0, n1 * n2, 1.0)
    terms = (x2 * (n2 - x2) * n1**3 + x1 * (n1 - x1) * n2**3) / (products * n**2)
    return np.asarray(terms.sum(axis=-1))
