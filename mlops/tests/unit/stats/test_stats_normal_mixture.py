"""The normal mixture boundary: published values, and that bound and p-value are one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlops.errors import InvalidInput
from mlops.stats.normal_mixture import (
    critical_value,
    one_sided_critical_value,
    one_sided_p_value,
    p_value,
    ratio_at,
)

RATIOS = st.floats(0.01, 1000)
LEVELS = st.floats(0.001, 0.4)


def test_the_bound_is_that_of_the_confseq_library() -> None:
    """confseq's unit test, reference implementation in R: normal mixture, v = v_opt = 100, rho 12.60056: 30.35209."""
    assert 10 * critical_value(100 / 12.60056) == pytest.approx(30.35209, abs=1e-5)


def test_tuning_is_no_wider_than_the_usual_approximation() -> None:
    """Lambert's W tunes exactly what confseq approximates by 2 log(1/α) + log(1 + 2 log(1/α))."""
    usual = 2 * math.log(20) + math.log(1 + 2 * math.log(20))
    assert critical_value(ratio_at(1.0)) <= critical_value(usual)
    assert ratio_at(1.0) == pytest.approx(usual, rel=0.05)


def test_the_one_sided_bound_is_no_tighter_than_the_exact_one() -> None:
    """confseq's one-sided normal mixture at v = v_opt = 100 is 27.66071; the closed form lies just above it."""
    exact = 27.66071
    assert exact <= 10 * one_sided_critical_value(ratio_at(1.0, sides=1)) <= 1.01 * exact


def test_the_paper_s_formula() -> None:
    """Theorem 2.2 of Waudby-Smith et al.: sqrt(2(tρ² + 1) / (t²ρ²) · log(sqrt(tρ² + 1) / α)) with unit variance."""
    t, rho, alpha = 400, 0.12, 0.1
    margin = math.sqrt(2 * (t * rho**2 + 1) / (t**2 * rho**2) * math.log(math.sqrt(t * rho**2 + 1) / alpha))
    assert critical_value(t * rho**2, alpha) / math.sqrt(t) == pytest.approx(margin)


@given(ratio=RATIOS, alpha=LEVELS)
def test_the_p_value_at_the_bound_is_the_level(ratio: float, alpha: float) -> None:
    """Both p-values invert their boundaries."""
    assert p_value(critical_value(ratio, alpha), ratio) == pytest.approx(alpha)
    assert one_sided_p_value(one_sided_critical_value(ratio, alpha), ratio) == pytest.approx(alpha)


@given(ratio=RATIOS, alpha=LEVELS)
def test_looking_always_costs_more_than_looking_once(ratio: float, alpha: float) -> None:
    """The boundary lies outside the fixed-sample quantile, and one side's inside two sides'."""
    assert critical_value(ratio, alpha) > stats.norm.isf(alpha / 2)
    assert one_sided_critical_value(ratio, alpha) > stats.norm.isf(alpha)
    assert one_sided_critical_value(ratio, alpha) < critical_value(ratio, alpha)


@given(fraction=st.floats(0.01, 100), other=st.floats(0.01, 100))
def test_the_bound_is_narrowest_where_it_is_tuned(fraction: float, other: float) -> None:
    """Tuned for the information at hand, no other tuning gives a smaller boundary."""
    ratio = float(ratio_at(1.0))
    assert critical_value(ratio) <= critical_value(ratio * other) + 1e-9
    assert np.isfinite(critical_value(ratio * fraction))


def test_nothing_known_is_nothing_claimed() -> None:
    """Without information the boundary is infinite, and NaN is no evidence."""
    assert math.isinf(critical_value(0.0))
    assert p_value(math.nan, 1.0) == one_sided_p_value(math.nan, 1.0) == one_sided_p_value(-5.0, 1.0) == 1.0


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.0, math.nan])
def test_levels_that_are_none_are_refused(alpha: float) -> None:
    """The message names the level."""
    with pytest.raises(InvalidInput, match="alpha"):
        critical_value(1.0, alpha)
