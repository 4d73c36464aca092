"""The population stability index: how far two samples of a feature lie apart."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.feature_store.drift import population_stability_index

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
WORDS = st.lists(st.sampled_from(["blood", "serum", "tissue"]), min_size=1, max_size=60)


@given(sample=NUMBERS | WORDS)
def test_a_sample_is_no_distance_from_itself(sample: list[float] | list[str]) -> None:
    """Whatever the order of its values."""
    assert population_stability_index(sample, sample[::-1]) == 0


@given(first=NUMBERS, second=NUMBERS)
def test_it_is_never_below_zero(first: list[float], second: list[float]) -> None:
    """Each cell's difference has the sign of its logarithm."""
    found = population_stability_index(first, second)
    assert found is not None
    assert found >= 0


def test_categories_are_compared_by_their_shares() -> None:
    """Σ (q - p) · ln(q / p): (0.8 - 0.5) · ln 1.6 + (0.2 - 0.5) · ln 0.4."""
    found = population_stability_index(["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 20)
    assert found == pytest.approx(0.3 * math.log(1.6) - 0.3 * math.log(0.4))


def test_a_side_without_values_has_no_index() -> None:
    """Missing values and NaN are left out on both sides."""
    assert population_stability_index([1.0, 2.0], [None, math.nan]) is None
    assert population_stability_index([1.0, None, 2.0], [2.0, 1.0, math.nan]) == 0
