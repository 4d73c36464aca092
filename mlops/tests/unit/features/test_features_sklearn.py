"""Batches of features against scikit-learn's own transformers, fitted and applied to the same rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.metrics import mutual_info_score
from sklearn.model_selection import PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from mlops.features import FeaturePlan, TextOptions, fit, fit_out_of_fold, transform, transform_training

MEASURES = st.integers(-4000, 4000).map(lambda number: number / 4)  # whose sums scikit-learn does not round either
COLUMN = st.lists(st.none() | MEASURES, min_size=1, max_size=60)
KINDS = st.lists(st.none() | st.sampled_from(["blood", "serum", "Plasma", "", "Ω", "a b"]), min_size=1, max_size=60)
SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}
WORDS = st.lists(
    st.sampled_from(["Cell", "cell", "x", "necrosis", "Ärzte", "p53", "ÄRZTE", "q_1", "½³", "нет"]), max_size=8
)
KNOWN = st.characters(exclude_categories=["Cn", "Cs"])  # assigned in Python; Polars knows a newer Unicode
TEXTS = st.lists(st.none() | WORDS.map(" ".join) | st.text(KNOWN, max_size=20), min_size=1, max_size=20)
LABELLED = st.lists(st.tuples(st.sampled_from("abcd"), MEASURES), min_size=4, max_size=60)


def close(ours: pl.DataFrame, theirs: Any) -> None:
    """Say that two tables agree to 1e-6 relative; one millionth of a unit near zero."""
    np.testing.assert_allclose(ours.to_numpy(), theirs, rtol=1e-6, atol=1e-9)


def numbers(values: list[float | None]) -> np.ndarray:
    """Return a column as scikit-learn takes it."""
    return np.array([[math.nan if value is None else value] for value in values])


@pytest.mark.parametrize("scaling", SCALERS)
@given(values=COLUMN)
def test_scalers_without_imputation(scaling: str, values: list[float | None]) -> None:
    """Numbers are scaled as scikit-learn scales them, missing ones left out of account and left missing."""
    if all(value is None for value in values):
        values = [*values, 1.0]
    frame = pl.DataFrame({"x": values}, schema={"x": pl.Float64})
    state = fit(FeaturePlan(numeric=("x",), scaling=scaling, numeric_imputation="none"), frame)
    close(transform(state, frame), SCALERS[scaling]().fit_transform(numbers(values)))


@pytest.mark.parametrize("scaling", SCALERS)
@pytest.mark.parametrize("imputation", ["mean", "median", "constant"])
@given(values=COLUMN)
def test_imputers_and_scalers(scaling: str, imputation: str, values: list[float | None]) -> None:
    """A plan does what a pipeline of a SimpleImputer and a scaler does."""
    if all(value is None for value in values):
        values = [*values, 1.0]
    frame = pl.DataFrame({"x": values}, schema={"x": pl.Float64})
    plan = FeaturePlan(numeric=("x",), scaling=scaling, numeric_imputation=imputation, numeric_fill=2.5)
    theirs = make_pipeline(SimpleImputer(strategy=imputation, fill_value=2.5), SCALERS[scaling]())
    close(transform(fit(plan, frame), frame), theirs.fit_transform(numbers(values)))


@pytest.mark.parametrize(("offset", "spread"), [(1e9, 1e-3), (-1e15, 1.0), (0.0, 1e-150), (0.0, 1e150), (1e6, 1e6)])
def test_standard_scaling_far_from_zero(offset: float, spread: float) -> None:
    """The mean and the spread are right even where one dwarfs the other."""
    values = offset + spread * np.random.default_rng(5).normal(size=20_000)
    column = fit(FeaturePlan(numeric=("x",)), pl.DataFrame({"x": values})).columns[0]
    scale = values.max() - values.min()
    exact = (values - values[0]) / scale
    assert math.isclose(column.scale, exact.std() * scale, rel_tol=1e-9)
    assert math.isclose(column.center, exact.mean() * scale + values[0], rel_tol=1e-12, abs_tol=1e-9 * spread)


@given(values=KINDS, seen=KINDS)
def test_one_hot_encoder(values: list[str | None], seen: list[str | None]) -> None:
    """One-hot features, unknown categories included, are those of SimpleImputer and OneHotEncoder."""
    if all(value is None for value in values):
        values = [*values, "blood"]
    train, other = (pl.DataFrame({"k": each}, schema={"k": pl.String}) for each in (values, seen))
    theirs = make_pipeline(
        SimpleImputer(strategy="most_frequent", missing_values=None),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    ).fit(np.array(values, dtype=object)[:, None])
    state = fit(FeaturePlan(categorical=("k",)), train)
    close(transform(state, other), theirs.transform(np.array(seen, dtype=object)[:, None]))


@given(values=KINDS, seen=KINDS)
def test_ordinal_encoder(values: list[str | None], seen: list[str | None]) -> None:
    """Label features are those of OrdinalEncoder, -1 for what is unknown."""
    train, other = (pl.DataFrame({"k": each}, schema={"k": pl.String}) for each in (values, seen))
    theirs = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing", missing_values=None, keep_empty_features=True),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    ).fit(np.array(values, dtype=object)[:, None])
    plan = FeaturePlan(categorical=("k",), encoding="label", categorical_imputation="constant")
    close(transform(fit(plan, train), other), theirs.transform(np.array(seen, dtype=object)[:, None]))


@pytest.mark.parametrize("smooth", ["auto", 0.0, 2.5, 30.0])
@given(rows=LABELLED)
def test_target_encoder_of_a_quantity(smooth: str | float, rows: list[tuple[str, float]]) -> None:
    """Means by category are shrunk as TargetEncoder shrinks them."""
    frame = pl.DataFrame({"k": [kind for kind, _ in rows], "y": [target for _, target in rows]})
    plan = FeaturePlan(categorical=("k",), encoding="target", target="y", target_type="regression", smoothing=smooth)
    theirs = TargetEncoder(target_type="continuous", smooth=smooth).fit(frame.select("k").to_numpy(), frame["y"])
    other = pl.DataFrame({"k": ["a", "b", "c", "d", "unknown"]})
    close(transform(fit(plan, frame), other), theirs.transform(other.to_numpy()))


@pytest.mark.parametrize("classes", [("no", "yes"), ("I", "II", "III"), (2, 10), (0, 1, 10)])
@given(rows=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2)), min_size=12, max_size=60))
def test_target_encoder_of_classes(classes: tuple[Any, ...], rows: list[tuple[str, int]]) -> None:
    """Two classes give the share of the later one, more classes the share of each."""
    rows = [*rows, *(("a", place) for place in range(len(classes)))]
    frame = pl.DataFrame({"k": [kind for kind, _ in rows], "y": [classes[place % len(classes)] for _, place in rows]})
    plan = FeaturePlan(categorical=("k",), encoding="target", target="y")
    theirs = TargetEncoder(target_type="binary" if len(classes) == 2 else "multiclass")
    theirs.fit(frame.select("k").to_numpy(), frame["y"].to_numpy())
    other = pl.DataFrame({"k": ["a", "b", "c", "d", "unknown"]})
    close(transform(fit(plan, frame), other), theirs.transform(other.to_numpy()))


@pytest.mark.parametrize("smooth", ["auto", 0.0, 4.0])
@settings(max_examples=30)
@given(rows=LABELLED)
def test_target_encoder_out_of_fold(smooth: str | float, rows: list[tuple[str, float]]) -> None:
    """Training rows get what TargetEncoder.fit_transform gives them with the same folds."""
    folds = [place % 3 for place in range(len(rows))]
    frame = pl.DataFrame({"k": [kind for kind, _ in rows], "y": [target for _, target in rows], "fold": folds})
    plan = FeaturePlan(categorical=("k",), encoding="target", target="y", target_type="regression", smoothing=smooth)
    ours = transform_training(fit_out_of_fold(plan, frame, fold="fold"), frame, fold="fold")
    theirs = TargetEncoder(target_type="continuous", smooth=smooth, cv=PredefinedSplit(folds))
    close(ours, theirs.fit_transform(frame.select("k").to_numpy(), frame["y"].to_numpy()))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ngram_range": (1, 3)},
        {"ngram_range": (2, 2), "lowercase": False},
        {"sublinear": True, "min_df": 2},
        {"min_df": 0.3},
    ],
)
@given(texts=TEXTS, seen=TEXTS)
def test_tfidf_vectorizer(options: dict[str, Any], texts: list[str | None], seen: list[str | None]) -> None:
    """Terms and weights are those of TfidfVectorizer, whatever the script."""
    words = {"sublinear_tf" if name == "sublinear" else name: value for name, value in options.items()}
    theirs = TfidfVectorizer(**words)
    try:
        theirs.fit([text or "" for text in texts])
    except ValueError:  # no term is left, which scikit-learn refuses and we do not
        theirs = None
    train, other = (pl.DataFrame({"t": each}, schema={"t": pl.String}) for each in (texts, seen))
    state = fit(FeaturePlan(text=("t",), tfidf=TextOptions(**options)), train)
    if theirs is None:
        assert state.feature_names == ()
        return
    assert state.feature_names == tuple(f"t~{term}" for term in theirs.get_feature_names_out())
    close(transform(state, other), theirs.transform([text or "" for text in seen]).toarray())


@given(values=st.lists(st.tuples(MEASURES, MEASURES, st.just(3.0)), min_size=2, max_size=40))
def test_variance_threshold(values: list[tuple[float, ...]]) -> None:
    """Features stay whose variance is above the threshold, as with VarianceThreshold."""
    frame = pl.DataFrame(values, schema=["a", "b", "c"], orient="row")
    state = fit(FeaturePlan(numeric=("a", "b", "c"), scaling="none", variance_threshold=90_000.5), frame)
    kept = np.var(frame.to_numpy(), axis=0) > 90_000.5
    assert state.feature_names == tuple(np.array(frame.columns)[kept])
    if kept.any():
        close(transform(state, frame), VarianceThreshold(90_000.5).fit_transform(frame.to_numpy()))


@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.sampled_from("xyz")), min_size=3, max_size=80))
def test_mutual_information_of_discrete_features(rows: list[tuple[int, int, str]]) -> None:
    """The feature that is kept is the one of which scikit-learn's mutual information is greatest."""
    frame = pl.DataFrame(rows, schema=["a", "b", "y"], orient="row")
    state = fit(FeaturePlan(numeric=("a", "b"), target="y", mutual_information=1), frame)
    scores = {name: mutual_info_score(frame[name], frame["y"]) for name in ("a", "b")}
    [kept] = state.feature_names
    assert scores[kept] >= max(scores.values()) - 1e-9
