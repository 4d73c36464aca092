"""What a saved object consists of, for stores that hand objects to one another.

A giving store lists the blobs of an object. A taking one looks at them through `read` before it keeps anything, and
then makes the object its own: folders refer to their files, pickles carry its signature.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mlops.artifacts import references
from mlops.artifacts.blobs import Blob
from mlops.artifacts.codecs import default_codecs, find_codec
from mlops.artifacts.manifests import Manifest
from mlops.artifacts.saved import SavedArtifact
from mlops.errors import Corrupted

if TYPE_CHECKING:
    from mlops.artifacts.codecs import Codec
    from mlops.artifacts.signing import SigningKey
    from mlops.database import Transaction

__all__ = ["ReadBlob", "check_loadable", "check_own", "list_parts", "refer_to_parts", "signed_by"]

ReadBlob = Callable[[str], bytes]
"""Returns the content with a digest, verified."""


def list_parts(saved: SavedArtifact, read: ReadBlob) -> tuple[Blob, ...]:
    """Return the blobs of an object: its file, or the manifest of its files and then these.

    Raises:
        UnsafeFolder: Its manifest is not one, or has paths that lead outside.
        InvalidInput: Its codec is unknown here.
    """
    if not _has_manifest(saved):
        return (Blob(saved.digest, saved.size_bytes),)
    content = read(saved.digest)
    files = Manifest.decode(content).files
    return (Blob(saved.digest, len(content)), *(Blob(file.digest, file.size_bytes) for file in files))


def check_loadable(saved: SavedArtifact, read: ReadBlob) -> None:
    """Decode an object whose codec runs no foreign code, and forget it; pickles are not touched.

    Raises:
        UntrustedTypes: It is a model with types that are not on our list.
        Corrupted: It cannot be decoded here.
    """
    codec = _codec_of(saved)
    if codec is not None and not codec.signed:
        codec.decode(_members(codec, saved, read))


def check_own(saved: SavedArtifact, key: SigningKey) -> None:
    """Refuse a pickle that this key has not signed.

    Raises:
        SignatureRefused: It has not.
    """
    codec = _codec_of(saved)
    if codec is not None and codec.signed:
        key.verify(codec.name, saved.digest, saved.signature)


def signed_by(saved: SavedArtifact, key: SigningKey | None) -> SavedArtifact:
    """Return an object with the signature of this key where its codec needs one; with None, without any."""
    codec = _codec_of(saved)
    needs_one = codec is not None and codec.signed and key is not None
    return saved.changed(signature=key.sign(saved.codec, saved.digest) if needs_one and key else None)


def refer_to_parts(tx: Transaction, saved: SavedArtifact, read: ReadBlob, *, store: str) -> None:
    """Let the manifest of an object refer to its files, whose blobs were put before."""
    if _has_manifest(saved):
        members = [file.digest for file in Manifest.decode(read(saved.digest)).files]
        references.add_folder(tx, store=store, manifest=saved.digest, members=members)


def _codec_of(saved: SavedArtifact) -> Codec | None:
    """Return what decodes an object; None for files and folders, which stay as they are."""
    if saved.codec in {"file", "folder"}:
        return None
    return find_codec(default_codecs(), saved.codec, saved.codec_version)


def _has_manifest(saved: SavedArtifact) -> bool:
    codec = _codec_of(saved)
    return saved.codec == "folder" if codec is None else len(codec.members) > 1


def _members(codec: Codec, saved: SavedArtifact, read: ReadBlob) -> dict[str, bytes]:
    if len(codec.members) == 1:
        return {codec.members[0]: read(saved.digest)}
    files = {file.path: file.digest for file in Manifest.decode(read(saved.digest)).files}
    if set(files) != set(codec.members):
        raise Corrupted(f"A {codec.name} consists of {', '.join(codec.members)}; this one has {sorted(files)}.")
    return {name: read(files[name]) for name in codec.members}
