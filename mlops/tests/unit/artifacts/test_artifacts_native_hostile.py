"""xgboost, LightGBM and ONNX files made to do harm: none is handed to the library that would follow it."""

from __future__ import annotations

import json
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
from sklearn.datasets import load_iris

from mlops.artifacts.codecs.lightgbm_models import LightgbmCodec
from mlops.artifacts.codecs.onnx_models import OnnxCodec
from mlops.artifacts.codecs.skops_file import UnreadableModel
from mlops.artifacts.codecs.ubjson import read_ubjson
from mlops.artifacts.codecs.xgboost_models import XgboostCodec
from mlops.artifacts.errors import CannotEncode
from mlops.errors import Corrupted, MissingDependency
from mlops.tests.fixtures.ubjson import write_ubjson

X, Y = load_iris(return_X_y=True, as_frame=True)
X.columns = ["a", "b", "c", "d"]
X = X.assign(site=pd.Categorical(np.array(["a", "b", "c", "d", "e"])[np.arange(150) % 5]))
LABELS = (Y + np.arange(150) % 5) % 3  # so that trees split by the category too


def files(codec: Any, model: Any) -> dict[str, bytes]:
    return dict(codec.encode(model).members)


@pytest.fixture(scope="module")
def boosted() -> dict[str, bytes]:
    """Return the files of an xgboost model with splits by numbers and by categories."""
    model = xgb.XGBClassifier(n_estimators=2, max_depth=3, enable_categorical=True, max_cat_to_onehot=1)
    return files(XgboostCodec(), model.fit(X, LABELS))


@pytest.fixture(scope="module")
def light() -> dict[str, bytes]:
    """Return the files of a LightGBM model with splits by numbers and by categories."""
    model = lgb.LGBMClassifier(
        n_estimators=2, num_leaves=5, max_cat_to_onehot=1, cat_smooth=1, min_data_per_group=5, verbosity=-1
    )
    return files(LightgbmCodec(), model.fit(X, LABELS))


def model_of(document: Any) -> Any:
    return document["learner"]["gradient_booster"]["model"]


def tree_with(document: Any, name: str) -> Any:
    """Return the first tree that has such a list with something in it."""
    return next(tree for tree in model_of(document)["trees"] if len(tree[name]))


def put(name: str, value: int, place: int = 0) -> Callable[[Any], None]:
    """Return a forger that sets one number in the first tree that has such a list."""

    def forge(document: Any) -> None:
        tree = tree_with(document, name)
        tree[name] = tree[name].copy()
        tree[name][place] = value

    return forge


def shorten(name: str) -> Callable[[Any], None]:
    def forge(document: Any) -> None:
        tree = tree_with(document, name)
        tree[name] = tree[name][:-1]

    return forge


def learner(section: str, name: str, value: Any) -> Callable[[Any], None]:
    def forge(document: Any) -> None:
        document["learner"][section][name] = value

    return forge


def booster(name: str, value: Any) -> Callable[[Any], None]:
    def forge(document: Any) -> None:
        model_of(document)[name] = value

    return forge


def cats(name: str, value: Any) -> Callable[[Any], None]:
    def forge(document: Any) -> None:
        model_of(document)["cats"][name] = value

    return forge


FORGED: dict[str, Callable[[Any], None]] = {
    "child outside": put("left_children", 10**6),
    "child negative": put("right_children", -5),
    "child of itself": put("left_children", 0),
    "one child": put("right_children", -1),
    "feature outside": put("split_indices", 99),
    "feature negative": put("split_indices", -1),
    "parent outside": put("parents", 10**6),
    "short list of weights": shorten("base_weights"),
    "short list of conditions": shorten("split_conditions"),
    "short list of children": shorten("right_children"),
    "set of categories outside": put("categories_segments", 10**6),
    "set of categories too long": put("categories_sizes", 10**6),
    "set of categories without end": put("categories_sizes", 2**62),
    "empty set of categories": put("categories_sizes", 0),
    "set of no node": put("categories_nodes", 10**6),
    "huge category": put("categories", 2**30),
    "negative category": put("categories", -1),
    "unknown kind of split": put("split_type", 7),
    "tree for a foreign group": booster("tree_info", [99] * 6),
    "tree for a negative group": booster("tree_info", [-1] * 6),
    "rounds outside": booster("iteration_indptr", [0, 3, 600]),
    "rounds backwards": booster("iteration_indptr", [0, 9, 6]),
    "more trees claimed": booster("gbtree_model_param", {"num_trees": "600", "num_parallel_tree": "1"}),
    "no trees in a round": booster("gbtree_model_param", {"num_trees": "6", "num_parallel_tree": "0"}),
    "another objective's classes": learner("objective", "softmax_multiclass_param", {"num_class": "900"}),
    "unknown booster": learner("gradient_booster", "name", "evil"),
    "more names than features": learner("learner_model_param", "num_feature", "3"),
    "a billion features": learner("learner_model_param", "num_feature", "1000000000"),
    "a billion classes": learner("learner_model_param", "num_class", "1000000000"),
    "number that is none": learner("learner_model_param", "num_feature", "0x10"),
    "attribute that is no text": learner("attributes", "best_iteration", 5),
    "order of categories outside": cats("sorted_idx", np.full(5, 99, "i4")),
    "segments outside": cats("feature_segments", np.array([0, 0, 0, 0, 0, 500], "i4")),
    "names of categories outside": cats(
        "enc", [{"offsets": np.array([0, 900], "i4"), "values": np.zeros(1, "i1")}] * 5
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_xgboost_models_are_refused(boosted: dict[str, bytes], name: str) -> None:
    """Compiled code would follow such numbers out of its arrays."""
    document = read_ubjson(boosted["model.ubj"])
    FORGED[name](document)
    with pytest.raises(UnreadableModel):
        XgboostCodec().decode({**boosted, "model.ubj": write_ubjson(document)})


def test_an_unforged_document_is_read_again(boosted: dict[str, bytes]) -> None:
    """The forgers' writer itself changes nothing."""
    document = read_ubjson(boosted["model.ubj"])
    model = XgboostCodec().decode({**boosted, "model.ubj": write_ubjson(document)})
    assert (model.predict(X) == XgboostCodec().decode(boosted).predict(X)).all()


def line(name: str, text: str) -> Callable[[str], str]:
    """Return a forger that replaces one line of the first tree, or of the head, that has such a name."""

    def forge(content: str) -> str:
        start = content.index(f"\n{name}=") + 1
        end = content.index("\n", start)
        size = end - start
        forged = f"{name}={text}"
        whole = content[:start] + forged + content[end:]
        if start < content.index("Tree=0"):
            return whole
        return resized(whole, len(forged) - size)

    return forge


def resized(content: str, change: int) -> str:
    """Return a model whose first tree has grown by so many bytes, and says so."""
    start = content.index("tree_sizes=") + len("tree_sizes=")
    first, _, rest = content[start:].partition(" ")
    return f"{content[:start]}{int(first) + change} {rest}"


TEXTS: dict[str, Callable[[str], str]] = {
    "child outside": line("left_child", "900 -1 -2 -3"),
    "child of itself": line("left_child", "0 -1 -2 -3"),
    "leaf outside": line("right_child", "-900 -3 -4 -5"),
    "feature outside": line("split_feature", "99 0 0 0"),
    "feature negative": line("split_feature", "-1 0 0 0"),
    "fewer thresholds": line("threshold", "1 2"),
    "more leaves claimed": line("num_leaves", "6"),
    "no leaves": line("num_leaves", "0"),
    "a billion leaves": line("num_leaves", "1000000000"),
    "number that ends the process": line("leaf_value", "--1 0 0 0 0"),
    "linear tree": line("is_linear", "1"),
    "sizes of trees outside": line("tree_sizes", "99999999 1 1 1 1 1"),
    "sizes of trees negative": line("tree_sizes", "-5 1 1 1 1 1"),
    "fewer classes": line("num_class", "1"),
    "more trees a round": line("num_tree_per_iteration", "900"),
    "more features": line("max_feature_idx", "900"),
    "objective of more classes": line("objective", "multiclass num_class:900"),
    "objective of one class": line("objective", "binary sigmoid:1"),
    "a later version": line("version", "v99"),
    "a field twice": lambda text: text.replace("label_index=0", "label_index=0\nlabel_index=0"),
    "an unknown field": lambda text: text.replace("label_index=0", "label_index=0\nevil=1"),
    "a file's name": lambda text: text.replace("[forcedsplits_filename: ]", "[forcedsplits_filename: /etc/passwd]"),
    "machines": lambda text: text.replace("[machines: ]", "[machines: 10.0.0.1]"),
    "a parameter without a value": lambda text: text.replace("[device_type: cpu]", "[device_type]"),
    "no end": lambda text: text.replace("end of trees", "end of tree"),
    "a zero byte": lambda text: text.replace("label_index", "label\0index"),
    "a line break of another kind": lambda text: text.replace("num_class=3", "num_class=3\r"),
    "categories that are no list": lambda text: text.replace('[["a"', '["a", ["a"'),
}


@pytest.mark.parametrize("name", TEXTS)
def test_forged_lightgbm_models_are_refused(light: dict[str, bytes], name: str) -> None:
    """Compiled code would follow such numbers, or end the process."""
    original = light["model.txt"].decode()
    forged = TEXTS[name](original)
    assert forged != original
    with pytest.raises(UnreadableModel):
        LightgbmCodec().decode({**light, "model.txt": forged.encode()})


def test_sets_of_categories_in_lightgbm_stay_inside(light: dict[str, bytes]) -> None:
    """In the tree that has some."""
    text = light["model.txt"].decode()
    assert "cat_boundaries=" in text
    for name, forged in (("cat_boundaries", "0 9"), ("cat_boundaries", "1 0"), ("cat_threshold", "-4")):
        with pytest.raises(UnreadableModel):
            LightgbmCodec().decode({**light, "model.txt": line(name, forged)(text).encode()})


PROGRAM = """
import random, sys
from mlops.artifacts.codecs import default_codecs, find_codec
from mlops.errors import MLOpsError
from pathlib import Path
codec = find_codec(default_codecs(), sys.argv[1], 1)
good = {name: Path(name).read_bytes() for name in codec.members}
dice = random.Random(20260503)
refused = 0
for _ in range(400):
    content = bytearray(good[codec.members[0]])
    for _ in range(dice.choice([1, 1, 2, 4])):
        content[dice.randrange(len(content))] = dice.randrange(256)
    try:
        model = codec.decode({**good, codec.members[0]: bytes(content)})
    except MLOpsError:
        refused += 1
print(refused)
"""


@pytest.mark.parametrize("codec", ["xgboost", "lightgbm"])
def test_flipped_bytes_never_end_the_process(request: pytest.FixtureRequest, tmp_path: Any, codec: str) -> None:
    """Most are refused; those that only change a number are another model."""
    for name, content in request.getfixturevalue("boosted" if codec == "xgboost" else "light").items():
        (tmp_path / name).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, codec], cwd=tmp_path, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert int(done.stdout.split()[-1]) > 100


SETTINGS: dict[str, Any] = {
    "a foreign class": {"class": "DaskXGBClassifier"},
    "a module's function": {"class": "train"},
    "a private name": {"class": "__builtins__"},
    "an unknown parameter": {"params": {"dict": [["__class__", "x"]]}},
    "a parameter that hides a method": {"params": {"dict": [["predict", "x"]]}},
    "a million threads": {"params": {"dict": [["n_jobs", 10**6]]}},
    "an attribute of another kind": {"fitted": {"dict": [["__class__", "x"]]}},
    "a method's name": {"fitted": {"dict": [["predict", "x"]]}},
    "an array of objects' addresses": {"fitted": {"dict": [["n_classes_", {"array": ["V8", [1]]}]]}},
    "an array of huge items": {"fitted": {"dict": [["n_classes_", {"array": ["<U1000000000", ["a"]]}]]}},
    "an unknown kind of value": {"params": {"call": ["os.system", "touch ran"]}},
    "a value with two kinds": {"params": {"list": [], "tuple": []}},
    "no parameters": {"params": 5},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_forged_settings_are_refused(boosted: dict[str, bytes], light: dict[str, bytes], name: str) -> None:
    """They name a class from our list, plain parameters, and what training leaves."""
    for codec, good in ((XgboostCodec(), boosted), (LightgbmCodec(), light)):
        document = {**json.loads(good["estimator.json"]), **SETTINGS[name]}
        with pytest.raises(Corrupted):
            codec.decode({**good, "estimator.json": json.dumps(document).encode()})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"\xff\xff", b"[" * 100_000, b'{"class": "Booster"}'])
def test_settings_that_are_none_are_refused(boosted: dict[str, bytes], content: bytes) -> None:
    """Any bytes may stand there."""
    with pytest.raises(Corrupted):
        XgboostCodec().decode({**boosted, "estimator.json": content})


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_as_ubjson_or_read(content: bytes) -> None:
    """The reader ends, with a value or a ValueError."""
    try:
        read_ubjson(content)
    except ValueError:
        return
    assert content


@pytest.mark.parametrize(
    "content",
    [
        b"[#L" + (2**62).to_bytes(8, "big"),
        b"[$D#L" + (2**60).to_bytes(8, "big") + b"x",
        b"S" + b"L" + (-1).to_bytes(8, "big", signed=True),
        b"{" * 100,
        b"[#i\x01" * 1000,
        b"{i\x01aTi\x01aF}",
        b"TT",
        b"[T",
        b"[$T#i\x01",
    ],
)
def test_bombs_and_ambiguous_documents_are_no_ubjson(content: bytes) -> None:
    """Lengths are compared with what is there before room is made."""
    with pytest.raises(ValueError, match=r"\w"):
        read_ubjson(content)


numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.booleans() | st.text(max_size=5)
documents = st.recursive(
    numbers, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)


@given(documents)
def test_ubjson_reads_what_is_written(value: Any) -> None:
    """Up to the depth that models have."""
    assert read_ubjson(write_ubjson(value)) == value


def linear(tensor: TensorProto | None = None) -> onnx.ModelProto:
    weights = numpy_helper.from_array(np.ones((4, 1), "float32"), "w") if tensor is None else tensor
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def external() -> TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return tensor


def in_a_subgraph() -> onnx.ModelProto:
    """Return a model with external data deep inside: a constant in a branch of an If."""
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=external())],
        "branch",
        [],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, [4, 1])],
    )
    model = linear()
    model.graph.node.append(helper.make_node("If", ["x"], ["z"], then_branch=branch, else_branch=branch))
    return model


class TestOnnx:
    """ONNX messages."""

    @pytest.mark.parametrize(
        ("model", "word"),
        [
            (linear(external()), "another file"),
            (in_a_subgraph(), "another file"),
            (linear(TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2**40, 2**20], raw_data=b"1234")), "need"),
            (linear(TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[-4, 1], raw_data=b"1234")), "negative"),
            (linear(TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 1], float_data=[1.0])), "need"),
            (linear(TensorProto(name="w", data_type=99, dims=[1], raw_data=b"1")), "99"),
        ],
    )
    def test_foreign_files_and_false_sizes_are_refused(self, model: onnx.ModelProto, word: str) -> None:
        """When saving and when loading."""
        with pytest.raises(CannotEncode, match=word):
            OnnxCodec().encode(model)
        with pytest.raises(UnreadableModel, match=word):
            OnnxCodec().decode({"model.onnx": model.SerializeToString()})

    @pytest.mark.parametrize("content", [b"", b"\xff" * 9, b"PK\x03\x04", linear().SerializeToString()[:-9]])
    def test_what_is_no_model_is_refused(self, content: bytes) -> None:
        """Empty, damaged, or another kind of file."""
        with pytest.raises(UnreadableModel):
            OnnxCodec().decode({"model.onnx": content})

    def test_an_invalid_graph_is_refused(self) -> None:
        """ONNX's own checker has the word."""
        model = linear()
        model.graph.node[0].input[1] = "nowhere"
        with pytest.raises(CannotEncode, match="nowhere"):
            OnnxCodec().encode(model)


@pytest.mark.parametrize(
    ("codec", "library"), [(XgboostCodec(), "xgboost"), (LightgbmCodec(), "lightgbm"), (OnnxCodec(), "onnx")]
)
def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, codec: Any, library: str) -> None:
    """Loading says what to install."""
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(MissingDependency, match=rf"needs it: {library}\..*tracseq-mlops\["):
        codec.decode(dict.fromkeys(codec.members, b""))
