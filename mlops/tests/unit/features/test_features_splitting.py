"""Splits: every row in one part, groups and times never divided, the same draw in whatever order rows come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.features.splitting import PART, PARTS, Split, split

FRACTIONS = st.sampled_from([(0.7, 0.15, 0.15), (0.8, 0.0, 0.2), (0.5, 0.5, 0.0), (0.34, 0.33, 0.33), (1.0, 0.0, 0.0)])
SEEDS = st.integers(min_value=0, max_value=2**64 - 1)


def _how(method: str, fractions: tuple[float, float, float], seed: int = 0, **more: str) -> Split:
    train, validation, test = fractions
    return Split(method=method, train=train, validation=validation, test=test, seed=seed, **more)


def _rows(**columns: object) -> pl.DataFrame:
    return pl.DataFrame(columns).with_row_index("__row__")


def _counts(parts: pl.Series) -> list[int]:
    return [int((parts == part).sum()) for part in PARTS]


@given(FRACTIONS, SEEDS)
@settings(max_examples=25, deadline=None)
def test_random_shares_are_near_the_fractions(fractions: tuple[float, float, float], seed: int) -> None:
    """Five standard deviations of a fair draw bound every share, and a fraction of 0 gets nothing."""
    parts = split(_rows(x=np.zeros(4000)), _how("random", fractions, seed))[PART]
    for count, fraction in zip(_counts(parts), fractions, strict=True):
        assert abs(count / 4000 - fraction) <= 5 * (fraction * (1 - fraction) / 4000) ** 0.5 + 1e-12


@pytest.mark.parametrize("method", ["random", "stratified", "group", "time"])
@pytest.mark.parametrize("pieces", [1, 3])
def test_neither_order_nor_pieces_move_a_row(method: str, pieces: int) -> None:
    """A shuffled table in pieces is divided like the table in order, row by row."""
    rows = _rows(column=np.random.default_rng(1).integers(0, 40, 900))
    how = Split(method=method, column=None if method == "random" else "column", seed=3)
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=5)
    in_pieces = pl.concat([shuffled[start::pieces] for start in range(pieces)], rechunk=False)
    assert split(in_pieces, how).sort("__row__").equals(split(rows, how))


@pytest.mark.parametrize("method", ["random", "stratified", "group", "time"])
def test_a_lazy_frame_is_divided_like_a_frame(method: str) -> None:
    """Streaming gives the same parts, and without row numbers the position counts."""
    rows = pl.DataFrame({"column": np.random.default_rng(2).integers(0, 30, 500)})
    how = Split(method=method, column=None if method == "random" else "column")
    divided = split(rows.lazy(), how)
    assert isinstance(divided, pl.LazyFrame)
    assert divided.collect(engine="streaming").equals(split(rows, how))
    assert split(rows, how).columns == ["column", PART]


def test_the_draw_never_changes() -> None:
    """Releases divide the same rows alike: these parts were drawn by the first one."""
    rows = _rows(group=[f"p{number}" for number in range(12)])
    for how, held_out in ((Split(seed=7), [2, 9]), (Split(method="group", column="group", seed=7), [0, 1, 5, 8])):
        assert split(rows, how).filter(pl.col(PART) == "test")["__row__"].to_list() == held_out


def test_rows_that_come_later_move_nobody() -> None:
    """A row of the test part is never trained on when the table has grown."""
    long = _rows(group=np.arange(3000) % 300)
    for how in (Split(), Split(method="group", column="group")):
        before = split(long.head(2000), how)[PART]
        assert split(long, how)[PART].head(2000).equals(before)


@given(st.lists(st.integers(2, 30), min_size=1, max_size=12), FRACTIONS, SEEDS)
@settings(max_examples=60, deadline=None)
def test_every_class_is_divided_to_within_one_row(
    sizes: list[int], fractions: tuple[float, float, float], seed: int
) -> None:
    """Stratified counts are the exact share rounded, class by class and over all."""
    labels = [f"class {number}" for number, size in enumerate(sizes) for _ in range(size)]
    parts = split(_rows(label=labels), _how("stratified", fractions, seed, column="label"))
    for (_,), rows in [*parts.group_by("label"), *parts.group_by(pl.lit(1))]:
        for count, fraction in zip(_counts(rows[PART]), fractions, strict=True):
            assert abs(count - fraction * len(rows)) <= 1 + 1e-9


@given(st.lists(st.integers(0, 25), min_size=26, max_size=120), SEEDS)
@settings(max_examples=60, deadline=None)
def test_a_group_is_never_divided(groups: list[int], seed: int) -> None:
    """All rows of a patient are in one part."""
    rows = _rows(patient=[*groups, *range(26)])
    parts = split(rows, Split(method="group", column="patient", seed=seed))
    assert parts.group_by("patient").agg(pl.col(PART).n_unique())[PART].to_list() == [1] * 26
    assert all(_counts(parts[PART]))


@given(st.lists(st.integers(0, 15), min_size=1, max_size=80), FRACTIONS)
@settings(max_examples=80, deadline=None)
def test_parts_follow_each_other_in_time(hours: list[int], fractions: tuple[float, float, float]) -> None:
    """Every time of an earlier part is before every time of a later one."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    rows = _rows(taken=[began + timedelta(hours=hour) for hour in [*hours, 0, 16, 17]])
    parts = split(rows, _how("time", fractions, column="taken"))
    wanted = [part for part, fraction in zip(PARTS, fractions, strict=True) if fraction]
    spans = [parts.filter(pl.col(PART) == part)["taken"] for part in wanted]
    assert sum(map(len, spans)) == len(rows)
    assert all(earlier.max() < later.min() for earlier, later in pairwise(spans))


def test_distinct_times_are_cut_at_the_fractions() -> None:
    """Without ties the shares are exact."""
    parts = split(_rows(year=list(range(100))), Split(method="time", column="year"))
    assert _counts(parts[PART]) == [70, 15, 15]


@pytest.mark.parametrize("method", ["random", "stratified", "group", "time"])
def test_a_table_without_rows_is_divided_into_nothing(method: str) -> None:
    """Empty in, empty out, with the column."""
    empty = pl.DataFrame(schema={"column": pl.Float64})
    divided = split(empty, Split(method=method, column=None if method == "random" else "column"))
    assert divided.schema == {"column": pl.Float64, PART: pl.Enum(PARTS)}


@pytest.mark.parametrize("method", ["stratified", "group", "time"])
def test_rows_that_cannot_be_placed_are_refused_or_trained_on(method: str) -> None:
    """A null or NaN raises with the count, and goes to training where that was asked for."""
    rows = _rows(column=[1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, None, float("nan")])
    with pytest.raises(InvalidInput, match="2 rows have no 'column'"):
        split(rows, Split(method=method, column="column"))
    parts = split(rows, Split(method=method, column="column", nulls="train"))[PART]
    assert parts.tail(2).to_list() == ["train", "train"]
    assert parts.null_count() == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"train": 0.7, "validation": 0.2, "test": 0.2}, "must be 1, and they are 1.1"),
        ({"method": "group"}, "a group split needs a column"),
        ({"column": "patient"}, "a random split has no use for a column"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_split_that_cannot_be_is_refused(values: dict[str, object], message: str) -> None:
    """Fractions that are no whole and columns that do not fit the method are named."""
    with pytest.raises(InvalidInput, match=message):
        Split(**values)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (Split(method="group", column="patent"), "Did you mean 'patient'"),
        (Split(method="stratified", column="label"), r"1 of 2 classes of 'label' have a single row.*'rare'"),
        (Split(method="group", column="patient"), "has 2 groups, too few for 3 parts"),
        (Split(method="time", column="label"), "is String; a split by time needs dates"),
        (Split(method="time", column="patient"), "has 2 distinct times, too few for 3 parts"),
    ],
)
def test_a_table_that_cannot_be_divided_so_is_refused(how: Split, message: str) -> None:
    """The error names the column and what it would need."""
    rows = _rows(patient=[1, 1, 2, 2], label=["a", "a", "a", "rare"])
    with pytest.raises(InvalidInput, match=message):
        split(rows, how)


def test_a_taken_name_and_row_numbers_that_are_none_are_refused() -> None:
    """The columns that splitting writes and reads must be free and whole numbers."""
    with pytest.raises(InvalidInput, match="has a column '__part__' already"):
        split(pl.DataFrame({PART: [1]}), Split())
    with pytest.raises(InvalidInput, match="numbers of rows are integers"):
        split(pl.DataFrame({"__row__": ["a"]}), Split())
