"""One look at every byte of an input while Polars parses it: its SHA-256, and whether Polars can have read it right.

Polars fills rows that are too short with nulls and says nothing. The separators outside of quotes give it away: a table
of n columns has exactly n - 1 in each row. Nor does it say that text follows a closing quote, which the bytes around
quotes tell, or that one separator too many is the last byte of the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

__all__ = ["Survey", "digest_file", "survey_file"]

_BLOCK = 1 << 18  # fits the processor's cache
_QUOTE = b'"'
_NEWLINE, _RETURN = 10, 13


class Survey:
    """What the bytes told so far.

    Attributes:
        separators: Separators outside of quotes.
        has_nul: Whether there is a NUL byte.
        has_odd_quotes: Whether text follows a quoted cell, or a quote amid a cell seems to hold a line end.
    """

    def __init__(self, separator: str) -> None:
        self.separators = 0
        self.has_nul = False
        self.has_odd_quotes = False
        self._separator = ord(separator)
        self._inside = False
        self._opens = False  # whether the last quote is of a cell that begins with one
        self._is_amid = False  # whether what is inside may have begun amid a cell
        self._before = b"\n"  # at most the last two bytes outside of quotes: how a quote stands may show behind it
        self._hash = hashlib.sha256()

    def add(self, block: bytes, *, skip: int = 0) -> None:
        """Take in the next block; its first `skip` bytes, of the header, are hashed only."""
        self._hash.update(block)
        block = block[skip:] if skip else block
        self.has_nul = self.has_nul or b"\0" in block
        if self._inside or _QUOTE in block or self._before.endswith(_QUOTE):
            block = self._outside(block)
        self.separators += int(np.count_nonzero(np.frombuffer(block, np.uint8) == self._separator))
        self._before = (self._before + block[-2:])[-2:]

    def _outside(self, block: bytes) -> bytes:
        """Return a block with a quote in the place of all that is quoted."""
        parts = block.split(_QUOTE)
        begin = int(self._inside)
        self._inside = (len(parts) - 1 + begin) % 2 == 1
        around = parts[begin::2]
        outside = _QUOTE.join(around) + (_QUOTE if around and self._inside else b"")
        self._look_around_quotes(self._before + outside, parts[1 - begin :: 2])
        return outside

    def _look_around_quotes(self, outside: bytes, inside: Sequence[bytes]) -> None:
        found = np.frombuffer(outside, np.uint8)
        quotes = np.flatnonzero(found == ord(_QUOTE))
        if not quotes.size:
            return
        before, after = found[np.maximum(quotes - 1, 0)], found[np.minimum(quotes + 1, len(found) - 1)]
        doubles = before == ord(_QUOTE)  # two stand for one in a quoted cell, and are what the first of them is
        opens = (before == self._separator) | (before == _NEWLINE)
        opens[0] |= doubles[0] and self._opens
        opens = opens[np.maximum.accumulate(np.where(doubles, 0, np.arange(quotes.size)))]
        ends = (after == self._separator) | (after == _NEWLINE) | (after == _RETURN) | (after == ord(_QUOTE))
        is_amid = self._is_amid or not opens.all()
        self._opens, self._is_amid = bool(opens[-1]), is_amid and self._inside
        self.has_odd_quotes = (
            self.has_odd_quotes
            or bool((opens & ~ends).any())
            or (is_amid and any(b"\n" in quoted for quoted in inside))
        )

    @property
    def ends_with_separator(self) -> bool:
        """Whether the last line has no end, and nothing behind its last separator."""
        return self._before.endswith(bytes([self._separator]))

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
