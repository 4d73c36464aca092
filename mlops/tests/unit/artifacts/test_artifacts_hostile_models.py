"""Model files made to do harm: none of them is loaded, and nothing of them runs."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier
from skops import io as skops_io

from mlops.artifacts.codecs.models import SklearnCodec
from mlops.artifacts.codecs.skops_file import SkopsFile, UnreadableModel
from mlops.artifacts.errors import CannotEncode, UntrustedTypes
from mlops.errors import MLOpsError

X, Y = load_breast_cancer(return_X_y=True)
MARK = Path("ran")  # in the test's own folder; hostile code would make it


@pytest.fixture
def codec() -> SklearnCodec:
    """Return the codec."""
    return SklearnCodec()


def load(codec: SklearnCodec, content: bytes) -> Any:
    return codec.decode({"model.skops": content})


def forged(model: Any, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> bytes:
    """Return a dump of `model` whose schema and files were changed."""
    with zipfile.ZipFile(io.BytesIO(skops_io.dumps(model))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files.pop("schema.json"))
    change(schema, files)
    return zipped({**files, "schema.json": json.dumps(schema).encode()})


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def schema_only(state: dict[str, Any]) -> bytes:
    return zipped({"schema.json": json.dumps({"protocol": 2, "_skops_version": "0.16.0", **state}).encode()})


def node(loader: str, name: str, **values: Any) -> dict[str, Any]:
    module, _, kind = name.rpartition(".")
    return {"__loader__": loader, "__module__": module, "__class__": kind, "__id__": 1, **values}


def text(value: str) -> dict[str, Any]:
    return node("JsonNode", "builtins.str", content=json.dumps(value), is_json=True)


def sequence(loader: str, name: str, *items: Any) -> dict[str, Any]:
    return node(loader, name, content=list(items))


COMMAND = sequence("TupleNode", "builtins.tuple", text(f"touch {MARK}"))
CODE = sequence("TupleNode", "builtins.tuple", text(f"open({str(MARK)!r}, 'w')"))
NOTHING = node("DictNode", "builtins.dict", content={}, key_types=sequence("ListNode", "builtins.list"))
SYSTEM = node("FunctionNode", "os.system")
ATTACKS = {
    "foreign type": node("ObjectNode", "subprocess.Popen", content=NOTHING),
    "foreign function": SYSTEM,
    "constructor": node("ConstructorFromReduceNode", "os.system", content=COMMAND),
    "constructor of a trusted type": node("ConstructorFromReduceNode", "builtins.str", content=COMMAND),
    "partial": node(
        "PartialNode",
        "functools.partial",
        content={"func": SYSTEM, "args": COMMAND, "kwds": NOTHING, "namespace": NOTHING},
    ),
    "method": node(
        "MethodNode",
        "sklearn.linear_model._logistic.LogisticRegression",
        content={"func": "fit", "obj": node("ObjectNode", "sklearn.linear_model._logistic.LogisticRegression")},
    ),
    "operator": node("OperatorFuncNode", "operator.methodcaller", attrs=COMMAND),
    "type": node("TypeNode", "os.system"),
    "key types": node(
        "DictNode",
        "builtins.dict",
        content={"open('ran','w')": text("x")},
        key_types=sequence("ListNode", "builtins.list", node("TypeNode", "builtins.eval")),
    ),
    "tuple of a foreign kind": sequence("TupleNode", "os.stat_result", text("x")),
    "trusted name in a wrong role": node("FunctionNode", "sklearn.tree._tree.Tree"),
    "function in an object's role": node("ObjectNode", "numpy.log1p"),
    "unknown role": node("EvalNode", "builtins.eval", content=CODE),
    "scikit-learn by prefix only": node("ObjectNode", "sklearn.utils._joblib.Parallel", content=NOTHING),
    "tree's constructor": node("TreeNode", "os.system", __reduce__={"args": COMMAND}, content=NOTHING),
    "loss's constructor": node("LossNode", "os.system", __reduce__={"args": COMMAND}, content=NOTHING),
    "bit generator": node(
        "RandomGeneratorNode",
        "numpy.random._generator.Generator",
        content={
            "bit_generator": node(
                "DictNode",
                "builtins.dict",
                content={"bit_generator": text("set_state")},
                key_types=sequence("ListNode", "builtins.list"),
            ),
            "seed_seq": NOTHING,
        },
    ),
    "hidden under an odd key": node(
        "DictNode", "builtins.dict", content={"__loader__": SYSTEM}, key_types=sequence("ListNode", "builtins.list")
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_is_loaded(codec: SklearnCodec, name: str) -> None:
    """Whatever role a foreign thing takes, it is refused and does not run."""
    with pytest.raises((UntrustedTypes, UnreadableModel)):
        load(codec, schema_only(ATTACKS[name]))
    assert not MARK.exists()


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_is_loaded_inside_a_model(codec: SklearnCodec, name: str) -> None:
    """An otherwise good model does not carry one in."""

    def hide(schema: dict[str, Any], _: dict[str, bytes]) -> None:
        schema["content"]["content"]["C"] = ATTACKS[name]

    with pytest.raises((UntrustedTypes, UnreadableModel)):
        load(codec, forged(LogisticRegression(), hide))
    assert not MARK.exists()


def test_foreign_types_are_named(codec: SklearnCodec) -> None:
    """The refusal lists what it found."""
    with pytest.raises(UntrustedTypes, match=r"subprocess\.Popen") as caught:
        load(codec, schema_only(ATTACKS["foreign type"]))
    assert caught.value.types == ("subprocess.Popen",)


def test_a_trusted_list_of_its_own_changes_nothing(codec: SklearnCodec) -> None:
    """What a file says about its own trustworthiness is not read."""
    claims = {"trusted": ["subprocess.Popen", "os.system"], "__trusted__": True, "is_safe": True}
    with pytest.raises(UntrustedTypes):
        load(codec, schema_only({**ATTACKS["foreign type"], **claims}))
    with pytest.raises(UntrustedTypes):
        load(codec, schema_only({**ATTACKS["foreign function"], **claims}))


def test_a_function_of_the_user_is_not_kept(codec: SklearnCodec) -> None:
    """A transformer that calls the user's code goes to a signed pickle."""
    with pytest.raises(CannotEncode, match=r"forged|test_artifacts"):
        codec.encode(FunctionTransformer(forged))


@pytest.mark.parametrize("protocol", [0, 1, 3, True, "2", None])
def test_other_protocols_are_refused(codec: SklearnCodec, protocol: object) -> None:
    """A file cannot choose an older, weaker way of being restored."""

    def change(schema: dict[str, Any], _: dict[str, bytes]) -> None:
        schema["protocol"] = protocol

    with pytest.raises(UnreadableModel, match="protocol"):
        load(codec, forged(LogisticRegression(), change))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 nothing",
        zipped({}),
        zipped({"schema.json": b"{"}),
        zipped({"schema.json": b"[]"}),
        zipped({"schema.json": b"[" * 100_000}),
        zipped({"schema.json": b"\xff\xfe"}),
        schema_only({}),
        schema_only({"__loader__": "ObjectNode"}),
        schema_only(node("NdArrayNode", "numpy.ndarray", type="numpy", file="missing.npy")),
    ],
)
def test_what_is_no_model_is_refused(codec: SklearnCodec, content: bytes) -> None:
    """Any bytes may carry the name of a model."""
    with pytest.raises(MLOpsError):
        load(codec, content)


class TestSize:
    """Files that unpack to more than they are."""

    def test_a_zip_bomb_is_refused(self, codec: SklearnCodec) -> None:
        """Sizes are added up before anything is unpacked."""
        bomb = zipped({"schema.json": b"{}", "a.bin": bytes(200 << 20)}, zipfile.ZIP_DEFLATED)
        assert len(bomb) < 1 << 20
        with pytest.raises(UnreadableModel, match="unpack"):
            load(codec, bomb)

    def test_a_bomb_inside_a_sparse_matrix_is_refused(self, codec: SklearnCodec) -> None:
        """Zips inside the zip are counted too."""
        inner = io.BytesIO()
        np.savez_compressed(inner, data=np.zeros(20_000_000))
        with pytest.raises(UnreadableModel, match="unpack"):
            load(codec, zipped({"schema.json": b"{}", "1.npz": inner.getvalue()}))

    def test_two_files_of_one_name_are_refused(self, codec: SklearnCodec) -> None:
        """There is one schema, for the audit and for the loader."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("schema.json", b"{}")
            with pytest.warns(UserWarning, match="Duplicate"):
                archive.writestr("schema.json", b"{}")
        with pytest.raises(UnreadableModel, match="two files"):
            load(codec, target.getvalue())

    def test_an_array_that_claims_to_be_huge_is_refused(self, codec: SklearnCodec) -> None:
        """The header of an array is compared with its bytes before room is made."""

        def grow(schema: dict[str, Any], files: dict[str, bytes]) -> None:
            for name, content in files.items():
                files[name] = content.replace(b"(1, 30), }    ", b"(99999, 30), }")

        model = LogisticRegression(max_iter=10_000).fit(X[:50] / 1000, Y[:50])
        with pytest.raises(UnreadableModel, match="does not hold 2999970 values"):
            load(codec, forged(model, grow))

    def test_a_pickle_inside_an_array_is_refused(self, codec: SklearnCodec) -> None:
        """NumPy's own pickles are not opened."""

        class Attack:
            def __reduce__(self) -> tuple[Any, ...]:
                return MARK.touch, ()

        def replace(schema: dict[str, Any], files: dict[str, bytes]) -> None:
            sink = io.BytesIO()
            np.save(sink, np.array([Attack()], dtype=object), allow_pickle=True)
            for name in files:
                files[name] = sink.getvalue()

        model = LogisticRegression(max_iter=10_000).fit(X[:50] / 1000, Y[:50])
        with pytest.raises(UnreadableModel):
            load(codec, forged(model, replace))
        assert not MARK.exists()


def edit_arrays(fields: dict[str, int], row: int = 0) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    """Return a forger that sets fields in one row of every record array that has them."""

    def edit(_: dict[str, Any], files: dict[str, bytes]) -> None:
        for name in [name for name in files if name.endswith(".npy")]:
            array = np.load(io.BytesIO(files[name])).copy()
            if array.dtype.names and set(fields) <= set(array.dtype.names):
                for field, value in fields.items():
                    array[field][row] = value
                sink = io.BytesIO()
                np.save(sink, array)
                files[name] = sink.getvalue()

    return edit


class TestIndices:
    """Trees whose numbers point outside: compiled code would follow them."""

    @pytest.mark.parametrize("model", [DecisionTreeClassifier(), RandomForestClassifier(n_estimators=2)])
    @pytest.mark.parametrize("field", ["left_child", "right_child", "feature"])
    @pytest.mark.parametrize("value", [10**9, -7, 0])
    def test_forged_trees_are_refused(self, codec: SklearnCodec, model: Any, field: str, value: int) -> None:
        """Children lie inside the tree and after their parent, features inside the table."""
        content = forged(model.fit(X[:80], Y[:80]), edit_arrays({field: value}))
        if field == "feature" and value == 0:
            load(codec, content)  # another feature is another model, not a danger
            return
        with pytest.raises(UnreadableModel):
            load(codec, content)

    def test_a_tree_that_claims_more_nodes_has_those_it_brings(self, codec: SklearnCodec) -> None:
        """The count of nodes is not believed."""

        def grow(schema: dict[str, Any], _: dict[str, bytes]) -> None:
            tree = schema["content"]["content"]["tree_"]
            tree["content"]["content"]["node_count"] = {**text(""), "content": "100000", "__id__": 10**18}

        model = DecisionTreeClassifier().fit(X, Y)
        assert load(codec, forged(model, grow)).tree_.node_count == model.tree_.node_count

    def test_a_forest_for_fewer_features_than_its_trees_is_refused(self, codec: SklearnCodec) -> None:
        """A forest checks its input, its trees do not."""

        def shrink(schema: dict[str, Any], _: dict[str, bytes]) -> None:
            schema["content"]["content"]["n_features_in_"] = {**text(""), "content": "1", "__id__": 10**18}

        with pytest.raises(UnreadableModel):
            load(codec, forged(RandomForestClassifier(n_estimators=2).fit(X, Y), shrink))

    @pytest.mark.parametrize("fields", [{"left": 10**6}, {"right": 0}, {"feature_idx": 99}, {"feature_idx": -1}])
    def test_forged_boosting_is_refused(self, codec: SklearnCodec, fields: dict[str, int]) -> None:
        """The trees of histogram boosting are looked at too."""
        model = HistGradientBoostingClassifier(max_iter=2).fit(X, Y)
        with pytest.raises(UnreadableModel):
            load(codec, forged(model, edit_arrays(fields)))

    @pytest.mark.parametrize("fields", [{"idx_end": 10**6}, {"idx_start": -5}, {"is_leaf": 0}])
    @pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
    def test_forged_neighbour_trees_are_refused(
        self, codec: SklearnCodec, fields: dict[str, int], algorithm: str
    ) -> None:
        """Ranges of points lie inside the data, and inner nodes have children."""
        model = KNeighborsClassifier(algorithm=algorithm).fit(X[:200, :2], Y[:200])
        with pytest.raises(UnreadableModel):
            load(codec, forged(model, edit_arrays(fields, row=-1)))


def test_the_canonical_digest_does_not_unpack_foreign_names() -> None:
    """A schema that refers to a file that is not there is damage, found before it matters."""
    file = SkopsFile(schema_only(node("BytesNode", "builtins.bytes", file="../../etc/passwd")))
    with pytest.raises(KeyError):
        file.canonical_digest()
