"""Reads one record of delimited text with care, where quotes stand in places that fast readers do not expect.

A quote opens a cell only as its first character; elsewhere it is a character like others (`5" needle`). A quoted cell
ends at a quote that a separator or a line end follows; anything else after it, or no end at all, is a fault of the line
that the record begins on, and reading goes on with the next line, so that one stray quote cannot swallow a file.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["OneRecord", "read_record", "split_cells"]

_QUOTE = b'"'


class OneRecord(NamedTuple):
    """A record.

    Attributes:
        end: Offset behind its line end.
        cells: Its cells, unquoted; empty when the quoting is at fault.
    """

    end: int
    cells: tuple[bytes, ...]

    @property
    def is_sound(self) -> bool:
        """Whether its quoting makes sense."""
        return bool(self.cells)


class _Unfinished(Exception):
    """The record goes on behind the bytes at hand."""


class _BadQuote(Exception):
    """Text behind a closing quote, or no closing quote."""


def read_record(block: bytes, start: int, separator: bytes, *, is_last: bool) -> OneRecord | None:
    """Return the record that begins at `start`; None when more bytes are needed to tell.

    Args:
        block: Bytes of the file.
        start: Offset of the record's first byte.
        separator: Between cells.
        is_last: Whether the file ends with the block.
    """
    cells: list[bytes] = []
    place = start
    try:
        while True:
            cell, place, is_end = _cell(block, place, separator, is_last)
            cells.append(cell)
            if is_end:
                return OneRecord(place, tuple(cells))
    except _Unfinished:
        return None
    except _BadQuote:
        return OneRecord(_line_end(block, start) or len(block), ())


def split_cells(record: bytes, separator: bytes) -> tuple[bytes, ...]:
    """Return the cells of a record, unquoted as far as its quotes make sense, cut at every separator otherwise."""
    found = read_record(record, 0, separator, is_last=True)
    if found is not None and found.is_sound:
        return found.cells
    return tuple(record.rstrip(b"\r\n").split(separator))


def _cell(block: bytes, place: int, separator: bytes, is_last: bool) -> tuple[bytes, int, bool]:
    """Return a cell, where the next one begins, and whether it was the record's last."""
    if block[place : place + 1] == _QUOTE:
        return _quoted(block, place, separator, is_last)
    newline = block.find(b"\n", place)
    if newline < 0 and not is_last:
        raise _Unfinished
    limit = newline if newline >= 0 else len(block)
    found = block.find(separator, place, limit)
    if found >= 0:
        return block[place:found], found + 1, False
    return block[place:limit].removesuffix(b"\r"), min(limit + 1, len(block)), True


def _quoted(block: bytes, place: int, separator: bytes, is_last: bool) -> tuple[bytes, int, bool]:
    close = place
    while True:
        close = block.find(_QUOTE, close + 1)
        if close < 0:
            raise _BadQuote if is_last else _Unfinished
        if block[close + 1 : close + 2] != _QUOTE:
            break
        close += 1
    cell = block[place + 1 : close].replace(b'""', _QUOTE)
    following = block[close + 1 : close + 3]
    if following.startswith(separator):
        return cell, close + 2, False
    if following.startswith((b"\n", b"\r\n")):
        return cell, close + (2 if following.startswith(b"\n") else 3), True
    if len(following) < 2 and not is_last:
        raise _Unfinished
    if following in {b"", b"\r"}:
        return cell, len(block), True
    raise _BadQuote


def _line_end(block: bytes, start: int) -> int:
    return block.find(b"\n", start) + 1
