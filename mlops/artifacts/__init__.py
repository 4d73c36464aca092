"""Artifacts: any Python object, file or folder, kept under the SHA-256 of its content and proven whenever it is read.

Saving writes files and returns a record; the owner then stores the record and a reference in one transaction.
Unreferenced content is collected after a grace period. Models, tables, arrays, figures, JSON and text are kept in
formats that run no code; anything else is a pickle that only this installation's key opens.

Example:
    >>> import tempfile
    >>> from mlops.database import open_database
    >>> folder = tempfile.mkdtemp()
    >>> database = open_database(f"sqlite:///{folder}/lab.db")
    >>> store = ArtifactStore(f"{folder}/artifacts", database=database)
    >>> saved = store.save({"auc": 0.993, "threshold": float("inf")})
    >>> saved.codec, saved.size_bytes
    ('json', 48)
    >>> with database.write() as tx:
    ...     store.add_reference(tx, saved.digest, owner_kind="experiment", owner_id="e1", name="scores")
    >>> store.load(saved)
    {'auc': 0.993, 'threshold': inf}
    >>> store.collect_garbage(dry_run=True).blobs
    0
    >>> database.close()
"""

from __future__ import annotations

from mlops.artifacts.blobs import Blob, BlobWriter, StoredBlob
from mlops.artifacts.codecs import Codec, Encoding, StoredFigure
from mlops.artifacts.errors import (
    ArtifactCorrupted,
    ArtifactNotFound,
    CannotEncode,
    EncryptionKeyRefused,
    SignatureRefused,
    StorageFull,
    StorageUnavailable,
    StoreShared,
    UnsafeFolder,
    UntrustedArtifact,
    UntrustedTypes,
)
from mlops.artifacts.gc import GarbageReport
from mlops.artifacts.manifests import Manifest, ManifestFile
from mlops.artifacts.references import add_reference, is_referenced, list_references, remove_references
from mlops.artifacts.saved import FileNotInFolder, SavedArtifact, StoredFile, StoredFolder
from mlops.artifacts.store import ArtifactStore

__all__ = [
    "ArtifactCorrupted",
    "ArtifactNotFound",
    "ArtifactStore",
    "Blob",
    "BlobWriter",
    "CannotEncode",
    "Codec",
    "Encoding",
    "EncryptionKeyRefused",
    "FileNotInFolder",
    "GarbageReport",
    "Manifest",
    "ManifestFile",
    "SavedArtifact",
    "SignatureRefused",
    "StorageFull",
    "StorageUnavailable",
    "StoreShared",
    "StoredBlob",
    "StoredFigure",
    "StoredFile",
    "StoredFolder",
    "UnsafeFolder",
    "UntrustedArtifact",
    "UntrustedTypes",
    "add_reference",
    "is_referenced",
    "list_references",
    "remove_references",
]
