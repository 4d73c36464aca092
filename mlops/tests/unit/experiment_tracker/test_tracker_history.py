"""Histories as tables: one row a step, whatever order and gaps the values have."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlops.experiment_tracker.history import history_frame, history_points, to_columns

Row = tuple[str, int, int | None, float | None, int]

rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c/d"]),
        st.integers(-5, 5),
        st.none() | st.integers(0, 3),
        st.none() | st.floats(allow_nan=False),
        st.integers(0, 10**15),
    ),
    max_size=40,
).map(lambda found: sorted(found, key=lambda row: row[1]))


def test_no_values_make_an_empty_table() -> None:
    """An experiment without metrics has a history of no rows."""
    frame = history_frame(to_columns([]))
    assert list(frame.columns) == ["step", "timestamp"]
    assert len(frame) == 0


def test_values_of_one_step_share_a_row() -> None:
    """Metrics are columns in order of first appearance; a step without a value has NaN."""
    frame = history_frame(to_columns([("b", 0, None, 1.0, 5), ("a", 0, None, 2.0, 6), ("b", 1, None, 3.0, 7)]))
    assert list(frame.columns) == ["step", "timestamp", "b", "a"]
    assert frame["b"].tolist() == [1.0, 3.0]
    assert math.isnan(frame["a"].iloc[1])


def test_timestamp_is_aware_and_of_the_last_value() -> None:
    """A step's time is that of its last value."""
    frame = history_frame(to_columns([("a", 0, None, 1.0, 1_000_000), ("b", 0, None, 1.0, 2_000_000)]))
    assert frame["timestamp"].iloc[0].isoformat() == "1970-01-01T00:00:02+00:00"


def test_epoch_is_a_column_only_when_given() -> None:
    """Epochs are whole numbers with gaps."""
    frame = history_frame(to_columns([("a", 0, 7, 1.0, 0), ("a", 1, None, 1.0, 0)]))
    assert str(frame["epoch"].dtype) == "Int64"
    assert frame["epoch"].iloc[0] == 7
    assert frame["epoch"].isna().tolist() == [False, True]


def test_thinning_keeps_the_spike() -> None:
    """A long history made short still shows its extremes and its ends."""
    values = np.zeros(10_000)
    values[4321] = 9.0
    columns = to_columns([("a", step, None, float(value), 0) for step, value in enumerate(values)])
    frame = history_frame(columns, max_points=50)
    assert len(frame) <= 50
    assert frame["a"].max() == 9.0
    assert frame["step"].iloc[[0, -1]].tolist() == [0, 9999]
    assert len(history_points(columns, max_points=50)) == len(frame)


@given(rows)
def test_the_table_holds_the_last_value_of_each_step(found: list[Row]) -> None:
    """A cell is what a dictionary filled in order would hold."""
    expected = {(row[1], row[0]): row[3] for row in found}
    frame = history_frame(to_columns(found))
    assert frame["step"].tolist() == sorted({row[1] for row in found})
    for (step, name), value in expected.items():
        cell = frame.loc[frame["step"] == step, name].item()
        assert math.isnan(cell) if value is None else cell == value


@given(rows)
def test_points_keep_every_value(found: list[Row]) -> None:
    """Points come in the order of the rows, with steps, epochs and NaN as they were."""
    points = history_points(to_columns(found))
    assert [(point.step, point.epoch) for point in points] == [(row[1], row[2]) for row in found]
    assert [None if math.isnan(point.value) else point.value for point in points] == [row[3] for row in found]
