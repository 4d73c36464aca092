"""What an owner keeps of a saved object, and the handles of stored files and folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from pydantic import Field

from mlops.artifacts.blobs import BlobStore
from mlops.artifacts.folders import get_folder, read_manifest
from mlops.artifacts.manifests import ManifestFile
from mlops.errors import NotFound
from mlops.records import FrozenDict, FrozenMap, Record

__all__ = ["FileNotInFolder", "SavedArtifact", "StoredFile", "StoredFolder"]


class SavedArtifact(Record):
    """Where and how an object was saved; `to_document()` of it belongs in the owner's row.

    Attributes:
        codec: Name of the codec that wrote it, for example `json` or `sklearn`.
        codec_version: The codec's version at that time.
        digest: SHA-256 of the file, or of the manifest when it is several.
        canonical_digest: Identity of the object: the same for two dumps of one model whose files differ. None when the
            codec cannot tell.
        size_bytes: Size of the content, of all its files together.
        details: What the codec knows about it: a type, a shape, versions.
        signature: Of this installation's key; only codecs that could run code when loading have one.
    """

    codec: str
    codec_version: int = 1
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    canonical_digest: str | None = None
    size_bytes: int = Field(ge=0)
    details: FrozenMap = Field(default_factory=FrozenDict)
    signature: str | None = None


class FileNotInFolder(NotFound):
    """A stored folder has no file of this path."""

    kind = "file"


class StoredFile:
    """A file in the store, as `load` returns it; its content is read when asked for, and verified then.

    Attributes:
        name: The file's name when it was saved, without folders.
        digest: SHA-256 of the content.
        size_bytes: Size of the content.
    """

    def __init__(self, blobs: BlobStore, *, name: str, digest: str, size_bytes: int) -> None:
        self._blobs = blobs
        self.name = name
        self.digest = digest
        self.size_bytes = size_bytes

    def __repr__(self) -> str:
        return f"StoredFile({self.name!r}, {self.size_bytes} bytes)"

    def open(self) -> BinaryIO:
        """Open the content as a stream; damage raises before the last chunk is handed out."""
        return self._blobs.open(self.digest)

    def read_bytes(self) -> bytes:
        """Return the content."""
        return self._blobs.get_bytes(self.digest)

    def read_text(self, encoding: str = "utf-8") -> str:
        """Return the content as text."""
        return self.read_bytes().decode(encoding)

    def copy_to(self, target: str | os.PathLike[str]) -> Path:
        """Write the content to the path `target`, replacing a file that is there; return the path."""
        return self._blobs.get_file(self.digest, target)


class StoredFolder:
    """A folder in the store, as `load` returns it.

    Attributes:
        name: The folder's name when it was saved.
        digest: SHA-256 of its manifest.
        size_bytes: Size of all its files together.
    """

    def __init__(self, blobs: BlobStore, *, name: str, digest: str, size_bytes: int) -> None:
        self._blobs = blobs
        self.name = name
        self.digest = digest
        self.size_bytes = size_bytes

    def __repr__(self) -> str:
        return f"StoredFolder({self.name!r}, {self.size_bytes} bytes)"

    def files(self) -> tuple[ManifestFile, ...]:
        """Return its files with their relative paths, in order of these."""
        return read_manifest(self._blobs, self.digest).files

    def read_bytes(self, path: str) -> bytes:
        """Return the content of the file at this relative path.

        Raises:
            FileNotInFolder: There is none.
        """
        files = {file.path: file for file in self.files()}
        if path not in files:
            raise FileNotInFolder(path, known=files)
        return self._blobs.get_bytes(files[path].digest)

    def copy_to(self, target: str | os.PathLike[str]) -> Path:
        """Write the folder to the path `target`, which must not exist or be an empty folder; return the path."""
        return get_folder(self._blobs, self.digest, Path(target))
