"""Arms compared within strata at every look: one stratum is the plain comparison, and a mixture does not mislead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlops.stats.arms import Counts
from mlops.stats.confidence_sequences import (
    difference_of_proportions,
    p_value_of_stratified_proportions,
    stratified_difference_of_proportions,
)
from mlops.stats.moments import Summary
from mlops.stats.proportion_scores import mee_interval
from mlops.stats.sketch import QuantileSketch
from mlops.stats.stratified import (
    cochran_mantel_haenszel_test,
    mantel_haenszel_difference,
    score_limits,
    stratified_difference,
)
from mlops.stats.tails import critical_z

_arm = st.tuples(st.integers(1, 3000), st.floats(0, 1)).map(lambda pair: (pair[0], round(pair[0] * pair[1])))
_strata = st.lists(st.tuples(_arm, _arm), min_size=1, max_size=4)


def _counts(strata):
    """Return the counts of control and of treatment, strata along the last axis."""
    return tuple(
        Counts(*(np.array(part, dtype=float) for part in zip(*arm, strict=True))) for arm in zip(*strata, strict=True)
    )


@given(_arm, _arm)
def test_one_stratum_is_the_plain_comparison(control, treatment):
    """Estimate, limits and p-value are those of two proportions."""
    plain = difference_of_proportions(Counts(*control), Counts(*treatment), target=500)
    found = stratified_difference_of_proportions(*_counts([(control, treatment)]), target=500)
    for one, other in zip(found, plain, strict=True):
        assert float(one) == pytest.approx(float(other), abs=1e-9)


@given(_strata)
def test_limits_and_p_value_say_the_same(strata):
    """0 is outside of the limits where the p-value is below alpha; the estimate is that of Mantel and Haenszel."""
    control, treatment = _counts(strata)
    found = stratified_difference_of_proportions(control, treatment, target=500)
    p_value = float(p_value_of_stratified_proportions(control, treatment, target=500))
    assert float(found.p_value) == p_value
    assert float(found.lower) - 1e-9 <= float(found.estimate) <= float(found.upper) + 1e-9
    assert float(found.estimate) == pytest.approx(float(mantel_haenszel_difference(control, treatment).estimate))
    if abs(p_value - 0.05) > 1e-6:
        assert (p_value < 0.05) == (float(found.lower) > 0 or float(found.upper) < 0)


@given(_strata)
def test_swapped_arms_turn_limits_around(strata):
    """Treatment for control: lower becomes minus upper."""
    control, treatment = _counts(strata)
    low, high = score_limits(control, treatment, 1.96)
    turned = score_limits(treatment, control, 1.96)
    assert (float(low), float(high)) == pytest.approx((-float(turned[1]), -float(turned[0])), abs=1e-9)


def test_score_limits_touch_zero_at_cochrans_statistic():
    """With as many standard errors as the test has one limit is 0: only n and n - 1 differ in the variances."""
    control, treatment = Counts([6000, 4000], [3000, 1000]), Counts([6000, 4000], [3080, 1030])
    z = float(cochran_mantel_haenszel_test(control, treatment).statistic)
    low, _ = score_limits(control, treatment, z)
    assert float(low) == pytest.approx(0.0, abs=1e-6)


def test_strata_without_a_single_event_still_leave_the_difference_open():
    """None of 40 and none of 40: z²/(n + z²) either way, as Miettinen and Nurminen's score (without n / (n - 1))."""
    nobody, everybody = Counts([20, 20], [0, 0]), Counts([20, 20], [20, 20])
    for arm in (nobody, everybody):
        low, high = score_limits(arm, arm, 1.96)
        assert (float(low), float(high)) == pytest.approx((-(1.96**2) / (40 + 1.96**2), 1.96**2 / (40 + 1.96**2)))


@given(_arm, _arm)
@example((10, 10), (10, 10))
@example((20, 0), (30, 30))
def test_limits_of_one_stratum_are_those_of_the_plain_score_interval(control, treatment):
    """Also where all units of an arm had the event, or none, so that the estimate has no spread."""
    found = score_limits(*_counts([(control, treatment)]), critical_z(0.95))
    expected = mee_interval(Counts(*control), Counts(*treatment))
    assert [float(each) for each in found] == pytest.approx([float(expected.lower), float(expected.upper)], abs=1e-5)


def test_overlap_weights_of_rates_are_those_of_mantel_and_haenszel():
    """As means of 0 and 1 they have the same difference."""
    n1, x1, n2, x2 = np.array([60.0, 900]), np.array([30.0, 90]), np.array([40.0, 100]), np.array([24.0, 16])
    arms = [Summary(n, x / n, x / n * (1 - x / n) * n / (n - 1)) for n, x in ((n1, x1), (n2, x2))]
    found = stratified_difference(*arms, weights="overlap")
    expected = mantel_haenszel_difference(Counts(n1, x1), Counts(n2, x2), variance="greenland-robins")
    assert float(found.estimate) == pytest.approx(float(expected.estimate))
    assert float(found.standard_error) == pytest.approx(float(expected.standard_error), rel=0.02)


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=50))
def test_edges_of_buckets_are_the_limits_of_their_ranks(values):
    """All at once what `limits` says of each."""
    sketch = QuantileSketch.of(values)
    singles = QuantileSketch(sketch.digits, tuple((key, 1) for key, _ in sketch.buckets))
    assert list(zip(*(part.tolist() for part in sketch.edges()), strict=True)) == [
        singles.limits(rank) for rank in range(1, singles.n + 1)
    ]
