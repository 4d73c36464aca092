"""Restricted maximum likelihood: against numerical maximisation and published values."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import special
from scipy.optimize import minimize_scalar

from mlops.stats.arms import Counts
from mlops.stats.restricted_proportions import rates_at_difference, rates_at_ratio


@st.composite
def _counts(draw: st.DrawFn) -> Counts:
    n = draw(st.integers(1, 300))
    return Counts(n, draw(st.integers(0, n)))


def _log_likelihood(counts: Counts, rate: float) -> float:
    return float(special.xlogy(counts.events, rate) + special.xlog1py(counts.n - counts.events, -rate))


@given(control=_counts(), treatment=_counts(), difference=st.floats(-0.99, 0.99))
def test_no_other_rates_of_that_difference_are_likelier(control: Counts, treatment: Counts, difference: float) -> None:
    """The closed form is as good as scipy's bounded minimisation."""

    def loss(rate: float) -> float:
        return -_log_likelihood(control, rate) - _log_likelihood(treatment, min(max(rate + difference, 0.0), 1.0))

    best = minimize_scalar(loss, bounds=(max(0, -difference), min(1, 1 - difference)), options={"xatol": 1e-12})
    rates = rates_at_difference(control, treatment, difference)
    assert -_log_likelihood(control, float(rates[0])) - _log_likelihood(treatment, float(rates[1])) <= best.fun + 1e-6
    assert rates[1] - rates[0] == pytest.approx(difference, abs=1e-12)


@given(control=_counts(), treatment=_counts(), ratio=st.floats(0.05, 20))
def test_no_other_rates_of_that_ratio_are_likelier(control: Counts, treatment: Counts, ratio: float) -> None:
    """The closed form is as good as scipy's bounded minimisation."""
    assume(control.events + treatment.events > 0)

    def loss(rate: float) -> float:
        return -_log_likelihood(control, rate) - _log_likelihood(treatment, min(rate * ratio, 1.0))

    best = minimize_scalar(loss, bounds=(0, min(1, 1 / ratio)), options={"xatol": 1e-12})
    rates = rates_at_ratio(control, treatment, ratio)
    assert -_log_likelihood(control, float(rates[0])) - _log_likelihood(treatment, float(rates[1])) <= best.fun + 1e-6
    assert rates[1] == pytest.approx(rates[0] * ratio)


@given(control=_counts(), treatment=_counts())
def test_equal_rates_are_the_pooled_rate(control: Counts, treatment: Counts) -> None:
    """A difference of 0 and a ratio of 1 both pool."""
    pooled = (control.events + treatment.events) / (control.n + treatment.n)
    assert rates_at_difference(control, treatment, 0.0)[0] == pytest.approx(pooled, abs=1e-12)
    assert rates_at_ratio(control, treatment, 1.0)[0] == pytest.approx(pooled, abs=1e-12)
