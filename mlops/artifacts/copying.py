"""Copies of a store's blobs in a plain folder, and putting them back: bytes as they are stored, proven on the way.

A blob that an earlier copy has, undamaged, is linked from there instead of copied; where links are not possible it is
copied. Encrypted blobs stay encrypted. The signing key is no blob, so no copy has it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

import sqlalchemy as sa
from pydantic import Field

from mlops.artifacts.blobs import BlobStore
from mlops.artifacts.digests import HashingWriter, check_digest, read_chunks
from mlops.artifacts.encryption import EncryptionKey
from mlops.artifacts.errors import ArtifactCorrupted, ArtifactNotFound, EncryptionKeyRefused, storage_errors
from mlops.artifacts.gc import CLIENTS
from mlops.artifacts.references import artifact_blobs, artifact_references, artifact_stores
from mlops.artifacts.storage import Storage, open_storage
from mlops.clock import NewId
from mlops.database import Transaction
from mlops.records import Record

__all__ = [
    "CopiedBlob",
    "Earlier",
    "StoreHoldings",
    "assign_client",
    "claim_store",
    "copy_in",
    "copy_out",
    "list_holdings",
    "mark_store",
    "read_store_id",
    "verify_blob",
]

_MARKER = "store.json"


class CopiedBlob(Record):
    """A blob in a copy.

    Attributes:
        digest: SHA-256 of its content.
        is_encrypted: Whether it is stored encrypted.
        size_bytes: Size of the stored file.
        sha256: SHA-256 of the stored file; the digest, unless it is encrypted.
    """

    digest: str
    is_encrypted: bool = False
    size_bytes: int = Field(ge=0)
    sha256: str

    @property
    def name(self) -> str:
        """Its path in a store or a copy, relative to the root."""
        return _name(self.digest, is_encrypted=self.is_encrypted)


class StoreHoldings(NamedTuple):
    """What a database knows to be in one store: its id, where it was, and digests."""

    store: str
    client_id: str
    root: str
    referenced: tuple[str, ...]
    unreferenced: tuple[str, ...]


class Earlier(NamedTuple):
    """A blob in an earlier copy, and where its file is."""

    blob: CopiedBlob
    path: Path


def list_holdings(tx: Transaction) -> list[StoreHoldings]:
    """Return the stores that a database uses, with the digests that it refers to and those that it only lists."""
    stores, found = artifact_stores, []
    for row in tx.execute(sa.select(stores.c.store, stores.c.client_id, stores.c.root).order_by(stores.c.store)):
        referenced = _digests(tx, artifact_references, row.store)
        listed = _digests(tx, artifact_blobs, row.store)
        found.append(
            StoreHoldings(
                row.store, row.client_id, row.root, tuple(sorted(referenced)), tuple(sorted(listed - referenced))
            )
        )
    return found


def read_store_id(storage: Storage) -> str | None:
    """Return the id of the store that is there, None when there is none."""
    if storage.size(_MARKER) is None:
        return None
    with storage.open(_MARKER) as file:
        return str(json.loads(file.read())["store"])


def mark_store(storage: Storage, store_id: str) -> None:
    """Make an empty place the store of this id."""
    storage.write_once(_MARKER, json.dumps({"format": 1, "store": store_id}).encode())


def copy_out(
    storage: Storage, digest: str, folder: Path, *, earlier: Mapping[str, Earlier], key: EncryptionKey | None
) -> CopiedBlob:
    """Copy a blob as it is stored into a folder, verified; link it from an earlier copy where that has the same bytes.

    Args:
        storage: The store's files.
        digest: The blob.
        folder: Root of the copy.
        earlier: Blobs of an earlier copy on the same file system, by `CopiedBlob.name`.
        key: Opens encrypted blobs, to prove their content; without it only their files are compared.

    Raises:
        ArtifactNotFound: The store has no such blob, and neither has the earlier copy.
        ArtifactCorrupted: Its content is not the digest's.
        StorageFull: No room is left.
    """
    is_encrypted = _is_encrypted(storage, digest, key)
    candidates = [earlier.get(_name(digest, is_encrypted=kind)) for kind in (is_encrypted, not is_encrypted)]
    for known in candidates:
        if known is not None and _is_still(storage, known) and _link(known, folder):
            return known.blob
    return _copy(storage, digest, folder, is_encrypted=is_encrypted, key=key)


def verify_blob(blob: CopiedBlob, folder: Path, *, key: EncryptionKey | None = None) -> None:
    """Read a blob of a copy again; with a key, an encrypted one is also decrypted.

    Raises:
        ArtifactNotFound: Its file is missing.
        ArtifactCorrupted: Its file is not what was copied.
        EncryptionKeyRefused: It is encrypted with another key.
    """
    path = folder / blob.name
    if not path.is_file():
        raise ArtifactNotFound(blob.digest, hint=f"{path} is missing. Use another restore point.")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != blob.sha256 or (not blob.is_encrypted and found != blob.digest):
        raise ArtifactCorrupted(blob.digest, f"{path} is not what was written")
    if blob.is_encrypted and key is not None:
        _read(BlobStore(open_storage(folder), encryption_key=key), blob.digest)


def copy_in(storage: Storage, blob: CopiedBlob, folder: Path, *, key: EncryptionKey | None) -> bool:
    """Put a copied blob back, unless the store has it undamaged; return whether it was written.

    Raises:
        ArtifactCorrupted: The copy is damaged; nothing was published.
        StorageFull: No room is left; nothing half-written stays.
    """
    if _has(storage, blob, key):
        return False
    upload = storage.upload()
    try:
        with (folder / blob.name).open("rb") as source:
            stored = _pour(source, upload.stream, storage.root)
        if stored.digest() != blob.sha256:
            raise ArtifactCorrupted(blob.digest, f"its copy in {folder} is not what was written")
        upload.publish(blob.name)
    finally:
        upload.discard()
    return True


def claim_store(storage: Storage, *, client_id: str, database: str, since: datetime, new_id: NewId) -> str:
    """Leave a restored database's mark in its store; return the id by which it is known there.

    A copy that was restored beside its original must not pass for it: garbage collection would then take the one's
    artifacts for garbage of the other.

    Args:
        storage: The store's files.
        client_id: The original's id.
        database: The restored database, for people and compared with other marks: its masked URL.
        since: The moment.
        new_id: The source of ids.
    """
    owners = _owners(storage)
    if owners.get(client_id, database) != database:
        mine = [client for client, owner in owners.items() if owner == database]
        client_id = mine[0] if mine else new_id()
    mark = {"database": database, "since": since.isoformat(timespec="seconds")}
    storage.write_once(f"{CLIENTS}/{client_id}", json.dumps(mark).encode())
    return client_id


def assign_client(tx: Transaction, *, store: str, client_id: str) -> None:
    """Write down by which id a database is known in a store."""
    tx.execute(sa.update(artifact_stores).where(artifact_stores.c.store == store).values(client_id=client_id))


def _owners(storage: Storage) -> dict[str, str]:
    """Return the databases that use a store by their ids there."""
    found = {}
    for entry in storage.list(CLIENTS):
        with storage.open(entry.name) as file:
            found[entry.name.rpartition("/")[2]] = str(json.loads(file.read())["database"])
    return found


def _digests(tx: Transaction, table: sa.Table, store: str) -> set[str]:
    return set(tx.execute(sa.select(table.c.digest).where(table.c.store == store).distinct()).scalars())


def _is_encrypted(storage: Storage, digest: str, key: EncryptionKey | None) -> bool:
    """Tell which of a blob's two files counts, as reading decides it."""
    first = key is not None
    return first if storage.size(_name(digest, is_encrypted=first)) is not None else not first


def _is_still(storage: Storage, known: Earlier) -> bool:
    """Tell whether an earlier copy is undamaged, and either all there is or what the store has."""
    try:
        verify_blob(known.blob, known.path)
    except (ArtifactCorrupted, ArtifactNotFound):
        return False
    digest, is_encrypted = known.blob.digest, known.blob.is_encrypted
    if storage.size(known.blob.name) is None:  # the store has lost it, or keeps it encrypted from now on, or not
        return storage.size(_name(digest, is_encrypted=not is_encrypted)) is None
    # encrypted, the same content may have been stored in other bytes since
    return not is_encrypted or _stored_digest(storage, known.blob.name) == known.blob.sha256


def _stored_digest(storage: Storage, name: str) -> str:
    digest = hashlib.sha256()
    with storage.open(name) as file, storage_errors(storage.root):
        for chunk in read_chunks(file):
            digest.update(chunk)
    return digest.hexdigest()


def _link(known: Earlier, folder: Path) -> bool:
    target = folder / known.blob.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # other file systems, too many links, none allowed: a copy does as well
        os.link(known.path / known.blob.name, target)
        return True
    return False


def _copy(storage: Storage, digest: str, folder: Path, *, is_encrypted: bool, key: EncryptionKey | None) -> CopiedBlob:
    target = folder / _name(digest, is_encrypted=is_encrypted)
    with storage_errors(str(folder)):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source = storage.open(_name(digest, is_encrypted=is_encrypted))
    except FileNotFoundError:
        raise ArtifactNotFound(digest, hint=f"It is not in the store at {storage.root}.") from None
    with source, _new_file(target) as file:
        stored = _pour(source, file, str(folder))
    blob = CopiedBlob(digest=digest, is_encrypted=is_encrypted, size_bytes=stored.size_bytes, sha256=stored.digest())
    verify_blob(blob, folder, key=key)
    return blob


def _has(storage: Storage, blob: CopiedBlob, key: EncryptionKey | None) -> bool:
    """Tell whether a store gives a blob's content already, encrypted or not."""
    try:
        _read(BlobStore(storage, encryption_key=key), blob.digest)
    except (ArtifactNotFound, ArtifactCorrupted, EncryptionKeyRefused):
        return False
    return True


def _read(blobs: BlobStore, digest: str) -> None:
    with blobs.open(digest) as stream:
        for _ in read_chunks(stream):
            pass


def _pour(source: BinaryIO, target: BinaryIO, place: str) -> HashingWriter:
    sink = HashingWriter(target)
    with storage_errors(place):
        for chunk in read_chunks(source):
            sink.write(chunk)
    return sink


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Give a new file; it is on the disk after the block."""
    with storage_errors(str(path.parent)), path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _name(digest: str, *, is_encrypted: bool) -> str:
    check_digest(digest)
    return f"blobs/{digest[:2]}/{digest[2:]}{'.enc' if is_encrypted else ''}"
