"""Cuts delimited text into records, many at a time: where each begins and ends, on which line, what is wrong with it.

Quotes are weighed by parity over whole blocks with numpy; only where they stand in odd places is a record read with
care (`one_record`). This is for inputs that are known to be damaged and for finding single lines again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlops.data_pipeline.reading.decoding import REPLACED
from mlops.data_pipeline.reading.one_record import read_record

__all__ = ["RecordBlock", "RecordForm", "record_blocks"]

Offsets = NDArray[np.int64]
_LONGEST = 1 << 26  # bytes within which a quote has to be closed
_CAREFULLY = 256  # records read with care after a quote in an odd place, before blocks are tried again
_QUOTE, _NEWLINE, _RETURN = 34, 10, 13


class RecordForm(NamedTuple):
    """What records look like.

    Attributes:
        separator: Between cells; empty for lines of another kind, in which quotes mean nothing.
        width: Cells of each record; with more than one, blank lines are no records.
        first_line: Line of the first record, from 1.
        with_faults: Whether to look for faults at all, or only for beginnings and ends.
        replaced: Whether U+FFFD stands for bytes that could not be decoded.
    """

    separator: str
    width: int
    first_line: int
    with_faults: bool = True
    replaced: bool = False


class RecordBlock(NamedTuple):
    """Some successive records.

    Attributes:
        text: Bytes that hold them.
        starts: Offset of each one's first byte.
        ends: Offset behind each one's last byte, the line end left out.
        lines: Line that each begins on, from 1.
        faults: What is wrong with those that are broken, by their place in the block.
        rewritten: Cells of records that are sound but oddly quoted, by their place in the block.
        is_gapless: Whether the bytes between the records are line ends of theirs only.
    """

    text: bytes
    starts: Offsets
    ends: Offsets
    lines: Offsets
    faults: dict[int, str]
    rewritten: dict[int, tuple[bytes, ...]]
    is_gapless: bool


class _Marks(NamedTuple):
    """A text, and where the bytes that matter are in it."""

    text: bytes
    bytes: NDArray[np.uint8]
    newlines: Offsets
    quotes: Offsets


class _Cut(NamedTuple):
    """A block of records, and how many bytes and line ends it took; none when quotes are in the way."""

    block: RecordBlock | None
    taken: int
    lines: int


def record_blocks(parts: Iterable[bytes], form: RecordForm) -> Iterator[RecordBlock]:
    """Yield the records of a text.

    Args:
        parts: Blocks of plain UTF-8 from behind the header to the end.
        form: What records look like.
    """
    rest, line = b"", form.first_line
    for part, is_last in _with_last(parts):
        rest += part
        if not is_last and b"\n" not in part and len(rest) < _LONGEST:
            continue
        while rest:
            cut = _cut(rest, form, line, is_last)
            if cut.block is not None:
                yield cut.block
            if not cut.taken:
                break
            line += cut.lines
            rest = rest[cut.taken :]


def _with_last(parts: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    before = b""
    for part in parts:
        if before:
            yield before, False
        before = part
    yield before, True


def _cut(text: bytes, form: RecordForm, line: int, is_last: bool) -> _Cut:
    """Take as many records as the bytes at hand hold, or some with care when the first quotes are odd."""
    marks = _marks(text, form)
    ends, limit = marks.newlines, len(text)
    if len(marks.quotes):
        outside = np.searchsorted(marks.quotes, ends) % 2 == 0
        odd = _first_odd(marks, ord(form.separator))
        ends = ends[outside]
        ends = ends if odd is None else ends[: int(np.searchsorted(ends, odd))]
        if odd is not None or len(marks.quotes) % 2 == 1:
            if not len(ends):
                return _carefully(marks, form, line, is_last)
            limit = int(ends[-1]) + 1
    if is_last and limit == len(text) and not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    if not len(ends):
        return _Cut(None, 0, 0)
    taken = min(int(ends[-1]) + 1, len(text))
    return _Cut(_block(marks, ends, form, line), taken, int(np.searchsorted(marks.newlines, taken)))


def _marks(text: bytes, form: RecordForm) -> _Marks:
    found = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(found == _QUOTE) if form.separator else np.zeros(0, np.int64)
    return _Marks(text, found, np.flatnonzero(found == _NEWLINE), quotes)


def _first_odd(text: _Marks, separator: int) -> int | None:
    """Return the offset of the opening quote of the first quoted cell that does not stand alone between separators."""
    marks, opening, closing = text.bytes, text.quotes[0::2], text.quotes[1::2]
    before = np.where(opening > 0, marks[opening - 1], _NEWLINE)
    opens = (before == separator) | (before == _NEWLINE) | (before == _QUOTE)
    after = marks[np.minimum(closing + 1, len(marks) - 1)]
    at_end = closing + 1 >= len(marks)
    closes = at_end | (after == separator) | (after == _NEWLINE) | (after == _RETURN) | (after == _QUOTE)
    bad = ~opens
    bad[: len(closes)] |= ~closes
    return int(opening[np.argmax(bad)]) if bad.any() else None


def _block(marks: _Marks, ends: Offsets, form: RecordForm, line: int) -> RecordBlock:
    starts = np.concatenate(([0], ends[:-1] + 1))
    stops = ends - ((marks.bytes[np.maximum(ends - 1, 0)] == _RETURN) & (ends > starts))
    filled = stops > starts if form.width > 1 else np.ones(len(starts), bool)
    lines = line + np.searchsorted(marks.newlines, starts[filled])
    starts, stops = starts[filled], stops[filled]
    faults = _faults(marks, starts, stops, form) if form.with_faults and len(starts) else {}
    return RecordBlock(marks.text, starts, stops, lines, faults, {}, bool(filled.all()))


def _faults(marks: _Marks, starts: Offsets, stops: Offsets, form: RecordForm) -> dict[int, str]:
    separators = np.flatnonzero(marks.bytes == ord(form.separator))
    if len(marks.quotes):
        separators = separators[np.searchsorted(marks.quotes, separators) % 2 == 0]
    widths = np.searchsorted(separators, stops) - np.searchsorted(separators, starts) + 1
    faults = {int(place): "ragged" for place in np.flatnonzero(widths != form.width)}
    faults.update(_undecodable(marks.text, starts, stops))
    for pattern, fault in _patterns(form):
        faults.update(dict.fromkeys(_holding(pattern, marks.text, starts, stops), fault))
    return faults


def _holding(pattern: bytes, text: bytes, starts: Offsets, stops: Offsets) -> Iterator[int]:
    """Yield the places of the records that have a pattern."""
    offset = text.find(pattern)
    while 0 <= offset < int(stops[-1]):
        place = int(np.searchsorted(starts, offset, side="right")) - 1
        yield place
        offset = text.find(pattern, max(int(stops[place]), offset + 1))


def _patterns(form: RecordForm) -> list[tuple[bytes, str]]:
    return [(b"\0", "nul"), *([(REPLACED, "encoding")] if form.replaced else [])]


def _undecodable(text: bytes, starts: Offsets, stops: Offsets) -> dict[int, str]:
    found: dict[int, str] = {}
    begin, limit = int(starts[0]), int(stops[-1])
    while begin < limit:
        try:
            text[begin:limit].decode()
            break
        except UnicodeDecodeError as error:
            place = int(np.searchsorted(starts, begin + error.start, side="right")) - 1
            found[place] = "encoding"
            begin = max(int(stops[place]), begin + error.start + 1)
    return found


def _carefully(marks: _Marks, form: RecordForm, line: int, is_last: bool) -> _Cut:
    """Read a few records one by one."""
    text = marks.text
    found = RecordBlock(text, *(np.zeros(0, np.int64),) * 3, {}, {}, is_gapless=False)
    spans: list[tuple[int, int]] = []
    place = 0
    is_too_long = not is_last and len(text) >= _LONGEST
    while place < len(text) and len(spans) < _CAREFULLY:
        gives_up = is_last or (is_too_long and not place)
        record = read_record(text, place, form.separator.encode(), is_last=gives_up)
        if record is None:
            break
        whole = text[place : record.end]
        stop = place + len(whole.rstrip(b"\r\n"))
        if form.width == 1 or stop > place:
            fault = _fault_of(whole, record.cells, form)
            found.faults.update({len(spans): fault} if fault else {})
            found.rewritten[len(spans)] = record.cells
            spans.append((place, stop))
        place = record.end
    starts, ends = np.array(spans, np.int64).reshape(-1, 2).T
    lines = line + np.searchsorted(marks.newlines, starts)
    block = found._replace(starts=starts, ends=ends, lines=lines)
    return _Cut(block, place, int(np.searchsorted(marks.newlines, place)))


def _fault_of(record: bytes, cells: tuple[bytes, ...], form: RecordForm) -> str:
    for pattern, fault in _patterns(form):
        if pattern in record:
            return fault
    try:
        record.decode()
    except UnicodeDecodeError:
        return "encoding"
    if not cells:
        return "quotes"
    return "" if len(cells) == form.width else "ragged"
