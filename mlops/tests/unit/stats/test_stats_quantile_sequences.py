"""Confidence sequences of quantiles: coverage of estimates, laws, and independence of how the sketch is cut."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.stats.quantile_sequences import difference_of_quantiles, p_value_of_equal_quantiles, quantile

EDGES = np.concatenate([[-math.inf], np.arange(0.0, 19.0), [math.inf]])
SKETCHES = st.lists(st.integers(0, 60), min_size=20, max_size=20).filter(any)
LEVELS = st.sampled_from([0.05, 0.5, 0.95, 0.99])


@given(counts=SKETCHES, level=LEVELS)
def test_an_interval_contains_its_estimate(counts: list[int], level: float) -> None:
    """Also when the estimate lies in an unbounded bin."""
    found = quantile(EDGES, counts, level, target=500)
    assert found.lower <= found.estimate <= found.upper


@given(counts=SKETCHES, level=LEVELS, times=st.integers(2, 30))
def test_more_data_of_the_same_law_narrow_the_interval(counts: list[int], level: float, times: int) -> None:
    """Never widen it."""
    early, late = (quantile(EDGES, factor * np.array(counts), level, target=500) for factor in (1, times))
    assert early.lower <= late.lower <= late.upper <= early.upper


@given(counts=SKETCHES, level=LEVELS)
def test_a_finer_sketch_only_narrows(counts: list[int], level: float) -> None:
    """Merging neighbouring bins loses, and never claims more."""
    fine = quantile(EDGES, counts, level, target=500)
    coarse = quantile(EDGES[::2], np.array(counts).reshape(-1, 2).sum(axis=1), level, target=500)
    assert coarse.lower <= fine.lower <= fine.upper <= coarse.upper


@given(control=SKETCHES, treatment=SKETCHES, level=LEVELS)
def test_swapping_the_arms_flips_the_sign(control: list[int], treatment: list[int], level: float) -> None:
    """Interval and p-value."""
    targets = (500.0, 500.0)
    bounded = np.arange(21.0)
    one = difference_of_quantiles(bounded, control, treatment, level, targets=targets)
    other = difference_of_quantiles(bounded, treatment, control, level, targets=targets)
    assert one == pytest.approx((-other.estimate, -other.upper, -other.lower))
    assert one.lower <= one.estimate <= one.upper


@given(control=SKETCHES, treatment=SKETCHES)
def test_what_is_rejected_as_equal_lies_outside_the_interval(control: list[int], treatment: list[int]) -> None:
    """The interval, rounded outwards to edges, says 0 whenever the p-value lets it."""
    targets = (500.0, 500.0)
    p = p_value_of_equal_quantiles(control, treatment, 0.5, targets=targets)
    found = difference_of_quantiles(np.arange(21.0), control, treatment, 0.5, targets=targets)
    assert p <= 0.05 or found.lower < 0 < found.upper


def test_an_empty_sketch_claims_nothing() -> None:
    """NaN between infinities."""
    found = quantile(EDGES, np.zeros(20), 0.95, target=500)
    assert math.isnan(found.estimate)
    assert (found.lower, found.upper) == (-math.inf, math.inf)
    assert p_value_of_equal_quantiles(np.zeros(20), np.zeros(20), 0.95, targets=(500, 500)) == 1.0


def test_values_that_are_all_one_are_found() -> None:
    """A law with one value: whatever the level, the quantile is in its bin."""
    found = quantile([0, 1, 2, 3], [0, 10_000, 0], 0.95, target=500)
    assert (found.lower, found.upper) == (1.0, 2.0)


def test_the_interval_of_p95_is_about_as_wide_as_it_should_be() -> None:
    """Of 10,000 uniform values: binomial spread times the critical value, two edges more."""
    found = quantile(np.linspace(0, 1, 1001), [10] * 1000, 0.95, target=10_000)
    spread = math.sqrt(0.95 * 0.05 / 10_000)
    assert found.estimate == pytest.approx(0.95)
    assert 2 * 2.9 * spread < found.upper - found.lower < 2 * 3.2 * spread + 0.002


@pytest.mark.parametrize(
    ("edges", "counts"), [([0, 1], [1, 2]), ([0, 1, 1], [1, 2]), ([1, 0], [1]), ([0, math.nan], [1]), ([[0, 1]], [[1]])]
)
def test_sketches_that_do_not_fit_are_refused(edges: list[float], counts: list[int]) -> None:
    """One edge more than bins, ascending."""
    with pytest.raises(InvalidInput, match="edge"):
        quantile(edges, counts, 0.5, target=10)
