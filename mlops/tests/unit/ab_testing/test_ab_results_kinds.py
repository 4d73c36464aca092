"""Clusters, strata, covariates, pairs, quantiles, scores and arrival order reach the formulas that they need."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from mlops.ab_testing.blocks import planned_block_of
from mlops.ab_testing.entities import Verdict
from mlops.ab_testing.evidence import MetricEvidence
from mlops.ab_testing.method import choose
from mlops.ab_testing.results import summarise
from mlops.stats import clustered, e_process, means, paired, quantiles, stratified
from mlops.stats.arms import Counts
from mlops.stats.cuped import adjust_by_covariate
from mlops.stats.moments import Summary
from mlops.tests.fixtures.ab_evidence import NOW, blocked, design, gathered, pair_moments, rates, values


def compared(config, metrics, **more):
    """Return the primary comparison of the first treatment."""
    results = summarise(config, choose(config), gathered(config, metrics, **more), now=NOW)
    return results["treatment_1"].comparison


def _clusters(seed, lift=0.0):
    """Return per unit how many of 20 values are 1, where units differ from each other."""
    rng = np.random.default_rng(seed)
    chances = np.clip(rng.beta(4.5, 4.5, 400) + lift, 0, 1)
    return [(20.0, float(rng.binomial(20, chance))) for chance in chances]


def test_clusters_are_compared_by_the_delta_method():
    """Units, not interactions, are independent; the interval is wider than that of interactions."""
    arms = [_clusters(1), _clusters(2, 0.1)]
    moments = pair_moments(arms)
    evidence = rates([8000, 8000], [sum(y for _, y in arm) for arm in arms], clusters=moments)
    got = compared(design(cluster=True), {"accuracy": evidence})
    expected = clustered.clustered_difference(moments.arm(0), moments.arm(1))
    plain = compared(design(), {"accuracy": evidence})
    assert (got.difference, got.p_value) == pytest.approx((float(expected.estimate), float(expected.p_value)))
    assert got.upper - got.lower > 1.5 * (plain.upper - plain.lower)


def test_failures_of_clusters_are_their_mirror():
    """The error rate is the success rate upside down, limits included."""
    moments = pair_moments([_clusters(1), _clusters(2, 0.1)])
    evidence = {"success": rates([8000, 8000], [4000, 4800], clusters=moments)}
    errors = compared(design(cluster=True, primary_metric="error_rate"), evidence)
    success = compared(design(cluster=True, primary_metric="success_rate"), evidence)
    assert (errors.difference, errors.lower) == pytest.approx((-success.difference, -success.upper))
    assert errors.verdict == success.verdict


def test_strata_are_compared_within():
    """A mixture that differs between arms (Simpson's paradox) does not mislead."""
    strata = {"big": rates([900, 100], [720, 75]).values, "small": rates([100, 900], [30, 225]).values}
    evidence = rates([1000, 1000], [750, 300], strata=strata)
    got = compared(design(strata=["site"]), {"accuracy": evidence})
    counts = Counts([900, 100], [720, 30]), Counts([100, 900], [75, 225])
    expected = stratified.mantel_haenszel_difference(*counts)
    assert got.difference == pytest.approx(float(expected.estimate))
    assert got.difference == pytest.approx(-0.05)
    assert got.p_value == pytest.approx(float(stratified.cochran_mantel_haenszel_test(*counts).p_value))


def test_means_within_strata_are_weighted_by_size():
    """The mixture at hand is answered for."""
    strata = {"a": Summary([50, 50], [10.0, 11.0], [4.0, 4.0]), "b": Summary([150, 150], [20.0, 22.0], [9.0, 9.0])}
    strata = {name: Summary(*(np.array(part) for part in each)) for name, each in strata.items()}
    evidence = replace(values([[1.0, 2.0], [2.0, 3.0]]), strata=strata)
    got = compared(design(strata=["site"], primary_metric="value"), {"value": evidence})
    assert got.difference == pytest.approx((100 * 1 + 300 * 2) / 400)


def test_covariates_take_noise_out():
    """CUPED's estimate is that of the formula, and its interval is shorter."""
    rng = np.random.default_rng(5)
    before = rng.normal(10, 3, (2, 500))
    now = before + rng.normal(0, 1, (2, 500)) + [[0.0], [0.3]]
    moments = pair_moments([list(zip(b, n, strict=True)) for b, n in zip(before, now, strict=True)])
    evidence = {"value": values(now, covariate=moments)}
    got = compared(design(cuped="before", primary_metric="value"), evidence)
    arms = adjust_by_covariate([moments.arm(0), moments.arm(1)]).arms
    plain = compared(design(primary_metric="value"), evidence)
    assert got.difference == pytest.approx(float(means.welch_test(*arms).estimate))
    assert got.upper - got.lower < 0.5 * (plain.upper - plain.lower)


def _pairs(both, first, second, neither):
    return [(1.0, 1.0)] * both + [(1.0, 0.0)] * first + [(0.0, 1.0)] * second + [(0.0, 0.0)] * neither


@pytest.mark.parametrize("table", [(794, 86, 150, 570), (50, 2, 8, 40)])
def test_shadows_are_compared_pair_by_pair(table):
    """McNemar's test of the pairs, exact where few differ, with the interval of paired rates."""
    pairs = pair_moments([_pairs(*table)])
    n = sum(table)
    evidence = rates([n, n], [table[0] + table[1], table[0] + table[2]], pairs=pairs)
    got = compared(design(test_type="shadow"), {"accuracy": evidence})
    counts = paired.PairedCounts(*table)
    test = paired.mcnemar_exact_test if table[1] + table[2] < 25 else paired.mcnemar_test
    limits = paired.paired_difference_interval(counts)
    assert got.p_value == pytest.approx(float(test(counts).p_value))
    assert got.difference == pytest.approx(float(limits.estimate))
    if table[1] + table[2] >= 25:
        assert got.lower == pytest.approx(float(limits.lower))
    assert got.always_valid_p_value >= got.p_value


@pytest.mark.parametrize("differing", [(0, 5), (0, 6), (1, 9), (3, 8), (8, 3), (0, 12), (5, 19)])
def test_limits_of_few_differing_pairs_agree_with_the_exact_test(differing):
    """They leave 0 out only where the test finds a difference, and are never inside those of Newcombe."""
    table = (20, *differing, 15)
    n = sum(table)
    evidence = rates([n, n], [table[0] + table[1], table[0] + table[2]], pairs=pair_moments([_pairs(*table)]))
    got = compared(design(test_type="shadow"), {"accuracy": evidence})
    limits = paired.paired_difference_interval(paired.PairedCounts(*table))
    assert got.p_value <= 0.05 or got.lower <= 0 <= got.upper
    assert got.lower <= float(limits.lower) + 1e-12
    assert got.upper >= float(limits.upper) - 1e-12


def test_numbers_of_shadows_are_compared_by_paired_differences():
    """What both answers share drops out."""
    rng = np.random.default_rng(8)
    base = rng.normal(0, 5, 300)
    arms = [base, base + rng.normal(0.2, 0.5, 300)]
    pairs = pair_moments([list(zip(*arms, strict=True))])
    evidence = {"value": values(arms, pairs=pairs)}
    got = compared(design(test_type="shadow", primary_metric="value"), evidence)
    assert got.difference == pytest.approx(float((arms[1] - arms[0]).mean()))
    assert got.verdict is Verdict.BETTER


def test_quantiles_are_compared_from_sketches():
    """The difference of p95 is that of the sketches; more latency is worse."""
    rng = np.random.default_rng(3)
    arms = [100 * np.exp(0.5 * rng.standard_normal(5000)), 140 * np.exp(0.5 * rng.standard_normal(5000))]
    evidence = values(arms)
    got = compared(design(primary_metric="p95_latency_ms"), {"latency_ms": evidence})
    expected = quantiles.quantile_difference(*evidence.sketches, 0.95)
    assert (got.difference, got.p_value) == pytest.approx((float(expected.estimate), float(expected.p_value)))
    assert got.always_valid_lower < got.difference < got.always_valid_upper
    assert got.verdict is Verdict.WORSE


def test_the_quantile_that_a_design_asks_for_is_told():
    """Beside the usual ones, of every variant; the difference is that of these values."""
    config = design(primary_metric="dose", metrics={"dose": {"kind": "quantile", "quantile": 0.9, "direction": "max"}})
    evidence = {"dose": values([np.arange(1.0, 301.0), np.arange(11.0, 311.0)])}
    results = summarise(config, choose(config), gathered(config, evidence), now=NOW)
    told = [result.metrics["dose"].quantiles["p90"] for result in results.values()]
    assert told == pytest.approx([270, 280], rel=0.01)
    assert results["treatment_1"].comparison.difference == pytest.approx(told[1] - told[0])


def test_f1_has_an_interval():
    """As a ratio of sums over interactions, F1 is compared by the delta method."""
    tables = [
        {("1", "1"): 400.0 + lift, ("0", "1"): 100.0, ("1", "0"): 100.0 - lift, ("0", "0"): 400.0} for lift in (0, 60)
    ]
    config = design(primary_metric="f1_score", positive_label=1)
    got = compared(config, {"accuracy": rates([1000, 1000], [800, 860])}, confusion=tuple(tables))
    assert got.difference == pytest.approx(2 * 460 / (560 + 500) - 0.8)
    assert got.lower < got.difference < got.upper


def _stream(rates_of, share, length, seed=4):
    rng = np.random.default_rng(seed)
    variants = (rng.random(length) < share).astype(int)
    return variants, (rng.random(length) < np.array(rates_of)[variants]).astype(int)


def test_rare_events_are_compared_by_the_e_process():
    """All blocks at once give what one block after the other gives."""
    variants, events = _stream((0.02, 0.06), 0.1, 4000)
    cut = blocked(variants, events, 2)
    config = design(
        baseline_rate=0.02, primary_metric="accuracy", traffic_allocation={"control": 0.9, "treatment_1": 0.1}
    )
    n = [int((variants == arm).sum()) for arm in (0, 1)]
    happened = [int(events[variants == arm].sum()) for arm in (0, 1)]
    got = compared(config, {"accuracy": rates(n, happened, blocks=cut)}, units=n)
    nulls = e_process.equality()
    process = e_process.start(nulls)
    for size, mean in zip(cut.n, cut.mean, strict=True):
        arms = [Counts(size[arm], size[arm] * np.nan_to_num(mean[arm])) for arm in (0, 1)]
        process = e_process.update(process, *arms, nulls=nulls)
    assert got.always_valid_p_value == pytest.approx(float(e_process.p_values(process)[0]))
    assert got.always_valid_lower <= got.difference <= got.always_valid_upper


def test_rare_events_without_blocks_claim_nothing():
    """Before the first block closes the exact sequence is silent."""
    config = design(test_type="canary", traffic_allocation={"control": 0.95, "treatment_1": 0.05})
    got = compared(config, {"accuracy": rates([95, 5], [95, 0])})
    assert (got.always_valid_p_value, got.always_valid_lower, got.is_significant) == (1.0, -1.0, False)


def _looked(length, rates_of=(0.5, 0.65)):
    config = design(sequential="planned_looks", maximum_sample_size=2000, looks=4)
    variants, events = (part[:length] for part in _stream(rates_of, 0.5, 2000))
    cut = blocked(variants, events, 2, cut=lambda index: planned_block_of(index, looks=4, maximum=2000))
    n = [int((variants == arm).sum()) for arm in (0, 1)]
    happened = [int(events[variants == arm].sum()) for arm in (0, 1)]
    return compared(config, {"accuracy": rates(n, happened, blocks=cut)})


def test_planned_looks_see_the_values_up_to_the_look_only():
    """What comes between looks changes nothing."""
    assert "first planned look is after 500 values" in _looked(499).words
    assert _looked(1001).words == _looked(1499).words
    assert "at planned look 2 of 4" in _looked(1001).words


def test_the_block_that_is_open_has_no_say():
    """Values of a block that is not full wait, and the last look is had with the last value."""
    config = design(sequential="planned_looks", maximum_sample_size=400, looks=2)
    for length, words in (
        (199, "first planned look"),
        (200, "look 1 of 2"),
        (399, "look 1 of 2"),
        (400, "look 2 of 2"),
    ):
        places = [planned_block_of(index, looks=2, maximum=400) for index in range(length)]
        sizes = np.array([np.bincount(places)] * 2, dtype=float).T / 2
        cut = Summary(sizes, np.full(sizes.shape, 0.5), np.full(sizes.shape, 0.25))
        got = compared(config, {"accuracy": rates([length / 2] * 2, [length / 4] * 2, blocks=cut)})
        assert words in got.words


def test_a_boundary_once_crossed_stays_crossed():
    """The first look that reaches its boundary decides."""
    assert _looked(2000).verdict is Verdict.BETTER
    assert not _looked(2000, (0.5, 0.5)).is_significant


def test_planned_looks_of_means_use_running_moments():
    """Blocks of means add up to the moments of all values."""
    rng = np.random.default_rng(2)
    stream, variants = rng.normal(1e6, 1, 400), np.arange(400) % 2
    stream[variants == 1] += 1
    config = design(sequential="planned_looks", maximum_sample_size=400, looks=2, primary_metric="value")
    places = np.array([planned_block_of(index, looks=2, maximum=400) for index in range(400)])
    parts = [[stream[(places == block) & (variants == arm)] for arm in (0, 1)] for block in range(places[-1] + 1)]
    cut = Summary(
        *(np.array([[f(x) for x in row] for row in parts]) for f in (len, np.mean, lambda x: np.var(x, ddof=1)))
    )
    arms = [stream[variants == arm] for arm in (0, 1)]
    got = compared(config, {"value": values(arms, blocks=cut)})
    assert got.verdict is Verdict.BETTER
    assert "planned look 1 of 2" in got.words


def test_evidence_that_a_method_needs_and_has_not_is_nan():
    """A clustered test without sums per unit says nothing rather than something wrong."""
    evidence = MetricEvidence(rates([100, 100], [50, 90]).values)
    assert math.isnan(compared(design(cluster=True), {"accuracy": evidence}).p_value)


def test_a_rate_with_other_values_than_0_and_1_is_not_compared():
    """A number that was declared a proportion and is none has no verdict, and breaks nothing."""
    config = design(primary_metric="score", metrics={"score": {"kind": "proportion", "direction": "max"}})
    got = compared(config, {"score": values([[3.0, 4.0, 5.0], [1.0, 2.0, 3.0]])})
    assert math.isnan(got.difference)
    assert got.verdict is Verdict.UNDECIDED


def test_a_ratio_of_two_metrics_is_compared_over_units():
    """Its value is the ratio of sums, its uncertainty the delta method's."""
    rng = np.random.default_rng(6)
    arms = [[(float(x), 2.0 * x + lift + rng.normal()) for x in rng.integers(1, 9, 200)] for lift in (0.0, 2.0)]
    moments = pair_moments(arms)
    config = design(
        primary_metric="cost_per_run",
        metrics={"cost_per_run": {"kind": "ratio", "numerator": "cost", "denominator": "runs", "direction": "min"}},
    )
    evidence = MetricEvidence(rates([0, 0], [0, 0]).values, clusters=moments)
    got = compared(config, {"cost_per_run": evidence}, n=[200, 200])
    expected = clustered.clustered_difference(moments.arm(0), moments.arm(1))
    assert (got.difference, got.p_value) == pytest.approx((float(expected.estimate), float(expected.p_value)))
    assert got.verdict is Verdict.WORSE
