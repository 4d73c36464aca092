"""Confidence sequences of ratios: agreement with those of differences, and their own laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.stats.arms import Counts, Moments
from mlops.stats.confidence_sequences import difference_of_means, difference_of_proportions
from mlops.stats.ratio_sequences import ratio_of_means, ratio_of_proportions


@st.composite
def _counts(draw: st.DrawFn) -> Counts:
    n = draw(st.integers(100, 100_000))
    return Counts(n, draw(st.integers(1, n)))


@st.composite
def _moments(draw: st.DrawFn) -> Moments:
    n, mean, variance = draw(st.integers(50, 10_000)), draw(st.floats(1, 100)), draw(st.floats(0.01, 100))
    return Moments(n, n * mean, (n - 1) * variance + n * mean**2)


@given(control=_counts(), treatment=_counts())
def test_swapping_the_arms_inverts_the_ratio(control: Counts, treatment: Counts) -> None:
    """Estimate and bounds, and an interval contains its estimate."""
    one = ratio_of_proportions(control, treatment, target=1000)
    other = ratio_of_proportions(treatment, control, target=1000)
    assert one.lower <= one.estimate * (1 + 1e-9)
    assert one.estimate <= one.upper * (1 + 1e-9)
    assert one.estimate == pytest.approx(1 / other.estimate)
    assert one.lower == 0 or one.lower * other.upper == pytest.approx(1, rel=1e-6)


@given(control=_counts(), treatment=_counts())
def test_a_ratio_excludes_one_when_the_difference_excludes_none(control: Counts, treatment: Counts) -> None:
    """Both invert one test."""
    ratio = ratio_of_proportions(control, treatment, target=1000)
    difference = difference_of_proportions(control, treatment, target=1000)
    distance = max(float(ratio.lower) - 1, 1 - float(ratio.upper))
    assert (distance > 0) == (difference.lower > 0 or difference.upper < 0) or abs(distance) < 1e-8


@given(control=_moments(), treatment=_moments())
def test_fieller_s_interval_agrees_with_welch_s(control: Moments, treatment: Moments) -> None:
    """A ratio of 1 is excluded exactly when a difference of 0 is."""
    ratio = ratio_of_means(control, treatment, target=1000)
    difference = difference_of_means(control, treatment, target=1000)
    if math.isfinite(ratio.upper):
        assert ratio.lower <= ratio.estimate <= ratio.upper
        distance = max(float(ratio.lower) - 1, 1 - float(ratio.upper))
        assert (distance > 0) == (difference.lower > 0 or difference.upper < 0) or abs(distance) < 1e-8


@pytest.mark.parametrize("control", [Counts(0, 0), Counts(20, 2), Counts(1000, 0), Counts(1000, 1000)])
def test_before_the_burn_in_ratios_claim_nothing(control: Counts) -> None:
    """From 0 to infinity."""
    found = ratio_of_proportions(control, Counts(20, 0), target=500)
    assert (found.lower, found.upper, found.p_value) == (0.0, math.inf, 1.0)


def test_a_control_that_may_be_none_has_no_ratio() -> None:
    """While the mean of control cannot be told from 0, nothing is claimed."""
    found = ratio_of_means(Moments(100, 1.0, 100.0), Moments(100, 500.0, 2600.0), target=50)
    assert (found.lower, found.upper) == (-math.inf, math.inf)


def test_no_event_in_treatment_has_a_lower_bound_of_none() -> None:
    """And a finite upper one."""
    found = ratio_of_proportions(Counts(1000, 100), Counts(1000, 0), target=500)
    assert (found.estimate, found.lower) == (0.0, 0.0)
    assert 0 < found.upper < 0.5
