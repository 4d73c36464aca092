"""What a site tells of a version that it gives away: the signed part of an export, as a record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from mlops.artifacts import Blob, SavedArtifact
from mlops.errors import InvalidInput
from mlops.model_registry.entities import ModelMetadata, ModelMove
from mlops.model_registry.export_file import ExportFile
from mlops.model_registry.versions import SemanticVersion
from mlops.provenance import EnvironmentCapture
from mlops.records import Record, decode_json, encode_json

__all__ = ["MOST_BLOBS", "Content", "ExportManifest", "read_manifest"]

MOST_BLOBS = 10_000
"""Contents that one file may hold."""


class Content(Record):
    """One content of an export: its SHA-256 and its size."""

    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)


class ExportManifest(Record):
    """What a site tells of a version that it gives away.

    Attributes:
        site: The site's public key.
        metadata: What is told of the version there, its status included.
        moves: What happened to it there, in order.
        environment: What it was registered in.
        saved: The model's files, without a signature: the file's own covers them.
        blobs: All contents, in order of their digests.
    """

    schema_version: ClassVar[int] = 1

    site: str
    metadata: ModelMetadata
    moves: tuple[ModelMove, ...] = ()
    environment: EnvironmentCapture | None = None
    saved: SavedArtifact
    sample: SavedArtifact | None = None
    answers: SavedArtifact | None = None
    blobs: tuple[Content, ...] = Field(min_length=1, max_length=MOST_BLOBS)

    def encode(self) -> bytes:
        """Return the canonical bytes, in which NaN and the infinities survive."""
        document = {**self.model_dump(), "schema_version": self.schema_version}
        return encode_json(_with_moments_as_text(document)).encode()

    def files(self) -> dict[str, SavedArtifact]:
        """Return what was saved, by the names of the fields of `StoredVersion`."""
        found = {"saved": self.saved, "sample": self.sample, "answers": self.answers}
        return {name: saved for name, saved in found.items() if saved is not None}

    def contents(self) -> list[Blob]:
        """Return the contents as blobs."""
        return [Blob(content.digest, content.size_bytes) for content in self.blobs]


def read_manifest(file: ExportFile) -> ExportManifest:
    """Return the manifest of a file, which a trusted site has signed; its site may still be of another version."""
    try:
        document = decode_json(file.manifest.decode())
    except (ValueError, RecursionError) as error:
        raise file.damaged("its manifest is not JSON") from error
    if not isinstance(document, dict):
        raise file.damaged("its manifest is not a JSON object")
    version = document.get("schema_version")
    if version != ExportManifest.schema_version:
        raise InvalidInput(
            f"The export has a manifest of version {version!r}; this version of tracseq-mlops reads "
            f"{ExportManifest.schema_version}. Upgrade it, or export again with the same version on both sites."
        )
    try:
        manifest = ExportManifest.from_document(document)
    except InvalidInput as error:
        raise file.damaged(f"its manifest does not describe a version ({error})") from error
    _check_told(file, manifest)
    return manifest


def _check_told(file: ExportFile, manifest: ExportManifest) -> None:
    """Refuse a manifest whose parts contradict each other."""
    told, saved = manifest.metadata, manifest.saved
    if manifest.site != file.site:
        raise file.damaged("its manifest names another site than the one that signed it")
    identity = (saved.canonical_digest or saved.digest, saved.size_bytes, saved.codec)
    if (told.canonical_digest, told.size_bytes, told.codec) != identity:
        raise file.damaged("what its manifest tells of the version is not what it tells of the version's files")
    try:
        SemanticVersion.parse(told.version)
    except InvalidInput as error:
        raise file.damaged(f"{told.version!r} is not the number of a version") from error


def _with_moments_as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _with_moments_as_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_moments_as_text(item) for item in value]
    return value
