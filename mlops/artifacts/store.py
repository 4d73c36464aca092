"""The artifact store: objects, files and folders in and out, and the references that keep them."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from mlops import clock
from mlops.artifacts import references
from mlops.artifacts.blobs import Blob, BlobStore, BlobWriter, StoredBlob
from mlops.artifacts.codecs import Codec, Encoding, default_codecs, find_codec
from mlops.artifacts.encryption import EncryptionKey
from mlops.artifacts.errors import CannotEncode
from mlops.artifacts.folders import get_folder, put_folder, read_manifest
from mlops.artifacts.gc import CLIENTS, GRACE, GarbageReport, collect_garbage
from mlops.artifacts.manifests import Manifest, ManifestFile
from mlops.artifacts.saved import SavedArtifact, StoredFile, StoredFolder
from mlops.artifacts.signing import SigningKey, file_key
from mlops.artifacts.storage import open_storage
from mlops.clock import NewId, Now
from mlops.database import Database, Durability, Transaction
from mlops.errors import Corrupted, InvalidInput

__all__ = ["ArtifactStore"]

_MARKER = "store.json"


class ArtifactStore:
    """Keeps objects as content-addressed blobs; safe to use from several threads and processes at once.

    Saving comes first, outside any transaction; then the owner writes its row and the reference in one. What is never
    referred to is garbage after a grace period.

    Args:
        root: A folder, or any fsspec URL such as `s3://bucket/artifacts`. It is created when something is saved.
        database: Where references are kept; one store belongs to one database.
        signing_key: Signs pickles. None: a key file beside the artifacts, made when first needed (local roots only).
        encryption_key: 32 bytes as hex or base64: encrypts what is written from now on. Plain blobs from before stay
            readable; encrypted ones are readable with this key only.
        now: The clock.
        new_id: The source of ids.

    Raises:
        InvalidInput: A key or the root cannot be used.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        database: Database,
        signing_key: str | bytes | None = None,
        encryption_key: str | bytes | None = None,
        now: Now = clock.now,
        new_id: NewId = clock.new_id,
    ) -> None:
        self._database = database
        self._now = now
        self._new_id = new_id
        self._given_key = SigningKey(signing_key) if signing_key else None
        key = EncryptionKey(encryption_key) if encryption_key else None
        self._storage = open_storage(root)
        self._blobs = BlobStore(self._storage, encryption_key=key, register=self._register)
        self._codecs = default_codecs()

    def __repr__(self) -> str:
        return f"ArtifactStore({self._storage.root!r})"

    @property
    def root(self) -> str:
        """Where the store is, for people: credentials in a URL are left out."""
        return self._storage.root

    @functools.cached_property
    def store_id(self) -> str:
        """The store's id, which its references carry: it moves with the folder."""
        document = {"format": 1, "store": self._new_id()}
        return str(json.loads(self._storage.write_once(_MARKER, json.dumps(document).encode()))["store"])

    @functools.cached_property
    def signing_key(self) -> SigningKey:
        """The key that signs pickles here.

        Raises:
            InvalidInput: The store is remote and no key was given, or others can read the key file.
        """
        if self._given_key:
            return self._given_key
        if self._storage.local is None:
            raise InvalidInput(
                f"The artifact store at {self.root} is not on this machine, so it cannot hold the signing key. "
                'Set MLOPS_SIGNING_KEY; make one with: python -c "import secrets; print(secrets.token_hex(32))"'
            )
        return file_key(self._storage.local)

    def save(self, value: object) -> SavedArtifact:
        """Save any Python object, or the file or folder that a `pathlib.Path` points to.

        The first codec that can hold the object takes it: bytes, text, JSON, arrays, DataFrames, figures, scikit-learn
        models; anything else is pickled and signed.

        Returns:
            What the owner keeps in its row, beside the reference that it writes in the same transaction.

        Raises:
            InvalidInput: No codec can hold it, or a path points to nothing or to links.
            StorageFull: No room is left; nothing half-written stays.
            StorageUnavailable: The storage refuses.
        """
        if isinstance(value, Path):
            return self._save_path(value)
        refusals = []
        for codec in self._codecs:
            if codec.handles(value):
                try:
                    return self._save_with(codec, value)
                except CannotEncode as refusal:
                    refusals.append(f"{codec.name}: {refusal}")
        raise InvalidInput(
            f"A {type(value).__qualname__} cannot be saved. {' '.join(refusals)} "
            "Save its parts, or write it to a file and save the file's path."
        )

    def load(self, saved: SavedArtifact) -> Any:
        """Return the object, verified; a file or folder comes as a handle with `read_bytes` and `copy_to`.

        Raises:
            ArtifactNotFound: Its blob is gone.
            ArtifactCorrupted: Its blob is damaged.
            SignatureRefused: It is a pickle that this installation has not signed; nothing was unpickled.
            UntrustedTypes: It is a model file with types that are not on our list; nothing was loaded.
            Corrupted: It cannot be decoded, for example by an older version of a library.
        """
        if saved.codec in {"file", "folder"}:
            kind = StoredFile if saved.codec == "file" else StoredFolder
            name = str(saved.details.get("name", saved.codec))
            return kind(self._blobs, name=name, digest=saved.digest, size_bytes=saved.size_bytes)
        codec = self._codec_of(saved)
        if codec.signed:
            self.signing_key.verify(codec.name, saved.digest, saved.signature)
        return codec.decode(self._members(codec, saved.digest))

    def export(self, saved: SavedArtifact, target: str | os.PathLike[str], *, name: str) -> Path:
        """Write an object as the file or folder that it is kept as, verified; nothing is decoded, so nothing can run.

        Args:
            target: The path to write. A folder that exists gets it inside, under its own name.
            name: Its own name, where it was not a file or folder when it was saved; the codec's ending is added.

        Returns:
            The path written.
        """
        members = () if saved.codec in {"file", "folder"} else self._codec_of(saved).members
        ending = Path(members[0]).suffix if len(members) == 1 else ""
        own = str(saved.details.get("name", name)) if not members else f"{name}{ending}"
        path = Path(target) / _file_name(own) if Path(target).is_dir() else Path(target)
        is_folder = saved.codec == "folder" or len(members) > 1
        return self.get_folder(saved.digest, path) if is_folder else self.get_file(saved.digest, path)

    def put_bytes(self, content: bytes) -> Blob:
        """Store bytes; return their digest and size."""
        return self._blobs.put_bytes(content)

    def put_file(self, path: str | os.PathLike[str]) -> Blob:
        """Store a file's content."""
        return self._blobs.put_file(path)

    def put_stream(self, source: BinaryIO) -> Blob:
        """Store what is left in a binary stream."""
        return self._blobs.put_stream(source)

    def writer(self) -> AbstractContextManager[BlobWriter]:
        """Give a sink in a `with` block: write to its `.stream`; afterwards its `.blob` has digest and size."""
        return self._blobs.writer()

    def put_folder(self, folder: str | os.PathLike[str]) -> tuple[Blob, Manifest]:
        """Store a folder; the returned blob is its manifest, and stands for the whole in references."""
        blob, manifest = put_folder(self._blobs, Path(folder))
        self._refer_to_members(blob, manifest)
        return blob, manifest

    def open(self, digest: str) -> BinaryIO:
        """Open a blob as a stream; damage raises before the last chunk is handed out."""
        return self._blobs.open(digest)

    def get_bytes(self, digest: str) -> bytes:
        """Return a blob's content, verified."""
        return self._blobs.get_bytes(digest)

    def get_file(self, digest: str, target: str | os.PathLike[str]) -> Path:
        """Write a blob's content to `target`, whole and verified or not at all."""
        return self._blobs.get_file(digest, target)

    def get_folder(self, digest: str, target: str | os.PathLike[str]) -> Path:
        """Write a folder to `target`, whole and verified or not at all; it must not exist or be empty."""
        return get_folder(self._blobs, digest, Path(target))

    def exists(self, digest: str) -> bool:
        """Tell whether there is a blob with this digest."""
        return self._blobs.exists(digest)

    def list_blobs(self) -> Iterator[StoredBlob]:
        """List the blobs in the store, in order of their digests."""
        return self._blobs.list_blobs()

    def add_reference(self, tx: Transaction, digest: str, *, owner_kind: str, owner_id: str, name: str = "") -> None:
        """Refer to a blob or folder in the owner's write transaction.

        Raises:
            ArtifactNotFound: It was never put here, or has been collected since.
        """
        references.add_reference(
            tx, store=self.store_id, digest=digest, owner_kind=owner_kind, owner_id=owner_id, name=name
        )

    def collect_garbage(self, *, grace: timedelta = GRACE, dry_run: bool = False) -> GarbageReport:
        """Delete what nothing refers to and what interrupted uploads left, once it is older than `grace`.

        Raises:
            StoreShared: Other databases use this store too.
        """
        return collect_garbage(
            self._blobs, self._database, store=self.store_id, now=self._now, grace=grace, dry_run=dry_run
        )

    def _codec_of(self, saved: SavedArtifact) -> Codec:
        return find_codec(self._codecs, saved.codec, saved.codec_version)

    def _save_with(self, codec: Codec, value: object) -> SavedArtifact:
        encoding = codec.encode(value)
        blob, size = self._put_encoding(encoding)
        if encoding.warning:
            import structlog

            structlog.get_logger("mlops.artifacts").warning("artifact_pickled", reason=encoding.warning)
        return SavedArtifact(
            codec=codec.name,
            codec_version=codec.version,
            digest=blob.digest,
            canonical_digest=encoding.canonical_digest or (blob.digest if codec.deterministic else None),
            size_bytes=size,
            details=encoding.details,
            signature=self.signing_key.sign(codec.name, blob.digest) if codec.signed else None,
        )

    def _put_encoding(self, encoding: Encoding) -> tuple[Blob, int]:
        blobs = {name: self._put_member(write) for name, write in encoding.members.items()}
        size = sum(blob.size_bytes for blob in blobs.values())
        if len(blobs) == 1:
            return next(iter(blobs.values())), size
        files = [ManifestFile(name, blob.digest, blob.size_bytes, False) for name, blob in blobs.items()]
        manifest = Manifest(tuple(files))
        blob = self._blobs.put_bytes(manifest.encode())
        self._refer_to_members(blob, manifest)
        return blob, size

    def _put_member(self, member: Any) -> Blob:
        if isinstance(member, bytes):
            return self._blobs.put_bytes(member)
        with self._blobs.writer() as writer:
            member(writer.stream)
        return writer.blob

    def _members(self, codec: Codec, digest: str) -> dict[str, bytes]:
        if len(codec.members) == 1:
            return {codec.members[0]: self._blobs.get_bytes(digest)}
        files = {file.path: file.digest for file in read_manifest(self._blobs, digest).files}
        if set(files) != set(codec.members):
            raise Corrupted(f"A {codec.name} consists of {', '.join(codec.members)}; this one has {sorted(files)}.")
        return {name: self._blobs.get_bytes(files[name]) for name in codec.members}

    def _save_path(self, path: Path) -> SavedArtifact:
        name = path.resolve().name
        if path.is_dir():
            blob, manifest = self.put_folder(path)
            size, codec = sum(file.size_bytes for file in manifest.files), "folder"
        else:
            blob = self._blobs.put_file(path)
            size, codec = blob.size_bytes, "file"
        return SavedArtifact(
            codec=codec, digest=blob.digest, canonical_digest=blob.digest, size_bytes=size, details={"name": name}
        )

    def _refer_to_members(self, blob: Blob, manifest: Manifest) -> None:
        with self._database.write(Durability.FACT) as tx:
            members = [file.digest for file in manifest.files]
            references.add_folder(tx, store=self.store_id, manifest=blob.digest, members=members)

    def _register(self, blob: Blob) -> None:
        store = self._claim
        with self._database.write(Durability.FACT) as tx:
            references.register_blob(tx, store=store, blob=blob, put_at=self._now())

    @functools.cached_property
    def _claim(self) -> str:
        """Leave this database's mark in the store, once per process; return the store's id."""
        store, started = self.store_id, self._now()
        with self._database.write(Durability.RECORD) as tx:
            client = references.register_client(
                tx, store=store, root=self.root, client_id=self._new_id(), created_at=started
            )
        mark = {"database": self._database.masked_url, "since": started.isoformat(timespec="seconds")}
        self._storage.write_once(f"{CLIENTS}/{client}", json.dumps(mark).encode())
        return store


def _file_name(text: str) -> str:
    """Return a name that stays in its folder, whatever the text."""
    name = text.replace("/", "-").replace("\\", "-").replace("\0", "-")
    return name if name.strip(".") else "artifact"
