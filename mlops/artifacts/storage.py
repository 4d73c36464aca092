"""Where bytes lie: a local folder or any fsspec URL, behind the one Protocol that the blob store needs."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, cast
from urllib.parse import urlsplit, urlunsplit

from mlops.artifacts.errors import StorageUnavailable, storage_errors
from mlops.errors import InvalidInput, require
from mlops.files import sync_to_disk

__all__ = ["Entry", "FsspecStorage", "LocalStorage", "Storage", "Upload", "open_storage", "write_once"]

UPLOADS = "tmp"  # unfinished uploads; garbage collection sweeps what stays there


_TIMES = ("LastModified", "last_modified", "mtime", "updated")  # what S3, Azure, SFTP and GCS call it


class Entry(NamedTuple):
    """A file in a storage: its name relative to the root, its size, and when it was last written."""

    name: str
    size_bytes: int
    modified_at: datetime


class Upload(Protocol):
    """A file in the making, invisible until it is published."""

    stream: BinaryIO

    def publish(self, name: str) -> None:
        """Make the content appear whole under `name`, replacing what is there; local disks keep it for good."""

    def discard(self) -> None:
        """Leave nothing behind; harmless after `publish`."""


class Storage(Protocol):
    """What the blob store needs. Names are relative, with `/`, and made by this package only.

    Obligations: `publish` is atomic; a reader sees a file whole or not at all. Errors are those of `storage_errors`,
    and `FileNotFoundError` where a file is missing. Safe to use from several threads and processes.

    Attributes:
        root: Where it is, without credentials, for messages.
        local: The root as a path when it is a local folder, else None.
    """

    root: str
    local: Path | None

    def upload(self) -> Upload:
        """Begin an upload."""

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes, None when there is none."""

    def delete(self, name: str) -> None:
        """Delete a file; harmless when there is none."""

    def list(self, folder: str) -> Iterator[Entry]:
        """List all files in a folder and the folders in it."""

    def write_once(self, name: str, content: bytes) -> bytes:
        """Write a small file unless it is there; return what is there then."""


def open_storage(root: str | os.PathLike[str]) -> Storage:
    """Return the storage of a local path or an fsspec URL such as `s3://bucket/artifacts`; nothing is created yet.

    Raises:
        InvalidInput: The URL's protocol is unknown.
        MissingDependency: The package for this kind of URL is not installed.
    """
    text = os.fspath(root)
    if not text:
        raise InvalidInput(
            "The root of an artifact store is empty. Pass a folder, or a URL such as 's3://bucket/artifacts'."
        )
    scheme, separator, rest = text.partition("://")
    if not separator:
        return LocalStorage(Path(text))
    return LocalStorage(Path(rest)) if scheme in {"file", "local"} else FsspecStorage(text)


def write_once(root: Path, name: str, content: bytes, *, mode: int = 0o644) -> None:
    """Create a file with this content unless it exists; of several processes one wins, and none sees half a file."""
    path, draft = root / name, root / UPLOADS / secrets.token_hex(16)
    for folder in (path.parent, draft.parent):
        folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # somebody was faster, and theirs is the one
            os.link(draft, path)
        sync_to_disk(path.parent)
    finally:
        draft.unlink()


class LocalStorage:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.local: Path | None = folder.expanduser().absolute()
        self._folder = self.local
        self.root = str(self.local)

    def upload(self) -> Upload:
        """Begin an upload in the same file system, so that publishing is a rename."""
        with storage_errors(self.root):
            (self._folder / UPLOADS).mkdir(parents=True, exist_ok=True)
            return _LocalUpload(self._folder, self.root)

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""
        with storage_errors(self.root):
            return (self._folder / name).open("rb")

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes, None when there is none."""
        with storage_errors(self.root):
            try:
                return (self._folder / name).stat().st_size
            except FileNotFoundError:
                return None

    def delete(self, name: str) -> None:
        """Delete a file; harmless when there is none."""
        with storage_errors(self.root):
            (self._folder / name).unlink(missing_ok=True)

    def list(self, folder: str) -> Iterator[Entry]:
        """List all files in a folder and the folders in it; files that vanish meanwhile are left out."""
        with storage_errors(self.root):
            for parent, folders, names in os.walk(self._folder / folder):
                folders.sort()
                for name in sorted(names):
                    with suppress(FileNotFoundError):
                        yield self._entry(Path(parent, name))

    def write_once(self, name: str, content: bytes) -> bytes:
        """Write a small file unless it is there; return what is there then."""
        path = self._folder / name
        with storage_errors(self.root):
            if not path.exists():
                write_once(self._folder, name, content)
            return path.read_bytes()

    def _entry(self, path: Path) -> Entry:
        status = path.lstat()
        modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
        return Entry(path.relative_to(self._folder).as_posix(), status.st_size, modified_at)


class _LocalUpload:
    def __init__(self, folder: Path, root: str) -> None:
        self._folder, self._root = folder, root
        self._path = folder / UPLOADS / secrets.token_hex(16)
        self.stream: BinaryIO = self._path.open("xb")

    def publish(self, name: str) -> None:
        target = self._folder / name
        with storage_errors(self._root):
            self.stream.flush()
            os.fsync(self.stream.fileno())
            self.stream.close()
            if not target.parent.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                sync_to_disk(target.parent.parent)
            self._move(target)
            sync_to_disk(target.parent)

    def _move(self, target: Path) -> None:
        try:
            self._path.replace(target)
        except FileNotFoundError as error:
            raise StorageUnavailable(
                f"An upload to {self._root} vanished before its end: {self._path} was deleted. Save the object again."
            ) from error

    def discard(self) -> None:
        with suppress(OSError):  # closing flushes, and the disk may be full; the file goes anyway
            self.stream.close()
        with storage_errors(self._root):
            self._path.unlink(missing_ok=True)


class FsspecStorage:
    """Any file system that fsspec knows; atomic and durable as far as its renames and uploads are."""

    def __init__(self, url: str) -> None:
        fsspec = require("fsspec", package="fsspec", purpose=f"an artifact store at {_without_password(url)}")
        try:
            self._fs, self._base = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise InvalidInput(
                f"{_without_password(url)!r} cannot be opened as an artifact store: {error}. "
                "Pass a folder, or a URL of a file system that fsspec knows."
            ) from error
        self.root = _without_password(url)
        self.local: Path | None = None

    def upload(self) -> Upload:
        """Begin an upload under a temporary name."""
        with storage_errors(self.root):
            path = self._path(f"{UPLOADS}/{secrets.token_hex(16)}")
            self._fs.makedirs(self._path(UPLOADS), exist_ok=True)
            return _FsspecUpload(self._fs, path, self._path, self.root)

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""
        with storage_errors(self.root):
            return cast("BinaryIO", self._fs.open(self._path(name), "rb"))

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes, None when there is none."""
        with storage_errors(self.root):
            try:
                return int(self._fs.info(self._path(name))["size"])
            except FileNotFoundError:
                return None

    def delete(self, name: str) -> None:
        """Delete a file; harmless when there is none."""
        with storage_errors(self.root), suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    def list(self, folder: str) -> Iterator[Entry]:
        """List all files in a folder and the folders in it."""
        with storage_errors(self.root):
            self._fs.invalidate_cache()
            found = self._fs.find(self._path(folder), detail=True)
            for path, info in sorted(found.items()):
                yield Entry(path[len(self._base) :].lstrip("/"), int(info["size"]), self._modified_at(path, info))

    def write_once(self, name: str, content: bytes) -> bytes:
        """Write a small file unless it is there; return what is there then."""
        path = self._path(name)
        with storage_errors(self.root):
            if not self._fs.exists(path):
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                with suppress(FileExistsError):
                    self._fs.pipe_file(path, content, mode="create")
            return bytes(self._fs.cat_file(path))

    def _path(self, name: str) -> str:
        return f"{self._base.rstrip('/')}/{name}"

    def _modified_at(self, path: str, info: Mapping[str, Any]) -> datetime:
        """Return when a file was written: from its listing where that has it, because asking takes a request each."""
        found = next((info[key] for key in _TIMES if isinstance(info.get(key), datetime)), None)
        moment = cast("datetime", found or self._fs.modified(path))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _FsspecUpload:
    def __init__(self, fs: Any, path: str, locate: Any, root: str) -> None:
        self._fs, self._path, self._locate, self._root = fs, path, locate, root
        self.stream: BinaryIO = fs.open(path, "wb")
        self._published = False

    def publish(self, name: str) -> None:
        target = self._locate(name)
        with storage_errors(self._root):
            self.stream.close()
            self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._fs.mv(self._path, target)
            self._published = True

    def discard(self) -> None:
        if self._published:
            return
        with suppress(OSError):
            self.stream.close()
        with storage_errors(self._root), suppress(FileNotFoundError):
            self._fs.rm_file(self._path)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))
