"""Fitting: the same document for the same rows, from these rows only, and what each kind of column becomes."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.errors import InvalidInput, InvalidRecord
from mlops.features import (
    ColumnNotFound,
    FeaturePlan,
    FeatureState,
    NothingToLearnFrom,
    Statistics,
    TransformationNotFound,
    UnsuitableColumn,
    finish,
    fit,
    fit_out_of_fold,
    fit_statistics,
    merge,
    register_transformation,
    transform,
    transform_training,
)

WILD = st.one_of(
    st.none(),
    st.floats(-1e150, 1e150),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e150, -1e150, 5e-324, 0.0, -0.0, 1e16, 1.0, 0.1]),
)
ROWS = st.lists(
    st.tuples(
        st.none() | st.floats(-1e100, 1e100),
        st.none() | st.integers(-5, 5),
        st.none() | st.sampled_from(["a", "b", "c", "A"]),
        st.none() | st.sampled_from(["one two", "two three two", "", "three"]),
        st.none() | st.datetimes(),
        st.floats(-10, 10),
    ),
    min_size=1,
    max_size=30,
)
SCHEMA = {
    "x": pl.Float64, "n": pl.Int64, "k": pl.String, "t": pl.String, "at": pl.Datetime("us"), "y": pl.Float64,
}  # fmt: skip
FULL = FeaturePlan(
    numeric=("x", "n"), categorical=("k",), text=("t",), datetime=("at",), target="y", target_type="regression",
    numeric_imputation="median", scaling="robust", encoding="target", missing_indicators=True,
)  # fmt: skip


def table(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Return rows of every kind of column."""
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def lab(rows: int = 500, seed: int = 3) -> pl.DataFrame:
    """Return a table of measurements, some missing, in which `twin` repeats `a` and `dull` says nothing."""
    random = np.random.default_rng(seed)
    a, kind = random.normal(50, 10, rows), random.choice(["blood", "serum", "urine"], rows)
    return pl.DataFrame(
        {
            "a": np.where(random.random(rows) < 0.1, np.nan, a),
            "twin": 3 * np.where(np.isnan(a), 50, a) + 7,
            "noise": random.normal(0, 1, rows),
            "dull": np.full(rows, 4.0),
            "kind": kind,
            "y": (a + 10 * (kind == "blood") > 55).astype(int),
        }
    )


@pytest.mark.parametrize(
    "plan", [FULL, FULL.changed(scaling="standard", numeric_imputation="mean", encoding="onehot", max_features=6)]
)
@settings(max_examples=40)
@given(rows=ROWS, order=st.randoms(use_true_random=False), cuts=st.lists(st.integers(0, 30), max_size=4))
def test_any_partition_in_any_order_gives_the_same_document(
    plan: FeaturePlan, rows: list[tuple[Any, ...]], order: Any, cuts: list[int]
) -> None:
    """The state depends on the rows as a set: cut anywhere, in any order, it is the same bit for bit."""
    whole = fit(plan, table(rows))
    order.shuffle(rows)
    ends = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [table(rows[start:end]) for start, end in pairwise(ends)]
    assert fit(plan, parts).digest == whole.digest
    assert fit(plan, pl.concat(parts).lazy()).digest == whole.digest


@given(rows=ROWS, others=ROWS, more=ROWS)
def test_merging_is_associative_and_commutative(rows: Any, others: Any, more: Any) -> None:
    """Statistics may be merged in any tree."""
    a, b, c = (fit_statistics(FULL, table(each)) for each in (rows, others, more))
    left, right = merge(merge(a, b), c), merge(c, merge(b, a))
    assert left.rows == right.rows == len(rows) + len(others) + len(more)
    assert finish(FULL, left).digest == finish(FULL, right).digest
    assert merge(Statistics(), a) is a


def test_merged_statistics_make_the_same_document_as_fitting() -> None:
    """Parts may be counted anywhere; only selection and custom steps need the rows."""
    plan = FeaturePlan(numeric=("a", "noise"), categorical=("kind",))
    merged = merge(fit_statistics(plan, lab(seed=1)), fit_statistics(plan, lab(seed=2)))
    assert finish(plan, merged).digest == fit(plan, [lab(seed=2), lab(seed=1)]).digest
    with pytest.raises(InvalidInput, match="need the rows"):
        finish(plan.changed(max_features=1), merged)


@given(values=st.lists(WILD, min_size=1, max_size=40))
def test_wild_numbers_become_finite_features(values: list[float | None]) -> None:
    """Null, NaN and infinities are missing and filled; features are finite and never null."""
    frame = pl.DataFrame({"x": values}, schema={"x": pl.Float64})
    features = transform(fit(FeaturePlan(numeric=("x",)), frame), frame)["x"]
    assert features.null_count() == 0
    assert features.is_finite().all()


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust"])
def test_a_span_beyond_doubles_is_refused_by_name(scaling: str) -> None:
    """Numbers whose spread no double can hold cannot be scaled, and the error names the column."""
    frame = pl.DataFrame({"x": [1.7e308, -1.7e308] * 3})
    with pytest.raises(UnsuitableColumn, match="'x' spans more"):
        fit(FeaturePlan(numeric=("x",), scaling=scaling), frame)


def test_partitions_of_many_different_numbers_agree() -> None:
    """Beyond the most different numbers that are kept exactly, parts still add up to the whole, near the median."""
    values = np.random.default_rng(1).normal(50, 10, 300_000)
    plan = FeaturePlan(numeric=("x",), numeric_imputation="median", scaling="robust")
    frame = pl.DataFrame({"x": values})
    whole = fit(plan, frame)
    assert fit(plan, [frame[200_000:], frame[:1000], frame[1000:200_000]]).digest == whole.digest
    assert whole.columns[0].center == pytest.approx(np.median(values), rel=1e-4)


def test_the_state_depends_on_the_training_rows_only() -> None:
    """Whatever the test rows are, the state and the features of the training rows stay the same."""
    train, test = lab(seed=1), lab(seed=2)
    plan = FeaturePlan(numeric=("a", "noise"), categorical=("kind",), encoding="target", target="y", max_features=2)
    state = fit(plan, train)
    hostile = test.with_columns(pl.col("a") * 1e6, (1 - pl.col("y")).alias("y"), kind=pl.lit("never seen"))
    together = pl.concat([train, hostile]).lazy()
    assert fit(plan, together.head(len(train))).digest == state.digest
    assert transform(state, together).collect().head(len(train)).equals(transform(state, train))


@settings(max_examples=30)
@given(place=st.integers(0, 29), label=st.floats(-1e6, 1e6))
def test_a_row_never_sees_its_own_target(place: int, label: float) -> None:
    """Out-of-fold features of a row do not change with its target."""
    frame = lab(30).with_columns(pl.col("y").cast(pl.Float64), fold=pl.int_range(30) % 3)
    plan = FeaturePlan(categorical=("kind",), encoding="target", target="y", target_type="regression")
    changed = frame.with_columns(y=pl.when(pl.int_range(30) == place).then(label).otherwise("y"))
    ours, theirs = (
        transform_training(fit_out_of_fold(plan, each, fold="fold"), each, fold="fold") for each in (frame, changed)
    )
    assert ours.row(place) == theirs.row(place)


def test_out_of_fold_needs_two_folds() -> None:
    """With all rows in one fold there is nothing to learn from, and the error says so."""
    plan = FeaturePlan(categorical=("kind",), encoding="target", target="y")
    with pytest.raises(InvalidInput, match="at least two folds"):
        fit_out_of_fold(plan, lab(), fold=pl.lit(0))


def test_correlated_constant_and_useless_features_are_dropped_with_reasons() -> None:
    """The later of twins, the constant and the least telling go; the state says why."""
    plan = FeaturePlan(
        numeric=("a", "twin", "noise", "dull"), categorical=("kind",), target="y",
        variance_threshold=0.0, correlation_threshold=0.9, mutual_information=2,
    )  # fmt: skip
    state = fit(plan, lab())
    assert state.feature_names == ("a", "kind=blood")
    assert state.dropped["twin"].startswith("correlation 0.9")
    assert state.dropped["dull"] == "variance 0 is not above 0"
    assert "nats" in state.dropped["noise"]
    assert transform(state, lab()).columns == ["a", "kind=blood"]


def test_max_features_without_a_target_keeps_the_most_varied() -> None:
    """Without a target, variance before scaling decides."""
    assert fit(FeaturePlan(numeric=("a", "twin", "noise"), max_features=1), lab()).feature_names == ("twin",)


def test_correlations_are_those_of_numpy() -> None:
    """Rounding to a grid moves a correlation by less than a millionth, outliers included."""
    from mlops.features.joints import joints
    from mlops.features.marginals import marginals
    from mlops.features.training_rows import TrainingRows

    random = np.random.default_rng(0)
    values = random.standard_cauchy((5000, 4)) @ random.normal(size=(4, 4))
    plan = FeaturePlan(numeric=("a", "b", "c", "d"), correlation_threshold=1.0)
    frame = pl.DataFrame(values, schema=list("abcd"))
    rows, state = TrainingRows(plan, frame), fit(plan.changed(correlation_threshold=None), frame)
    state = state.changed(plan=plan)
    found = joints(state, rows, marginals(state, rows)).correlations
    np.testing.assert_allclose(found, np.corrcoef(values.T), atol=1e-6)


def test_rare_categories_count_as_unknown() -> None:
    """max_categories keeps the most frequent, of equals the alphabetically first; min_frequency drops the rest."""
    frame = pl.DataFrame({"k": ["c", "b", "b", "a", "a", "d"]})
    most = fit(FeaturePlan(categorical=("k",), max_categories=3), frame)
    assert most.feature_names == ("k=a", "k=b", "k=c")
    assert fit(FeaturePlan(categorical=("k",), min_frequency=2), frame).feature_names == ("k=a", "k=b")
    assert transform(most, frame)[-1].rows() == [(0.0, 0.0, 0.0)]


def test_integers_booleans_and_whole_floats_are_one_category_each() -> None:
    """The same code is the same category whether it was read as an integer, a float or text."""
    frame = pl.DataFrame({"code": [10, 2, None], "flag": [True, False, None]})
    plan = FeaturePlan(categorical=("code", "flag"), categorical_imputation="none")
    state = fit(plan, frame)
    assert state.feature_names == ("code=10", "code=2", "flag=false", "flag=true")
    as_float = frame.with_columns(pl.col("code").cast(pl.Float64))
    as_text = pl.DataFrame({"code": ["10", "2", None], "flag": ["true", "false", None]})
    assert transform(state, frame).rows() == [(1, 0, 0, 1), (0, 1, 1, 0), (0, 0, 0, 0)]
    assert transform(state, as_float).equals(transform(state, frame))
    assert transform(state, as_text).equals(transform(state, frame))


def test_parts_of_dates() -> None:
    """Dates give their parts in the plan's order, in UTC; a missing one gives those of the mean instant."""
    when = datetime(2024, 2, 29, 23, 30, tzinfo=UTC)
    frame = pl.DataFrame({"at": [when, when + timedelta(days=2), None]}).with_columns(
        pl.col("at").dt.convert_time_zone("Asia/Tokyo")
    )
    parts = ("year", "month", "day", "weekday", "hour", "minute", "is_weekend", "day_of_year")
    state = fit(FeaturePlan(datetime=("at",), datetime_parts=parts), frame)
    assert transform(state, frame).rows() == [
        (2024, 2, 29, 3, 23, 30, 0, 60),
        (2024, 3, 2, 5, 23, 30, 1, 62),
        (2024, 3, 1, 4, 23, 30, 0, 61),
    ]


def test_parts_that_come_round_are_a_sine_and_a_cosine() -> None:
    """December is next to January; the year does not come round."""
    frame = pl.DataFrame({"on": [date(2024, 1, 31), date(2024, 4, 1), None]})
    plan = FeaturePlan(datetime=("on",), datetime_parts=("year", "month"), cyclic=True, numeric_imputation="none")
    features = transform(fit(plan, frame), frame)
    assert features.columns == ["on__year", "on__month_sin", "on__month_cos"]
    assert features.row(0) == (2024.0, 0.0, 1.0)
    assert features.row(1) == pytest.approx((2024.0, 1.0, 0.0))
    assert all(math.isnan(value) for value in features.row(2))


@pytest.mark.parametrize("encoding", ["onehot", "label", "target"])
def test_columns_without_any_value(encoding: str) -> None:
    """A column that was all missing in training gives its constants, whatever type it has later."""
    frame = pl.DataFrame({"x": [None, None], "k": [None, None], "t": [None, None], "at": [None, None], "y": [1.5, 2.5]})
    plan = FeaturePlan(
        numeric=("x",), categorical=("k",), text=("t",), datetime=("at",), target="y", encoding=encoding,
        datetime_parts=("year",),
    )  # fmt: skip
    state = fit(plan, frame)
    later = pl.DataFrame({"x": [3.0], "k": ["a"], "t": ["b"], "at": [date(2024, 1, 1)]})
    expected = {"onehot": (3.0, 2024.0), "label": (3.0, -1.0, 2024.0), "target": (3.0, 2.0, 2024.0)}
    assert transform(state, later).row(0) == expected[encoding]


def test_a_lazy_frame_stays_lazy_and_kept_columns_come_first() -> None:
    """Transforming reads nothing; row numbers and targets can be handed through."""
    state = fit(FeaturePlan(numeric=("a",), categorical=("kind",)), lab())
    lazy = transform(state, lab().with_row_index("__row__").lazy(), keep=("__row__", "y"))
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect(engine="streaming").columns == ["__row__", "y", *state.feature_names]


@pytest.mark.parametrize(("column", "value"), [("a", "high"), ("kind", date(2024, 1, 1)), ("at", "2024-01-01")])
def test_columns_of_another_type_than_in_training_are_refused_by_name(column: str, value: Any) -> None:
    """Text is not guessed to be a number or a date: the error says which column is of which type."""
    train = pl.DataFrame({"a": [1.0], "kind": ["blood"], "at": [date(2024, 1, 1)]})
    state = fit(FeaturePlan(numeric=("a",), categorical=("kind",), datetime=("at",)), train)
    with pytest.raises(UnsuitableColumn, match=f"'{column}' is of type"):
        transform(state, train.with_columns(pl.lit(value).alias(column)))


def test_missing_indicators_are_for_columns_that_missed_in_training() -> None:
    """A column complete in training has no indicator, so that it cannot say what was never learned."""
    frame = pl.DataFrame({"x": [1.0, math.inf], "z": [1.0, 2.0], "k": ["a", None]})
    state = fit(FeaturePlan(numeric=("x", "z"), categorical=("k",), missing_indicators=True), frame)
    assert state.feature_names == ("x", "x__missing", "z", "k=a", "k__missing")
    assert transform(state, frame)["x__missing"].to_list() == [0.0, 1.0]


def test_custom_steps_come_first_and_are_inputs_no_more() -> None:
    """A step's new column is a feature like any other; the state asks for what the step reads."""
    register_transformation("test-ratio", (pl.col("p") / pl.col("q")).alias("ratio"), inputs=("p", "q"))
    frame = pl.DataFrame({"p": [1.0, 4.0], "q": [2.0, 2.0], "unused": [0, 0]})
    state = fit(FeaturePlan(numeric=("ratio",), steps=("test-ratio",), scaling="none"), frame)
    assert state.input_names == ("p", "q")
    assert state.steps[0].made == ("ratio",)
    assert transform(state, frame.drop("unused"))["ratio"].to_list() == [0.5, 2.0]
    with pytest.raises(ColumnNotFound, match="'q'"):
        transform(state, frame.select("p"))


def test_an_unknown_step_is_named_with_its_like() -> None:
    """The error says which step, and which one may have been meant."""
    register_transformation("test-ratio", pl.lit(1).alias("one"))
    with pytest.raises(TransformationNotFound, match="Did you mean 'test-ratio'"):
        fit(FeaturePlan(numeric=("one",), steps=("test-ration",)), lab())


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (FeaturePlan(numeric=("noize",)), "Did you mean 'noise'"),
        (FeaturePlan(numeric=("kind",)), "'kind' is of type String, and the plan needs a number"),
        (FeaturePlan(categorical=("a",)), "'a' is of type Float64, and categories are text"),
        (FeaturePlan(datetime=("kind",)), "needs a date or datetime"),
        (FeaturePlan(categorical=("kind",), encoding="target", target="z"), "Column 'z' does not exist"),
    ],
)
def test_columns_that_cannot_be_are_refused_by_name(plan: FeaturePlan, message: str) -> None:
    """The error says which column, why, and what may have been meant."""
    with pytest.raises((ColumnNotFound, UnsuitableColumn), match=message):
        fit(plan, lab())


@pytest.mark.parametrize(
    "wishes",
    [
        {"numeric": ("a",), "categorical": ("a",)},
        {"numeric": ("a",), "target": "a"},
        {"categorical": ("a",), "encoding": "target"},
        {"numeric": ("a",), "scaling": "standart"},
        {"numeric": ("a",), "mutual_information": 3},
        {"tfidf": {"ngram_range": (2, 1)}},
    ],
)
def test_plans_that_cannot_be(wishes: dict[str, Any]) -> None:
    """A plan that contradicts itself is refused before any row is read."""
    with pytest.raises(InvalidRecord):
        FeaturePlan(**wishes)


def test_too_many_categories_for_one_feature_each() -> None:
    """An identifier listed as a category is refused with the ways out."""
    frame = pl.DataFrame({"id": range(5000)})
    with pytest.raises(UnsuitableColumn, match=r"5,000 categories.*max_categories"):
        fit(FeaturePlan(categorical=("id",)), frame)
    assert len(fit(FeaturePlan(categorical=("id",), max_categories=10), frame).feature_names) == 10


def test_two_features_of_one_name_are_refused() -> None:
    """Names of features are unique."""
    frame = pl.DataFrame({"k": ["a"], "k=a": [1.0]})
    with pytest.raises(InvalidInput, match="'k=a'"):
        fit(FeaturePlan(numeric=("k=a",), categorical=("k",)), frame)


def test_no_rows_teach_nothing() -> None:
    """Empty frames and no frames are refused alike."""
    for parts in (lab().head(0), lab().head(0).lazy(), [], iter([])):
        with pytest.raises(NothingToLearnFrom):
            fit(FeaturePlan(numeric=("a",)), parts)


def test_an_iterator_is_enough_for_one_pass_only() -> None:
    """Fitting needs one pass, selection more, and says so."""
    plan = FeaturePlan(numeric=("a", "noise"))
    assert fit(plan, iter([lab()])).digest == fit(plan, lab()).digest
    with pytest.raises(InvalidInput, match="several passes"):
        fit(plan.changed(variance_threshold=0.0), iter([lab()]))


@settings(max_examples=20)
@given(rows=ROWS)
def test_features_of_a_row_do_not_depend_on_the_other_rows(rows: list[tuple[Any, ...]]) -> None:
    """Alone or in a batch, a row's features are the same to the last bit."""
    plan = FULL.changed(scaling="standard", cyclic=True, missing_indicators=False)
    state = fit(plan, table([*rows, (3.0, 1, "a", "one two", None, 1.0), (-7.1, 2, "b", "", None, 2.0)]))
    together = transform(state, table(rows))
    assert [transform(state, table([row])).row(0) for row in rows] == together.rows()


def test_a_state_survives_json() -> None:
    """What is read back from a document is the same state and makes the same features."""
    plan = FeaturePlan(numeric=("a",), categorical=("kind",), encoding="target", target="y", missing_indicators=True)
    state = fit(plan, lab())
    back = FeatureState.from_document(state.to_document())
    assert back == state
    assert back.digest == state.digest
    assert transform(back, lab()).equals(transform(state, lab()))


@pytest.mark.parametrize(
    ("target", "kind"),
    [([1, 2, 2], "classification"), ([0.0, 1.0, None], "classification"), ([0.5, 1.0, 2.0], "regression"),
     (["a", "b", None], "classification"), ([True, False, True], "classification")],
)  # fmt: skip
def test_the_type_of_a_target_is_seen(target: list[Any], kind: str) -> None:
    """Text, booleans and few whole numbers are classes; other numbers are quantities; the state keeps which."""
    frame = pl.DataFrame({"k": ["a", "b", "a"], "y": target})
    state = fit(FeaturePlan(categorical=("k",), encoding="target", target="y"), frame)
    assert state.plan.target_type == kind


def test_a_custom_step_that_raises_is_named() -> None:
    """A site has many, and what they raise seldom says whose it is."""
    register_transformation("fitting-broken", lambda frame: frame.collect_schema()["nowhere"])
    with pytest.raises(InvalidInput, match="The transformation 'fitting-broken' raised KeyError: 'nowhere'"):
        fit(FeaturePlan(numeric=("x",), steps=("fitting-broken",)), pl.DataFrame({"x": [1.0, 2.0]}))


@pytest.mark.parametrize("as_frame", [pl.DataFrame, pl.LazyFrame])
def test_an_expression_that_fails_on_rows_or_columns_is_named(as_frame: type[pl.DataFrame | pl.LazyFrame]) -> None:
    """When it is planned or only when rows come; the steps before it are not blamed."""
    register_transformation("fitting-fine", pl.col("x").alias("same"))
    register_transformation("fitting-cast", pl.col("x").cast(pl.Int64).alias("whole"))
    register_transformation("fitting-lost", pl.col("nowhere").alias("whole"))
    rows = as_frame({"x": ["1", "2x"]})
    for name, trouble in (("fitting-cast", "InvalidOperationError: conversion"), ("fitting-lost", "ColumnNotFound")):
        plan = FeaturePlan(numeric=("whole",), steps=("fitting-fine", name))
        with pytest.raises(InvalidInput, match=f"The transformation '{name}' raised {trouble}") as raised:
            fit(plan, rows)
        assert "plan until failure" not in str(raised.value)
    state = fit(FeaturePlan(numeric=("whole",), steps=("fitting-cast",)), pl.DataFrame({"x": ["1", "2"]}))
    with pytest.raises(InvalidInput, match="'fitting-cast' raised InvalidOperationError"):
        transform(state, pl.DataFrame({"x": ["1", "2x"]}))


def test_a_sequence_of_bases_is_no_term() -> None:
    """A term is the name of a feature; words of more than a hundred characters are left out."""
    rows = pl.DataFrame({"t": ["clear " + "ACGT" * 1000, "clear " + "ACGT" * 1000, "a" * 100]})
    assert fit(FeaturePlan(text=("t",)), rows).feature_names == ("t~" + "a" * 100, "t~clear")
