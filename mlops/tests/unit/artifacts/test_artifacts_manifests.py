"""Manifests of folders: canonical, and closed to paths that lead outside."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.artifacts.errors import UnsafeFolder
from mlops.artifacts.manifests import Manifest, ManifestFile, check_path, scan_folder
from mlops.errors import InvalidInput

DIGEST = "ab" * 32
names = st.text(st.characters(exclude_characters="/\\\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in {".", ".."}
)


def manifest_of(*paths: str, **changes: Any) -> bytes:
    files = [{"path": path, "digest": DIGEST, "size_bytes": 1, "executable": False} for path in paths]
    return json.dumps({"format": "mlops-folder-1", "files": files, "empty_folders": [], **changes}).encode()


@given(st.sets(names), st.sets(names))
def test_what_is_encoded_is_decoded(files: set[str], folders: set[str]) -> None:
    """Names in any script survive."""
    entries = tuple(ManifestFile(f"f/{name}", DIGEST, 1, True) for name in sorted(files))
    manifest = Manifest(entries, tuple(sorted(f"e/{name}" for name in folders)))
    assert Manifest.decode(manifest.encode()) == manifest


def test_order_does_not_change_the_bytes() -> None:
    """The same folder has one digest, however it was listed."""
    one, two = ManifestFile("a", DIGEST, 1, False), ManifestFile("b", DIGEST, 1, False)
    assert Manifest((one, two)).encode() == Manifest((two, one)).encode()


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "a\\b", "a\0b", "..", "\ud800"]
)
def test_paths_that_lead_outside_are_refused(path: str) -> None:
    """Traversal in a manifest never reaches the disk."""
    with pytest.raises(UnsafeFolder):
        Manifest.decode(manifest_of(path))
    with pytest.raises(UnsafeFolder):
        check_path(path)


@pytest.mark.parametrize("paths", [("a", "a"), ("a", "a/b"), ("a/b/c", "a/b")])
def test_paths_that_collide_are_refused(paths: tuple[str, ...]) -> None:
    """A path is one file, and not also a folder."""
    with pytest.raises(UnsafeFolder, match="lists"):
        Manifest.decode(manifest_of(*paths))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\xff", b"null", b"[" * 100_000, manifest_of(format="other"), manifest_of(files=[{}])],
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    """Any bytes may be asked for as a folder."""
    with pytest.raises(UnsafeFolder):
        Manifest.decode(content)


def test_a_digest_that_is_a_path_is_refused() -> None:
    """Only 64 hex digits become part of a path."""
    with pytest.raises(InvalidInput):
        Manifest.decode(manifest_of("a").replace(DIGEST.encode(), b"../../../../etc/passwd"))


def test_links_are_refused_on_the_way_in(tmp_path: Path) -> None:
    """A link could point at anything; the message names it."""
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(UnsafeFolder, match="symbolic link"):
        scan_folder(tmp_path)


def test_linked_folders_are_refused_on_the_way_in(tmp_path: Path) -> None:
    """A folder's link is a link."""
    (tmp_path / "link").symlink_to("/etc", target_is_directory=True)
    with pytest.raises(UnsafeFolder, match="symbolic link"):
        scan_folder(tmp_path)


def test_pipes_are_refused_on_the_way_in(tmp_path: Path) -> None:
    """Reading a pipe would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnsafeFolder, match="neither a file nor a folder"):
        scan_folder(tmp_path)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """A mistyped path is not an empty folder."""
    with pytest.raises(InvalidInput, match="not a folder"):
        scan_folder(tmp_path / "nothing")
