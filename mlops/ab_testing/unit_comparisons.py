"""Comparisons whose unit is not the single value: clusters, strata, covariates, shadow pairs; and of quantiles.

One metric a call, all its treatments at once; the answer has one row, of single strata one for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from mlops.ab_testing.compared import Compared, Levels, compare_means, from_estimates, masked
from mlops.ab_testing.evidence import PairMoments
from mlops.stats import bernoulli_mixture, clustered, confidence_sequences, means, paired, stratified
from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts, effective_size
from mlops.stats.cuped import adjust_by_covariate
from mlops.stats.moments import Summary
from mlops.stats.proportions import clopper_pearson_interval
from mlops.stats.results import Comparison, Interval
from mlops.stats.tails import critical_z, wald_comparison

__all__ = [
    "compare_adjusted",
    "compare_adjusted_within",
    "compare_clusters",
    "compare_clusters_within",
    "compare_each_stratum",
    "compare_pairs",
    "compare_strata",
    "strata_of",
]

_EXACT_BELOW = 25  # differing pairs, for McNemar's exact test
_DIFFERING = 0.1
"""Share of pairs that is expected to differ. It decides about power only: tuned to all pairs, models that differ on 3 %
of the requests are told apart in 56 % of the tests instead of 80 %."""


def compare_clusters(units: PairMoments, levels: Levels) -> Compared:
    """Return means per interaction compared by the delta method; of ratios of two metrics likewise.

    Args:
        units: By variant, see `MetricEvidence.clusters`.
        levels: Confidence, and where the sequences are narrowest, in units.
    """
    control, treatment = units.arm(slice(0, 1)), units.arm(slice(1, None))
    found = clustered.clustered_difference(control, treatment, confidence=levels.confidence)
    one, two = (clustered.clustered_mean(arm, confidence=levels.confidence) for arm in (control, treatment))
    ratio = _ratio((one.estimate, one.standard_error), (two.estimate, two.standard_error), levels)
    return from_estimates(_row(found), ratio, np.atleast_2d(units.n), levels)


def compare_clusters_within(units: PairMoments, levels: Levels) -> Compared:
    """Return means per interaction compared by the delta method within phases, and added up.

    Sequences claim nothing before each arm has units enough that carry the estimate, however many more it has in
    phases that weigh nothing.

    Args:
        units: By variant and phase, see `MetricEvidence.clusters_by_phase`.
        levels: Confidence, and where the sequences are narrowest, in units.
    """
    pairs = PairMoments(*(np.stack(np.broadcast_arrays(part[:1], part[1:])) for part in units))
    mixed = clustered.clustered_means_in_one_mixture(pairs)
    (one, two), (error1, error2) = mixed.mean, mixed.standard_error
    found = wald_comparison(two - one, np.hypot(error1, error2), confidence=levels.confidence)
    smallest = np.nan_to_num(mixed.units.min(axis=0))
    sizes = np.array([[smallest.max(initial=0.0), *smallest]])
    information = np.atleast_2d(effective_size(*np.nan_to_num(mixed.units)))
    ratio = _ratio((one, error1), (two, error2), levels)
    return from_estimates(_row(found), ratio, sizes, levels, information=information)


def _ratio(control: tuple[Floats, Floats], treatment: tuple[Floats, Floats], levels: Levels) -> Interval:
    """Return the ratio of two means with their errors; one unit with that variance stands for an arm."""
    with np.errstate(all="ignore"):
        arms = [Summary(np.full(mean.shape, 2.0), mean, 2 * error**2) for mean, error in (control, treatment)]
        return _interval(means.delta_ratio(*arms, confidence=levels.confidence))


def _row(found: Comparison) -> Comparison:
    return Comparison(*(np.atleast_2d(part) for part in found))


def _interval(found: Comparison) -> Interval:
    return Interval(*(np.atleast_2d(part) for part in found[:3]))


def compare_strata(
    strata: Mapping[str, Summary], levels: Levels, *, are_rates: bool, is_complement: bool, are_phases: bool = False
) -> Compared:
    """Return arms compared within strata and added up: rates as Mantel and Haenszel do, with limits from scores.

    Means are weighted by the size of strata; of phases, in which arms have other shares, by what each knows.

    Args:
        strata: See `MetricEvidence.strata`.
        levels: Confidence, and where the sequences are narrowest.
        are_rates: Whether values are 0 and 1.
        is_complement: Whether one minus the values is meant.
        are_phases: Whether strata are those of phases.
    """
    values = strata_of(strata, is_complement=is_complement)
    if are_rates:
        return _stratified_rates(values, levels)
    return _stratified_means(values, levels, "overlap" if are_phases else "size")


def compare_each_stratum(values: Summary, levels: Levels, *, are_rates: bool) -> Compared:
    """Return arms compared in each stratum alone, within its phases and added up where there are several.

    Args:
        values: Numbers, means and variances by stratum, variant and phase.
        levels: Confidence, and where the sequences are narrowest.
        are_rates: Whether values are 0 and 1.
    """
    if are_rates:
        return _stratified_rates(values, levels)
    if np.shape(values.n)[-1] == 1:  # Welch's test knows what few values are worth
        return compare_means(Summary(*(np.asarray(part)[..., 0] for part in values)), levels)
    return _stratified_means(values, levels, "overlap")


def strata_of(strata: Mapping[str, Summary], *, is_complement: bool) -> Summary:
    """Return numbers, means and variances by variant and stratum."""
    n, mean, variance = np.array([list(part) for part in strata.values()], dtype=float).transpose(1, 2, 0)
    return Summary(n, 1 - mean if is_complement else mean, variance)


def _arms(values: Summary) -> tuple[Summary, Summary]:
    """Return control and the treatments, of values whose last axes are those of variants and strata."""
    return (
        Summary(*(np.asarray(part)[..., :1, :] for part in values)),
        Summary(*(np.asarray(part)[..., 1:, :] for part in values)),
    )


def _sizes(values: Summary) -> tuple[Floats, Floats]:
    """Return the sizes of variants, and the effective sizes of treatments beside control, over all strata."""
    sizes, information = np.asarray(values.n), effective_size(*(np.asarray(arm.n) for arm in _arms(values)))
    return np.atleast_2d(sizes.sum(axis=-1)), np.atleast_2d(information.sum(axis=-1))


def _stratified_rates(values: Summary, levels: Levels) -> Compared:
    sizes, information = _sizes(values)
    control, treatment = (Counts(arm.n, _events(arm)) for arm in _arms(values))
    found = stratified.mantel_haenszel_difference(control, treatment, confidence=levels.confidence)
    p_value = stratified.cochran_mantel_haenszel_test(control, treatment).p_value
    limits = stratified.score_limits(control, treatment, np.full(found.estimate.shape, critical_z(levels.confidence)))
    ratio = stratified.mantel_haenszel_ratio(control, treatment, confidence=levels.confidence)
    always = confidence_sequences.stratified_difference_of_proportions(
        control, treatment, target=levels.targets, alpha=levels.alpha
    )
    parts = (found.estimate, *limits, p_value, found.standard_error, *always[1:], *ratio, information)
    return masked(Compared(*(np.atleast_2d(part) for part in parts)), sizes)


def _events(arm: Summary) -> Floats:
    n = np.asarray(arm.n)
    return np.asarray(np.rint(np.where(n > 0, n * np.asarray(arm.mean), 0.0)))


def _stratified_means(values: Summary, levels: Levels, weights: Literal["size", "overlap"]) -> Compared:
    sizes, information = _sizes(values)
    found = stratified.stratified_difference(*_arms(values), weights=weights, confidence=levels.confidence)
    ratio = 1 + found.estimate / _control_mean(values, weights)
    unknown = np.full((2, *ratio.shape), np.nan)
    return from_estimates(_row(found), _rows(Interval(ratio, *unknown)), sizes, levels, information=information)


def _control_mean(values: Summary, weights: Literal["size", "overlap"]) -> Floats:
    """Return for each treatment the mean of control in the mixture of strata that the difference is about."""
    control, treatment = _arms(values)
    n1, n2 = np.asarray(control.n), np.asarray(treatment.n)
    weight = np.where((n1 > 1) & (n2 > 1), effective_size(n1, n2) if weights == "overlap" else n1 + n2, 0.0)
    total, weighted = weight.sum(axis=-1), (weight * np.nan_to_num(np.asarray(control.mean))).sum(axis=-1)
    mean = np.where(total > 0, weighted / np.where(total > 0, total, 1.0), np.nan)
    return np.where(mean != 0, mean, np.nan)


def compare_adjusted(units: PairMoments, levels: Levels) -> Compared:
    """Return means compared after CUPED; where no unit has a past it changes nothing."""
    arms = adjust_by_covariate([units.arm(index) for index in range(len(units.n))]).arms
    n, mean, variance = (np.array([arm[i] for arm in arms], dtype=float)[None] for i in range(3))
    control, treatment = (
        Summary(n[:, :1], mean[:, :1], variance[:, :1]),
        Summary(n[:, 1:], mean[:, 1:], variance[:, 1:]),
    )
    found = means.welch_test(control, treatment, confidence=levels.confidence)
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = means.delta_ratio(control, treatment, confidence=levels.confidence)
    return from_estimates(found, _interval(ratio), n, levels)


def compare_adjusted_within(units: PairMoments, levels: Levels) -> Compared:
    """Return means compared after CUPED within phases, and added up; the slope is one for all arms and phases.

    Args:
        units: By variant and phase, see `MetricEvidence.covariate_by_phase`.
        levels: Confidence, and where the sequences are narrowest.
    """
    shape = np.shape(units.n)
    arms = adjust_by_covariate([units.arm(place) for place in np.ndindex(shape)]).arms
    values = Summary(*(np.array(part, dtype=float).reshape(shape) for part in zip(*arms, strict=True)))
    return _stratified_means(values, levels, "overlap")


def compare_pairs(pairs: PairMoments, levels: Levels, *, are_rates: bool, is_complement: bool) -> Compared:
    """Return treatments compared on the same requests: the paired t test, or McNemar's with Newcombe's paired interval.

    Args:
        pairs: By treatment, see `MetricEvidence.pairs`.
        levels: Confidence, and where the sequences are narrowest.
        are_rates: Whether values are 0 and 1.
        is_complement: Whether one minus the values is meant.
    """
    if is_complement:
        pairs = pairs._replace(mean_x=1 - pairs.mean_x, mean_y=1 - pairs.mean_y)
    spread = np.maximum(pairs.variance_x + pairs.variance_y - 2 * pairs.covariance, 0.0)
    differences = Summary(pairs.n, pairs.mean_y - pairs.mean_x, spread)
    found = paired.paired_t_test(differences, confidence=levels.confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = np.where(pairs.mean_x != 0, pairs.mean_y / pairs.mean_x, np.nan)
    ratio = Interval(estimate, *np.full((2, *estimate.shape), np.nan))
    if not are_rates:
        return from_estimates(_row(found), _rows(ratio), np.atleast_2d(pairs.n), levels, pairs=True)
    table = _table(pairs)
    lower, upper = _paired_limits(table, levels.confidence)
    found = found._replace(lower=lower, upper=upper, p_value=_mcnemar(table, pairs.n))
    answer = from_estimates(_row(found), _rows(ratio), np.atleast_2d(pairs.n), levels, pairs=True)
    return answer._replace(always_p=np.where(np.isnan(answer.always_p), np.nan, _exact_p(table, levels)))


def _rows(ratio: Interval) -> Interval:
    return Interval(*(np.atleast_2d(part) for part in ratio))


def _table(pairs: PairMoments) -> paired.PairedCounts:
    """Return the two-by-two table of pairs of 0 and 1."""
    n = np.asarray(pairs.n, dtype=float)
    x, y = (np.where(n > 0, mean, 0.0) for mean in (pairs.mean_x, pairs.mean_y))
    both = np.rint(np.where(n > 1, pairs.covariance, 0.0) * (n - 1) + n * x * y)
    both = np.clip(both, np.maximum(np.rint(n * x) + np.rint(n * y) - n, 0), np.minimum(np.rint(n * x), np.rint(n * y)))
    first, second = np.rint(n * x) - both, np.rint(n * y) - both
    return paired.PairedCounts(both, first, second, n - both - first - second)


def _paired_limits(table: paired.PairedCounts, confidence: float) -> tuple[Floats, Floats]:
    """Return Newcombe's limits; where the test is exact not within those of the exact share of differing pairs."""
    limits = paired.paired_difference_interval(table, confidence=confidence)
    differing = np.add(table.control_only, table.treatment_only)
    share = clopper_pearson_interval(Counts(differing, table.treatment_only), confidence=confidence)
    pairs = np.maximum(differing + np.asarray(table.both) + np.asarray(table.neither), 1.0)
    lower, upper = ((2 * limit - 1) * differing / pairs for limit in (share.lower, share.upper))
    is_exact = (differing > 0) & (differing < _EXACT_BELOW)
    return (
        np.where(is_exact, np.minimum(limits.lower, lower), limits.lower),
        np.where(is_exact, np.maximum(limits.upper, upper), limits.upper),
    )


def _mcnemar(table: paired.PairedCounts, n: Floats) -> Floats:
    differing = np.add(table.control_only, table.treatment_only)
    exact = paired.mcnemar_exact_test(table).p_value
    p_value = np.where(differing < _EXACT_BELOW, exact, paired.mcnemar_test(table).p_value)
    return np.where(np.asarray(n) > 0, p_value, np.nan)


def _exact_p(table: paired.PairedCounts, levels: Levels) -> Floats:
    """Return the always-valid p-value of differing pairs falling to either side alike; exact for any number."""
    differing = np.add(table.control_only, table.treatment_only)
    tuned = _DIFFERING * 2 * float(np.max(levels.targets))  # of so many pairs
    strength = bernoulli_mixture.prior_strength(tuned, alpha=levels.alpha)
    log_e = bernoulli_mixture.log_e_value(Counts(differing, table.treatment_only), 0.5, strength)
    return np.exp(-np.maximum(log_e, 0.0))
