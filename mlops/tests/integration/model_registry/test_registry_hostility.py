"""Files changed behind our back, names that want to be paths, databases that had other tables first."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from mlops.artifacts import ArtifactCorrupted, ArtifactNotFound, SignatureRefused
from mlops.errors import InvalidInput, MLOpsError
from mlops.model_registry import ModelMetadata, ModelRegistryService, ModelStatus
from mlops.tests.integration.model_registry.conftest import MakeRegistry

NAMES = [
    "../../etc/passwd", "/etc/passwd", "a/b\\c", "con", "naïve 模型 🧬", "'; DROP TABLE model_registry; --", "%s", "~",
    "..", "a" * 250,
]  # fmt: skip


class Foreign:
    """An object that only a pickle can hold."""

    def predict(self, rows: object) -> object:
        """Answer with the question."""
        return rows


def blobs(folder: Path) -> list[Path]:
    return [path for path in (folder / "models" / "blobs").rglob("*") if path.is_file()]


def registered(registry: ModelRegistryService, tmp_path: Path) -> Path:
    """Register one model; return its file."""
    before = set(blobs(tmp_path)) if (tmp_path / "models" / "blobs").exists() else set()
    registry.register_model(np.arange(1000), ModelMetadata(model_id="m"))
    (file,) = set(blobs(tmp_path)) - before
    return file


def test_a_flipped_bit_is_found_and_nothing_is_loaded(sqlite_registry: ModelRegistryService, tmp_path: Path) -> None:
    """Loading raises, verifying reports."""
    file = registered(sqlite_registry, tmp_path)
    content = bytearray(file.read_bytes())
    content[500] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArtifactCorrupted):
        sqlite_registry.get_model("m")
    report = sqlite_registry.verify("m")
    assert not report.is_sound
    assert report.checks == ("files",)
    assert "The model:" in report.problems[0]


def test_a_deleted_blob_is_found(sqlite_registry: ModelRegistryService, tmp_path: Path) -> None:
    """What is told of the version can still be read, and the version can still be moved."""
    registered(sqlite_registry, tmp_path).unlink()
    with pytest.raises(ArtifactNotFound):
        sqlite_registry.get_model("m")
    assert not sqlite_registry.verify("m").is_sound
    assert sqlite_registry.update_model_status("m", "1.0.0", ModelStatus.FAILED).version == "1.0.0"


def test_registering_again_heals_a_lost_blob(sqlite_registry: ModelRegistryService, tmp_path: Path) -> None:
    """The same content is written anew under its digest."""
    registered(sqlite_registry, tmp_path).unlink()
    sqlite_registry.register_model(np.arange(1000), ModelMetadata(model_id="m"))
    assert sqlite_registry.verify("m").is_sound


def test_a_model_whose_answers_changed_is_found(sqlite_registry: ModelRegistryService, tmp_path: Path) -> None:
    """Here by answers that another model gave."""
    rows = np.zeros((4, 1))
    for label, name in ((0, "m"), (1, "other")):
        model = DummyClassifier(strategy="constant", constant=label).fit(rows, [0, 1, 0, 1])
        sqlite_registry.register_model(model, ModelMetadata(model_id=name), sample=rows)
    store, key = sqlite_registry._store, sqlite_registry._finder.key
    with sqlite_registry._database.write() as tx:
        mine, theirs = (store.find(tx, key(name), "1.0.0") for name in ("m", "other"))
        assert mine is not None
        assert theirs is not None
        store.update(tx, mine, mine.model_copy(update={"answers": theirs.answers}))
    problems = sqlite_registry.verify("m").problems
    assert any("prediction is" in problem for problem in problems)


def test_a_pickle_of_another_installation_is_refused(
    sqlite_registry: ModelRegistryService, make_registry: MakeRegistry, sqlite_url: str, tmp_path: Path
) -> None:
    """Nothing is unpickled."""
    sqlite_registry.register_model(Foreign(), ModelMetadata(model_id="m"))
    assert isinstance(sqlite_registry.get_model("m")[0], Foreign)
    (key,) = [path for path in (tmp_path / "models").iterdir() if path.is_file() and "key" in path.name]
    key.unlink()
    with pytest.raises(SignatureRefused):
        make_registry(sqlite_url).get_model("m")


@pytest.mark.parametrize("name", NAMES)
def test_no_name_becomes_a_path(registry: ModelRegistryService, tmp_path: Path, name: str) -> None:
    """Any printable name works, and files have names of our own."""
    registry.register_model({"a": name}, ModelMetadata(model_id=name, name=name, tags={name: name}, created_by=name))
    registry.promote_model(name, "1.0.0", ModelStatus.PRODUCTION, reason=name)
    assert registry.get_model(name)[0] == {"a": name}
    assert registry.history(name)[-1].reason == name
    assert all(set(path.name) <= set("0123456789abcdef") for path in blobs(tmp_path))


@pytest.mark.parametrize("name", ["", " ", "a\n", "\0", "a" * 251, " a"])
def test_what_is_no_name_is_refused(name: str) -> None:
    """Before anything is written."""
    with pytest.raises(InvalidInput, match="model_id"):
        ModelMetadata(model_id=name)


@pytest.mark.parametrize("reference", ["../x", "", "'; --", "\0", "🧬", "1.0.0 "])
def test_strange_references_name_nothing(registry: ModelRegistryService, reference: str) -> None:
    """They are looked for, and not found."""
    registry.register_model({"a": 1}, ModelMetadata(model_id="m"))
    with pytest.raises(MLOpsError):
        registry.get_model("m", reference)
    with pytest.raises(MLOpsError):
        registry.get_model(reference)


def test_a_database_with_a_table_of_our_name_is_refused(tmp_path: Path) -> None:
    """It is not ours, and nothing of it is touched."""
    file = tmp_path / "theirs.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE model_registry (id INTEGER)")
    connection.close()
    with pytest.raises(MLOpsError, match="model_registry"):
        ModelRegistryService(tmp_path / "models", f"sqlite:///{file}")


def test_a_database_with_other_tables_is_shared(tmp_path: Path) -> None:
    """Theirs stay."""
    file = tmp_path / "shared.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE samples (id INTEGER)")
    connection.close()
    with ModelRegistryService(tmp_path / "models", f"sqlite:///{file}") as registry:
        registry.register_model({"a": 1}, ModelMetadata(model_id="m"))
        assert registry.get_model("m")[0] == {"a": 1}
