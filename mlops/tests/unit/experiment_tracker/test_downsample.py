"""Laws of min/max-preserving downsampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.experiment_tracker.downsample import (
    MIN_POINTS,
    downsample,
    downsample_indices,
    envelope,
    envelope_by_position,
)

values_with_gaps = st.lists(st.floats(width=32), max_size=300)
limits = st.integers(MIN_POINTS, 60)


@given(values_with_gaps, limits)
def test_downsample_keeps_at_most_max_points_of_the_input_in_order(values: list[float], limit: int) -> None:
    """Every kept point was logged, none twice, and their order stays."""
    kept = downsample_indices(values, limit)
    assert len(kept) <= max(limit, 0)
    assert (np.diff(kept) > 0).all()
    assert len(kept) == 0 or (kept[0] >= 0 and kept[-1] < len(values))


@given(values_with_gaps, limits)
def test_downsample_keeps_both_ends_and_the_global_extremes(values: list[float], limit: int) -> None:
    """A spike, however short, survives; so do the first and the last point."""
    steps, kept = downsample(range(len(values)), values, limit)
    numbers = [value for value in values if not math.isnan(value)]
    if numbers:
        assert min(numbers) in kept
        assert max(numbers) in kept
    if values:
        assert (steps[0], steps[-1]) == (0, len(values) - 1)


@given(values_with_gaps, limits)
def test_downsample_keeps_a_gap_wherever_there_was_one(values: list[float], limit: int) -> None:
    """NaN appears in the result exactly when it is in the input."""
    _, kept = downsample(range(len(values)), values, limit)
    assert np.isnan(kept).any() == any(math.isnan(value) for value in values)


@given(st.lists(st.floats(allow_nan=False), max_size=20))
def test_downsample_returns_a_short_history_as_it_is(values: list[float]) -> None:
    """Nothing is dropped below the limit."""
    steps, kept = downsample(range(len(values)), values, 20)
    assert steps.tolist() == list(range(len(values)))
    assert kept.tolist() == values


@pytest.mark.parametrize("limit", [-1, 0, MIN_POINTS - 1])
def test_downsample_refuses_too_few_points(limit: int) -> None:
    """The message says how many are needed."""
    with pytest.raises(InvalidInput, match=f"Ask for {MIN_POINTS} or more"):
        downsample([1, 2], [1, 2], limit)


def test_downsample_refuses_arrays_of_different_lengths() -> None:
    """The message shows both shapes."""
    with pytest.raises(InvalidInput, match=r"\(2,\) and \(3,\)"):
        downsample([1, 2], [1, 2, 3], 10)


def test_downsample_keeps_the_type_of_datetime_steps() -> None:
    """Steps may be datetimes."""
    steps = np.arange(100).astype("datetime64[s]")
    assert downsample(steps, np.zeros(100), 10)[0].dtype == steps.dtype


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(1, 50))
def test_envelope_bounds_every_value_and_its_mean(values: list[float], buckets: int) -> None:
    """Low ≤ mean ≤ high in each bucket, and the band spans the whole range."""
    band = envelope(range(len(values)), values, buckets)
    assert len(band.x) <= buckets
    assert (band.low - 1e-6 <= band.mean).all()
    assert (band.mean <= band.high + 1e-6).all()
    assert (band.low.min(), band.high.max()) == (min(values), max(values))


def test_envelope_leaves_a_gap_where_a_bucket_has_no_number() -> None:
    """A bucket of nothing but NaN is NaN, without a warning."""
    band = envelope(range(4), [math.nan, math.nan, 1.0, 3.0], 2)
    assert math.isnan(band.mean[0])
    assert (band.low[1], band.mean[1], band.high[1]) == (1.0, 2.0, 3.0)


def test_envelope_refuses_no_points() -> None:
    """There is nothing to summarise."""
    with pytest.raises(InvalidInput, match="at least one point"):
        envelope([], [], 3)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(-1e6, 1e6) | st.just(math.nan)), max_size=40))
def test_an_envelope_by_position_summarises_each_position(points: list[tuple[int, float]]) -> None:
    """Each distinct position appears once, with the extremes and the mean of its numbers."""
    points.sort(key=lambda point: point[0])
    band = envelope_by_position([x for x, _ in points], [value for _, value in points])
    assert band.x.tolist() == sorted({x for x, _ in points})
    for x, low, mean, high in zip(*band, strict=True):
        numbers = [value for place, value in points if place == x and not math.isnan(value)]
        assert np.isnan(low) == (not numbers)
        if numbers:
            assert (low, high) == (min(numbers), max(numbers))
            assert mean == pytest.approx(sum(numbers) / len(numbers), abs=1e-6)
