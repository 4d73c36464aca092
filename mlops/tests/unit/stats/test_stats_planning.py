"""Sample sizes, power and detectable differences against R, statsmodels and the papers; corrections for many tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlops.errors import InvalidInput
from mlops.stats.multiple_testing import benjamini_hochberg, holm
from mlops.stats.power import (
    Hypothesis,
    SampleSize,
    mean_detectable_difference,
    mean_power,
    mean_sample_size,
    proportion_detectable_difference,
    proportion_power,
    proportion_sample_size,
)
from mlops.stats.quantiles import quantile_spread
from mlops.stats.sample_ratio import sample_ratio_test

ONE_SIDED = Hypothesis(alternative="greater")


def test_sample_size_of_rates_is_rs():
    """R's power.prop.test(p1 = .50, p2 = .75, power = .90) prints n = 76.7, hence 77."""
    assert proportion_sample_size(0.5, 0.75, power=0.9) == SampleSize(77, 77)
    assert proportion_power(0.5, 0.75, 76.7, 76.7) == pytest.approx(0.9, abs=2e-4)


def test_power_of_rates_is_rs():
    """R's power.prop.test(n = 50, p1 = .50, p2 = .75) prints power = 0.7401659."""
    assert proportion_power(0.5, 0.75, 50, 50) == pytest.approx(0.7401659, abs=1e-6)


def test_power_of_rates_is_that_of_statsmodels():
    """statsmodels 0.15.0, power_proportions_2indep(-0.1, 0.2, 100): 0.5082256, both tails together."""
    assert proportion_power(0.2, 0.1, 100, 100) == pytest.approx(0.5082256, abs=5e-5)


@pytest.mark.parametrize(
    ("control", "treatment", "margin", "sizes", "power"),
    [
        # Farrington and Manning (1990), table I and p. 1451, α = 0.05 one-sided, as quoted by the tests of R's gsDesign
        (0.05, 0.40, 0.2, (80, 80), 0.8),
        (0.10, 0.10, -0.2, (42, 63), 0.9),
        (0.05, 0.25, 0.1, (260, 173), 0.9),
    ],
)
def test_sample_sizes_with_a_margin_are_those_of_the_paper(control, treatment, margin, sizes, power):
    """At the sizes of the paper the power is the paper's to the third digit, and ours differ by one unit at most."""
    plan = Hypothesis(alternative="greater", margin=margin)
    assert proportion_power(control, treatment, *sizes, hypothesis=plan) == pytest.approx(power, abs=1e-3)
    found = proportion_sample_size(control, treatment, power=power, ratio=sizes[1] / sizes[0], hypothesis=plan)
    assert np.abs(np.subtract(found, sizes)).max() <= 1


@pytest.mark.parametrize(
    ("difference", "options", "power"),
    [
        (1.0, {"n_control": 20, "n_treatment": 20}, 0.8689528),  # R's power.t.test(n = 20, delta = 1, sd = 1)
        # statsmodels 0.15.0, TTestIndPower().power(.3, 100, .05, ratio=2, alternative="larger")
        (0.3, {"n_control": 100, "n_treatment": 200, "hypothesis": ONE_SIDED}, 0.7878750148),
    ],
)
def test_power_of_means_is_that_of_the_noncentral_t(difference, options, power):
    """Equal deviations give the exact power."""
    assert mean_power(difference, 1.0, **options) == pytest.approx(power, abs=1e-7)


def test_sample_size_of_means_is_rs():
    """R's power.t.test(power = .90, delta = 1) prints n = 22.02110, hence 23."""
    assert mean_sample_size(1.0, 1.0, power=0.9) == SampleSize(23, 23)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        # statsmodels 0.15.0, TTestIndPower().solve_power(.25, None, .05, .8[, ratio=2]): 252.128 and 189.015
        ({}, SampleSize(253, 253)),
        ({"ratio": 2.0}, SampleSize(190, 380)),
    ],
)
def test_sample_size_of_means_is_that_of_statsmodels(options, size):
    """Balanced and unbalanced arms are rounded up."""
    assert mean_sample_size(0.25, 1.0, **options) == size


def test_sample_sizes_of_means_are_those_of_the_book_and_one_for_the_t():
    """Chow, Shao, Wang (2008), section 3.2: 63 for equality and 50 for non-inferiority, by z; by t one more."""
    assert mean_sample_size(0.05, 0.10) == SampleSize(64, 64)
    assert mean_sample_size(0.0, 0.10, hypothesis=Hypothesis(alternative="greater", margin=-0.05)) == SampleSize(51, 51)


def test_detectable_differences_of_means_are_those_of_statsmodels():
    """statsmodels 0.15.0, TTestIndPower().solve_power(None, 200, .05, .9): 0.3249366."""
    assert mean_detectable_difference(1.0, 200, 200, power=0.9) == pytest.approx(0.3249366, abs=1e-6)
    assert mean_detectable_difference(1.0, 200, 200, power=0.9, direction="decrease") == pytest.approx(
        -0.3249366, abs=1e-6
    )


def test_power_of_unequal_deviations_is_simulated():
    """4,000 Welch tests of 30 against 60 values with deviations 1 and 2 reject as often as planned."""
    rng = np.random.default_rng(9)
    one, two = rng.normal(0, 1, (4000, 30)), rng.normal(0.9, 2, (4000, 60))
    rejected = np.mean(stats.ttest_ind(one, two, axis=1, equal_var=False).pvalue < 0.05)
    assert mean_power(0.9, 1.0, 30, 60, treatment_deviation=2.0) == pytest.approx(rejected, abs=0.025)


def test_a_quantile_is_planned_as_a_mean():
    """The median of normal values takes π / 2 times the units of the mean."""
    spread = float(quantile_spread(0.5, stats.norm.pdf(0)))
    assert mean_sample_size(0.1, spread).control == pytest.approx(
        mean_sample_size(0.1, 1.0).control * math.pi / 2, rel=1e-3
    )


def test_clustered_units_take_more_interactions():
    """A design effect of 2.9 multiplies the sample size and keeps the power."""
    plan = Hypothesis(design_effect=2.9)
    size = proportion_sample_size(0.9, 0.92, hypothesis=plan)
    assert size.total == pytest.approx(2.9 * proportion_sample_size(0.9, 0.92).total, abs=4)
    assert proportion_power(0.9, 0.92, *size, hypothesis=plan) == pytest.approx(0.8, abs=1e-3)
    assert mean_power(0.1, 1.0, *mean_sample_size(0.1, 1.0, hypothesis=plan), hypothesis=plan) == pytest.approx(
        0.8, abs=2e-3
    )


@given(
    st.floats(0.001, 0.999), st.floats(0.001, 0.999), st.floats(0.1, 10), st.floats(0.5, 0.99), st.floats(0.001, 0.2)
)
def test_a_sample_size_reaches_its_power_and_one_less_does_not(control, treatment, ratio, power, alpha):
    """Sample size and power are inverse to each other."""
    if abs(control - treatment) < 1e-4:
        return
    plan = Hypothesis(alpha=alpha)
    size = proportion_sample_size(control, treatment, power=power, ratio=ratio, hypothesis=plan)
    exact = size.control - 1
    assert proportion_power(control, treatment, *size, hypothesis=plan) >= power - 1e-9
    assert exact < 1 or proportion_power(control, treatment, exact, exact * ratio, hypothesis=plan) <= power + 1e-9


@given(st.floats(0.05, 0.95), st.integers(200, 10**6), st.sampled_from(["increase", "decrease"]))
def test_a_detectable_difference_has_its_power(control, n, direction):
    """At the difference found the power is the one asked for, or none is found."""
    difference = proportion_detectable_difference(control, n, n, direction=direction)
    if not math.isnan(difference):
        assert proportion_power(control, control + difference, n, n) == pytest.approx(0.8, abs=1e-6)


def test_what_cannot_be_found_is_not_a_number():
    """With five units an arm not even a rate of 1 is told from 0.9."""
    assert math.isnan(proportion_detectable_difference(0.9, 5, 5))


@pytest.mark.parametrize(
    "call",
    [
        lambda: proportion_sample_size(0.5, 0.5),
        lambda: proportion_sample_size(0.5, 0.4, hypothesis=ONE_SIDED),
        lambda: proportion_sample_size(0.0, 0.4),
        lambda: proportion_sample_size(0.5, 0.4, power=1.0),
        lambda: proportion_sample_size(0.5, 0.4, ratio=0.0),
        lambda: proportion_sample_size(0.5, 0.5000001),
        lambda: proportion_power(0.5, 0.4, 0, 10),
        lambda: proportion_detectable_difference(0.5, 10, 10, direction="up"),
        lambda: mean_sample_size(1.0, -1.0),
        lambda: mean_power(1.0, 1.0, 1, 10),
        lambda: Hypothesis(alpha=0.0),
        lambda: Hypothesis(alternative="different"),
        lambda: Hypothesis(design_effect=0.0),
        lambda: Hypothesis(margin=math.nan),
    ],
)
def test_plans_that_cannot_be_are_refused(call):
    """Each has a reason in words."""
    with pytest.raises(InvalidInput):
        call()


def test_adjusted_p_values_are_those_of_the_papers():
    """Benjamini and Hochberg (1995), section 3: of these 15 four are significant at 0.05, by Holm three."""
    small = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p_values = [*small, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert (benjamini_hochberg(p_values) <= 0.05).sum() == 4
    assert (holm(p_values) <= 0.05).sum() == 3


def test_adjusted_p_values_are_those_of_statsmodels():
    """statsmodels 0.15.0, multipletests of five p-values by "holm" and "fdr_bh"."""
    p_values = [0.01, 0.04, 0.03, 0.005, 0.2]
    assert holm(p_values).tolist() == pytest.approx([0.04, 0.09, 0.09, 0.025, 0.2])
    assert benjamini_hochberg(p_values).tolist() == pytest.approx([0.025, 0.05, 0.05, 0.025, 0.2])


@given(st.lists(st.floats(0, 1), max_size=12), st.randoms())
def test_adjusting_keeps_order_and_never_helps(p_values, shuffler):
    """Adjusted p-values are at least as large, Holm's the larger, and follow their hypotheses in any order."""
    places = list(range(len(p_values)))
    shuffler.shuffle(places)
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(p_values)
        assert np.all(adjusted >= np.array(p_values) - 1e-15)
        assert adjust([p_values[place] for place in places]).tolist() == adjusted[places].tolist()
    assert np.all(holm(p_values) >= benjamini_hochberg(p_values) - 1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_benjamini_hochberg_is_scipys(p_values):
    """scipy.stats.false_discovery_control gives the same."""
    assert benjamini_hochberg(p_values).tolist() == pytest.approx(stats.false_discovery_control(p_values).tolist())


def test_tests_that_were_not_made_do_not_count():
    """NaN stays NaN and costs the others nothing."""
    adjusted = holm([0.01, math.nan, 0.04])
    assert adjusted[[0, 2]].tolist() == [0.02, 0.04]
    assert math.isnan(adjusted[1])
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        benjamini_hochberg([0.5, 1.5])


def test_a_sample_ratio_mismatch_of_the_literature():
    """Kohavi, Tang, Xu (2020), chapter 21: 821,588 against 815,482 has p of 1.8e-6; scipy's chi-squared agrees."""
    found = sample_ratio_test([821588, 815482], [0.5, 0.5])
    assert float(found.p_value) == pytest.approx(1.8e-6, rel=0.02)
    assert float(found.p_value) == pytest.approx(stats.chisquare([821588, 815482]).pvalue, rel=1e-9)


def test_sample_ratios_of_many_arms_and_tests():
    """Weights need not sum to 1, and several tests take one call."""
    found = sample_ratio_test([[50, 30, 20], [500, 300, 200], [0, 0, 0]], [5, 3, 2])
    assert found.p_value[:2].tolist() == [1.0, 1.0]
    assert math.isnan(found.p_value[2])
    expected = stats.chisquare([60, 30, 10], [50, 30, 20])
    assert float(sample_ratio_test([60, 30, 10], [0.5, 0.3, 0.2]).p_value) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(("counts", "shares"), [([1], [1]), ([1, 2], [1, 0]), ([1, -2], [1, 1]), ([1, 2, 3], [1, 1])])
def test_sample_ratios_that_cannot_be_are_refused(counts, shares):
    """One arm, a share of 0, negative counts and different lengths are errors."""
    with pytest.raises(InvalidInput):
        sample_ratio_test(counts, shares)
