"""The artifact store on real databases: saving, loading, references, and what it refuses."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import structlog
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from mlops.artifacts import (
    ArtifactCorrupted,
    ArtifactNotFound,
    ArtifactStore,
    FileNotInFolder,
    SavedArtifact,
    SignatureRefused,
    StorageFull,
    StoredFile,
    StoredFolder,
    UntrustedTypes,
    is_referenced,
    list_references,
    remove_references,
)
from mlops.database import Database, open_database
from mlops.errors import Corrupted, InvalidInput

MARK = Path("ran")  # in the test's own folder; hostile code would make it


class Homemade(LogisticRegression):  # type: ignore[misc]
    """A user's own estimator."""


def hostile_pickle() -> bytes:
    """Return a pickle that makes the file `MARK`, which no pickler of ours wrote."""
    return b"cos\nsystem\n(S'touch ran'\ntR."


@pytest.fixture
def store(tmp_path: Path, database: Database) -> ArtifactStore:
    """Return a store in a folder, with its references on each database."""
    return ArtifactStore(tmp_path / "artifacts", database=database)


@pytest.fixture
def lab(tmp_path: Path, sqlite_url: str) -> Iterator[Database]:
    """Yield a SQLite database for what does not depend on the database."""
    with open_database(sqlite_url) as opened:
        yield opened


def refer(store: ArtifactStore, database: Database, digest: str, owner: str = "e1") -> None:
    with database.write() as tx:
        store.add_reference(tx, digest, owner_kind="experiment", owner_id=owner, name="model")


def document(saved: SavedArtifact) -> SavedArtifact:
    """Return the record as it comes back from an owner's row."""
    return SavedArtifact.from_document(saved.to_document())


class TestSaveAndLoad:
    """Objects in and out."""

    @pytest.mark.parametrize(
        ("value", "codec"),
        [
            (b"\x00\xff", "bytes"),
            ("ü", "text"),
            ({"auc": 0.99, "classes": ["b", "m"], "limit": float("inf")}, "json"),
            ((1, {2}), "pickle"),
        ],
    )
    def test_values_come_back(self, store: ArtifactStore, value: object, codec: str) -> None:
        """The record alone, read from a row, is enough to load."""
        saved = store.save(value)
        assert saved.codec == codec
        assert store.load(document(saved)) == value

    def test_arrays_and_tables_come_back(self, store: ArtifactStore) -> None:
        """NumPy and pandas have formats that run no code."""
        table = pd.DataFrame({"x": [1.0, np.nan]}, index=["a", "b"])
        array = np.arange(1_000_000.0)
        assert (store.load(store.save(array)) == array).all()
        pd.testing.assert_frame_equal(store.load(store.save(table)), table)

    def test_a_table_that_parquet_would_change_is_pickled(self, store: ArtifactStore) -> None:
        """Nothing is lost, and the log says what happened."""
        table = pd.DataFrame({"x": [(1, 2), (3, 4)]})
        with structlog.testing.capture_logs() as logs:
            saved = store.save(table)
        assert saved.codec == "pickle"
        assert [entry["event"] for entry in logs] == ["artifact_pickled"]
        pd.testing.assert_frame_equal(store.load(saved), table)

    def test_figures_come_back_as_pictures(self, store: ArtifactStore, lab: Database) -> None:
        """PNG and SVG are kept as a folder of two files."""
        figure = Figure(figsize=(2, 2))
        figure.subplots().plot([1, 2])
        saved = store.save(figure)
        assert store.load(saved).png.startswith(b"\x89PNG")
        assert saved.size_bytes == len(store.load(saved).png) + len(store.load(saved).svg)
        assert store.save(figure) == saved

    def test_models_come_back_without_pickle(self, store: ArtifactStore) -> None:
        """A RandomForest is kept by skops, unsigned, and has an identity of its own."""
        x, y = load_breast_cancer(return_X_y=True)
        model = RandomForestClassifier(n_estimators=5).fit(x, y)
        saved = store.save(model)
        again = store.load(saved)
        assert (saved.codec, saved.signature) == ("sklearn", None)
        assert (again.predict_proba(x) == model.predict_proba(x)).all()
        assert store.save(again).canonical_digest == saved.canonical_digest != saved.digest

    def test_a_users_own_estimator_is_pickled_with_a_warning(self, store: ArtifactStore) -> None:
        """What skops may not restore is kept all the same."""
        with structlog.testing.capture_logs() as logs:
            saved = store.save(Homemade(C=0.5))
        assert saved.codec == "pickle"
        assert "Homemade" in logs[0]["reason"]
        assert store.load(saved).C == 0.5

    def test_files_come_back_as_handles(self, store: ArtifactStore, tmp_path: Path) -> None:
        """A path stands for its file, which keeps its name."""
        (tmp_path / "table.csv").write_text("a,b\n")
        stored = store.load(document(store.save(tmp_path / "table.csv")))
        assert isinstance(stored, StoredFile)
        assert (stored.name, stored.size_bytes, stored.read_text()) == ("table.csv", 4, "a,b\n")
        assert stored.copy_to(tmp_path / "copy.csv").read_text() == "a,b\n"
        with stored.open() as stream:
            assert stream.read() == b"a,b\n"

    def test_folders_come_back_as_handles(self, store: ArtifactStore, tmp_path: Path) -> None:
        """A path may be a folder too; its files are read one by one or all at once."""
        (tmp_path / "plots" / "deep").mkdir(parents=True)
        (tmp_path / "plots" / "deep" / "roc.svg").write_text("<svg/>")
        stored = store.load(document(store.save(tmp_path / "plots")))
        assert isinstance(stored, StoredFolder)
        assert [file.path for file in stored.files()] == ["deep/roc.svg"]
        assert stored.read_bytes("deep/roc.svg") == b"<svg/>"
        assert (stored.copy_to(tmp_path / "out") / "deep" / "roc.svg").read_text() == "<svg/>"
        with pytest.raises(FileNotInFolder, match=r"Did you mean 'deep/roc\.svg'"):
            stored.read_bytes("deep/roc.svgs")

    def test_what_cannot_be_saved_says_so(self, store: ArtifactStore) -> None:
        """The refusal names the type and the way out, and leaves nothing behind."""
        with pytest.raises(InvalidInput, match=r"generator cannot be saved.*write it to a file"):
            store.save(number for number in range(3))
        assert list(store.list_blobs()) == []

    def test_a_missing_path_is_an_error(self, store: ArtifactStore, tmp_path: Path) -> None:
        """A mistyped path is not an artifact."""
        with pytest.raises(InvalidInput, match="cannot be read"):
            store.save(tmp_path / "nothing.csv")

    def test_a_store_in_memory_works_alike(self, lab: Database) -> None:
        """Any fsspec URL is a store; pickles need a key that is handed in."""
        url = f"memory://{uuid.uuid4().hex}"
        store = ArtifactStore(url, database=lab, signing_key="k" * 32, encryption_key="00" * 32)
        saved = [store.save(value) for value in ({"a": 1}, (1, 2))]
        again = ArtifactStore(url, database=lab, signing_key="k" * 32, encryption_key="00" * 32)
        assert [again.load(item) for item in saved] == [{"a": 1}, (1, 2)]
        assert again.store_id == store.store_id
        with pytest.raises(InvalidInput, match="MLOPS_SIGNING_KEY"):
            ArtifactStore(url, database=lab).save((1, 2))

    def test_a_store_survives_its_move(self, store: ArtifactStore, tmp_path: Path, database: Database) -> None:
        """References belong to the store, not to its path."""
        saved = store.save((1, 2))
        refer(store, database, saved.digest)
        (tmp_path / "artifacts").rename(tmp_path / "elsewhere")
        moved = ArtifactStore(tmp_path / "elsewhere", database=database)
        assert moved.load(saved) == (1, 2)
        assert moved.collect_garbage().blobs == 0
        assert moved.store_id == store.store_id


class TestTrust:
    """Nothing runs that this installation has not signed."""

    def test_a_hostile_pickle_does_not_run(self, store: ArtifactStore) -> None:
        """Bytes that were put are no pickle of ours, whatever a row says."""
        blob = store.put_bytes(hostile_pickle())
        for signature in (None, "", "v1:x:y", store.signing_key.sign("bytes", blob.digest)):
            saved = SavedArtifact(codec="pickle", digest=blob.digest, size_bytes=1, signature=signature)
            with pytest.raises(SignatureRefused):
                store.load(saved)
        assert not MARK.exists()

    def test_the_attack_is_a_real_one(self) -> None:
        """The pickle of these tests would have run."""
        pickle.loads(hostile_pickle())
        assert MARK.exists()

    def test_another_installations_pickle_is_refused(self, store: ArtifactStore, tmp_path: Path, lab: Database) -> None:
        """The message says how to import it, and with that key it loads."""
        other = ArtifactStore(tmp_path / "other", database=lab)
        saved = other.save((1, 2))
        (content,) = [other.get_bytes(saved.digest)]
        store.put_bytes(content)
        with pytest.raises(SignatureRefused, match=r"another installation.*MLOPS_SIGNING_KEY"):
            store.load(saved)
        key = (tmp_path / "other" / "signing.key").read_text()
        assert ArtifactStore(tmp_path / "artifacts", database=lab, signing_key=key).load(saved) == (1, 2)

    def test_a_signature_is_not_moved_to_other_content(self, store: ArtifactStore) -> None:
        """A good signature covers its own digest only."""
        good, blob = store.save((1, 2)), store.put_bytes(hostile_pickle())
        with pytest.raises(SignatureRefused, match="wrong signature"):
            store.load(good.changed(digest=blob.digest))
        assert not MARK.exists()

    def test_swapped_content_under_a_signed_digest_is_found(self, store: ArtifactStore, tmp_path: Path) -> None:
        """The signature covers the digest, the digest covers the bytes."""
        saved = store.save((1, 2))
        file = tmp_path / "artifacts" / "blobs" / saved.digest[:2] / saved.digest[2:]
        file.write_bytes(hostile_pickle())
        with pytest.raises(ArtifactCorrupted):
            store.load(saved)
        assert not MARK.exists()

    def test_a_pickle_that_claims_to_be_a_model_is_refused(self, store: ArtifactStore) -> None:
        """Another codec's name does not open it."""
        blob = store.put_bytes(hostile_pickle())
        for codec in ("sklearn", "ndarray", "dataframe", "json", "figure"):
            with pytest.raises((Corrupted, UntrustedTypes, InvalidInput)):
                store.load(SavedArtifact(codec=codec, digest=blob.digest, size_bytes=1))
        assert not MARK.exists()


class TestReferences:
    """What keeps a blob, written in the owner's transaction."""

    def test_a_reference_stands_and_falls_with_the_owners_transaction(
        self, store: ArtifactStore, database: Database
    ) -> None:
        """A rolled-back owner refers to nothing."""
        digest = store.put_bytes(b"cells").digest
        with suppress(ZeroDivisionError), database.write() as tx:
            store.add_reference(tx, digest, owner_kind="experiment", owner_id="e1")
            raise ZeroDivisionError
        with database.read() as tx:
            assert not is_referenced(tx, store=store.store_id, digest=digest)

    def test_references_are_listed_and_removed(self, store: ArtifactStore, database: Database) -> None:
        """The same reference twice is one; removing says how many there were."""
        digest = store.put_bytes(b"cells").digest
        refer(store, database, digest)
        refer(store, database, digest)
        refer(store, database, digest, owner="e2")
        with database.write() as tx:
            assert list_references(tx, owner_kind="experiment", owner_id="e1") == [("model", digest)]
            assert remove_references(tx, owner_kind="experiment", owner_id="e1", name="other") == 0
            assert remove_references(tx, owner_kind="experiment", owner_id="e1") == 1
            assert is_referenced(tx, store=store.store_id, digest=digest)
            assert remove_references(tx, owner_kind="experiment", owner_id="e2") == 1
            assert not is_referenced(tx, store=store.store_id, digest=digest)

    def test_what_was_never_put_cannot_be_referred_to(self, store: ArtifactStore, database: Database) -> None:
        """A row never points at nothing."""
        with pytest.raises(ArtifactNotFound, match="Put it again"), database.write() as tx:
            store.add_reference(tx, "ab" * 32, owner_kind="experiment", owner_id="e1")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of 256 KiB; needs root."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"NOT TESTED: a full disk; mounting a small tmpfs needs root: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def large_values() -> dict[str, object]:
    noise = np.random.default_rng(0).random((200, 500))
    figure = Figure(figsize=(20, 20))
    figure.subplots().imshow(noise)
    x, y = load_breast_cancer(return_X_y=True)
    return {
        "bytes": noise.tobytes(),
        "json": noise.tolist(),
        "ndarray": noise,
        "sliced": noise[:, ::2],
        "dataframe": pd.DataFrame(noise),
        "figure": figure,
        "sklearn": RandomForestClassifier(n_estimators=20).fit(x, y),
        "pickle": (noise,),
    }


@pytest.mark.parametrize("kind", ["bytes", "json", "ndarray", "sliced", "dataframe", "figure", "sklearn", "pickle"])
def test_a_full_disk_is_named_by_every_codec(small_disk: Path, lab: Database, kind: str) -> None:
    """Libraries that write into the store pass its error on; only whole members of a picture may stay, unreferenced."""
    store = ArtifactStore(small_disk / "store", database=lab, signing_key="k" * 32)
    with pytest.raises(StorageFull, match="is full"):
        store.save(large_values()[kind])
    assert all(store.get_bytes(blob.digest) for blob in store.list_blobs())
    assert list((small_disk / "store" / "tmp").iterdir()) == []


def test_a_killed_save_leaves_nothing_visible(lab: Database, sqlite_url: str, tmp_path: Path) -> None:
    """After kill -9 while a member is written, no blob is listed and the store goes on working."""
    program = (
        "import os, sys\n"
        "from mlops.artifacts import ArtifactStore\n"
        "from mlops.database import open_database\n"
        "store = ArtifactStore(sys.argv[2], database=open_database(sys.argv[1]))\n"
        "with store.writer() as writer:\n"
        "    writer.stream.write(bytes(5_000_000))\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, sqlite_url, tmp_path / "artifacts"], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    store = ArtifactStore(tmp_path / "artifacts", database=lab)
    assert list(store.list_blobs()) == []
    assert store.load(store.save(bytes(5_000_000))) == bytes(5_000_000)
