"""Confidence sequences: the laws that every interval keeps, and agreement of interval and p-value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.stats import confidence_sequences as sequences
from mlops.stats.arms import Counts, effective_size
from mlops.stats.moments import Summary

ALTERNATIVES = ("two-sided", "greater", "less")


@st.composite
def _counts(draw: st.DrawFn) -> Counts:
    n = draw(st.integers(100, 100_000))
    return Counts(n, draw(st.integers(0, n)))


@st.composite
def _means(draw: st.DrawFn) -> Summary:
    return Summary(draw(st.integers(50, 10_000)), draw(st.floats(-100, 100)), draw(st.floats(0.01, 100)))


@given(control=_counts(), treatment=_counts())
def test_an_interval_of_proportions_contains_its_estimate(control: Counts, treatment: Counts) -> None:
    """And lies within [-1, 1]."""
    found = sequences.difference_of_proportions(control, treatment, target=1000)
    assert -1 <= found.lower <= found.estimate <= found.upper <= 1


@given(control=_counts(), treatment=_counts())
def test_swapping_the_arms_flips_the_sign(control: Counts, treatment: Counts) -> None:
    """The interval is mirrored and the p-value stays."""
    one = sequences.difference_of_proportions(control, treatment, target=1000)
    other = sequences.difference_of_proportions(treatment, control, target=1000)
    assert (one.estimate, one.lower, one.upper) == pytest.approx((-other.estimate, -other.upper, -other.lower))
    assert one.p_value == pytest.approx(other.p_value)


@given(control=_counts(), treatment=_counts(), alpha=st.sampled_from([0.01, 0.05, 0.2]))
def test_interval_and_p_value_agree(control: Counts, treatment: Counts, alpha: float) -> None:
    """0 lies outside the interval exactly when the p-value is at most alpha."""
    for alternative in ALTERNATIVES:
        found = sequences.difference_of_proportions(
            control, treatment, target=1000, alpha=alpha, alternative=alternative
        )
        distance = max(float(found.lower), -float(found.upper))
        assert (found.p_value <= alpha) == (distance > 0) or abs(distance) < 1e-8


@given(control=_counts(), treatment=_counts(), times=st.integers(2, 50))
def test_more_data_of_the_same_rates_narrow_the_interval(control: Counts, treatment: Counts, times: int) -> None:
    """Looked at with the same tuning."""
    more = [Counts(arm.n * times, arm.events * times) for arm in (control, treatment)]
    early = sequences.difference_of_proportions(control, treatment, target=1000)
    late = sequences.difference_of_proportions(*more, target=1000)
    assert late.upper - late.lower <= early.upper - early.lower + 1e-9


@given(control=_counts(), treatment=_counts())
def test_the_interval_is_the_set_of_differences_that_are_not_rejected(control: Counts, treatment: Counts) -> None:
    """At a bound the score is the critical value, with the variance that the bound itself implies."""
    found = sequences.difference_of_proportions(control, treatment, target=1000)
    ratio = sequences.normal_mixture.ratio_at(effective_size(control.n, treatment.n) / 1000)
    for bound in (found.lower, found.upper):
        error = sequences._standard_error(control, treatment)(bound)
        reach = sequences.normal_mixture.critical_value(ratio) * error
        assert abs(bound) == 1 or abs(found.estimate - bound) == pytest.approx(reach, abs=1e-7)


@given(control=_means(), treatment=_means())
def test_means_keep_the_same_laws(control: Summary, treatment: Summary) -> None:
    """An interval contains its estimate, swapping flips it, and one bound is tighter than two."""
    found = sequences.difference_of_means(control, treatment, target=1000)
    swapped = sequences.difference_of_means(treatment, control, target=1000)
    bound = sequences.difference_of_means(control, treatment, target=1000, alternative="greater")
    assert found.lower <= found.estimate <= found.upper
    assert found.lower == pytest.approx(-swapped.upper)
    assert math.isinf(bound.upper)


@given(estimate=st.floats(-100, 100), error=st.floats(0.01, 10))
def test_at_its_target_one_bound_is_tighter_than_two(estimate: float, error: float) -> None:
    """Both tuned for the data at hand."""
    two = sequences.around(estimate, error, 1.0)
    one = sequences.around(estimate, error, 1.0, alternative="greater")
    other = sequences.around(estimate, error, 1.0, alternative="less")
    assert two.lower < one.lower < two.estimate < other.upper < two.upper
    assert math.isinf(one.upper)
    assert math.isinf(other.lower)


def test_means_are_those_of_the_values() -> None:
    """Numpy's means and variances give the paper's interval, of Welch's standard error."""
    rng = np.random.default_rng(1)
    arms = [rng.normal(10, 3, 800), rng.normal(11, 2, 400)]
    found = sequences.difference_of_means(*(Summary(x.size, x.mean(), x.var(ddof=1)) for x in arms), target=800 / 3)
    critical = sequences.normal_mixture.critical_value(sequences.normal_mixture.ratio_at(1.0))
    error = math.sqrt(sum(x.var(ddof=1) / x.size for x in arms))
    assert found.estimate == pytest.approx(arms[1].mean() - arms[0].mean())
    assert found.upper - found.lower == pytest.approx(2 * critical * error)


@pytest.mark.parametrize("n", [0, 1, 49])
def test_before_the_burn_in_means_claim_nothing(n: int) -> None:
    """The whole line and a p-value of 1, however large the difference."""
    found = sequences.difference_of_means(Summary(n, 0.0, 1.0), Summary(1000, 1000.0, 1.0), target=100)
    assert (found.lower, found.upper, found.p_value) == (-math.inf, math.inf, 1.0)


@pytest.mark.parametrize("treatment", [Counts(0, 0), Counts(10, 10), Counts(1000, 3), Counts(1000, 0)])
def test_before_the_burn_in_proportions_claim_nothing(treatment: Counts) -> None:
    """The rarest cell is expected to hold fewer than five units."""
    found = sequences.difference_of_proportions(Counts(1000, 5), treatment, target=100)
    assert (found.lower, found.upper, found.p_value) == (-1.0, 1.0, 1.0)


def test_values_without_spread_claim_nothing() -> None:
    """A variance of 0 is a variance not known."""
    arms = Summary(1000, 5.0, 0.0), Summary(1000, 10.0, 0.0)
    found = sequences.difference_of_means(*arms, target=100)
    assert (found.estimate, found.lower, found.upper, found.p_value) == (5.0, -math.inf, math.inf, 1.0)


def test_many_at_once_are_each_alone() -> None:
    """Arrays broadcast."""
    events = np.array([450, 460, 500])
    together = sequences.difference_of_proportions(Counts(1000, events), Counts(1000, 480), target=500)
    alone = [sequences.difference_of_proportions(Counts(1000, x), Counts(1000, 480), target=500) for x in events]
    assert together.lower == pytest.approx([float(found.lower) for found in alone])
    assert together.p_value == pytest.approx([float(found.p_value) for found in alone])


def test_a_null_other_than_none_moves_the_p_value_only() -> None:
    """The p-value at the lower bound is the level, one-sided."""
    found = sequences.around(3.0, 1.0, 1.0, alternative="greater")
    at_bound = sequences.around(3.0, 1.0, 1.0, null=float(found.lower), alternative="greater")
    assert at_bound.p_value == pytest.approx(0.05)
    assert at_bound.lower == found.lower


@pytest.mark.parametrize("options", [{"alpha": 1.5}, {"alternative": "bigger"}, {"target": 0.0}, {"target": math.inf}])
def test_what_cannot_be_is_refused(options: dict[str, object]) -> None:
    """Levels, alternatives and targets."""
    with pytest.raises(InvalidInput):
        sequences.difference_of_proportions(Counts(100, 50), Counts(100, 50), **{"target": 50.0, **options})
