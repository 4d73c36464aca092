"""Laws that every comparison of two arms keeps, whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlops.stats
from mlops.errors import InvalidInput
from mlops.stats.arms import Counts
from mlops.stats.exact_proportions import fisher_exact_test, fisher_mid_p_test
from mlops.stats.means import delta_ratio, fieller_ratio, mean_test, welch_test
from mlops.stats.moments import ExactMoments, Summary
from mlops.stats.paired import PairedCounts, mcnemar_exact_test, mcnemar_test, paired_difference_interval
from mlops.stats.proportion_scores import mee_interval, miettinen_nurminen_interval, miettinen_nurminen_test
from mlops.stats.proportions import clopper_pearson_interval, newcombe_interval, pooled_z_test, wilson_interval
from mlops.stats.quantiles import quantile_difference
from mlops.stats.risk_ratio import katz_interval, koopman_interval, miettinen_nurminen_ratio_interval
from mlops.stats.sketch import QuantileSketch
from mlops.stats.stratified import mantel_haenszel_difference, mantel_haenszel_ratio, stratified_difference

SIZES = st.integers(1, 10**6)
ARMS = SIZES.flatmap(lambda n: st.builds(Counts, st.just(n), st.integers(0, n)))
SPARSE = st.integers(1, 60).flatmap(lambda n: st.builds(Counts, st.just(n), st.integers(0, n)))
SUMMARIES = st.builds(Summary, st.integers(2, 10**6), st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
POSITIVE = st.builds(Summary, st.integers(2, 10**6), st.floats(1.0, 1e3), st.floats(1e-3, 1e3))
PAIRS = st.builds(PairedCounts, *(st.integers(0, 10**5) for _ in range(4)))
STRATA = st.lists(st.tuples(SPARSE, SPARSE), min_size=1, max_size=5)
VALUES = st.lists(st.floats(1, 1e6), min_size=1, max_size=300)

DIFFERENCES = (newcombe_interval, mee_interval, miettinen_nurminen_interval)
RATIOS = (katz_interval, koopman_interval, miettinen_nurminen_ratio_interval)
TESTS = (pooled_z_test, miettinen_nurminen_test)


def columns(strata: list[tuple[Counts, Counts]]) -> tuple[Counts, Counts]:
    """Put strata side by side, control and treatment."""
    control, treatment = ([stratum[arm] for stratum in strata] for arm in (0, 1))
    return tuple(Counts([each.n for each in arm], [each.events for each in arm]) for arm in (control, treatment))


@pytest.mark.parametrize("method", DIFFERENCES)
@given(one=ARMS, two=ARMS)
def test_swapping_arms_flips_the_sign_of_a_difference(method, one, two):
    """Treatment against control is control against treatment, mirrored."""
    found, swapped = method(one, two), method(two, one)
    assert float(found.estimate) == -float(swapped.estimate)
    assert float(found.lower) == pytest.approx(-float(swapped.upper), abs=1e-9)


@pytest.mark.parametrize("method", DIFFERENCES)
@given(one=ARMS, two=ARMS, confidence=st.floats(0.5, 0.999))
def test_an_interval_of_a_difference_contains_its_estimate(method, one, two, confidence):
    """The estimate lies within, and the limits within -1 and 1; more confidence widens them."""
    found, wider = method(one, two, confidence=confidence), method(one, two, confidence=0.9999)
    assert -1 <= float(found.lower) <= float(found.estimate) <= float(found.upper) <= 1
    assert float(wider.lower) <= float(found.lower) + 1e-9
    assert float(wider.upper) >= float(found.upper) - 1e-9


@pytest.mark.parametrize("method", [*DIFFERENCES, *RATIOS])
@given(one=SPARSE, two=SPARSE, factor=st.integers(2, 50))
def test_more_data_narrows_an_interval(method, one, two, factor):
    """The same rates from more units have limits nearer to each other."""
    found = method(one, two)
    more = method(*(Counts(arm.n * factor, arm.events * factor) for arm in (one, two)))
    width, less = float(found.upper - found.lower), float(more.upper - more.lower)
    assert less <= width * (1 + 1e-9) + 1e-12 or not np.isfinite(width)


@pytest.mark.parametrize("method", RATIOS)
@given(one=ARMS, two=ARMS)
def test_swapping_arms_inverts_a_ratio(method, one, two):
    """Limits of the inverse ratio are the inverse limits, and the estimate lies within."""
    found, swapped = method(one, two), method(two, one)
    with np.errstate(divide="ignore"):
        assert float(found.lower) == pytest.approx(float(1 / np.float64(swapped.upper)), rel=1e-6)
    if np.isfinite(found.estimate):
        assert float(found.lower) <= float(found.estimate) * (1 + 1e-12)
        assert float(found.estimate) <= float(found.upper) * (1 + 1e-12)


@pytest.mark.parametrize("method", [wilson_interval, clopper_pearson_interval])
@given(arm=ARMS, confidence=st.floats(0.5, 0.999))
def test_an_interval_of_a_proportion_contains_it(method, arm, confidence):
    """The rate lies within its limits, those within 0 and 1, and failures mirror successes."""
    found, mirrored = (
        method(arm, confidence=confidence),
        method(Counts(arm.n, arm.n - arm.events), confidence=confidence),
    )
    assert 0 <= float(found.lower) <= float(found.estimate) <= float(found.upper) <= 1
    assert float(found.lower) == pytest.approx(1 - float(mirrored.upper), abs=1e-9)


@pytest.mark.parametrize("method", TESTS)
@given(one=ARMS, two=ARMS)
def test_swapping_arms_flips_a_test(method, one, two):
    """z changes its sign, the two-sided p-value stays, the one-sided ones change places."""
    assert float(method(one, two).statistic) == pytest.approx(-float(method(two, one).statistic), rel=1e-6, abs=1e-9)
    greater, less = method(one, two, alternative="greater"), method(two, one, alternative="less")
    assert float(greater.p_value) == pytest.approx(float(less.p_value), rel=1e-5, abs=1e-12)


@given(one=SPARSE, two=SPARSE)
def test_exact_tests_are_symmetric_and_ordered(one, two):
    """Swapping arms keeps p, mid-p is smaller, and one-sided p-values overlap in the observed table."""
    exact, mid_p = fisher_exact_test(one, two), fisher_mid_p_test(one, two)
    assert float(exact.p_value) == pytest.approx(float(fisher_exact_test(two, one).p_value), rel=1e-9)
    assert 0 < float(mid_p.p_value) < float(exact.p_value) <= 1
    tails = [float(fisher_mid_p_test(one, two, alternative=side).p_value) for side in ("greater", "less")]
    assert sum(tails) == pytest.approx(1)


@given(one=SUMMARIES, two=SUMMARIES)
def test_means_obey_the_same_laws(one, two):
    """Swapping arms mirrors Welch's interval, which contains its estimate and agrees with its p-value."""
    found, swapped = welch_test(one, two), welch_test(two, one)
    assert float(found.lower) == pytest.approx(-float(swapped.upper), rel=1e-9)
    assert float(found.lower) <= float(found.estimate) <= float(found.upper)
    if abs(float(found.p_value) - 0.05) > 1e-6:
        assert (float(found.p_value) < 0.05) == (not float(found.lower) <= 0 <= float(found.upper))
    assert float(mean_test(one).lower) <= one.mean <= float(mean_test(one).upper)


@given(one=POSITIVE, two=POSITIVE)
def test_ratios_of_means_invert(one, two):
    """Fieller's limits are the inverse of those of the inverse ratio; both methods contain the estimate."""
    found, swapped = fieller_ratio(one, two), fieller_ratio(two, one)
    if np.isfinite([found.lower, found.upper, swapped.lower, swapped.upper]).all() and found.lower > 0:
        assert float(found.lower) == pytest.approx(1 / float(swapped.upper), rel=1e-6)
    for each in (found, delta_ratio(one, two)):
        assert float(each.lower) <= float(each.estimate) <= float(each.upper)


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20), factor=st.integers(2, 20))
def test_more_values_narrow_a_mean(values, factor):
    """The same values seen more often have a shorter interval."""
    once, often = (mean_test(ExactMoments.of(values * times)) for times in (1, factor))
    width = float(once.upper - once.lower)
    assert np.isnan(width) or float(often.upper - often.lower) <= width * (1 + 1e-9)


@given(pairs=PAIRS)
def test_pairs_obey_the_same_laws(pairs):
    """Swapping treatments mirrors limits and statistics; the interval contains its estimate."""
    swapped = PairedCounts(pairs.both, pairs.treatment_only, pairs.control_only, pairs.neither)
    assert float(mcnemar_test(pairs).statistic) == -float(mcnemar_test(swapped).statistic)
    assert float(mcnemar_exact_test(pairs).p_value) == pytest.approx(float(mcnemar_exact_test(swapped).p_value))
    found, mirrored = paired_difference_interval(pairs), paired_difference_interval(swapped)
    if sum(pairs):
        assert float(found.lower) - 1e-12 <= float(found.estimate) <= float(found.upper) + 1e-12
        assert float(found.lower) == pytest.approx(-float(mirrored.upper), abs=1e-9)
    else:
        assert np.isnan(found.lower)


@given(strata=STRATA)
def test_strata_obey_the_same_laws(strata):
    """Swapping arms flips the sign or inverts the ratio, and the order of strata does not matter."""
    arms, turned = columns(strata), columns(strata[::-1])
    found, swapped = mantel_haenszel_difference(*arms), mantel_haenszel_difference(*arms[::-1])
    assert float(found.estimate) == pytest.approx(-float(swapped.estimate), abs=1e-12)
    assert float(found.standard_error) == pytest.approx(float(swapped.standard_error), abs=1e-9)
    assert float(found.estimate) == pytest.approx(float(mantel_haenszel_difference(*turned).estimate), abs=1e-12)
    ratio, inverse = mantel_haenszel_ratio(*arms), mantel_haenszel_ratio(*arms[::-1])
    if 0 < ratio.estimate < np.inf:
        assert float(ratio.upper) == pytest.approx(1 / float(inverse.lower), rel=1e-9)


@given(
    strata=st.lists(st.tuples(SUMMARIES, SUMMARIES), min_size=1, max_size=5),
    weights=st.sampled_from(["size", "inverse-variance"]),
)
def test_stratified_means_lie_between_their_strata(strata, weights):
    """An average lies between the smallest and the largest difference."""
    one, two = (
        Summary(*(np.array(each, dtype=float) for each in zip(*arm, strict=True))) for arm in zip(*strata, strict=True)
    )
    found = stratified_difference(one, two, weights=weights)
    differences = two.mean - one.mean
    assert differences.min() - 1e-6 <= float(found.estimate) <= differences.max() + 1e-6


@given(one=VALUES, two=VALUES, q=st.floats(0.05, 0.95))
def test_swapping_arms_flips_a_difference_of_quantiles(one, two, q):
    """Limits mirror, and contain the estimate."""
    sketches = QuantileSketch.of(one), QuantileSketch.of(two)
    found, swapped = quantile_difference(*sketches, q), quantile_difference(*sketches[::-1], q)
    assert float(found.lower) == -float(swapped.upper)
    assert float(found.lower) <= float(found.estimate) <= float(found.upper)


def test_the_front_door_offers_what_it_names():
    """Every name is there, and an unknown one is answered with those that are."""
    assert all(getattr(mlops.stats, name) is not None for name in mlops.stats.__all__)
    assert dir(mlops.stats) == sorted(mlops.stats.__all__)
    with pytest.raises(AttributeError, match="newcombe_interval"):
        _ = mlops.stats.newcomb_interval


@pytest.mark.parametrize("method", TESTS)
def test_unknown_alternatives_are_refused(method):
    """The three alternatives are named."""
    with pytest.raises(InvalidInput, match="two-sided"):
        method(Counts(10, 1), Counts(10, 2), alternative="unequal")
