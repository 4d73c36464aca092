"""Folders in and out of the blob store: their files as blobs, and a manifest that names them."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from mlops.artifacts.blobs import Blob, BlobStore
from mlops.artifacts.errors import storage_errors
from mlops.artifacts.manifests import Manifest, ManifestFile, SourceFile, scan_folder
from mlops.errors import InvalidInput

__all__ = ["get_folder", "put_folder", "read_manifest"]


def put_folder(blobs: BlobStore, folder: Path) -> tuple[Blob, Manifest]:
    """Store a folder's files and its manifest; the manifest's digest stands for the folder.

    Raises:
        UnsafeFolder: It holds links, special files or names that cannot be kept; nothing refers to what was put.
    """
    sources, empty = scan_folder(folder)
    manifest = Manifest(tuple(_put(blobs, source) for source in sources), tuple(empty))
    return blobs.put_bytes(manifest.encode()), manifest


def read_manifest(blobs: BlobStore, digest: str) -> Manifest:
    """Return a folder's manifest, every path and digest in it checked."""
    return Manifest.decode(blobs.get_bytes(digest))


def get_folder(blobs: BlobStore, digest: str, target: Path) -> Path:
    """Write a folder out; it appears whole and verified or not at all.

    Raises:
        InvalidInput: `target` exists and is not an empty folder.
        UnsafeFolder: The manifest is not one, or has paths that lead outside.
    """
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise InvalidInput(f"{str(target)!r} exists. Pass a path that does not exist yet, or an empty folder.")
    manifest = read_manifest(blobs, digest)
    draft = target.with_name(f".{secrets.token_hex(16)}.part")
    with storage_errors(str(target.parent)):
        draft.mkdir()
        try:
            _write_out(blobs, manifest, draft)
            draft.replace(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return target


def _put(blobs: BlobStore, source: SourceFile) -> ManifestFile:
    handle = os.open(source.location, os.O_RDONLY | os.O_NOFOLLOW)  # it may have become a link since it was listed
    with os.fdopen(handle, "rb") as stream:
        blob = blobs.put_stream(stream)
    return ManifestFile(source.path, blob.digest, blob.size_bytes, source.executable)


def _write_out(blobs: BlobStore, manifest: Manifest, folder: Path) -> None:
    for path in manifest.empty_folders:
        (folder / path).mkdir(parents=True, exist_ok=True)
    for file in manifest.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        blobs.get_file(file.digest, target)
        if file.executable:
            target.chmod(target.stat().st_mode | 0o111)
