"""The closure: a row of plain Python values becomes the features that its state describes, or a clear error."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mlops.errors import InvalidInput
from mlops.features.closure import compile_row
from mlops.features.custom import register_transformation
from mlops.features.errors import TransformationNotFound, UnsuitableColumn
from mlops.features.plan import DATETIME_PARTS, FeaturePlan
from mlops.features.state import (
    ColumnState,
    DatetimeColumn,
    FeatureState,
    LabelColumn,
    NumericColumn,
    OneHotColumn,
    StepState,
    TargetColumn,
    TextColumn,
)

SCALED = NumericColumn(name="x", fill=3.0, center=1.0, scale=4.0)
ONEHOT = OneHotColumn(name="x", fill="b", categories=("a", "b", "true"))
PARTS = DatetimeColumn(name="x", fill=None, parts=(*DATETIME_PARTS, "minute", "is_weekend", "day_of_year"))
WEIGHTS = TextColumn(name="x", terms=("cell", "cell count", "größe"), idf=(1.0, 2.0, 3.0), ngram_range=(1, 2))


def _state(*columns: ColumnState, features: tuple[str, ...] | None = None, **more: Any) -> FeatureState:
    names = tuple(column.name for column in columns)
    outputs = tuple(name for column in columns for name in column.outputs)
    return FeatureState(
        plan=FeaturePlan(numeric=names),
        rows=9,
        columns=columns,
        input_names=names,
        feature_names=features if features is not None else outputs,
        **more,
    )


def _features(column: ColumnState, value: Any, **more: Any) -> list[float]:
    return compile_row(_state(column, **more))({"x": value})


@pytest.mark.parametrize("value", [5, 5.0, Decimal(5), np.float64(5), np.float32(5), np.int8(5), np.array(5)])
def test_numbers_of_every_make_are_scaled(value: object) -> None:
    """What stands for the same number gives the same feature, as a Python float."""
    assert _features(SCALED, value) == [1.0]
    assert type(_features(SCALED, value)[0]) is float


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, np.nan])
def test_a_missing_number_is_filled_then_scaled(value: object) -> None:
    """NaN and the infinities count as missing; without a fill the feature is NaN."""
    assert _features(SCALED, value) == [0.5]
    assert math.isnan(_features(SCALED.changed(fill=None), value)[0])


def test_a_key_that_is_not_there_is_a_missing_value() -> None:
    """A row need not bring every column, and what it brings beyond them is ignored."""
    transform = compile_row(_state(SCALED))
    assert transform({}) == transform({"x": None, "y": "whatever"}) == [0.5]


@pytest.mark.parametrize(
    ("value", "features"),
    [("a", [1, 0, 0]), (None, [0, 1, 0]), (math.nan, [0, 1, 0]), (True, [0, 0, 1]), (np.True_, [0, 0, 1])]
    + [(value, [0, 0, 0]) for value in ("", "A", "ä", 7, 7.5, math.inf)],
)
def test_a_category_is_one_among_the_known(value: object, features: list[float]) -> None:
    """A known one has its 1, a missing one that of the fill, an unknown one none."""
    assert _features(ONEHOT, value) == features


@pytest.mark.parametrize("value", [12, 12.0, "12", np.int64(12)])
def test_whole_numbers_are_categories_by_their_digits(value: object) -> None:
    """A plate number is the same category as an integer, as the float of a column with nulls, and as text."""
    assert _features(LabelColumn(name="x", fill=None, categories=("1", "12")), value) == [1.0]


def test_unknown_labels_and_targets_have_values_of_their_own() -> None:
    """An unknown label is -1, an unknown category's target the prior; missing without a fill counts as unknown."""
    label = LabelColumn(name="x", fill=None, categories=("a",))
    target = TargetColumn(name="x", fill=None, categories=("a",), encodings=((0.25,),), prior=(0.5,))
    assert [_features(label, value) for value in ("a", "z", None)] == [[0.0], [-1.0], [-1.0]]
    assert [_features(target, value) for value in ("a", "z", None)] == [[0.25], [0.5], [0.5]]


def test_more_classes_give_a_feature_each() -> None:
    """A target of three classes gives three means, of which selection may keep some."""
    column = TargetColumn(
        name="x",
        fill="b",
        categories=("a", "b"),
        classes=("p", "q", "r"),
        encodings=((1, 2), (3, 4), (5, 6)),
        prior=(7, 8, 9),
    )
    assert [_features(column, value) for value in ("a", None, "z")] == [[1, 3, 5], [2, 4, 6], [7, 8, 9]]
    assert _features(column, "a", features=("x__p", "x__r")) == [1.0, 5.0]


@pytest.mark.parametrize(
    "column", [SCALED, ONEHOT, LabelColumn(name="x", fill=None, categories=("a",)), WEIGHTS, PARTS]
)
def test_the_indicator_says_that_the_source_was_missing(column: ColumnState) -> None:
    """It stands last, and may be the only output that was selected."""
    marked = column.changed(indicator=True)
    assert _features(marked, None)[:-1] == pytest.approx(_features(column, None), nan_ok=True)
    assert _features(marked, None, features=("x__missing",)) == [1.0]
    present = 1.0 if column is SCALED else "2026-01-01"
    assert _features(marked, present, features=("x__missing",)) == [0.0]


def test_only_selected_outputs_are_made_in_the_order_of_the_state() -> None:
    """A column of which nothing was selected is not even looked at."""
    other = NumericColumn(name="other", fill=None)
    transform = compile_row(_state(other, ONEHOT, features=("x=b", "x=true")))
    assert transform({"x": "true", "other": object()}) == [0.0, 1.0]


def test_a_text_has_weights_of_length_one_over_all_its_terms() -> None:
    """Counts times idf, divided by their length, with terms left out by selection in the length."""
    weights = _features(WEIGHTS, "Cell, cell-count! GRÖSSE größe x")
    length = math.sqrt(2**2 + 2**2 + 3**2)  # "cell" twice at 1, "cell count" once at 2, "größe" once at 3
    assert weights == pytest.approx([2 / length, 2 / length, 3 / length])
    assert _features(WEIGHTS, "cell count größe", features=("x~größe",)) == pytest.approx([3 / math.sqrt(1 + 4 + 9)])


@pytest.mark.parametrize("value", [None, "", "nothing known", math.nan])
def test_a_text_without_known_terms_is_all_zeros(value: object) -> None:
    """Nothing is divided by a length of 0."""
    assert _features(WEIGHTS, value) == [0.0, 0.0, 0.0]


def test_case_and_counting_are_as_the_state_says() -> None:
    """Case may matter, and occurrences may count by their logarithm."""
    column = TextColumn(name="x", terms=("DNA", "dna"), idf=(1.0, 1.0), lowercase=False, sublinear=True)
    length = math.hypot(1, 1 + math.log(3))
    assert _features(column, "DNA dna dna dna") == pytest.approx([1 / length, (1 + math.log(3)) / length])


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 2, 28, 23, 30),  # noqa: DTZ001  # without a zone is a case
        datetime(2026, 2, 28, 23, 30, tzinfo=UTC),
        "2026-03-01T00:30:00+01:00",
        "2026-02-28 23:30",
        pd.Timestamp("2026-02-28T23:30Z"),
    ],
)
def test_an_instant_is_read_in_utc(value: object) -> None:
    """The same instant has the same parts in whatever zone it was written; without a zone it is taken as it is."""
    assert _features(PARTS, value) == [2026, 2, 28, 5, 23, 30, 1, 59]


@pytest.mark.parametrize("value", [date(2024, 12, 31), "2024-12-31"])
def test_a_date_is_its_midnight(value: object) -> None:
    """In a leap year the last day is the 366th."""
    assert _features(PARTS, value) == [2024, 12, 31, 1, 0, 0, 0, 366]


@pytest.mark.parametrize("value", [None, pd.NaT])
def test_a_missing_instant_is_the_fill_or_nan(value: object) -> None:
    """The fill is in microseconds since 1970."""
    assert all(map(math.isnan, _features(PARTS, value)))
    assert _features(PARTS.changed(fill=86_400_000_000), value) == [1970, 1, 2, 4, 0, 0, 0, 2]


def test_parts_that_come_round_are_a_sine_and_a_cosine() -> None:
    """December is as near to January as February is, and the year has no circle."""
    column = DatetimeColumn(name="x", fill=None, parts=("year", "month"), cyclic=True)
    year, sine, cosine = _features(column, date(2026, 4, 1))
    assert (year, sine) == (2026, 1.0)
    assert cosine == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (SCALED, "7.5", r"'x' cannot be '7.5' \(str\): it takes a number, a boolean or None"),
        (SCALED, 10**400, "number of at most 1.8e308"),
        (SCALED, [1], r"cannot be \[1\] \(list\)"),
        (SCALED, np.datetime64("2026-01-01"), r"\(date\): it takes a number"),
        (ONEHOT, b"a", r"cannot be b'a' \(bytes\): it takes text"),
        (ONEHOT, date(2026, 1, 1), r"\(date\): it takes text"),
        (WEIGHTS, 5, "it takes text or None"),
        (PARTS, "yesterday", r"cannot be 'yesterday' \(str\): it takes a datetime"),
        (PARTS, 1_700_000_000, r"\(int\): it takes a datetime"),
        (PARTS, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "within the years 1 to 9999"),
        (SCALED, "z" * 500, r"z… \(str\)"),
    ],
)
def test_a_value_of_another_kind_is_refused(column: ColumnState, value: object, message: str) -> None:
    """The error names the column, the value and what is allowed."""
    with pytest.raises(UnsuitableColumn, match=message) as caught:
        _features(column, value)
    assert caught.value.column == "x"


def test_custom_steps_add_their_values_to_the_row_first() -> None:
    """A step sees what it was registered to read, and what steps before it made; the row itself is left alone."""
    register_transformation(
        "closure-ratio", pl.col("a") / pl.col("b"), inputs=("a", "b"), row=lambda row: {"ratio": row["a"] / row["b"]}
    )
    register_transformation("closure-double", pl.col("ratio") * 2, row=lambda row: {"x": row["ratio"] * 2})
    steps = (StepState(name="closure-ratio", made=("ratio",)), StepState(name="closure-double", made=("x",)))
    row = {"a": 6.0, "b": 4.0}
    assert compile_row(_state(SCALED, steps=steps))(row) == [(3.0 - 1.0) / 4.0]
    assert row == {"a": 6.0, "b": 4.0}


def test_a_custom_step_that_cannot_be_taken_is_refused() -> None:
    """One without a function of rows, one that nobody registered, and one that leaves out what it should make."""
    register_transformation("closure-frames", pl.col("a").alias("x"))
    register_transformation("closure-empty", pl.col("a").alias("x"), row=lambda _: {})
    with pytest.raises(InvalidInput, match=r"'closure-frames' was registered for frames only.*row="):
        compile_row(_state(SCALED, steps=(StepState(name="closure-frames"),)))
    with pytest.raises(TransformationNotFound, match="closure-unknown"):
        compile_row(_state(SCALED, steps=(StepState(name="closure-unknown"),)))
    with pytest.raises(InvalidInput, match="'closure-empty' gave no x"):
        compile_row(_state(SCALED, steps=(StepState(name="closure-empty", made=("x",)),)))({"a": 1})
