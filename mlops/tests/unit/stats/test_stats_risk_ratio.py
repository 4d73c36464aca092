"""Ratios of proportions against the book, and their score limits against the test that they invert."""

from __future__ import annotations

import numpy as np
import pytest

from mlops.errors import InvalidInput
from mlops.stats.arms import Counts
from mlops.stats.proportions import pooled_z_test
from mlops.stats.risk_ratio import katz_interval, koopman_interval, miettinen_nurminen_ratio_interval, ratio_score_test


@pytest.mark.parametrize(
    ("method", "limits"),
    [
        (katz_interval, (0.9096, 53.8695)),
        (koopman_interval, (1.2209, 42.5757)),
        (miettinen_nurminen_ratio_interval, (1.2086, 43.0330)),
    ],
)
def test_ratios_are_those_of_the_book(method, limits):
    """Fagerland, Lydersen and Laake (2017), chapter 4, 7/34 against 1/34 (their R package prints the same)."""
    found = method(Counts(34, 1), Counts(34, 7))
    assert float(found.estimate) == pytest.approx(7.0)
    assert (round(float(found.lower), 4), round(float(found.upper), 4)) == limits


def test_katz_is_that_of_statsmodels():
    """statsmodels 0.15.0, confint_proportions_2indep(56, 70, 48, 80, compare="ratio", method="log")."""
    found = katz_interval(Counts(80, 48), Counts(70, 56))
    assert float(found.lower) == pytest.approx(1.0766264227631928, rel=1e-9)
    assert float(found.upper) == pytest.approx(1.6512485112663873, rel=1e-9)


def test_the_score_test_of_a_ratio_is_that_of_statsmodels():
    """statsmodels 0.15.0, test_proportions_2indep(value=1.1, compare="ratio", method="score", correction=False)."""
    found = ratio_score_test(Counts(80, 48), Counts(70, 56), ratio=1.1)
    assert float(found.statistic) == pytest.approx(1.7898673507990428, rel=1e-9)
    assert float(found.p_value) == pytest.approx(0.0734752386437609, rel=1e-9)


def test_koopman_limits_are_those_of_statsmodels():
    """For ratios its method "score" is right: 1.07982 to 1.67081 for 56/70 against 48/80."""
    found = koopman_interval(Counts(80, 48), Counts(70, 56))
    assert float(found.lower) == pytest.approx(1.0798215063618604, rel=1e-6)
    assert float(found.upper) == pytest.approx(1.6708055780191224, rel=1e-6)


def test_koopman_limits_are_where_the_score_test_stops_refusing():
    """At a limit the p-value of the same ratio is one minus the confidence."""
    arms = Counts(1000, 8), Counts(3000, 41)
    for limit in koopman_interval(*arms, confidence=0.9)[1:]:
        assert float(ratio_score_test(*arms, ratio=float(limit)).p_value) == pytest.approx(0.1, rel=1e-8)


def test_a_ratio_of_1_is_tested_as_a_difference_of_0():
    """The score test of equality is the pooled z test."""
    arms = Counts(100, 40), Counts(150, 80)
    assert float(ratio_score_test(*arms).statistic) == pytest.approx(float(pooled_z_test(*arms).statistic))


def test_without_events_limits_are_open():
    """No event under control gives no upper limit, none under treatment a lower limit of 0, in every method."""
    for method in (katz_interval, koopman_interval, miettinen_nurminen_ratio_interval):
        assert method(Counts(50, 0), Counts(50, 3)).upper == np.inf
        assert method(Counts(50, 3), Counts(50, 0)).lower == 0
        assert np.isnan(method(Counts(0, 0), Counts(50, 3)).lower)
    assert 0 < float(koopman_interval(Counts(50, 0), Counts(50, 9)).lower) < np.inf


@pytest.mark.parametrize("ratio", [0, -1, np.inf, np.nan])
def test_only_a_positive_ratio_can_be_tested(ratio):
    """Others are refused by name."""
    with pytest.raises(InvalidInput, match="ratio"):
        ratio_score_test(Counts(10, 1), Counts(10, 2), ratio=ratio)
