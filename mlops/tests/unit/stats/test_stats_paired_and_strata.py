"""Paired, stratified, clustered and adjusted comparisons against books, R and other programs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

from mlops.errors import InvalidInput
from mlops.stats.arms import Counts
from mlops.stats.clustered import (
    ClusterSums,
    clustered_difference,
    clustered_mean,
    design_effect,
    intraclass_correlation,
)
from mlops.stats.cuped import adjust_by_covariate
from mlops.stats.means import welch_test
from mlops.stats.moments import ExactMoments, ExactPairMoments, Summary
from mlops.stats.paired import (
    PairedCounts,
    mcnemar_exact_test,
    mcnemar_test,
    paired_difference_interval,
    paired_t_test,
)
from mlops.stats.stratified import (
    cochran_mantel_haenszel_test,
    mantel_haenszel_difference,
    mantel_haenszel_ratio,
    stratified_difference,
)

# Doll and Hill, smoking and lung cancer by sex (females, males), Fagerland et al. (2017), chapter 10.
STRATA = Counts([29, 51], [2, 19]), Counts([1269, 69], [647, 41])

# R's UCBAdmissions: admitted and all, women (control) and men by department A to F.
WOMEN = Counts([108, 25, 593, 375, 393, 341], [89, 17, 202, 131, 94, 24])
MEN = Counts([825, 560, 325, 417, 191, 373], [512, 353, 120, 138, 53, 22])


def test_mcnemar_of_the_approval_ratings():
    """Agresti (2013), table 11.1, 150 against 86 changed their mind: z² = 17.36 (statsmodels 0.15.0: 17.35593)."""
    found = mcnemar_test(PairedCounts(794, 150, 86, 570))
    assert float(found.statistic) ** 2 == pytest.approx(17.35593220338983)
    assert float(found.p_value) == pytest.approx(3.099293441045215e-05, rel=1e-9)


@pytest.mark.parametrize(
    ("control_only", "treatment_only", "p_value"),
    [
        (9, 3, 0.14599609375),  # statsmodels 0.15.0, mcnemar(exact=True)
        (1, 7, 0.0703125),  # Fagerland et al. (2017), chapter 8, Bentur et al.: 2 (1 + 8) / 256
        (0, 0, 1.0),
        (4, 4, 1.0),
    ],
)
def test_exact_mcnemar(control_only, treatment_only, p_value):
    """The two-sided p-value is twice the smaller binomial tail, at most 1."""
    assert float(mcnemar_exact_test(PairedCounts(10, control_only, treatment_only, 12)).p_value) == p_value


@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_one_sided_exact_mcnemar_is_a_binomial_test(alternative):
    """scipy.stats.binomtest gives the same tails."""
    found = mcnemar_exact_test(PairedCounts(0, 30, 45, 0), alternative=alternative)
    assert float(found.p_value) == pytest.approx(stats.binomtest(45, 75, alternative=alternative).pvalue)


def test_paired_difference_is_that_of_the_book():
    """Fagerland et al. (2017), chapter 8, Cavo et al. 2012: -0.0621, -0.1186 to -0.0046."""
    found = paired_difference_interval(PairedCounts(both=59, control_only=16, treatment_only=6, neither=80))
    assert [round(float(each), 4) for each in found] == [-0.0621, -0.1186, -0.0046]


@pytest.mark.parametrize(
    ("table", "limits"),
    [
        # Newcombe (1998), Statistics in Medicine 17:2635-2650, table III, method 10, counts e, f, g, h.
        ((36, 12, 2, 0), (0.0569, 0.3404)),
        ((20, 12, 2, 16), (0.0562, 0.3292)),
        ((18, 12, 2, 18), (0.0562, 0.3290)),
        ((36, 14, 0, 0), (0.1528, 0.4167)),
        ((53, 0, 0, 1), (-0.0729, 0.0729)),
        ((30, 0, 0, 24), (-0.0358, 0.0358)),
        ((27, 0, 0, 27), (-0.0351, 0.0351)),
    ],
)
def test_paired_differences_are_those_of_the_paper(table, limits):
    """Newcombe's table III has the same limits; his f counts events under the first treatment only."""
    e, f, g, h = table
    found = paired_difference_interval(PairedCounts(both=e, control_only=g, treatment_only=f, neither=h))
    assert (round(float(found.lower), 4), round(float(found.upper), 4)) == limits


def test_paired_t_is_rs():
    """R prints for the paired t.test of `sleep`: t = -4.0621, df = 9, p = 0.002833, -2.4598858 to -0.7001142."""
    one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    two = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = paired_t_test(ExactPairMoments.of(zip(one, two, strict=True)).differences)
    assert (round(float(found.statistic), 4), round(float(found.p_value), 6)) == (4.0621, 0.002833)
    assert (round(float(found.lower), 7), round(float(found.upper), 7)) == (0.7001142, 2.4598858)


def test_cochran_mantel_haenszel_is_that_of_the_book():
    """Fagerland et al. (2017), chapter 10: chi-squared 24.920."""
    assert round(float(cochran_mantel_haenszel_test(*STRATA).statistic) ** 2, 3) == 24.920


def test_cochran_mantel_haenszel_of_admissions_to_berkeley():
    """statsmodels 0.15.0 and R's mantelhaen.test(UCBAdmissions, correct=FALSE): 1.5246, p = 0.2169."""
    found = cochran_mantel_haenszel_test(WOMEN, MEN)
    assert float(found.statistic) ** 2 == pytest.approx(1.5246066604434356, rel=1e-10)
    assert float(found.p_value) == pytest.approx(0.21692369705551817, rel=1e-10)


def test_mantel_haenszel_difference_is_that_of_the_book():
    """Fagerland et al. (2017), chapter 10: 0.3294, 0.2281 to 0.4307 by the variance of Greenland and Robins."""
    found = mantel_haenszel_difference(*STRATA, variance="greenland-robins")
    assert [round(float(each), 4) for each in found[:3]] == [0.3294, 0.2281, 0.4307]


def test_mantel_haenszel_ratio_is_that_of_the_book():
    """Fagerland et al. (2017), chapter 10: 2.4751, 1.5831 to 3.8698; statsmodels 0.15.0 for Berkeley: 0.9449."""
    assert [round(float(each), 4) for each in mantel_haenszel_ratio(*STRATA)] == [2.4751, 1.5831, 3.8698]
    assert float(mantel_haenszel_ratio(WOMEN, MEN).estimate) == pytest.approx(0.944905022595929, rel=1e-10)


def test_satos_variance_is_right_in_pairs_where_the_other_is_not():
    """In 4,000 strata of one unit an arm the error is that of McNemar's difference, to 2 %."""
    rng = np.random.default_rng(3)
    one, two = rng.random(4000) < 0.3, rng.random(4000) < 0.4
    ones = np.ones(4000)
    sato = mantel_haenszel_difference(Counts(ones, one), Counts(ones, two))
    direct = np.std(two.astype(float) - one, ddof=1) / np.sqrt(4000)
    assert float(sato.standard_error) == pytest.approx(direct, rel=0.02)
    assert (
        float(
            mantel_haenszel_difference(Counts(ones, one), Counts(ones, two), variance="greenland-robins").standard_error
        )
        == 0
    )


def test_one_stratum_is_a_plain_difference():
    """With one stratum the estimate is the difference of rates and the test nearly the pooled z test."""
    found = mantel_haenszel_difference(Counts([1000], [100]), Counts([1000], [150]))
    assert float(found.estimate) == pytest.approx(0.05)
    assert float(found.standard_error) == pytest.approx(np.sqrt(0.1 * 0.9 / 1000 + 0.15 * 0.85 / 1000), rel=2e-3)


def test_strata_without_both_arms_are_left_out():
    """A site that only control visited changes nothing."""
    control, treatment = Counts([100, 50, 9], [10, 9, 3]), Counts([100, 60, 0], [15, 12, 0])
    two = Counts([100, 50], [10, 9]), Counts([100, 60], [15, 12])
    assert float(mantel_haenszel_difference(control, treatment).estimate) == float(
        mantel_haenszel_difference(*two).estimate
    )
    assert float(cochran_mantel_haenszel_test(control, treatment).p_value) == float(
        cochran_mantel_haenszel_test(*two).p_value
    )


def test_strata_weighted_by_inverse_variance():
    """Differences 1 and 0.5 with variances 0.16 and 0.225 average to 0.7922 with standard error 0.3058."""
    one = Summary([50, 80], [10.0, 20.0], [4.0, 9.0])
    two = Summary([50, 80], [11.0, 20.5], [4.0, 9.0])
    found = stratified_difference(one, two)
    assert float(found.estimate) == pytest.approx((1 / 0.16 + 0.5 / 0.225) / (1 / 0.16 + 1 / 0.225))
    assert float(found.standard_error) == pytest.approx((1 / 0.16 + 1 / 0.225) ** -0.5)
    assert float(stratified_difference(one, two, weights="size").estimate) == pytest.approx((100 + 0.5 * 160) / 260)


def test_no_common_stratum_is_not_measured():
    """Two arms that never met give NaN."""
    found = mantel_haenszel_difference(Counts([5, 0], [1, 0]), Counts([0, 5], [0, 1]))
    assert np.isnan([found.estimate, found.p_value]).all()
    nothing = Summary([5, 0], [1.0, np.nan], [1.0, np.nan]), Summary([0, 5], [np.nan, 1.0], [np.nan, 1.0])
    assert np.isnan(stratified_difference(*nothing).estimate)


@pytest.mark.parametrize("function", [mantel_haenszel_difference, stratified_difference])
def test_unknown_choices_are_refused(function):
    """A word that is none of the choices is named with those that are."""
    arms = STRATA if function is mantel_haenszel_difference else (Summary([5], [1.0], [1.0]),) * 2
    name = "variance" if function is mantel_haenszel_difference else "weights"
    with pytest.raises(InvalidInput, match="must be"):
        function(*arms, **{name: "best"})


def test_the_clustered_mean_is_linearised():
    """Its error is that of the mean of the residuals y - R x, as Cochran (1977), section 2.11, has it."""
    rng = np.random.default_rng(11)
    x = rng.integers(1, 20, 500)
    y = rng.binomial(x, 0.3)
    found = clustered_mean(ExactPairMoments.of(zip(x.tolist(), y.tolist(), strict=True)))
    residuals = y - y.sum() / x.sum() * x
    assert float(found.estimate) == pytest.approx(y.sum() / x.sum())
    assert float(found.standard_error) == pytest.approx(np.std(residuals, ddof=1) / np.sqrt(500) / x.mean())


def test_units_of_one_interaction_need_no_delta_method():
    """With one interaction each the clustered difference is Welch's, up to its t quantile."""
    one, two = [1.0, 4.0, 2.0, 8.0], [5.0, 7.0, 6.0, 9.0, 9.0]
    clustered = clustered_difference(*(ExactPairMoments.of((1, y) for y in each) for each in (one, two)))
    plain = welch_test(ExactMoments.of(one), ExactMoments.of(two))
    assert float(clustered.standard_error) == pytest.approx(float(plain.standard_error))
    assert float(clustered.statistic) == pytest.approx(float(plain.statistic))


def test_clustered_units_keep_their_level():
    """600 tests without an effect, 20 interactions a unit and correlation 0.1: 5 % of them are significant."""
    rng = np.random.default_rng(17)
    units = rng.beta(0.5 * 9, 0.5 * 9, (600, 2, 200))  # intra-class correlation 1 / (1 + 9)
    events = rng.binomial(20, units).astype(float)
    means, variances = events.mean(axis=2), events.var(axis=2, ddof=1)
    fixed = [_Units(200, 20.0, means[:, arm], 0.0, variances[:, arm], 0.0) for arm in (0, 1)]
    rejected = np.mean(clustered_difference(*fixed).p_value < 0.05)
    assert 0.05 - 3 * 0.009 <= rejected <= 0.05 + 3 * 0.009


class _Units(NamedTuple):
    """Moments of many simulated tests at once."""

    n: int
    mean_x: float
    mean_y: np.ndarray
    variance_x: float
    variance_y: np.ndarray
    covariance: float


def test_intraclass_correlation_is_that_of_the_paper():
    """Shrout and Fleiss (1979), table 4: ICC(1,1) of six targets and four judges is 0.17."""
    ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    sums = ClusterSums(6, 24, 6 * 16, ratings.sum(), (ratings**2).sum(), (ratings.sum(axis=1) ** 2).sum() / 4)
    assert round(float(intraclass_correlation(sums)), 2) == 0.17


def test_the_design_effect_of_the_issue():
    """Kish: 20 interactions with correlation 0.1 inflate a variance 2.9 times, varying sizes more."""
    assert float(design_effect(20, 0.1)) == pytest.approx(2.9)
    assert float(design_effect(20, 0.1, size_variation=0.5)) == pytest.approx(1 + (1.25 * 20 - 1) * 0.1)
    with pytest.raises(InvalidInput, match="correlation"):
        design_effect(20, 1.5)


def test_cuped_is_a_regression_within_arms():
    """θ is the pooled slope, the variance shrinks by ρ², and the adjusted effect is the regression's."""
    rng = np.random.default_rng(7)
    x = rng.normal(50, 10, (2, 4000))
    y = 0.8 * x + rng.normal(0, 6, (2, 4000)) + np.array([[0.0], [0.5]])
    arms = [ExactPairMoments.of(zip(x[arm].tolist(), y[arm].tolist(), strict=True)) for arm in (0, 1)]
    found = adjust_by_covariate(arms)
    design = np.stack([np.repeat([1.0, 0.0], 4000), np.repeat([0.0, 1.0], 4000), x.ravel()], axis=1)
    slopes = np.linalg.lstsq(design, y.ravel(), rcond=None)[0]
    assert found.theta == pytest.approx(slopes[2])
    assert float(found.arms[1].mean - found.arms[0].mean) == pytest.approx(slopes[1] - slopes[0])
    assert float(found.arms[0].variance) == pytest.approx(arms[0].variance_y * (1 - 0.64), rel=0.05)
    assert found.variance_reduction == pytest.approx(0.64, abs=0.03)
    assert float(welch_test(*found.arms).standard_error) < 0.62 * np.sqrt(2 * 100 / 4000)


def test_cuped_without_a_past_changes_nothing():
    """A constant covariate leaves means and variances as they are."""
    arms = [ExactPairMoments.of([(0.0, 1.0), (0.0, 3.0)]), ExactPairMoments.of([(0.0, 2.0), (0.0, 6.0)])]
    found = adjust_by_covariate(arms)
    assert found.theta == 0
    assert [float(arm.mean) for arm in found.arms] == [2.0, 4.0]
    with pytest.raises(InvalidInput, match="no arms"):
        adjust_by_covariate([])
