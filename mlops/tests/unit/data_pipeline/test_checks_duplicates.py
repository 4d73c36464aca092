"""Rows that repeat a key are found exactly, whatever the number of parts."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.data_pipeline.duplicates import find_duplicates

KEYS = st.lists(st.tuples(st.none() | st.sampled_from("abcä"), st.none() | st.integers(0, 2)), max_size=30)


@given(KEYS, st.integers(1, 40))
def test_repeats_are_those_after_the_first(keys: list[tuple[Any, Any]], at_once: int) -> None:
    """A row is found when an earlier one has the same key without an empty part; parts make no difference."""
    rows = pl.DataFrame(keys, schema={"a": pl.String, "b": pl.Int64}, orient="row").with_row_index("__row__").lazy()
    expected = [row for row, key in enumerate(keys) if None not in key and key in keys[:row]]
    assert find_duplicates(rows, [pl.col("a"), pl.col("b")], at_once=at_once).to_list() == expected


def test_floats_that_are_equal_repeat() -> None:
    """NaN repeats NaN, and minus zero repeats zero."""
    rows = pl.LazyFrame({"__row__": [0, 1, 2, 3], "x": [float("nan"), 0.0, -0.0, float("nan")]})
    assert find_duplicates(rows, [pl.col("x")]).to_list() == [2, 3]


def test_rows_may_come_in_any_order() -> None:
    """The first row is the one with the smallest number, not the one that is read first."""
    rows = pl.LazyFrame({"__row__": [5, 1, 3], "x": ["a", "a", "b"]})
    assert find_duplicates(rows, [pl.col("x")]).to_list() == [5]


@pytest.mark.parametrize("at_once", [1_000, 7_777, 1_000_000])
def test_many_rows_in_parts(at_once: int) -> None:
    """Among many rows the few repeats are found, however many are held at once."""
    values = [f"S-{index % 9_990}" for index in range(10_000)]
    rows = pl.LazyFrame({"__row__": range(10_000), "x": values})
    assert find_duplicates(rows, [pl.col("x")], at_once=at_once).to_list() == list(range(9_990, 10_000))
