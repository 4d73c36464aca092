"""Inverting tests: limits of parabolas, and of tests that accept everything or nothing more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.stats.arguments import Floats
from mlops.stats.inversion import limits


@given(centre=st.floats(-0.9, 0.9), width=st.floats(1e-6, 3), bend=st.floats(0, 5))
def test_limits_are_where_the_excess_is_none(centre: float, width: float, bend: float) -> None:
    """Of a parabola with a bend, on both sides; an end that is accepted is the limit."""
    inside, ends = np.full(2, centre), np.array([-1.0, 1.0])

    def excess(x: Floats) -> Floats:
        return (x - centre) ** 2 * (1 + bend * x**2) - width**2

    found = limits(excess, inside, ends)
    accepted = excess(ends) <= 0
    assert found[accepted] == pytest.approx(ends[accepted])
    assert excess(found[~accepted]) == pytest.approx(0, abs=1e-6)


def test_many_intervals_at_once_are_each_alone() -> None:
    """Whatever their scales."""
    wide = np.array([1e-6, 1.0, 1e6])
    found = limits(lambda x: x - wide, np.zeros(3), np.full(3, 1e7))
    assert found == pytest.approx(wide)


def test_a_value_that_is_just_accepted_hides_no_wider_limit() -> None:
    """An excess of 0 in the middle, as that of equal rates without any spread, is not where rejection begins."""
    found = limits(lambda x: np.abs(x) - 0.4 * np.sqrt(np.abs(x)), np.zeros(2), np.array([-1.0, 1.0]))
    assert found == pytest.approx([-0.16, 0.16])
