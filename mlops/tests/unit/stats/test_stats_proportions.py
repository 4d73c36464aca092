"""One proportion and two: every method against the table of its paper, a book, or another program."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mlops.errors import InvalidInput
from mlops.stats.arms import Counts
from mlops.stats.exact_proportions import fisher_exact_test, fisher_mid_p_test
from mlops.stats.proportion_scores import (
    farrington_manning_test,
    mee_interval,
    miettinen_nurminen_interval,
    miettinen_nurminen_test,
)
from mlops.stats.proportions import clopper_pearson_interval, newcombe_interval, pooled_z_test, wilson_interval
from mlops.stats.results import Interval

# Newcombe (1998), Statistics in Medicine 17:873-890, table II, 95 % limits of x1/n1 - x2/n2:
# method 10 (hybrid score), method 5 (Mee) and method 6 (Miettinen and Nurminen).
NEWCOMBE_TABLE_II = [
    ((56, 70, 48, 80), (0.0524, 0.3339), (0.0533, 0.3377), (0.0528, 0.3382)),
    ((9, 10, 3, 10), (0.1705, 0.8090), (0.1821, 0.8370), (0.1700, 0.8406)),
    ((6, 7, 2, 7), (0.0582, 0.8062), (0.0544, 0.8478), (0.0342, 0.8534)),
    ((5, 56, 0, 29), (-0.0381, 0.1926), (-0.0313, 0.1926), (-0.0326, 0.1933)),
    ((0, 10, 0, 20), (-0.1611, 0.2775), (-0.1611, 0.2775), (-0.1658, 0.2844)),
    ((0, 10, 0, 10), (-0.2775, 0.2775), (-0.2775, 0.2775), (-0.2879, 0.2879)),
    ((10, 10, 0, 20), (0.6791, 1.0000), (0.7225, 1.0000), (0.7156, 1.0000)),
    ((10, 10, 0, 10), (0.6075, 1.0000), (0.6777, 1.0000), (0.6636, 1.0000)),
]
METHODS = (newcombe_interval, mee_interval, miettinen_nurminen_interval)
CASES = [
    pytest.param(counts, METHODS[place], limits[place], id=f"{METHODS[place].__name__}-{'-'.join(map(str, counts))}")
    for counts, *limits in NEWCOMBE_TABLE_II
    for place in range(3)
]

# Fagerland, Lydersen, Laake (2017), Statistical Analysis of Contingency Tables, chapter 4, as printed by their own
# programs (R package contingencytables, tests of chapter 4): Perondi et al. 2004 and Ritland et al. 2007.
PERONDI = Counts(34, 1), Counts(34, 7)
RITLAND = Counts(72, 15), Counts(16, 0)


def limits_of(found: Interval, digits: int = 4) -> tuple[float, float]:
    return round(float(found.lower), digits), round(float(found.upper), digits)


@pytest.mark.parametrize(("counts", "method", "limits"), CASES)
def test_intervals_of_differences_are_those_of_the_paper(counts, method, limits):
    """Newcombe's own comparison of methods has the same limits, to its four digits."""
    x2, n2, x1, n1 = counts
    assert limits_of(method(Counts(n1, x1), Counts(n2, x2))) == limits


@pytest.mark.parametrize(
    ("arms", "lower"),
    [
        ((Counts(1, 1), Counts(525914, 525912)), -1.3867151436013395e-05),
        ((Counts(1, 1), Counts(614297, 614297)), -6.25338362156844e-06),
        ((Counts(5, 5), Counts(500000, 499990)), -3.681854415199224e-05),
    ],
)
def test_limits_of_arms_of_very_different_sizes_are_exact(arms, lower):
    """Found by bisecting the likelihood's slope and the score with 50 digits."""
    assert float(mee_interval(*arms).lower) == pytest.approx(lower, rel=1e-8)


@pytest.mark.parametrize(
    ("method", "arms", "limits"),
    [
        (newcombe_interval, PERONDI, (0.0189, 0.3404)),
        (mee_interval, PERONDI, (0.0284, 0.3439)),
        (miettinen_nurminen_interval, RITLAND, (-0.3164, -0.0056)),
    ],
)
def test_intervals_of_differences_are_those_of_the_book(method, arms, limits):
    """Fagerland, Lydersen and Laake (2017) print the same limits in chapter 4."""
    assert limits_of(method(*arms)) == limits


def test_the_score_interval_without_correction_is_that_of_another_program():
    """Clopper's example in the tests of R's ratesci: 7/25 against 2/25 gives -0.014 to 0.412."""
    assert limits_of(mee_interval(Counts(25, 2), Counts(25, 7)), 3) == (-0.014, 0.412)


@pytest.mark.parametrize(
    ("counts", "confidence", "limits"),
    [
        # Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3.
        (Counts(263, 81), 0.95, (0.2553, 0.3662)),
        (Counts(148, 15), 0.95, (0.0624, 0.1605)),
        (Counts(20, 0), 0.95, (0.0000, 0.1611)),
        (Counts(29, 1), 0.95, (0.0061, 0.1718)),
        # statsmodels 0.15.0, proportion_confint(method="wilson")
        (Counts(50, 50), 0.99, (0.8828, 1.0000)),
        (Counts(10, 3), 0.90, (0.1269, 0.5583)),
    ],
)
def test_wilson_limits(counts, confidence, limits):
    """Wilson's limits are those of Newcombe's table I, and of statsmodels."""
    assert limits_of(wilson_interval(counts, confidence=confidence)) == limits


@pytest.mark.parametrize(
    ("counts", "limits"),
    [
        # Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 5.
        (Counts(263, 81), (0.2527, 0.3676)),
        (Counts(148, 15), (0.0578, 0.1617)),
        (Counts(20, 0), (0.0000, 0.1684)),
        (Counts(29, 1), (0.0009, 0.1776)),
    ],
)
def test_clopper_pearson_limits(counts, limits):
    """Exact limits are those of Newcombe's table I."""
    assert limits_of(clopper_pearson_interval(counts)) == limits


def test_pooled_z_of_the_aspirin_trial():
    """Agresti (2013), table 2.3, myocardial infarctions under placebo and aspirin: z = 5.00 (statsmodels agrees)."""
    found = pooled_z_test(Counts(11034, 189), Counts(11037, 104))
    assert float(found.statistic) == pytest.approx(-5.001388204008378, abs=1e-12)
    assert float(found.p_value) == pytest.approx(5.691896973740836e-07, rel=1e-9)


def test_pooled_z_squared_is_pearsons_chi_squared():
    """Fagerland et al. (2017): P = 0.15730, T = 2.000 for 3/4 against 1/4; scipy's chi-squared agrees."""
    found = pooled_z_test(Counts(4, 1), Counts(4, 3))
    chi_squared = stats.chi2_contingency([[3, 1], [1, 3]], correction=False)
    assert round(float(found.p_value), 5) == 0.15730
    assert float(found.statistic) ** 2 == pytest.approx(chi_squared.statistic)


@pytest.mark.parametrize("arms", [(Counts(5, 0), Counts(8, 0)), (Counts(5, 5), Counts(8, 8))])
def test_arms_without_variation_are_equal(arms):
    """Where all or none have the event, z is 0 and the p-value 1."""
    found = pooled_z_test(*arms)
    assert (float(found.statistic), float(found.p_value)) == (0.0, 1.0)


@pytest.mark.parametrize("difference", [-0.2, -0.1, 0.05])
def test_the_score_test_maximises_the_likelihood_under_its_null_hypothesis(difference):
    """Rates found by a general optimiser give the same z; statsmodels' method "score" (0.15.0) does not."""
    n1, x1, n2, x2 = 100, 50, 100, 48
    rates = np.linspace(max(0, -difference), min(1, 1 - difference), 2_000_001)[1:-1]
    likelihood = stats.binom.logpmf(x1, n1, rates) + stats.binom.logpmf(x2, n2, rates + difference)
    p1 = rates[np.argmax(likelihood)]
    p2 = p1 + difference
    z = (x2 / n2 - x1 / n1 - difference) / math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    found = farrington_manning_test(Counts(n1, x1), Counts(n2, x2), difference=difference)
    corrected = miettinen_nurminen_test(Counts(n1, x1), Counts(n2, x2), difference=difference)
    assert float(found.statistic) == pytest.approx(z, abs=1e-6)
    assert float(corrected.statistic) == pytest.approx(z * math.sqrt(199 / 200), abs=1e-6)


def test_the_score_test_of_equality_is_the_pooled_z_test():
    """At a difference of 0 Farrington and Manning's test is the pooled one."""
    arms = Counts(100, 40), Counts(150, 80)
    assert float(farrington_manning_test(*arms).p_value) == pytest.approx(float(pooled_z_test(*arms).p_value))


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_score_limits_are_where_the_test_stops_refusing(confidence):
    """At a limit the p-value of the same difference is one minus the confidence."""
    arms = Counts(120, 30), Counts(90, 35)
    found = miettinen_nurminen_interval(*arms, confidence=confidence)
    for limit in (found.lower, found.upper):
        p_value = miettinen_nurminen_test(*arms, difference=float(limit)).p_value
        assert float(p_value) == pytest.approx(1 - confidence, rel=1e-8)


@pytest.mark.parametrize(
    ("arms", "exact", "mid_p"),
    [
        (RITLAND, 0.06287, 0.04466),  # Fagerland et al. (2017), chapter 4
        # Fisher's tea tasting, R's fisher.test: 0.4857; mid-p 0.4857 - 0.2286 / 2
        ((Counts(4, 1), Counts(4, 3)), 0.48571, 0.37143),
    ],
)
def test_fishers_test_and_its_mid_p_form(arms, exact, mid_p):
    """Both are what the book and R print."""
    assert round(float(fisher_exact_test(*arms).p_value), 5) == exact
    assert round(float(fisher_mid_p_test(*arms).p_value), 5) == mid_p


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize(
    "table", [(9, 4, 4, 10), (7, 27, 1, 33), (0, 16, 15, 57), (200, 9800, 160, 4800), (3, 0, 0, 3)]
)
def test_fishers_test_is_scipys(table, alternative):
    """scipy.stats.fisher_exact gives the same p-value for every alternative."""
    a, b, c, d = table
    found = fisher_exact_test(Counts(c + d, c), Counts(a + b, a), alternative=alternative)
    expected = stats.fisher_exact([[a, b], [c, d]], alternative=alternative)
    assert float(found.p_value) == pytest.approx(expected.pvalue, rel=1e-9)
    assert float(found.statistic) == pytest.approx(expected.statistic)


@pytest.mark.parametrize("method", [newcombe_interval, mee_interval, miettinen_nurminen_interval])
def test_many_metrics_take_one_call(method):
    """Arrays give the same limits as one call each."""
    control, treatment = Counts([70, 10, 0], [56, 9, 0]), Counts([80, 10, 9], [48, 3, 2])
    together = method(control, treatment)
    for place in range(2):
        alone = method(*(Counts(each.n[place], each.events[place]) for each in (control, treatment)))
        assert float(together.lower[place]) == pytest.approx(float(alone.lower), abs=1e-12)
    assert np.isnan(together.lower[2])
    assert np.isnan(together.upper[2])


@pytest.mark.parametrize(
    "counts", [Counts(5, 6), Counts(5, -1), Counts(-1, -2), Counts(math.nan, 1), Counts(5, math.inf)]
)
@pytest.mark.parametrize("function", [wilson_interval, clopper_pearson_interval])
def test_impossible_counts_are_refused(function, counts):
    """More events than units, negative and non-finite counts are named in the error."""
    with pytest.raises(InvalidInput, match="0 ≤ events ≤ units"):
        function(counts)


def test_an_exact_test_takes_whole_numbers():
    """Half an event has no place in a table."""
    with pytest.raises(InvalidInput, match="whole numbers"):
        fisher_exact_test(Counts(5, 1.5), Counts(5, 1))


@pytest.mark.parametrize("confidence", [0, 1, 1.5, -0.1, math.nan])
def test_a_confidence_lies_between_0_and_1(confidence):
    """Anything else is refused by name."""
    with pytest.raises(InvalidInput, match="confidence"):
        newcombe_interval(Counts(10, 1), Counts(10, 2), confidence=confidence)


def test_empty_arms_are_not_measured():
    """Without units there is neither an estimate nor a test."""
    for test in (pooled_z_test, fisher_exact_test, fisher_mid_p_test, miettinen_nurminen_test):
        assert np.isnan(test(Counts(0, 0), Counts(10, 2)).p_value)
    assert np.isnan(wilson_interval(Counts(0, 0))).all()
    assert np.isnan(clopper_pearson_interval(Counts(0, 0))).all()
