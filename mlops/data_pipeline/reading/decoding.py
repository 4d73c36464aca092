"""Makes plain UTF-8 with line feeds of text in any other form, a block at a time, for Polars to read."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.reading.options import Dialect

__all__ = ["REPLACED", "Written", "is_plain", "is_utf8", "plain_blocks", "skip_lines", "write_plain"]

BLOCK = 1 << 20
REPLACED = "�".encode()
_PLAIN = frozenset({"utf-8", "utf8", "utf_8", "utf-8-sig", "utf_8_sig", "ascii", "us-ascii"})


class Written(NamedTuple):
    """What became of the text.

    Attributes:
        path: The plain copy.
        replaced: Whether bytes that the encoding does not know were replaced by U+FFFD.
    """

    path: Path
    replaced: bool


def is_plain(dialect: Dialect) -> bool:
    """Return whether the file can be read where it lies."""
    return is_utf8(dialect.encoding) and not dialect.compression and dialect.newline != "\r"


def is_utf8(encoding: str) -> bool:
    """Return whether text in an encoding is UTF-8, or the part of it that ASCII is."""
    return encoding.lower() in _PLAIN


def write_plain(source: Path, target: Path, dialect: Dialect, *, check: Callable[[], object]) -> Written:
    """Write the text of `source` to `target` as plain UTF-8.

    Raises:
        UnreadableInput: The compressed stream is damaged.
    """
    replaced = False
    with target.open("wb") as file:
        for block in plain_blocks(source, dialect):
            replaced = replaced or REPLACED in block
            file.write(block)
            check()
    return Written(target, replaced and not is_utf8(dialect.encoding))


def plain_blocks(source: Path, dialect: Dialect) -> Iterator[bytes]:
    """Yield the text of a file as blocks of UTF-8 with line feeds; undecodable bytes of UTF-8 itself pass unchanged.

    Raises:
        UnreadableInput: The compressed stream is damaged.
    """
    with source.open("rb") as raw:
        for block in _recoded(_decompressed(raw, source, dialect), dialect):
            yield block.replace(b"\r", b"\n") if dialect.newline == "\r" else block


def skip_lines(blocks: Iterator[bytes], lines: int) -> Iterator[bytes]:
    """Yield what follows the first `lines` lines."""
    for block in blocks:
        start = 0
        while lines and (found := block.find(b"\n", start)) >= 0:
            start, lines = found + 1, lines - 1
        if not lines:
            yield block[start:]


def _decompressed(raw: BinaryIO, source: Path, dialect: Dialect) -> Iterator[bytes]:
    file = gzip.GzipFile(fileobj=raw) if dialect.compression else raw
    try:
        while block := file.read(BLOCK):
            yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = f"its gzip stream is damaged or cut short: {error}. Copy the file again from where it came from."
        raise UnreadableInput(str(source), reason) from error


def _recoded(blocks: Iterator[bytes], dialect: Dialect) -> Iterator[bytes]:
    if is_utf8(dialect.encoding):
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(dialect.encoding)("replace")
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")
