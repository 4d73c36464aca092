"""xgboost, LightGBM and ONNX models through the artifact store, as files that nothing else may change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import onnx
import pytest
import structlog
import xgboost as xgb
from onnx import TensorProto, helper
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops.artifacts import ArtifactCorrupted, ArtifactStore, SavedArtifact
from mlops.database import Database, open_database

X, Y = load_breast_cancer(return_X_y=True)


@pytest.fixture
def lab(sqlite_url: str) -> Iterator[Database]:
    """Yield a database for references."""
    with open_database(sqlite_url) as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path, lab: Database) -> ArtifactStore:
    """Return a store in a folder."""
    return ArtifactStore(tmp_path / "artifacts", database=lab)


def onnx_model() -> onnx.ModelProto:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 30]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "same", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def fitted(kind: Any) -> Any:
    return kind(n_estimators=5, n_jobs=1, verbosity=0 if kind is xgb.XGBClassifier else -1).fit(X, Y)


@pytest.mark.parametrize(
    ("kind", "codec", "file"),
    [(xgb.XGBClassifier, "xgboost", "model.ubj"), (lgb.LGBMClassifier, "lightgbm", "model.txt")],
)
def test_a_boosted_model_is_kept_in_its_own_format(
    store: ArtifactStore, tmp_path: Path, kind: Any, codec: str, file: str
) -> None:
    """It loads as it was, and its exported file opens with the library alone."""
    model = fitted(kind)
    saved = SavedArtifact.from_document(store.save(model).to_document())
    assert (saved.codec, saved.signature) == (codec, None)
    np.testing.assert_array_equal(store.load(saved).predict_proba(X), model.predict_proba(X))
    folder = store.export(saved, tmp_path / "out", name="model")
    alone = xgb.Booster(model_file=folder / file) if codec == "xgboost" else lgb.Booster(model_file=folder / file)
    assert (alone.num_boosted_rounds() if codec == "xgboost" else alone.num_trees()) == 5


def test_an_onnx_model_is_one_file(store: ArtifactStore, tmp_path: Path) -> None:
    """That any runtime reads."""
    saved = store.save(onnx_model())
    assert (saved.codec, saved.canonical_digest) == ("onnx", saved.digest)
    assert store.load(saved) == onnx_model()
    assert onnx.load(store.export(saved, tmp_path / "m.onnx", name="m")) == onnx_model()


@pytest.mark.parametrize("kind", [xgb.XGBClassifier, lgb.LGBMClassifier])
def test_the_same_model_saved_twice_is_one_identity(store: ArtifactStore, kind: Any) -> None:
    """And after it was loaded."""
    first = store.save(fitted(kind))
    assert store.save(fitted(kind)).canonical_digest == first.canonical_digest
    assert store.save(store.load(first)).canonical_digest == first.canonical_digest


def test_a_flipped_byte_in_a_member_is_found(store: ArtifactStore, tmp_path: Path) -> None:
    """Before anything is parsed."""
    saved = store.save(fitted(xgb.XGBClassifier))
    largest = max(
        (path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
    )
    largest.chmod(0o600)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    with pytest.raises(ArtifactCorrupted):
        store.load(saved)


def squared(truth: Any, guess: Any) -> tuple[Any, Any]:
    return guess - truth, np.ones_like(guess)


@pytest.mark.parametrize(
    "model",
    [
        xgb.XGBRegressor(n_estimators=3, objective=squared),
        make_pipeline(StandardScaler(), xgb.XGBClassifier(n_estimators=3)),
    ],
)
def test_what_the_format_cannot_hold_is_a_signed_pickle_and_says_so(store: ArtifactStore, model: Any) -> None:
    """A custom objective is code, and a pipeline is not xgboost's."""
    with structlog.testing.capture_logs() as logs:
        saved = store.save(model.fit(X, Y))
    assert (saved.codec, saved.signature is not None) == ("pickle", True)
    assert [entry["event"] for entry in logs] == ["artifact_pickled"]
    np.testing.assert_array_equal(store.load(saved).predict(X), model.predict(X))
