"""Files that appear whole or not at all, and what makes them survive a loss of power."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["sync_to_disk", "whole_file", "write_whole"]


@contextmanager
def whole_file(target: Path, *, is_durable: bool = True) -> Iterator[Path]:
    """Give the path of a draft in the folder of `target`, to be written in the block, that takes its place at the end.

    Readers see what was there before, or all of the new content. When the block raises, the draft is removed.

    Args:
        target: The file; its folder exists.
        is_durable: Whether the content is on the disk before it has the name. Not needed for copies of what is kept.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "greeting.txt"
        >>> with whole_file(target) as draft:
        ...     _ = draft.write_text("hello")
        ...     target.exists()
        False
        >>> target.read_text()
        'hello'
    """
    draft = target.with_name(f".{secrets.token_hex(16)}.part")
    try:
        yield draft
        if is_durable:
            sync_to_disk(draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def write_whole(target: Path, content: bytes) -> None:
    """Write a file, durably, whole or not at all; its folder exists."""
    with whole_file(target) as draft:
        draft.write_bytes(content)


def sync_to_disk(path: Path) -> None:
    """Return once the content of a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
