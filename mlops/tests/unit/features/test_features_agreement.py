"""Three executors, one meaning: batch, closure and ONNX give the same features for the same rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from mlops.features import FeaturePlan, FeatureState, TextOptions, compile_row, fit, to_onnx, transform
from mlops.features.onnx_graph import onnx_inputs

# Letters that Unicode assigned after Python's own tables were made may be words to Polars and none to Python.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=12)
SPECIAL = st.sampled_from([None, 0.0, -0.0, 1.0, float("nan"), float("inf"), float("-inf")])
NUMBERS = SPECIAL | st.floats(-5, 5) | st.floats()
NUMBERS_IN_TRAINING = SPECIAL | st.floats(-5, 5) | st.floats(-1e150, 1e150)  # of more no standard deviation is a double
CATEGORIES = st.one_of(
    st.none(), st.sampled_from(["", "a", "b", "B", " a", "é", "e\u0301", "a\0", "__missing__"]), ANY_TEXT
)
WORDS = st.sampled_from(
    ["DNA", "dna", "of", "a", "größe", "ΌΣΟΣ", "İ", "x_1", "½", "\u0660\u0661", "e\u0301t", "-", "\n"]
)
TEXTS = st.one_of(st.none(), st.just(""), st.lists(st.one_of(WORDS, ANY_TEXT), max_size=6).map(" ".join))
INSTANTS = st.one_of(st.none(), st.datetimes(datetime(1678, 1, 1), datetime(2262, 1, 1)))  # noqa: DTZ001
DATES = st.one_of(st.none(), st.dates(date(1, 1, 1), date(9999, 12, 31)))
ZONES = st.sampled_from([None, "UTC", "America/New_York", "Asia/Kathmandu"])
TYPES: dict[str, tuple[st.SearchStrategy[Any], Any]] = {
    "float": (NUMBERS, pl.Float64),
    "single": (st.one_of(st.none(), st.floats(width=32)), pl.Float32),
    "integer": (st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), pl.Int64),
    "truth": (st.one_of(st.none(), st.booleans()), pl.Boolean),
    "category": (CATEGORIES, pl.String),
    "plate": (st.one_of(st.none(), st.integers(-2, 2)), pl.Int16),
    "flag": (st.one_of(st.none(), st.booleans()), pl.Boolean),
    "note": (TEXTS, pl.String),
    "taken": (INSTANTS, pl.Datetime("us")),
    "day": (DATES, pl.Date),
    "score": (st.floats(-10, 10), pl.Float64),
}
NUMERIC = ("float", "single", "integer", "truth")
CATEGORICAL = ("category", "plate", "flag")

PLANS = st.fixed_dictionaries(
    {
        "numeric_imputation": st.sampled_from(["mean", "median", "constant", "none"]),
        "categorical_imputation": st.sampled_from(["most_frequent", "constant", "none"]),
        "missing_indicators": st.booleans(),
        "scaling": st.sampled_from(["standard", "minmax", "robust", "none"]),
        "encoding": st.sampled_from(["onehot", "label", "target"]),
        "max_categories": st.sampled_from([None, 2]),
        "cyclic": st.booleans(),
    }
)
TFIDF = st.builds(
    TextOptions,
    ngram_range=st.sampled_from([(1, 1), (1, 2), (2, 3)]),
    lowercase=st.booleans(),
    sublinear=st.booleans(),
    max_features=st.sampled_from([None, 3]),
)


@st.composite
def frames(draw: st.DrawFn, numbers: st.SearchStrategy[Any], fewest: int) -> pl.DataFrame:
    """Rows of every type of column, with a drawn time zone."""
    height = draw(st.integers(fewest, 6))
    types = {**TYPES, "float": (numbers, pl.Float64)}
    columns = {
        name: pl.Series(name, draw(st.lists(values, min_size=height, max_size=height)), dtype=dtype)
        for name, (values, dtype) in types.items()
    }
    zone = draw(ZONES)
    if zone is not None:
        columns["taken"] = columns["taken"].dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return pl.DataFrame(columns)


def _same(found: Any, expected: pl.DataFrame) -> None:
    np.testing.assert_allclose(np.asarray(found, dtype=float), expected.to_numpy(), rtol=1e-6, atol=1e-9)


def _kept(state: FeatureState, step: int) -> FeatureState:
    """Keep every so-manieth feature, as selection might, in a state that went through storage."""
    names = list(state.feature_names[step - 1 :: step])
    return FeatureState.from_document({**state.to_document(), "feature_names": names})


@given(frames(NUMBERS_IN_TRAINING, fewest=2), frames(NUMBERS, fewest=1), PLANS, TFIDF, st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_a_row_has_the_features_of_its_batch(
    training: pl.DataFrame, rows: pl.DataFrame, options: dict[str, Any], tfidf: TextOptions, step: int
) -> None:
    """The closure agrees with the batch to 1e-6 on every kind of column, known and unknown, huge and missing."""
    plan = FeaturePlan(
        numeric=NUMERIC,
        categorical=CATEGORICAL,
        text=("note",),
        datetime=("taken", "day"),
        target="score",
        tfidf=tfidf,
        **options,
    )
    state = _kept(fit(plan, training), step)
    transform_row = compile_row(state)
    every = pl.concat([training, rows.with_columns(pl.col("taken").cast(training.schema["taken"]))])
    _same([transform_row(row) for row in every.iter_rows(named=True)], transform(state, every))


@given(frames(NUMBERS_IN_TRAINING, fewest=2), frames(NUMBERS, fewest=1), PLANS, st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_the_graph_makes_the_features_of_the_batch(
    training: pl.DataFrame, rows: pl.DataFrame, options: dict[str, Any], step: int
) -> None:
    """ONNX agrees with the batch to 1e-6 on numbers and categories."""
    from onnx.reference import ReferenceEvaluator

    plan = FeaturePlan(numeric=NUMERIC, categorical=CATEGORICAL, target="score", **options)
    state = _kept(fit(plan, training), step)
    every = pl.concat([training.select(state.input_names), rows.select(state.input_names)])
    with np.errstate(all="ignore"):  # numbers near the end of what a double holds overflow in all three alike
        (features,) = ReferenceEvaluator(to_onnx(state, dtype="float64")).run(None, onnx_inputs(state, every))
    _same(features, transform(state, every))


@given(frames(NUMBERS_IN_TRAINING, fewest=2))
@settings(max_examples=10, deadline=None)
def test_an_empty_row_is_a_row_of_nulls(training: pl.DataFrame) -> None:
    """What a row does not bring is what a frame has nulls for."""
    plan = FeaturePlan(numeric=NUMERIC, categorical=CATEGORICAL, text=("note",), datetime=("taken", "day"))
    state = fit(plan, training)
    nulls = training.clear(1)
    _same([compile_row(state)({})], transform(state, nulls))


@pytest.mark.parametrize(
    ("scaling", "scaler"), [("standard", StandardScaler), ("minmax", MinMaxScaler), ("robust", RobustScaler)]
)
@pytest.mark.parametrize("imputation", ["mean", "median"])
def test_a_row_has_the_numbers_of_scikit_learn(scaling: str, scaler: type, imputation: str) -> None:
    """Row by row, imputing and scaling are those of a pipeline fitted to the same rows."""
    values = np.random.default_rng(6).lognormal(size=(200, 3))
    values[np.random.default_rng(7).random((200, 3)) < 0.1] = np.nan
    frame = pl.DataFrame(values, schema=["a", "b", "c"])
    plan = FeaturePlan(numeric=("a", "b", "c"), numeric_imputation=imputation, scaling=scaling)
    expected = make_pipeline(SimpleImputer(strategy=imputation), scaler()).fit_transform(values)
    np.testing.assert_allclose(_row_by_row(plan, frame), expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("encoding", "encoder"),
    [
        ("onehot", OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
        ("label", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
        ("target", TargetEncoder(target_type="continuous", smooth="auto")),
    ],
)
def test_a_row_has_the_categories_of_scikit_learn(encoding: str, encoder: Any) -> None:
    """Row by row, encodings are those of scikit-learn's encoders, for categories that they never saw too."""
    drawn = np.random.default_rng(8)
    kinds, target = drawn.choice(["blood", "serum", "Plasma", "ä"], 120), drawn.normal(size=120)
    frame = pl.DataFrame({"kind": kinds, "y": target})
    state = fit(FeaturePlan(categorical=("kind",), encoding=encoding, target="y"), frame)
    encoder.fit(kinds.reshape(-1, 1), target)
    for kind in ("blood", "serum", "Plasma", "ä", "unseen", ""):
        np.testing.assert_allclose([compile_row(state)({"kind": kind})], encoder.transform([[kind]]), rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"ngram_range": (1, 2)}, {"sublinear": True}, {"lowercase": False}])
def test_a_row_has_the_text_weights_of_scikit_learn(options: dict[str, Any]) -> None:
    """Row by row, the weights are those of a TfidfVectorizer."""
    texts = ["DNA from liver", "rna from Leber, frozen", "frozen liver liver", "größe: 5 µm", "", "none of it"]
    frame = pl.DataFrame({"note": texts})
    plan = FeaturePlan(text=("note",), tfidf=TextOptions(**options))
    theirs = {"sublinear": "sublinear_tf"}
    vectorizer = TfidfVectorizer(**{theirs.get(name, name): value for name, value in options.items()})
    np.testing.assert_allclose(_row_by_row(plan, frame), vectorizer.fit_transform(texts).toarray(), rtol=1e-6)


def _row_by_row(plan: FeaturePlan, frame: pl.DataFrame) -> list[list[float]]:
    transform_row = compile_row(fit(plan, frame))
    return [transform_row(row) for row in frame.iter_rows(named=True)]
