"""xgboost, LightGBM and ONNX models in their own formats: they come back as they were, with an identity."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
import onnx
import pandas as pd
import pytest
import xgboost as xgb
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from mlops.artifacts.codecs import Codec, default_codecs, find_codec
from mlops.artifacts.codecs.python_values import pack, unpack
from mlops.artifacts.errors import CannotEncode
from mlops.records import decode_json, encode_json

X, Y = load_iris(return_X_y=True, as_frame=True)
X.columns = ["a", "b", "c", "d"]
WIDE = X.assign(site=pd.Categorical(np.array(["a", "b", "c", "d", "e"])[np.arange(150) % 5]))
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
TWO = (Y > 0).astype(int)
GROUPS = np.sort(np.arange(150) % 5)
ATTRIBUTES = (
    "classes_", "n_classes_", "feature_names_in_", "feature_name_", "n_features_in_", "feature_importances_",
    "best_iteration", "best_score", "best_iteration_", "best_score_", "evals_result_", "objective_", "n_iter_",
)  # fmt: skip


def codec_of(value: object) -> Codec:
    return next(codec for codec in default_codecs() if codec.handles(value))


def encoded(value: object) -> dict[str, bytes]:
    members = codec_of(value).encode(value).members
    return {name: content for name, content in members.items() if isinstance(content, bytes)}


def restored(value: Any) -> Any:
    return codec_of(value).decode(encoded(value))


def quiet(model: Any) -> Any:
    return model.set_params(verbosity=-1) if isinstance(model, lgb.LGBMModel) else model


MODELS: dict[str, tuple[Any, Any, Any, dict[str, Any]]] = {
    "xgboost, categories": (
        xgb.XGBClassifier(
            n_estimators=4, enable_categorical=True, max_cat_to_onehot=1, monotone_constraints=(1, 0, 0, 0, 0)
        ),
        WIDE, Y, {},
    ),
    "xgboost, stopped early": (
        xgb.XGBClassifier(n_estimators=60, early_stopping_rounds=2), X, TWO, {"eval_set": [(X, TWO)], "verbose": False},
    ),
    "xgboost, dart": (xgb.XGBRegressor(n_estimators=4, booster="dart", rate_drop=0.5), X, Y, {}),
    "xgboost, linear": (xgb.XGBRegressor(n_estimators=4, booster="gblinear"), X, Y, {}),
    "xgboost, pruned": (xgb.XGBRegressor(n_estimators=4, tree_method="exact", gamma=5), X, Y, {}),
    "xgboost, quantiles": (
        xgb.XGBRegressor(n_estimators=4, objective="reg:quantileerror", quantile_alpha=[0.1, 0.9]), X, Y, {},
    ),
    "xgboost, two outputs": (xgb.XGBRegressor(n_estimators=4), X, np.c_[Y, Y], {}),
    "xgboost, forest of classes": (xgb.XGBRFClassifier(n_estimators=4), X, Y, {}),
    "xgboost, forest on an array": (xgb.XGBRFRegressor(n_estimators=4), X.to_numpy(), Y, {}),
    "xgboost, ranking": (xgb.XGBRanker(n_estimators=4), X, Y, {"qid": GROUPS}),
    "LightGBM, names of classes": (
        lgb.LGBMClassifier(
            n_estimators=4, class_weight={"setosa": 1, "versicolor": 2, "virginica": 1}, min_data_per_group=5,
            max_cat_to_onehot=1, cat_smooth=1,
        ),
        WIDE, NAMES, {},
    ),
    "LightGBM, stopped early": (
        lgb.LGBMClassifier(n_estimators=60), X, TWO,
        {"eval_X": X, "eval_y": TWO, "callbacks": [lgb.early_stopping(2, verbose=False)]},
    ),
    "LightGBM, dart": (lgb.LGBMRegressor(n_estimators=4, boosting_type="dart"), X, Y, {}),
    "LightGBM, forest on an array": (
        lgb.LGBMRegressor(n_estimators=4, boosting_type="rf", subsample=0.5, subsample_freq=1), X.to_numpy(), Y, {},
    ),
    "LightGBM, quantile": (lgb.LGBMRegressor(n_estimators=4, objective="quantile", alpha=0.3), X, Y, {}),
    "LightGBM, ranking": (lgb.LGBMRanker(n_estimators=4), X, Y, {"group": [50, 50, 50]}),
    "LightGBM, without a split": (lgb.LGBMRegressor(n_estimators=2, min_child_samples=1000), X, Y, {}),
}  # fmt: skip


@pytest.fixture(params=MODELS)
def fitted(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Return a fitted model of each kind and rows that it takes."""
    model, x, y, options = MODELS[request.param]
    return quiet(clone(model)).fit(x, y, **options), x


def test_estimators_come_back_with_equal_answers(fitted: tuple[Any, Any]) -> None:
    """As the same class, with the same predictions and probabilities to the last bit."""
    model, x = fitted
    again = restored(model)
    assert type(again) is type(model)
    for method in ("predict", "predict_proba"):
        if hasattr(model, method):
            np.testing.assert_array_equal(getattr(again, method)(x), getattr(model, method)(x))


def test_estimators_come_back_with_their_settings_and_what_training_left(fitted: tuple[Any, Any]) -> None:
    """Parameters with their types, classes, names of features, the best round and the history."""
    model, _ = fitted
    again = restored(model)
    assert repr(again.get_params()) == repr(model.get_params())
    for name in ATTRIBUTES:
        try:
            expected = getattr(model, name)
        except AttributeError:
            continue
        assert np.array_equal(getattr(again, name), expected), name


def test_identity_survives_saving_and_loading(fitted: tuple[Any, Any]) -> None:
    """A reloaded model is the same model."""
    model, _ = fitted
    codec = codec_of(model)
    assert codec.encode(restored(model)).canonical_digest == codec.encode(model).canonical_digest


@pytest.mark.parametrize("make", [xgb.XGBClassifier, xgb.XGBRegressor, lgb.LGBMClassifier, lgb.LGBMRegressor])
def test_unfitted_estimators_come_back(make: Callable[..., Any]) -> None:
    """With their parameters, and without a booster."""
    model = make(n_estimators=7, max_depth=3, random_state=4)
    assert repr(restored(model).get_params()) == repr(model.get_params())


def test_boosters_come_back() -> None:
    """Both kinds, without an estimator around them."""
    matrix = xgb.DMatrix(X, Y)
    one = xgb.train({"max_depth": 2}, matrix, 4)
    np.testing.assert_array_equal(restored(one).predict(matrix), one.predict(matrix))
    other = lgb.train({"verbosity": -1}, lgb.Dataset(X, Y), 4)
    np.testing.assert_array_equal(restored(other).predict(X), other.predict(X))
    assert restored(other).params == other.params


@pytest.mark.parametrize("make", [xgb.XGBClassifier, lgb.LGBMClassifier])
def test_other_data_seed_or_setting_is_another_identity(make: Callable[..., Any]) -> None:
    """And the same training twice is one."""
    models = [
        quiet(make(n_estimators=3, n_jobs=1)).fit(X, TWO),
        quiet(make(n_estimators=3, n_jobs=1)).fit(X[10:], TWO[10:]),
        quiet(make(n_estimators=4, n_jobs=1)).fit(X, TWO),
        quiet(make(n_estimators=3, n_jobs=1, reg_alpha=0.1)).fit(X, TWO),
        quiet(make(n_estimators=3, n_jobs=1)),
    ]
    identities = [codec_of(model).encode(model).canonical_digest for model in models]
    assert len(set(identities)) == len(models)
    again = quiet(make(n_estimators=3, n_jobs=1)).fit(X, TWO)
    assert codec_of(again).encode(again).canonical_digest == identities[0]


def objective(truth: Any, guess: Any) -> tuple[Any, Any]:
    return guess - truth, np.ones_like(guess)


class Homemade(xgb.XGBClassifier):  # type: ignore[misc]
    """A user's own estimator."""


def noted() -> xgb.XGBRegressor:
    model = xgb.XGBRegressor()
    model.note = "mine"
    return model


REFUSED: dict[str, Callable[[], Any]] = {
    "objective is a function": lambda: xgb.XGBRegressor(objective=objective),
    "parameters.objective": lambda: lgb.LGBMRegressor(objective=objective),
    "RandomState": lambda: xgb.XGBRegressor(random_state=np.random.RandomState(1)),
    "several values a leaf": lambda: xgb.XGBRegressor(multi_strategy="multi_output_tree", n_estimators=2).fit(
        X, np.c_[Y, Y]
    ),
    "linear models": lambda: lgb.LGBMRegressor(linear_tree=True, n_estimators=2, verbosity=-1).fit(X, Y),
    "note": noted,
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_the_native_format_would_lose_is_refused(reason: str) -> None:
    """Code, random states, unusual trees and attributes of the user's go to a signed pickle."""
    model = REFUSED[reason]()
    with pytest.raises(CannotEncode, match=reason):
        codec_of(model).encode(model)


def test_a_random_state_is_left_as_it_is() -> None:
    """Looking at a model draws nothing from its generator."""
    state = np.random.RandomState(1)
    with pytest.raises(CannotEncode):
        codec_of(xgb.XGBRegressor(random_state=state)).encode(xgb.XGBRegressor(random_state=state))
    assert state.randint(1000) == np.random.RandomState(1).randint(1000)


def test_subclasses_are_left_to_others() -> None:
    """They may hold more."""
    assert codec_of(Homemade()).name not in {"xgboost", "lightgbm"}
    assert codec_of(StandardScaler()).name == "sklearn"


def onnx_model(weights: Any = None) -> onnx.ModelProto:
    """Return a linear model as ONNX."""
    weights = np.ones((4, 1), "float32") if weights is None else weights
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


class TestOnnx:
    """ONNX messages."""

    def test_a_model_comes_back_equal_and_gives_the_same_bytes(self) -> None:
        """Twice dumped is one file."""
        model = onnx_model()
        assert restored(model) == model
        assert encoded(restored(model)) == encoded(model)

    def test_the_details_tell_what_a_runtime_needs(self) -> None:
        """The operators' version."""
        details = codec_of(onnx_model()).encode(onnx_model()).details
        assert details["opsets"] == {"ai.onnx": 18}
        assert details["nodes"] == 1

    @pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE", "INT8", "UINT64", "BOOL", "FLOAT16", "BFLOAT16", "COMPLEX64"])
    @pytest.mark.parametrize("raw", [True, False])
    def test_tensors_of_all_types_are_kept(self, kind: str, raw: bool) -> None:
        """In raw form and in typed fields."""
        number = getattr(TensorProto, kind)
        array = np.array([1, 0, 1]).astype(helper.tensor_dtype_to_np_dtype(number))
        model = onnx_model()
        content = array.tobytes() if raw else [1, 0, 1]
        model.graph.initializer.append(helper.make_tensor("extra", number, [3], content, raw=raw))
        assert restored(model) == model

    @pytest.mark.parametrize(("kind", "values"), [("INT4", [1, 0, 1]), ("STRING", [b"a", b"", b"c"])])
    def test_packed_numbers_and_text_are_kept(self, kind: str, values: list[Any]) -> None:
        """Two numbers share a byte, and text has a field of its own."""
        model = onnx_model()
        model.graph.initializer.append(helper.make_tensor("extra", getattr(TensorProto, kind), [3], values))
        assert restored(model) == model


keys = st.text(max_size=3) | st.integers() | st.booleans() | st.none()
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(plain)
def test_settings_come_back_with_their_types(value: Any) -> None:
    """Tuples stay tuples, keys that are numbers stay numbers."""
    again = unpack(decode_json(encode_json(pack(value))))
    assert again == value
    assert repr(again) == repr(value)


@given(st.lists(st.integers(-5, 5) | st.text(max_size=5) | st.none(), max_size=5))
def test_arrays_of_labels_come_back(labels: list[Any]) -> None:
    """Of objects, and of whatever NumPy makes of them."""
    for array in (np.array(labels, dtype=object), np.array([str(label) for label in labels])):
        again = unpack(decode_json(encode_json(pack(array))))
        assert again.dtype == array.dtype
        assert again.tolist() == array.tolist()


def test_looking_for_a_codec_imports_nothing() -> None:
    """The optional libraries are loaded when a model of theirs is."""
    program = (
        "import sys; from mlops.artifacts.codecs import default_codecs\n"
        "assert [codec.name for codec in default_codecs() if codec.handles(object())] == ['pickle']\n"
        "assert not {'xgboost', 'lightgbm', 'onnx', 'google.protobuf'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", ["onnx", "xgboost", "lightgbm"])
def test_the_codecs_are_found_by_name(name: str) -> None:
    """As an artifact's record has it."""
    assert find_codec(default_codecs(), name, 1).name == name
