"""Statistics that start from what is known of a table already say what reading all rows says."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.data_pipeline.duplicates import Repeats, find_duplicates
from mlops.data_pipeline.quality import passes
from mlops.data_pipeline.quality.columns import columns_of

IDS = st.sampled_from(["a", "b", "c", None])
NUMBERS = st.sampled_from([0.5, 1.0, -3.25, float("nan"), float("inf"), None])


@given(rows=st.lists(st.tuples(IDS, NUMBERS), min_size=2, max_size=30))
def test_equal_rows_are_found_among_repeated_keys(rows: list[tuple[str | None, float | None]]) -> None:
    """Rows without a key are compared too."""
    frame = pl.DataFrame(rows, schema={"id": pl.String, "x": pl.Float64}, orient="row").with_row_index("__row__").lazy()
    repeats = Repeats(("id",), find_duplicates(frame, [pl.col("id")]))
    known = passes.find_duplicates(frame, ["id", "x"], ["x"], rows=len(rows), repeats=repeats)
    assert known == passes.find_duplicates(frame, ["id", "x"], ["x"], rows=len(rows))


def test_rows_that_a_few_columns_tell_apart_are_not_read_whole() -> None:
    """Repeated keys alone do not make rows equal, nor cost a reading of all columns."""

    def unread(_cells: pl.Series) -> pl.Series:
        raise AssertionError("was read")

    frame = pl.LazyFrame({"__row__": [0, 1, 2], "id": ["a", "a", "b"], "x": [1.0, 2.0, 3.0]})
    frame = frame.with_columns(y=pl.col("x").map_batches(unread, return_dtype=pl.Float64))
    repeats = Repeats(("id",), find_duplicates(frame, [pl.col("id")]))
    assert passes.find_duplicates(frame, ["id", "x", "y"], ["x"], rows=3, repeats=repeats) == passes.Duplicates(0)


@given(cells=st.lists(NUMBERS, min_size=1, max_size=30))
def test_counted_values_give_the_numbers_of_all_rows(cells: list[float | None]) -> None:
    """Nulls, NaN and infinities included."""
    frame = pl.DataFrame({"x": cells}, schema={"x": pl.Float64}).lazy()
    column = columns_of(frame.collect_schema(), None)[0]
    counts = passes.category_counts(frame, ["x"])["x"]
    (by_value,) = passes.count_all(frame, [passes.Wanted(column, counts=counts)], rows=len(cells))
    (by_row,) = passes.count_all(frame, [passes.Wanted(column)], rows=len(cells))
    for name, number in by_row.items():
        assert by_value[name] == (None if number is None else pytest.approx(number, abs=1e-9)), name
