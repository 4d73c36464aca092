"""Versions that travel between two sites, each with its own database, files and key."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer
from skops import io as skops_io

from mlops.artifacts import Blob, SavedArtifact, SignatureRefused, UntrustedTypes
from mlops.artifacts.signing import SigningKey
from mlops.audit import AuditLogger
from mlops.errors import InvalidInput, MLOpsError
from mlops.model_registry import ModelMetadata, ModelNotFound, ModelRegistryService, ModelStatus, MoveKind, VersionTaken
from mlops.model_registry.errors import ContentRegistered, ExportDamaged, SiteNotTrusted
from mlops.model_registry.export_file import open_export, write_export
from mlops.model_registry.export_manifest import Content, ExportManifest, read_manifest
from mlops.model_registry.site_keys import SiteKey

X = np.arange(40.0).reshape(20, 2)
Y = np.arange(20) % 2
EVIL = SiteKey(SigningKey("a trusted site gone bad, or its key stolen"))


class Custom:
    """A model that only a pickle can hold."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def predict(self, rows: Any) -> Any:
        return np.asarray(rows)[:, 0] * self.weight


class Marker:
    """What runs when it is unpickled: it makes a folder named `ran`."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("ran",)


@pytest.fixture
def north(tmp_path: Path) -> Iterator[ModelRegistryService]:
    """Yield the site that exports."""
    with ModelRegistryService(tmp_path / "north", f"sqlite:///{tmp_path / 'north.db'}") as registry:
        yield registry


@pytest.fixture
def south(tmp_path: Path, database_url: str) -> Iterator[ModelRegistryService]:
    """Yield the site that imports, into another project, on SQLite and on PostgreSQL in turn."""
    with ModelRegistryService(tmp_path / "south", database_url, project="southern") as registry:
        yield registry


@pytest.fixture
def south_lite(tmp_path: Path, sqlite_url: str) -> Iterator[ModelRegistryService]:
    """Yield the site that imports, on SQLite, for what does not depend on the database."""
    with ModelRegistryService(tmp_path / "south", sqlite_url, project="southern") as registry:
        yield registry


@pytest.fixture
def exported(north: ModelRegistryService, tmp_path: Path) -> Path:
    """Return an export of a version in production with everything told."""
    told = ModelMetadata(
        model_id="triage", accuracy=0.9, precision=float("nan"), metrics={"loss": float("inf")},
        hyperparameters={"deep": {"c": float("inf")}}, tags={"site": "north"}, notes="naïve 模型", experiment_id="e1",
        training_data_hash="d1", intended_use="Biopsies.",
    )  # fmt: skip
    north.register_model(LogisticRegression(C=3).fit(X, Y), told, sample=X)
    north.promote_model("triage", "1.0.0", "production")
    north.protect("triage", "1.0.0")
    return north.export_version("triage", "production", tmp_path / "triage.tar")


@pytest.fixture
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in the test's own folder, where hostile code would leave its mark."""
    monkeypatch.chdir(tmp_path)


def manifest_of(path: Path, key: str) -> ExportManifest:
    with open_export(path, trusted=frozenset({key})) as file:
        return read_manifest(file)


def forge(path: Path, manifest: ExportManifest | bytes, contents: list[bytes]) -> Path:
    """Write a file that the bad site has signed properly."""
    by_digest = {hashlib.sha256(content).hexdigest(): content for content in contents}
    blobs = [Blob(digest, len(content)) for digest, content in by_digest.items()]
    content = manifest if isinstance(manifest, bytes) else manifest.encode()
    return write_export(path, content, blobs, lambda digest: io.BytesIO(by_digest[digest]), key=EVIL)


def hostile(genuine: ExportManifest, content: bytes, codec: str, **told: Any) -> ExportManifest:
    """Return a manifest whose model is another content, consistent in itself."""
    digest = hashlib.sha256(content).hexdigest()
    saved = SavedArtifact(codec=codec, digest=digest, canonical_digest=digest, size_bytes=len(content))
    identity = {"canonical_digest": digest, "size_bytes": len(content), "codec": codec}
    blobs = (Content(digest=digest, size_bytes=len(content)),)
    metadata = genuine.metadata.changed(**identity, **told)
    only = {"saved": saved, "sample": None, "answers": None, "blobs": blobs}
    return genuine.changed(site=EVIL.public, metadata=metadata, **only)


def assert_empty(registry: ModelRegistryService) -> None:
    """Nothing is registered, and nothing of the file is in the store."""
    assert len(registry.list_models()) == 0
    assert not list(registry._artifacts.list_blobs())


def test_a_version_arrives_with_all_that_is_told_of_it(
    north: ModelRegistryService, south: ModelRegistryService, exported: Path
) -> None:
    """Number, metrics, NaN, settings, tags, lineage and signature are as they were; rank and protection are not."""
    sent = north.get_model_metadata("triage")
    told = south.import_version(exported, trust=north.transfer_key())
    assert told.project == "southern"
    assert told.status is ModelStatus.VALIDATING
    assert told.promoted_at is None
    assert not told.is_protected
    local = ("project", "status", "promoted_at", "is_protected", "created_at", "updated_at", "precision")
    assert {k: v for k, v in told if k not in local} == {k: v for k, v in sent if k not in local}
    assert np.isnan(told.precision)  # type: ignore[arg-type]
    model, _ = south.get_model("triage", "1.0.0")
    assert model.C == 3
    assert south.verify("triage").is_sound
    assert "answers" in south.verify("triage").checks


def test_an_import_is_a_move_and_an_audit_entry_that_name_the_site(
    north: ModelRegistryService, south: ModelRegistryService, exported: Path, database_url: str
) -> None:
    """Who, from where, and what it was there."""
    south.import_version(exported, trust=north.transfer_key())
    [move] = south.history("triage")
    assert move.kind is MoveKind.IMPORT
    assert north.transfer_key() in move.reason
    assert "was production" in move.reason
    with AuditLogger(database_url) as log:
        entry = next(entry for entry in log.list_entries() if entry.action == "import")
        assert entry.details["site"] == north.transfer_key()
        assert log.verify().is_intact


def test_importing_twice_is_importing_once(
    north: ModelRegistryService, south: ModelRegistryService, exported: Path
) -> None:
    """The same content is the same version, and no second move is made."""
    first = south.import_version(exported, trust=[north.transfer_key()])
    assert repr(south.import_version(exported, trust=[north.transfer_key()])) == repr(first)
    assert len(south.history("triage")) == 1
    assert len(south.list_models()) == 1


def test_garbage_collection_keeps_what_an_import_brought(
    north: ModelRegistryService, south_lite: ModelRegistryService, exported: Path
) -> None:
    """The files and the manifest with the history at the other site are referred to until the version is deleted."""
    south_lite.import_version(exported, trust=north.transfer_key())
    before = {blob.digest for blob in south_lite._artifacts.list_blobs()}
    assert len(before) == 4
    assert south_lite._artifacts.collect_garbage(dry_run=True).blobs == 0
    assert hashlib.sha256(manifest_of(exported, north.transfer_key()).encode()).hexdigest() in before


def test_a_folder_arrives_with_its_files(
    north: ModelRegistryService, south: ModelRegistryService, tmp_path: Path
) -> None:
    """What is kept as several files travels as several, equal ones once."""
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.bin", "b.bin", "sub/a.bin"):
        (folder / name).write_bytes(b"same" if name[0] != "b" else b"other")
    north.register_model(folder, ModelMetadata(model_id="files"))
    path = north.export_version("files", None, tmp_path / "files.tar")
    south.import_version(path, trust=north.transfer_key())
    model, _ = south.get_model("files")
    assert {file.path: model.read_bytes(file.path) for file in model.files()} == {
        "a.bin": b"same", "b.bin": b"other", "sub/a.bin": b"same",
    }  # fmt: skip
    assert south.verify("files").is_sound


def test_a_pickle_of_a_trusted_site_is_signed_anew(
    north: ModelRegistryService, south: ModelRegistryService, tmp_path: Path
) -> None:
    """The importing installation's own signature lets it load; the two share no secret."""
    north.register_model(Custom(2.0), ModelMetadata(model_id="custom"))
    path = north.export_version("custom", "1.0.0", tmp_path / "c.tar")
    south.import_version(path, trust=north.transfer_key())
    assert south.get_model("custom")[0].weight == 2.0


def test_an_unsigned_pickle_is_not_exported(north: ModelRegistryService, tmp_path: Path) -> None:
    """What was slipped into a store must not leave it under the site's name."""
    north.register_model(Custom(1.0), ModelMetadata(model_id="custom"))
    north._artifacts.__dict__["signing_key"] = SigningKey("another key than the one it was signed by")
    with pytest.raises(SignatureRefused):
        north.export_version("custom", None, tmp_path / "c.tar")
    assert not (tmp_path / "c.tar").exists()


def test_a_file_of_a_site_that_is_not_trusted_leaves_no_trace(
    north: ModelRegistryService, south_lite: ModelRegistryService, exported: Path
) -> None:
    """Without trust, or with trust in somebody else."""
    for trust in ((), EVIL.public):
        with pytest.raises(SiteNotTrusted, match=north.transfer_key()):
            south_lite.import_version(exported, trust=trust)
    assert_empty(south_lite)


def test_a_site_takes_back_its_own_exports(north: ModelRegistryService, exported: Path) -> None:
    """Its own key needs no naming."""
    assert north.import_version(exported).version == "1.0.0"
    assert [move.kind for move in north.history("triage")].count(MoveKind.IMPORT) == 0


def test_types_outside_our_list_are_refused_before_anything_is_kept(
    north: ModelRegistryService, south_lite: ModelRegistryService, exported: Path, tmp_path: Path
) -> None:
    """A trusted signature does not make a skops file with os.system loadable."""
    content = skops_io.dumps(FunctionTransformer(os.system))
    bad = hostile(manifest_of(exported, north.transfer_key()), content, "sklearn")
    with pytest.raises(UntrustedTypes):
        south_lite.import_version(forge(tmp_path / "evil.tar", bad, [content]), trust=EVIL.public)
    assert_empty(south_lite)


@pytest.mark.parametrize("codec", ["pickle", "json", "file", "sklearn", "dataframe"])
@pytest.mark.usefixtures("in_own_folder")
def test_importing_never_unpickles(
    north: ModelRegistryService, south_lite: ModelRegistryService, exported: Path, tmp_path: Path, codec: str
) -> None:
    """Not even of a trusted site, under whatever codec's name; where the name is another's, it is refused."""
    content = pickle.dumps(Marker())
    bad = hostile(manifest_of(exported, north.transfer_key()), content, codec)
    try:
        south_lite.import_version(forge(tmp_path / "evil.tar", bad, [content]), trust=EVIL.public)
    except MLOpsError:
        assert_empty(south_lite)
    else:
        assert codec in {"pickle", "file"}
    assert not (tmp_path / "ran").exists()


def test_a_folder_whose_manifest_leads_outside_is_refused(
    north: ModelRegistryService, south_lite: ModelRegistryService, exported: Path, tmp_path: Path
) -> None:
    """A path inside a folder's manifest is checked before anything is kept."""
    inner = b"{}"
    file = {"path": "../../x", "digest": hashlib.sha256(inner).hexdigest(), "size_bytes": 2, "executable": False}
    content = json.dumps({"empty_folders": [], "files": [file], "format": "mlops-folder-1"}).encode()
    bad = hostile(manifest_of(exported, north.transfer_key()), content, "folder")
    with pytest.raises(InvalidInput, match="cannot be the path"):
        south_lite.import_version(forge(tmp_path / "evil.tar", bad, [content]), trust=EVIL.public)
    assert_empty(south_lite)


@pytest.mark.parametrize(
    "change",
    [
        {"site": "ed25519:" + "0" * 64},
        {"sample": SavedArtifact(codec="json", digest="1" * 64, size_bytes=2)},
        {"saved": SavedArtifact(codec="json", digest="1" * 64, size_bytes=2)},
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    north: ModelRegistryService,
    south_lite: ModelRegistryService,
    exported: Path,
    tmp_path: Path,
    change: dict[str, Any],
) -> None:
    """Another site's name, a file that is not there, another identity."""
    content = b'{"a":1}'
    bad = hostile(manifest_of(exported, north.transfer_key()), content, "json").changed(**change)
    with pytest.raises(ExportDamaged):
        south_lite.import_version(forge(tmp_path / "evil.tar", bad, [content]), trust=EVIL.public)
    assert_empty(south_lite)


def test_contents_that_no_file_needs_are_refused(
    north: ModelRegistryService, south_lite: ModelRegistryService, exported: Path, tmp_path: Path
) -> None:
    """An export smuggles nothing into the store."""
    contents = [b'{"a":1}', b"stowaway"]
    good = hostile(manifest_of(exported, north.transfer_key()), contents[0], "json")
    digests = sorted((hashlib.sha256(content).hexdigest(), len(content)) for content in contents)
    bad = good.changed(blobs=tuple(Content(digest=digest, size_bytes=size) for digest, size in digests))
    with pytest.raises(ExportDamaged, match="other contents"):
        south_lite.import_version(forge(tmp_path / "evil.tar", bad, contents), trust=EVIL.public)
    assert_empty(south_lite)


@pytest.mark.parametrize("manifest", [b"", b"[]", b"nul", b"\xff", b"[" * 100_000, b'{"schema_version":1}'])
def test_a_signed_manifest_that_is_none_is_refused(
    south_lite: ModelRegistryService, tmp_path: Path, manifest: bytes
) -> None:
    """Trust in a site is no trust in its bugs."""
    with pytest.raises(ExportDamaged):
        south_lite.import_version(forge(tmp_path / "evil.tar", manifest, []), trust=EVIL.public)
    assert_empty(south_lite)


@pytest.mark.parametrize("version", [2, 0, "1", None])
def test_a_manifest_of_an_unknown_version_is_refused(
    south_lite: ModelRegistryService, tmp_path: Path, version: object
) -> None:
    """The error says to upgrade."""
    path = forge(tmp_path / "new.tar", json.dumps({"schema_version": version}).encode(), [])
    with pytest.raises(InvalidInput, match="Upgrade"):
        south_lite.import_version(path, trust=EVIL.public)


def test_more_than_the_caller_allows_is_refused_before_it_is_read(
    north: ModelRegistryService, south_lite: ModelRegistryService, exported: Path
) -> None:
    """The sum of the declared sizes decides."""
    with pytest.raises(InvalidInput, match="most_bytes"):
        south_lite.import_version(exported, trust=north.transfer_key(), most_bytes=100)
    assert_empty(south_lite)


@pytest.mark.parametrize("place", [0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
def test_a_flipped_byte_leaves_no_trace(
    north: ModelRegistryService, south_lite: ModelRegistryService, exported: Path, place: float
) -> None:
    """Wherever it is, nothing is registered and nothing is stored."""
    content = bytearray(exported.read_bytes())
    content[int(len(content) * place)] ^= 1
    exported.write_bytes(content)
    with pytest.raises(MLOpsError):
        south_lite.import_version(exported, trust=north.transfer_key())
    assert_empty(south_lite)


def test_a_number_taken_by_other_content_is_refused_with_the_next_free_one(
    north: ModelRegistryService, south: ModelRegistryService, exported: Path
) -> None:
    """What is here stays as it is; nothing of the file is kept."""
    south.register_model({"other": 1}, ModelMetadata(model_id="triage", version="1.0.0"))
    blobs = len(list(south._artifacts.list_blobs()))
    with pytest.raises(VersionTaken) as refused:
        south.import_version(exported, trust=north.transfer_key())
    assert refused.value.next_free == "1.0.1"
    assert len(south.history("triage")) == 1
    assert len(list(south._artifacts.list_blobs())) == blobs


def test_a_deleted_versions_number_stays_taken(
    north: ModelRegistryService, south: ModelRegistryService, exported: Path
) -> None:
    """Deleting a version is no way to import another history for it."""
    south.import_version(exported, trust=north.transfer_key())
    south.delete_model("triage", "1.0.0")
    with pytest.raises(VersionTaken, match="deleted"):
        south.import_version(exported, trust=north.transfer_key())


def test_the_same_content_under_another_number_is_refused(
    north: ModelRegistryService, south: ModelRegistryService, exported: Path
) -> None:
    """The error names the number that it has here."""
    south.register_model(LogisticRegression(C=3).fit(X, Y), ModelMetadata(model_id="triage", version="4.2.0"))
    with pytest.raises(ContentRegistered, match=r"4\.2\.0"):
        south.import_version(exported, trust=north.transfer_key())


def test_an_imported_version_can_be_sent_on(
    north: ModelRegistryService, south_lite: ModelRegistryService, exported: Path, tmp_path: Path
) -> None:
    """Under the key of the site that sends it, with the move that says where it had it from."""
    south_lite.import_version(exported, trust=north.transfer_key())
    path = south_lite.export_version("triage", None, tmp_path / "on.tar")
    manifest = manifest_of(path, south_lite.transfer_key())
    assert south_lite.transfer_key() != north.transfer_key()
    assert [move.kind for move in manifest.moves] == [MoveKind.IMPORT]


def test_an_unknown_version_writes_no_file(north: ModelRegistryService, tmp_path: Path) -> None:
    """The path stays free."""
    with pytest.raises(ModelNotFound):
        north.export_version("nothing", None, tmp_path / "x.tar")
    assert not list(tmp_path.glob("*.tar"))
