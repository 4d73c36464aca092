"""The beta mixture and the guardrails made of it: published values, exact validity, laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlops.errors import InvalidInput
from mlops.stats import bounds
from mlops.stats.arms import Counts
from mlops.stats.bernoulli_mixture import log_e_value, log_e_value_above, log_threshold, prior_strength


@st.composite
def _counts(draw: st.DrawFn) -> Counts:
    n = draw(st.integers(0, 5000))
    return Counts(n, draw(st.integers(0, n)))


def test_the_mixture_is_that_of_the_confseq_library() -> None:
    """confseq's unit tests (reference in R), g = .2, h = .8, s = 10, v = 100: 135 events of 625 at .2.

    Its r is v_opt over the approximate best ratio, less gh; the strength is r/g/h.
    """
    two = 100 / (2 * math.log(20) + math.log(1 + 2 * math.log(20))) - 0.16
    one = 100 / (2 * math.log(10) + math.log(1 + 2 * math.log(10))) - 0.16
    assert log_e_value(Counts(625, 135), 0.2, two / 0.16) == pytest.approx(-0.6941012, abs=1e-6)
    assert log_e_value_above(Counts(625, 135), 0.2, one / 0.16) == pytest.approx(-0.07134019, abs=1e-6)


@given(n=st.integers(0, 40), rate=st.floats(0.01, 0.99), strength=st.floats(0.01, 1000))
def test_the_mixture_is_worth_one_under_its_null(n: int, rate: float, strength: float) -> None:
    """Summed over all outcomes; one-sided it is at most 1 for every lesser rate too."""
    events = np.arange(n + 1)
    two = np.exp(log_e_value(Counts(n, events), rate, strength))
    one = np.exp(log_e_value_above(Counts(n, events), rate, strength))
    assert (two * stats.binom.pmf(events, n, rate)).sum() == pytest.approx(1)
    assert (one * stats.binom.pmf(events, n, rate)).sum() == pytest.approx(1)
    assert (one * stats.binom.pmf(events, n, 0.7 * rate)).sum() <= 1 + 1e-9


@given(counts=_counts(), more=st.integers(1, 100))
def test_more_failures_are_more_evidence(counts: Counts, more: int) -> None:
    """Of as many units."""
    n = counts.n + more
    assert bounds.rate_above(Counts(n, counts.events + more), 0.1, target=500) <= bounds.rate_above(
        Counts(n, counts.events), 0.1, target=500
    )


def test_no_data_no_violation() -> None:
    """The p-value is 1."""
    assert bounds.rate_above(Counts(0, 0), 0.05, target=500) == 1.0
    assert bounds.quantile_above(0, 0, 0.95, target=500) == 1.0


def test_a_quantile_is_above_its_limit_when_too_many_values_are() -> None:
    """The p95 guardrail is the rate guardrail of values above the limit at 5 %."""
    assert bounds.quantile_above(1000, 90, 0.95, target=500) == pytest.approx(
        bounds.rate_above(Counts(1000, 90), 0.05, target=500)
    )


def test_extreme_counts_stay_numbers() -> None:
    """No overflow, no NaN, at rates near both ends and ten million units."""
    n = 10_000_000
    found = bounds.rate_above(Counts(n, np.array([0, 1, n // 2, n])), 1e-6, target=1e6)
    assert np.isfinite(found).all()
    assert found[0] == 1.0
    assert found[-1] == 0.0


@pytest.mark.parametrize("limit", [0.0, 1.0, -0.1, math.nan])
def test_a_limit_that_is_no_rate_is_refused(limit: float) -> None:
    """The message names it."""
    with pytest.raises(InvalidInput, match="limit"):
        bounds.rate_above(Counts(10, 1), limit, target=100)


def test_strength_grows_with_the_target() -> None:
    """The later an interval shall be narrowest, the closer the prior keeps to the null."""
    assert prior_strength(1.0) < prior_strength(100.0) < prior_strength(10_000.0)
    assert log_threshold(0.05) == pytest.approx(math.log(20))
