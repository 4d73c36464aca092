"""Asymptotic confidence sequences: intervals of means and differences that hold at every look, however often one looks.

For means and proportions of many units per arm. Until a burn-in is over they say nothing (the whole line, p-value 1),
because the normal law is not there yet; for rare events, where it would take too long, use `e_process`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlops.errors import InvalidInput
from mlops.stats import normal_mixture
from mlops.stats.arguments import Alternative, Floats, check_alternative, check_positive
from mlops.stats.arms import Counts, effective_size
from mlops.stats.inversion import limits
from mlops.stats.moments import Sample
from mlops.stats.restricted_proportions import rates_at
from mlops.stats.stratified import score_limits

__all__ = [
    "AlwaysValid",
    "around",
    "difference_of_means",
    "difference_of_proportions",
    "p_value_of_proportions",
    "p_value_of_stratified_proportions",
    "rarest_cell",
    "stratified_difference_of_proportions",
]


class AlwaysValid(NamedTuple):
    """An estimate with an interval and a p-value that hold at every look at once.

    Bounds on a side that was not asked for are infinite (-1 and 1 for differences of proportions).
    """

    estimate: Floats
    lower: Floats
    upper: Floats
    p_value: Floats


def around(
    estimate: ArrayLike,
    standard_error: ArrayLike,
    fraction: ArrayLike,
    *,
    alpha: float = 0.05,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
) -> AlwaysValid:
    """Return the confidence sequence around any estimate that is asymptotically a mean.

    Null hypothesis: the true value is `null` (at most `null` against `greater`, at least against `less`).
    Assumes that the estimate is, at each look, close to an average of as many terms as were seen, with a consistent
    standard error: means, differences, covariate-adjusted and delta-method estimates. Misleads when the first looks
    have few terms (use a burn-in), with terms that depend on earlier results, and when the quantity drifts: the
    interval is about its average so far.

    Args:
        estimate: The estimate now, any shape.
        standard_error: Of the estimate; where it is not a number above 0 nothing is claimed.
        fraction: Information so far (1/standard error², or effective sample size) over that which the interval shall
            be narrowest at, such as half of the planned.
        alpha: One minus the confidence.
        null: The value under the null hypothesis.
        alternative: `greater` gives a lower bound, `less` an upper one.

    Returns:
        Estimate, bounds and p-value, of the shape that the arguments broadcast to.

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Time-uniform central limit theory and asymptotic
        confidence sequences, Annals of Statistics 52(6), theorem 2.2. doi:10.1214/24-AOS2408

    Example:
        >>> found = around(0.03, 0.008, 1.0)
        >>> round(float(found.lower), 4), round(float(found.upper), 4)
        (0.0057, 0.0543)
    """
    check_alternative(alternative)
    estimate, error = np.asarray(estimate, dtype=float), np.asarray(standard_error, dtype=float)
    known = (error > 0) & np.isfinite(error) & np.isfinite(estimate)
    error = np.where(known, error, np.inf)
    ratio = _ratio(np.asarray(fraction, dtype=float), alpha, alternative)
    margin = np.where(known, _critical(ratio, alpha, alternative), 1.0) * error
    centre = np.where(known, estimate, 0.0)
    lower = np.full(margin.shape, -np.inf) if alternative == "less" else centre - margin
    upper = np.full(margin.shape, np.inf) if alternative == "greater" else centre + margin
    return AlwaysValid(estimate + 0 * ratio, lower, upper, _p_value((centre - null) / error, ratio, alternative))


def _ratio(fraction: Floats, alpha: float, alternative: Alternative) -> Floats:
    return normal_mixture.ratio_at(fraction, alpha=alpha, sides=2 if alternative == "two-sided" else 1)


def _critical(ratio: Floats, alpha: float, alternative: Alternative) -> Floats:
    if alternative == "two-sided":
        return normal_mixture.critical_value(ratio, alpha)
    return normal_mixture.one_sided_critical_value(ratio, alpha)


def _p_value(z: Floats, ratio: Floats, alternative: Alternative) -> Floats:
    if alternative == "two-sided":
        return normal_mixture.p_value(z, ratio)
    return normal_mixture.one_sided_p_value(z if alternative == "greater" else -z, ratio)


def difference_of_means(
    control: Sample,
    treatment: Sample,
    *,
    target: float,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    burn_in: int = 50,
) -> AlwaysValid:
    """Return the confidence sequence of the mean of treatment minus the mean of control.

    Null hypothesis: the means are equal. Each arm has its own variance (Welch), so that arms of unequal size and
    spread are treated rightly. Assumes independent units, assigned at random. Misleads for heavy tails in a small arm.

    Args:
        control: Number, mean and variance of the values so far: `moments.Summary`, `moments.ExactMoments`, …
        treatment: The same of the other arm.
        target: `effective_size` of the arms at which the interval shall be narrowest.
        alpha: One minus the confidence.
        alternative: `greater` (treatment above control) gives a lower bound, `less` an upper one.
        burn_in: With fewer values in either arm nothing is claimed.

    Example:
        >>> from mlops.stats.moments import Summary
        >>> found = difference_of_means(Summary(500, 1.0, 1.0), Summary(500, 1.3, 1.0), target=250)
        >>> round(float(found.estimate), 2), bool(found.p_value < 0.01)
        (0.3, True)
    """
    sizes = [np.maximum(np.asarray(arm.n, dtype=float), 1) for arm in (control, treatment)]
    variance = sum(np.asarray(arm.variance) / size for arm, size in zip((control, treatment), sizes, strict=True))
    error = np.sqrt(np.where(np.minimum(*sizes) >= burn_in, variance, np.nan))
    estimate = np.subtract(treatment.mean, control.mean)
    fraction = effective_size(control.n, treatment.n) / check_positive(target, "target")
    return around(estimate, error, fraction, alpha=alpha, alternative=alternative)


def rarest_cell(control: Counts, treatment: Counts) -> Floats:
    """Return the expected count of the rarest cell of the two-by-two table when both arms have one rate.

    Example:
        >>> float(rarest_cell(Counts(900, 880), Counts(100, 99)))
        2.1
    """
    n1, n2 = np.asarray(control.n, dtype=float), np.asarray(treatment.n, dtype=float)
    events = np.add(control.events, treatment.events)
    return np.asarray(np.minimum(events, n1 + n2 - events) * np.minimum(n1, n2) / np.maximum(n1 + n2, 1))


def p_value_of_proportions(
    control: Counts,
    treatment: Counts,
    *,
    target: ArrayLike,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    least: float = 5.0,
) -> Floats:
    """Return the always-valid p-value of two proportions being equal, without the interval.

    The variance is pooled: that of the common rate. Arguments as in `difference_of_proportions`.

    Example:
        >>> p = p_value_of_proportions(Counts(5000, 4500), Counts(5000, 4650), target=2500)
        >>> bool(p < 0.001)
        True
    """
    check_alternative(alternative)
    estimate, error, size = _pooled(control, treatment, least)
    return _p_value(estimate / error, _ratio(size / _checked(target), alpha, alternative), alternative)


def difference_of_proportions(
    control: Counts,
    treatment: Counts,
    *,
    target: ArrayLike,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    least: float = 5.0,
) -> AlwaysValid:
    """Return the confidence sequence of the proportion of treatment minus that of control.

    Null hypothesis of the p-value: the proportions are equal; its variance is pooled. The interval is the set of
    differences that the same test does not reject, with the variance that each of them implies (a score interval), so
    that interval and p-value agree. Assumes independent units, assigned at random, and a rate that is the same for all
    units of an arm or varies in time alike for both. Misleads when events are rare in the smaller arm: until
    the rarest cell is expected to hold `least` units nothing is claimed.

    Args:
        control: Units and events so far.
        treatment: Units and events of the other arm.
        target: `effective_size` of the arms at which the interval shall be narrowest; half of that at the end is good.
        alpha: One minus the confidence.
        alternative: `greater` (treatment above control) gives a lower bound, `less` an upper one.
        least: Expected count of the rarest cell at which the burn-in ends.

    Returns:
        Estimate, bounds within [-1, 1] and p-value.

    References:
        Waudby-Smith et al. (2024), doi:10.1214/24-AOS2408; Miettinen, Nurminen (1985), doi:10.1002/sim.4780040211

    Example:
        >>> found = difference_of_proportions(Counts(5000, 4500), Counts(5000, 4650), target=2500)
        >>> round(float(found.lower), 3), round(float(found.upper), 3)
        (0.013, 0.047)
    """
    check_alternative(alternative)
    estimate, error, size = _pooled(control, treatment, least)
    ratio = _ratio(size / _checked(target), alpha, alternative)
    critical = np.where(np.isnan(error), np.inf, _critical(ratio, alpha, alternative))
    lower, upper = _score_interval(control, treatment, estimate, critical)
    lower = np.full(lower.shape, -1.0) if alternative == "less" else lower
    upper = np.full(upper.shape, 1.0) if alternative == "greater" else upper
    return AlwaysValid(estimate, lower, upper, _p_value(estimate / error, ratio, alternative))


def _checked(target: ArrayLike) -> Floats:
    targets = np.asarray(target, dtype=float)
    if not np.all((targets > 0) & (targets < np.inf)):
        raise InvalidInput(f"target is {target!r}; it must be a finite number above 0.")
    return targets


def _pooled(control: Counts, treatment: Counts, least: float) -> tuple[Floats, Floats, Floats]:
    """Return the difference, its standard error where both arms have one rate, and the effective size of both.

    The error is NaN until the burn-in ends.
    """
    size = effective_size(control.n, treatment.n)
    known = (rarest_cell(control, treatment) >= least) & (size > 0)
    pooled = control.plus(treatment).rate
    error = np.sqrt(np.where(known, pooled * (1 - pooled) / np.where(known, size, 1.0), np.nan))
    return treatment.rate - control.rate, error, size


def stratified_difference_of_proportions(
    control: Counts, treatment: Counts, *, target: ArrayLike, alpha: float = 0.05, least: float = 5.0
) -> AlwaysValid:
    """Return the confidence sequence of the difference of proportions common to all strata, treatment minus control.

    Strata lie along the last axis. Each counts with n₁n₂ / (n₁ + n₂), as with Mantel and Haenszel, so that a stratum
    which begins later, or in which arms have other shares, changes the estimate by what it knows. Of a single stratum
    it is `difference_of_proportions`. Assumes that units are assigned at random within strata; rates may differ between
    them, and may change in time within them, alike for both arms.

    Args:
        control: Units and events so far, by stratum.
        treatment: Units and events of the other arm.
        target: Sum over strata of `effective_size` at which the interval shall be narrowest.
        alpha: One minus the confidence.
        least: Expected count of the rarest cell, summed over strata, at which the burn-in ends.

    References:
        Waudby-Smith et al. (2024), doi:10.1214/24-AOS2408; Cochran (1954), doi:10.2307/3001666

    Example:
        >>> found = stratified_difference_of_proportions(
        ...     Counts([5000, 900], [4500, 450]), Counts([5000, 100], [4650, 53]), target=2500)
        >>> round(float(found.lower), 3), round(float(found.upper), 3)
        (0.013, 0.047)
    """
    estimate, error = _within_strata(control, treatment, least)
    ratio = _ratio(_information(control, treatment) / np.asarray(target, dtype=float), alpha, "two-sided")
    critical = np.where(np.isnan(error), np.inf, _critical(ratio, alpha, "two-sided"))
    p = _p_value(estimate / error, ratio, "two-sided")
    return AlwaysValid(estimate, *score_limits(control, treatment, critical), p)


def p_value_of_stratified_proportions(
    control: Counts, treatment: Counts, *, target: ArrayLike, alpha: float = 0.05, least: float = 5.0
) -> Floats:
    """Return the p-value of `stratified_difference_of_proportions`, with the same arguments, without the interval.

    Example:
        >>> p = p_value_of_stratified_proportions(
        ...     Counts([5000, 900], [4500, 450]), Counts([5000, 100], [4650, 53]), target=2500)
        >>> bool(p < 0.001)
        True
    """
    estimate, error = _within_strata(control, treatment, least)
    ratio = _ratio(_information(control, treatment) / np.asarray(target, dtype=float), alpha, "two-sided")
    return _p_value(estimate / error, ratio, "two-sided")


def _information(control: Counts, treatment: Counts) -> Floats:
    return np.asarray(effective_size(control.n, treatment.n).sum(axis=-1))


def _within_strata(control: Counts, treatment: Counts, least: float) -> tuple[Floats, Floats]:
    """Return the Mantel–Haenszel difference, and its standard error where both arms have one rate in each stratum.

    The error is NaN until the burn-in ends.
    """
    weight = effective_size(control.n, treatment.n)
    total, pooled = weight.sum(axis=-1), np.nan_to_num(control.plus(treatment).rate)
    known = (np.where(weight > 0, rarest_cell(control, treatment), 0.0).sum(axis=-1) >= least) & (total > 0)
    size = np.where(total > 0, total, 1.0)
    rates = np.nan_to_num(treatment.rate) - np.nan_to_num(control.rate)
    estimate = np.where(total > 0, (weight * rates).sum(axis=-1) / size, np.nan)
    return estimate, np.sqrt(np.where(known, (weight * pooled * (1 - pooled)).sum(axis=-1), np.nan)) / size


def _score_interval(control: Counts, treatment: Counts, difference: Floats, critical: Floats) -> tuple[Floats, Floats]:
    """Return the least and greatest difference whose score is within `critical`, around the one that was observed."""
    estimate = np.nan_to_num(difference)
    ends = np.stack([np.full(estimate.shape, -1.0), np.full(estimate.shape, 1.0)])
    width = np.where(np.isinf(critical), 0.0, critical)

    error = _standard_error(control, treatment)

    def excess(difference: Floats) -> Floats:
        return np.abs(difference - estimate) - width * error(difference)

    bounds = np.where(np.isinf(critical), ends, limits(excess, np.stack([estimate, estimate]), ends))
    return bounds[0], bounds[1]


def _standard_error(control: Counts, treatment: Counts) -> Callable[[Floats], Floats]:
    """Return what gives the standard error of the observed difference when the true one is given; 0 for empty arms."""
    n1, n2 = (np.maximum(np.asarray(arm.n, dtype=float), 1) for arm in (control, treatment))
    rates = rates_at(Counts(n1, control.events), Counts(n2, treatment.events))

    def error(difference: Floats) -> Floats:
        rate1, rate2 = rates(difference)
        return np.asarray(np.sqrt(rate1 * (1 - rate1) / n1 + rate2 * (1 - rate2) / n2))

    return error
