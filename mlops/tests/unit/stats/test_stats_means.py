"""Means, their ratios and standardised effects against R's printed outputs, scipy and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mlops.errors import InvalidInput
from mlops.stats.effect_size import cohen_d, cohen_h, hedges_g
from mlops.stats.means import delta_ratio, fieller_ratio, mean_test, welch_test
from mlops.stats.moments import ExactMoments, Summary, summarise

# Student's sleep data, R's `sleep`: extra hours under two drugs.
DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
SLEEP = ExactMoments.of(DRUG_1), ExactMoments.of(DRUG_2)


def test_welch_is_rs():
    """R prints for t.test(extra ~ group, sleep): t = -1.8608, df = 17.776, p = 0.07939, -3.3654832 to 0.2054832."""
    found = welch_test(*SLEEP)
    assert round(float(found.statistic), 4) == 1.8608
    assert round(float(found.degrees), 3) == 17.776
    assert round(float(found.p_value), 5) == 0.07939
    assert (round(float(found.lower), 7), round(float(found.upper), 7)) == (-0.2054832, 3.3654832)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("sizes", [(3, 5), (40, 7), (200, 300)])
def test_welch_is_scipys(alternative, sizes):
    """scipy.stats.ttest_ind(equal_var=False) gives the same t, p-value and interval."""
    rng = np.random.default_rng(5)
    one, two = rng.normal(10, 1, sizes[0]), rng.normal(10.4, 3, sizes[1])
    expected = stats.ttest_ind(two, one, equal_var=False, alternative=alternative)
    found = welch_test(ExactMoments.of(one), ExactMoments.of(two), alternative=alternative)
    assert float(found.statistic) == pytest.approx(expected.statistic, rel=1e-9)
    assert float(found.p_value) == pytest.approx(expected.pvalue, rel=1e-9)
    if alternative == "two-sided":
        assert found[1:3] == pytest.approx(tuple(expected.confidence_interval()), rel=1e-9)


def test_a_shifted_null_hypothesis_is_scipys_with_shifted_values():
    """Testing for a difference of 1 is testing for none after adding 1 to control."""
    found = welch_test(*SLEEP, null=1.0, alternative="greater")
    expected = stats.ttest_ind(np.array(DRUG_2), np.array(DRUG_1) + 1, equal_var=False, alternative="greater")
    assert float(found.p_value) == pytest.approx(expected.pvalue)


def test_one_sample_is_scipys():
    """Student's test of one mean and its interval are scipy.stats.ttest_1samp's."""
    expected = stats.ttest_1samp(DRUG_2, 1.0)
    assert float(mean_test(SLEEP[1], null=1.0).p_value) == pytest.approx(expected.pvalue)
    assert mean_test(SLEEP[1])[1:3] == pytest.approx(tuple(expected.confidence_interval()))


def test_fiellers_limits_solve_their_equation():
    """At a limit r the t statistic of (treatment - r control) is the critical value."""
    one, two = Summary(40, 10.0, 9.0), Summary(60, 12.0, 30.0)
    found = fieller_ratio(one, two, confidence=0.9)
    ratio = 1.2
    errors = 30.0 / 60, ratio**2 * 9.0 / 40
    degrees = sum(errors) ** 2 / (errors[0] ** 2 / 59 + errors[1] ** 2 / 39)
    for limit in (float(found.lower), float(found.upper)):
        t = (12.0 - limit * 10.0) / math.sqrt(30.0 / 60 + limit**2 * 9.0 / 40)
        assert abs(t) == pytest.approx(stats.t.ppf(0.95, degrees), rel=1e-10)


def test_fieller_has_no_limits_where_control_may_be_zero():
    """With a control mean within its noise of 0 every ratio is possible."""
    found = fieller_ratio(Summary(40, 0.1, 9.0), Summary(60, 12.0, 30.0))
    assert (float(found.lower), float(found.upper)) == (-math.inf, math.inf)


def test_the_delta_method_agrees_with_fieller_in_large_samples():
    """With a million values the two intervals of a ratio are the same to five digits."""
    arms = Summary(10**6, 10.0, 9.0), Summary(10**6, 12.0, 30.0)
    assert delta_ratio(*arms)[1:3] == pytest.approx(fieller_ratio(*arms)[1:], abs=1e-5)


def test_many_metrics_take_one_call():
    """Summaries of several arms give what single calls give."""
    together = welch_test(summarise(SLEEP), summarise(SLEEP[::-1]))
    assert float(together.p_value[0]) == pytest.approx(float(welch_test(*SLEEP).p_value))
    assert together.estimate.tolist() == pytest.approx([1.58, -1.58])


@pytest.mark.parametrize("few", [[], [1.0]])
def test_too_few_values_are_not_tested(few):
    """With fewer than two values there are no limits and no p-value."""
    found = welch_test(ExactMoments.of(few), SLEEP[1])
    assert np.isnan([found.lower, found.upper, found.p_value]).all()


def test_what_does_not_vary_is_not_tested():
    """Constant arms have a difference and nothing to judge it by."""
    found = welch_test(Summary(5, 1.0, 0.0), Summary(5, 2.0, 0.0))
    assert float(found.estimate) == 1.0
    assert np.isnan([found.lower, found.upper, found.p_value]).all()


def test_negative_variances_are_refused():
    """They cannot be, and the error says which arm."""
    with pytest.raises(InvalidInput, match="treatment"):
        welch_test(Summary(5, 1.0, 1.0), Summary(5, 1.0, -1.0))


def test_cohens_h_is_that_of_statsmodels():
    """statsmodels 0.15.0, proportion_effectsize(0.65, 0.5); Cohen (1988), section 6.2, has 0.30."""
    assert float(cohen_h(0.5, 0.65)) == pytest.approx(0.3046926540153976, rel=1e-12)


def test_hedges_correction_is_that_of_the_paper():
    """Hedges (1981), table 1: c(m) is 0.7236 for 3 degrees of freedom, 0.9228 for 10 and 0.9748 for 30."""
    for degrees, factor in [(3, 0.7236), (10, 0.9228), (30, 0.9748)]:
        arms = Summary(2, 0.0, 1.0), Summary(degrees, 1.0, 1.0)
        assert float(hedges_g(*arms) / cohen_d(*arms)) == pytest.approx(factor, abs=6e-5)


def test_effect_sizes_of_nothing_are_not_numbers():
    """One value an arm has no standard deviation, and a rate above 1 is refused."""
    assert np.isnan(cohen_d(Summary(1, 1.0, np.nan), Summary(1, 2.0, np.nan)))
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        cohen_h(0.5, 1.5)
