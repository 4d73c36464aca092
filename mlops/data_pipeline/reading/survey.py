"""One look at every byte of an input while Polars parses it: its SHA-256, and whether Polars can have read it right.

Polars fills rows that are too short with nulls and says nothing. The separators outside of quotes give it away: a table
of n columns has exactly n - 1 in each row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

__all__ = ["Survey", "digest_file", "survey_file"]

_BLOCK = 1 << 18  # fits the processor's cache
_QUOTE = b'"'


class Survey:
    """What the bytes told so far.

    Attributes:
        separators: Separators outside of quotes.
        has_nul: Whether there is a NUL byte.
        has_quotes: Whether there is a quote.
    """

    def __init__(self, separator: str) -> None:
        self.separators = 0
        self.has_nul = False
        self.has_quotes = False
        self._separator = ord(separator)
        self._inside = False
        self._hash = hashlib.sha256()

    def add(self, block: bytes, *, skip: int = 0) -> None:
        """Take in the next block; its first `skip` bytes, of the header, are hashed only."""
        self._hash.update(block)
        block = block[skip:] if skip else block
        self.has_nul = self.has_nul or b"\0" in block
        if self._inside or _QUOTE in block:
            block = self._outside(block)
        self.separators += int(np.count_nonzero(np.frombuffer(block, np.uint8) == self._separator))

    def _outside(self, block: bytes) -> bytes:
        parts = block.split(_QUOTE)
        self.has_quotes = True
        begin = int(self._inside)
        self._inside = (len(parts) - 1 + begin) % 2 == 1
        return b"".join(parts[begin::2])

    @property
    def ends_inside(self) -> bool:
        """Whether the last quote was never closed."""
        return self._inside

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of all blocks."""
        return self._hash.hexdigest()


def survey_file(path: Path, separator: str, *, header_end: int, tick: Callable[[int], object]) -> Survey:
    """Survey a whole plain file.

    Args:
        path: The file.
        separator: Between cells.
        header_end: Bytes that the header takes, which are left out of the count.
        tick: Called with the bytes read after each block; raises to stop.
    """
    survey = Survey(separator)
    done = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            survey.add(block, skip=min(max(header_end - done, 0), len(block)))
            done += len(block)
            tick(done)
    return survey


def digest_file(path: Path, *, tick: Callable[[int], object] = lambda _: None) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    found = hashlib.sha256()
    done = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            found.update(block)
            done += len(block)
            tick(done)
    return found.hexdigest()
