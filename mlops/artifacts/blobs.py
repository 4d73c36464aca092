"""Blobs named by their content: written once, shared by all who put the same bytes, proven on every read.

Layout under the root: `blobs/ab/cdef…` holds the content whose SHA-256 is `abcdef…`, `blobs/ab/cdef….enc` the same
encrypted, `tmp/` unfinished uploads. Who refers to a blob is not known here: see `references`.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from mlops.artifacts.digests import CHUNK_BYTES, HashingWriter, VerifiedReader, check_digest, read_chunks, sha256
from mlops.artifacts.encryption import DecryptingReader, EncryptingWriter, EncryptionKey, encrypted_size
from mlops.artifacts.errors import ArtifactCorrupted, ArtifactNotFound, EncryptionKeyRefused, storage_errors
from mlops.artifacts.storage import Storage, Upload
from mlops.errors import InvalidInput, MLOpsError
from mlops.files import whole_file

__all__ = ["Blob", "BlobStore", "BlobWriter", "StoredBlob"]

_FOLDER = "blobs"
_ENCRYPTED = ".enc"
_DIGEST_LENGTH = 64


class Blob(NamedTuple):
    """What a put returns: the content's SHA-256 as 64 hex digits and its size in bytes."""

    digest: str
    size_bytes: int


class StoredBlob(NamedTuple):
    """A blob as it lies in the store: the size is that of its file, the time that of its writing."""

    digest: str
    stored_bytes: int
    modified_at: datetime
    encrypted: bool


class _Sink(HashingWriter):
    """Translates the storage's errors, and not those of the code that writes."""

    def __init__(self, target: BinaryIO, root: str) -> None:
        super().__init__(target)
        self._root = root

    def write(self, content: object, /) -> int:
        with storage_errors(self._root):
            return super().write(content)


class BlobWriter:
    """A sink whose content becomes a blob when its `with` block ends well.

    Attributes:
        blob: What was stored, once it is.
        stream: Where to write; anything that takes a binary file can write here.
    """

    blob: Blob

    def __init__(self, upload: Upload, key: EncryptionKey | None, root: str) -> None:
        self._root = root
        with storage_errors(root):
            self._encrypting = EncryptingWriter(upload.stream, key) if key else None
        self._hashing = _Sink(cast("BinaryIO", self._encrypting or upload.stream), root)
        self.stream = cast("BinaryIO", self._hashing)

    def finish(self) -> Blob:
        """End the content; called by the store."""
        with storage_errors(self._root):
            if self._encrypting:
                self._encrypting.finish()
        self.blob = Blob(self._hashing.digest(), self._hashing.size_bytes)
        return self.blob


def _nothing(blob: Blob) -> None:
    """Register nowhere: a store without a database."""
    del blob


class BlobStore:
    """Puts and gets blobs; safe to use from several threads and processes at once.

    Args:
        storage: Where the files lie.
        encryption_key: Encrypts what is written from now on; plain files from before stay readable.
        register: Called with each blob right before it becomes visible, so that a garbage collection that runs at the
            same moment leaves it alone.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        encryption_key: EncryptionKey | None = None,
        register: Callable[[Blob], None] = _nothing,
    ) -> None:
        self.storage = storage
        self._key = encryption_key
        self._register = register

    def put_bytes(self, content: bytes) -> Blob:
        """Store bytes; those that are there already are not written again.

        Raises:
            StorageFull: No room is left; nothing half-written stays.
            StorageUnavailable: The storage refuses.
        """
        blob = Blob(sha256(content), len(content))
        if self._has_right_size(blob):
            self._register(blob)  # before the look, so that what is found is not collected after it
            if self._is_sound(blob):
                return blob
        with self.writer() as writer:
            writer.stream.write(content)
        return writer.blob

    def put_file(self, path: str | os.PathLike[str]) -> Blob:
        """Store a file's content, read once.

        Raises:
            InvalidInput: There is no such file, or it cannot be read.
        """
        try:
            source = Path(path).open("rb")  # noqa: SIM115 - closed below, where no error of reading is translated
        except OSError as error:
            raise InvalidInput(
                f"{os.fspath(path)!r} cannot be read: {error.strerror}. Pass a readable file."
            ) from error
        with source:
            return self.put_stream(source)

    def put_stream(self, source: BinaryIO) -> Blob:
        """Store what is left in a binary stream."""
        with self.writer() as writer:
            for chunk in read_chunks(source):
                writer.stream.write(chunk)
        return writer.blob

    @contextmanager
    def writer(self) -> Iterator[BlobWriter]:
        """Give a sink; its content becomes a blob when the block ends, and vanishes when the block raises."""
        upload = self.storage.upload()
        try:
            writer = BlobWriter(upload, self._key, self.storage.root)
            yield writer
            self._publish(upload, writer.finish())
        finally:
            upload.discard()

    def open(self, digest: str) -> BinaryIO:
        """Open a blob as a stream; damage raises before the last chunk is handed out.

        Raises:
            ArtifactNotFound: There is no such blob.
            ArtifactCorrupted: Here or while reading: the content is not the digest's.
            EncryptionKeyRefused: It is encrypted, and the key at hand is not the one.
        """
        reader = VerifiedReader(self._open_stored(digest), digest)
        return cast("BinaryIO", io.BufferedReader(reader, CHUNK_BYTES))

    def get_bytes(self, digest: str) -> bytes:
        """Return a blob's content, verified. Raises as `open` does."""
        with storage_errors(self.storage.root), self._open_stored(digest) as stream:
            content = stream.read()
        if sha256(content) != digest:
            raise ArtifactCorrupted(digest, "its content does not have this SHA-256")
        return content

    def get_file(self, digest: str, target: str | os.PathLike[str]) -> Path:
        """Write a blob's content to `target`, which appears whole and verified or not at all. Raises as `open` does."""
        path = Path(target)
        with (
            self.open(digest) as stream,
            storage_errors(str(path.parent)),
            whole_file(path, is_durable=False) as draft,
            draft.open("xb") as file,
        ):
            for chunk in read_chunks(stream):
                file.write(chunk)
        return path

    def exists(self, digest: str) -> bool:
        """Tell whether there is a blob with this digest; its content is not looked at."""
        return any(self.storage.size(name) is not None for name in _names(digest))

    def delete(self, digest: str) -> None:
        """Delete a blob, whoever refers to it; harmless when there is none. Garbage collection is what calls this."""
        for name in _names(digest):
            self.storage.delete(name)

    def list_blobs(self) -> Iterator[StoredBlob]:
        """List the blobs in the store, in order of their digests; other files are left out."""
        for entry in self.storage.list(_FOLDER):
            digest = "".join(entry.name.removesuffix(_ENCRYPTED).split("/")[1:])
            if entry.name in _names_of_valid(digest):
                yield StoredBlob(digest, entry.size_bytes, entry.modified_at, entry.name.endswith(_ENCRYPTED))

    def _publish(self, upload: Upload, blob: Blob) -> None:
        self._register(blob)
        if self.storage.local is None or not self._is_sound(blob):
            plain, encrypted = _names(blob.digest)
            upload.publish(encrypted if self._key else plain)
            self.storage.delete(plain if self._key else encrypted)

    def _is_sound(self, blob: Blob) -> bool:
        """Tell whether the very file this store would write is there, whole and undamaged."""
        if not self._has_right_size(blob):
            return False
        try:
            with self.open(blob.digest) as stream:
                for _ in read_chunks(stream):
                    pass
        except (MLOpsError, OSError):
            return False
        return True

    def _has_right_size(self, blob: Blob) -> bool:
        plain, encrypted = _names(blob.digest)
        if self._key:
            return self.storage.size(encrypted) == encrypted_size(blob.size_bytes)
        return self.storage.size(plain) == blob.size_bytes

    def _open_stored(self, digest: str) -> BinaryIO:
        plain, encrypted = _names(check_digest(digest))
        if self._key:
            found = self._try_open(encrypted)
            if found:
                return cast("BinaryIO", io.BufferedReader(_decrypting(found, self._key, digest), CHUNK_BYTES))
        found = self._try_open(plain)
        if found:
            return found
        if self.storage.size(encrypted) is not None and not self._key:
            raise EncryptionKeyRefused(
                f"Artifact {digest} is encrypted and no key was given. Set MLOPS_ENCRYPTION_KEY."
            )
        raise ArtifactNotFound(digest, hint=f"It is not in the store at {self.storage.root}.")

    def _try_open(self, name: str) -> BinaryIO | None:
        try:
            return self.storage.open(name)
        except FileNotFoundError:
            return None


def _decrypting(source: BinaryIO, key: EncryptionKey, digest: str) -> DecryptingReader:
    try:
        return DecryptingReader(source, key, digest)
    except MLOpsError:
        source.close()
        raise


def _names(digest: str) -> tuple[str, str]:
    """Return the names of a blob's plain and encrypted files."""
    check_digest(digest)
    name = f"{_FOLDER}/{digest[:2]}/{digest[2:]}"
    return name, name + _ENCRYPTED


def _names_of_valid(digest: str) -> tuple[str, ...]:
    is_digest = len(digest) == _DIGEST_LENGTH and set(digest) <= set("0123456789abcdef")
    return _names(digest) if is_digest else ()
