"""Histories as blocks."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mlops.cli.sparklines import sparkline

NUMBERS = st.lists(st.floats(), max_size=60)


@given(NUMBERS, st.integers(1, 30))
def test_it_is_as_long_as_the_history_up_to_its_width(values: list[float], width: int) -> None:
    """No number, however large or strange, changes the length."""
    assert len(sparkline(values, width)) == min(len(values), width)


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=20, unique=True))
def test_the_lowest_and_the_highest_reach_the_ends_of_the_scale(values: list[float]) -> None:
    """Where every value has a block of its own, the least is the lowest block and the greatest the highest."""
    drawn = sparkline(values, len(values))
    assert drawn[values.index(max(values))] == "█"
    assert drawn[values.index(min(values))] == "▁"


def test_what_is_not_finite_is_a_gap() -> None:
    """NaN and the infinities leave a hole and do not stretch the scale."""
    assert sparkline([1.0, math.nan, 2.0, math.inf]) == "▁ █ "
    assert sparkline([math.nan]) == " "


def test_a_constant_history_is_a_line_at_the_bottom() -> None:
    """Nothing is divided by a span of zero."""
    assert sparkline([0.5] * 4) == "▁▁▁▁"
