"""Folders as blobs: a manifest that lists files by relative path, and what keeps such paths inside.

A manifest is canonical JSON, so that the same folder always has the same digest. Paths are checked when a folder is
taken in and again when one is written out, because a manifest can come from anywhere.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlops.artifacts.digests import check_digest
from mlops.artifacts.errors import UnsafeFolder
from mlops.errors import InvalidInput

__all__ = ["Manifest", "ManifestFile", "SourceFile", "check_path", "scan_folder"]

_FORMAT = "mlops-folder-1"


class ManifestFile(NamedTuple):
    """One file of a folder: its relative POSIX path, its blob, and whether its owner may execute it."""

    path: str
    digest: str
    size_bytes: int
    executable: bool


class SourceFile(NamedTuple):
    """A file found in a folder that is taken in."""

    path: str
    location: Path
    executable: bool


class Manifest(NamedTuple):
    """All files of a folder and its empty folders, each in order of their paths."""

    files: tuple[ManifestFile, ...]
    empty_folders: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Return the canonical bytes of this manifest."""
        document = {
            "format": _FORMAT,
            "files": [file._asdict() for file in sorted(self.files)],
            "empty_folders": sorted(self.empty_folders),
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def decode(cls, content: bytes) -> Manifest:
        """Read a manifest and check every path and digest in it.

        Raises:
            UnsafeFolder: It is not a manifest, or one of its paths leads outside, or two of them collide.
        """
        try:
            document = json.loads(content)
            files = tuple(_file(item) for item in document["files"])
            folders = tuple(check_path(path) for path in document["empty_folders"])
            known = document["format"] == _FORMAT
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, UnsafeFolder):
                raise
            raise UnsafeFolder(f"This artifact is not a folder's manifest: {error}. Load it as a file.") from error
        if not known:
            raise UnsafeFolder(
                f"This folder's manifest is of format {document['format']!r}, this version reads {_FORMAT!r}."
            )
        _check_collisions([file.path for file in files], folders)
        return cls(files, folders)


def check_path(path: str) -> str:
    """Return a relative POSIX path that stays inside its folder.

    Raises:
        UnsafeFolder: It is absolute, has empty, `.` or `..` parts, a backslash, a NUL, or is not valid Unicode.
    """
    parts = path.split("/") if isinstance(path, str) else [""]
    bad = any(part in {"", ".", ".."} for part in parts) or "\\" in path or "\0" in path
    if bad or not _is_unicode(path):
        raise UnsafeFolder(
            f"{path!r} cannot be the path of a file in a folder. "
            "Paths are relative, in Unicode, separated by '/', without '.', '..', empty parts, backslashes or NULs."
        )
    return path


def scan_folder(folder: Path) -> tuple[list[SourceFile], list[str]]:
    """List a folder's files and its empty folders.

    Raises:
        UnsafeFolder: It holds a link, a device, a socket or a pipe, or a name that cannot be kept.
        InvalidInput: It is not a folder.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{str(folder)!r} is not a folder. Pass the path of an existing folder.")
    files: list[SourceFile] = []
    empty: list[str] = []
    for parent, folders, names in os.walk(folder, onerror=_raise):
        relative = Path(parent).relative_to(folder)
        files += [_source(folder, relative / name) for name in names]
        for name in folders:
            _refuse_links(Path(parent, name), stat.S_ISDIR)
        if not folders and not names and relative.parts:
            empty.append(check_path(relative.as_posix()))
    return sorted(files), sorted(empty)


def _source(folder: Path, relative: Path) -> SourceFile:
    location = folder / relative
    mode = _refuse_links(location, stat.S_ISREG)
    return SourceFile(check_path(relative.as_posix()), location, bool(mode & stat.S_IXUSR))


def _refuse_links(path: Path, wanted: Any) -> int:
    mode = path.lstat().st_mode
    if not wanted(mode):
        kind = "a symbolic link" if stat.S_ISLNK(mode) else "neither a file nor a folder"
        raise UnsafeFolder(
            f"{str(path)!r} is {kind}, which an artifact cannot hold. Replace it by a copy, or leave it out."
        )
    return mode


def _raise(error: OSError) -> None:
    raise error


def _file(item: Mapping[str, Any]) -> ManifestFile:
    size, executable = item["size_bytes"], item["executable"]
    if type(size) is not int or type(executable) is not bool:
        raise TypeError("a size or an executable mark is of the wrong kind")
    return ManifestFile(check_path(item["path"]), check_digest(item["digest"]), size, executable)


def _check_collisions(files: Sequence[str], folders: Sequence[str]) -> None:
    """Refuse a path that is listed twice, or that is a file here and a folder there."""
    paths = [*files, *folders]
    parents = {parent for path in paths for parent in _parents(path)}
    for path in sorted({path for path in paths if paths.count(path) > 1} if len(set(paths)) < len(paths) else set()):
        raise UnsafeFolder(f"The folder's manifest lists {path!r} twice.")
    for path in sorted(parents & set(paths)):
        raise UnsafeFolder(f"The folder's manifest lists {path!r} as a file and as a folder.")


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
