"""scikit-learn models: all estimators are kept by skops, from our list, and have an identity."""

from __future__ import annotations

import importlib
import io
import re
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, Matern, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelBinarizer, LabelEncoder, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators
from sklearn.utils._test_common.instance_generator import _construct_instances

from mlops.artifacts.codecs.models import SklearnCodec
from mlops.artifacts.codecs.skops_file import SkopsFile, trusted_types
from mlops.artifacts.errors import CannotEncode

NOT_KEPT = {"Birch": "skops cannot write it", "FrozenEstimator": "needs an estimator; tested in a pipeline"}
RANDOM_ANSWERS = {"DummyClassifier", "BernoulliRBM"}  # they draw anew at each call
ESTIMATORS = [pytest.param(kind, id=name) for name, kind in all_estimators() if name not in NOT_KEPT]


@pytest.fixture(scope="module")
def codec() -> SklearnCodec:
    """Return the codec."""
    return SklearnCodec()


def content_of(codec: SklearnCodec, model: Any) -> bytes:
    content = codec.encode(model).members["model.skops"]
    assert isinstance(content, bytes)
    return content


def round_trip(codec: SklearnCodec, model: Any) -> Any:
    return codec.decode({"model.skops": content_of(codec, model)})


def biopsies() -> tuple[Any, Any]:
    measures, diagnoses = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(measures[::8]), diagnoses[::8]


def training_sets() -> list[tuple[Any, ...]]:
    """Return inputs of the kinds that estimators want, most usual first."""
    x, y = biopsies()
    texts = ["benign cell", "malignant cell", "cell growth"] * 20
    return [
        (x, y),
        (np.abs(x), y),
        (np.abs(x), y + 1.0),
        (x[:, 0], y),
        (x @ x.T, y),
        (x, np.c_[y, 1 - y]),
        (np.abs(x), np.abs(x[:, :2])),
        (texts, [0, 1, 0] * 20),
        ([{"a": 1, "b": "x"}] * 5,),
        (x[:, :3], y),
        (y,),
    ]


def fitted(model: Any) -> tuple[Any, Any]:
    """Return the model, fitted on the first training set that it takes, and that set's input."""
    for data in training_sets():
        try:
            return model.fit(*data), data[0]
        except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError):
            continue
    raise AssertionError(f"{model} takes none of the training sets")


def answers(model: Any, x: Any) -> list[Any]:
    """Return what a model says of an input, by all the methods that it has for it."""
    found = []
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        if hasattr(model, method):
            try:
                answer = getattr(model, method)(x)
            except (ValueError, TypeError, AttributeError):
                continue
            answer = answer.toarray() if hasattr(answer, "toarray") else answer
            found += [np.asarray(part) for part in (answer if isinstance(answer, list) else [answer])]
    return found


def assert_same_answers(one: Any, other: Any, x: Any) -> None:
    for expected, received in zip(answers(one, x), answers(other, x), strict=True):
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(received, expected, rtol=1e-9, atol=1e-9)
        else:
            assert (received == expected).all()


@pytest.mark.filterwarnings("ignore")  # scikit-learn warns of tiny data and short training; that is not what is tested
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_every_estimator_comes_back(codec: SklearnCodec, kind: type[BaseEstimator]) -> None:
    """All estimators of scikit-learn are kept without pickle, answer as before, and keep their identity."""
    model, x = fitted(next(iter(_construct_instances(kind))))
    again = round_trip(codec, model)
    if kind.__name__ not in RANDOM_ANSWERS:
        assert_same_answers(model, again, x)
    identity = codec.encode(model).canonical_digest
    assert codec.encode(again).canonical_digest == identity
    assert codec.encode(model).canonical_digest == identity


def table() -> tuple[pd.DataFrame, Any]:
    x, y = biopsies()
    frame = pd.DataFrame(x[:, :4], columns=["radius", "texture", "area", "shape"])
    frame["site"] = np.where(frame["radius"] > 0, "left", "right")
    frame.loc[3, "texture"] = np.nan
    return frame, y


def prepared() -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    parts = [("n", numbers, ["radius", "texture"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["site"])]
    return ColumnTransformer(parts, remainder="drop").set_output(transform="default")


X, Y = biopsies()
FRAME, LABELS = table()
COMPOSED = {
    "column transformer": (Pipeline([("p", prepared()), ("m", LogisticRegression())]), FRAME, LABELS),
    "boosting on a table": (make_pipeline(prepared(), GradientBoostingClassifier(n_estimators=5)), FRAME, LABELS),
    "categories": (
        HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype"),
        FRAME.assign(site=FRAME["site"].astype("category")),
        LABELS,
    ),
    "grid search": (
        GridSearchCV(
            RandomForestClassifier(n_estimators=3),
            {"max_depth": [2, None]},
            scoring={"auc": "roc_auc", "f1": make_scorer(f1_score, pos_label=0)},
            refit="auc",
            cv=StratifiedKFold(2, shuffle=True, random_state=0),
        ),
        X,
        Y,
    ),
    "stacking": (StackingClassifier([("t", DecisionTreeClassifier()), ("s", SVC())], cv=2), X, Y),
    "calibrated": (CalibratedClassifierCV(SVC(), method="isotonic", cv=2), X, Y),
    "text": (
        make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), MultinomialNB()),
        ["a cell", "b cell", "c d"],
        [0, 1, 0],
    ),
    "kernels": (GaussianProcessClassifier(2.0 * Matern() + RBF() ** 2 + WhiteKernel()), X[:20, :2], Y[:20]),
    "kd tree": (KNeighborsClassifier(algorithm="kd_tree"), X[:, :3], Y),
    "ball tree": (KNeighborsClassifier(algorithm="ball_tree", metric="manhattan"), X[:, :3].astype("f4"), Y),
    "selection": (make_pipeline(SelectKBest(mutual_info_classif, k=3), SGDClassifier(loss="modified_huber")), X, Y),
    "functions": (make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()), np.abs(X), Y),
    "union": (make_pipeline(FeatureUnion([("k", KMeans(2)), ("s", StandardScaler())]), MLPClassifier((3,))), X, Y),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", COMPOSED)
def test_composed_models_come_back(codec: SklearnCodec, name: str) -> None:
    """Pipelines, searches and what they are made of answer as before."""
    model, x, y = COMPOSED[name]
    model = model.fit(x, y)
    assert_same_answers(model, round_trip(codec, model), x)


@pytest.mark.parametrize(
    "encoder", [LabelEncoder().fit(["b", "a"]), LabelBinarizer().fit([1, 2, 3])], ids=["encoder", "binarizer"]
)
def test_label_encoders_come_back(codec: SklearnCodec, encoder: Any) -> None:
    """Transformers of labels are kept too."""
    assert list(round_trip(codec, encoder).classes_) == list(encoder.classes_)


def test_an_unfitted_model_comes_back(codec: SklearnCodec) -> None:
    """A model is kept as it is."""
    assert round_trip(codec, LogisticRegression(C=0.5)).get_params() == LogisticRegression(C=0.5).get_params()


def test_different_models_have_different_identities(codec: SklearnCodec) -> None:
    """One sample more, another seed, another setting: another model."""
    models = [
        RandomForestClassifier(n_estimators=3, random_state=0).fit(X, Y),
        RandomForestClassifier(n_estimators=3, random_state=1).fit(X, Y),
        RandomForestClassifier(n_estimators=3, random_state=0).fit(X[1:], Y[1:]),
        RandomForestClassifier(n_estimators=3, random_state=0),
    ]
    assert len({codec.encode(model).canonical_digest for model in models}) == len(models)


def test_two_trainings_with_one_seed_have_one_identity(codec: SklearnCodec) -> None:
    """Identity is the model's content, not the object's address or the moment."""
    one, other = (RandomForestClassifier(n_estimators=3, random_state=0).fit(X, Y) for _ in range(2))
    first, second = codec.encode(one), codec.encode(other)
    assert first.members["model.skops"] != second.members["model.skops"]
    assert first.canonical_digest == second.canonical_digest


def test_the_details_name_type_and_versions(codec: SklearnCodec) -> None:
    """A reader knows what a model needs before loading it."""
    details = codec.encode(LogisticRegression()).details
    assert details["type"] == "sklearn.linear_model._logistic.LogisticRegression"
    assert set(details) == {"type", "sklearn", "skops"}


class Homemade(LogisticRegression):  # type: ignore[misc]
    """A user's own estimator, which is not on the list."""


def test_a_users_own_estimator_is_refused_by_name(codec: SklearnCodec) -> None:
    """What is not on the list is left to a signed pickle, and the reason names it."""
    assert codec.handles(Homemade())
    with pytest.raises(CannotEncode, match="Homemade"):
        codec.encode(Homemade())


@pytest.mark.parametrize("name", [name for name, reason in NOT_KEPT.items() if "cannot" in reason])
def test_what_skops_cannot_write_is_refused(codec: SklearnCodec, name: str) -> None:
    """The refusal is an answer, not a crash."""
    with pytest.raises(CannotEncode):
        codec.encode(dict(all_estimators())[name]())


class TestList:
    """The list itself."""

    def test_names_are_exact_and_exist(self) -> None:
        """Every name is one importable thing, and no pattern."""
        for role, names in trusted_types().items():
            for name in names:
                assert re.fullmatch(r"[A-Za-z_][\w.]*\.\w+", name)
                module, _, attribute = name.rpartition(".")
                found = getattr(importlib.import_module(module), attribute)
                assert isinstance(found, type) or role == "FunctionNode"

    def test_roles_that_call_are_not_on_it(self) -> None:
        """Nothing on the list lets a file choose what is called."""
        calling = {"MethodNode", "OperatorFuncNode", "ConstructorFromReduceNode"}
        assert not calling & set(trusted_types())

    def test_all_estimators_are_on_it(self) -> None:
        """A new estimator of scikit-learn is noticed."""
        ours = trusted_types()["ObjectNode"]
        missing = {f"{kind.__module__}.{kind.__name__}" for name, kind in all_estimators() if name != "Birch"} - ours
        assert not missing

    def test_functions_run_no_code_of_others(self) -> None:
        """Functions come from NumPy, SciPy and scikit-learn only, and none evaluates text or reads files."""
        for name in trusted_types()["FunctionNode"]:
            assert name.split(".")[0] in {"numpy", "scipy", "sklearn"}
            assert not re.search(r"(load|save|open|read|exec|eval|import|file|vectorize|apply|frompyfunc)$", name)


def test_skops_is_given_the_found_types_only(codec: SklearnCodec) -> None:
    """The second check, by skops, is against what the first one found."""
    file = SkopsFile(content_of(codec, LogisticRegression()))
    found = file.audit(trusted_types())
    assert "sklearn.linear_model._logistic.LogisticRegression" in found
    assert not any("RandomForest" in name for name in found)


def test_dumps_hold_no_surprises(codec: SklearnCodec) -> None:
    """A model file is a zip of a schema and arrays."""
    with zipfile.ZipFile(io.BytesIO(content_of(codec, KMeans(2, n_init=1).fit(X)))) as archive:
        assert {name.rpartition(".")[2] for name in archive.namelist()} == {"json", "npy"}
