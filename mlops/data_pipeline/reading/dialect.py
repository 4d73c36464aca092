"""How a text file is written, from its first bytes: byte order mark, line ends, separator, names of the columns."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.reading.formats import InputFormat, head_of, is_gzip
from mlops.data_pipeline.reading.names import name_problem
from mlops.data_pipeline.reading.options import Dialect, ReadOptions

__all__ = ["Header", "read_header", "sniff"]

_HEAD = 1 << 18
_LONGEST_HEADER = 1 << 24
_SEPARATORS = (",", "\t", ";", "|")
_LINES = 50
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Header(NamedTuple):
    """The names of the columns, and where the header stands."""

    names: tuple[str, ...]
    line: int
    next_line: int
    end: int


def sniff(path: Path, kind: InputFormat, options: ReadOptions) -> Dialect:
    """Return how the file is written, as far as its first bytes tell.

    Raises:
        UnreadableInput: The first bytes do not fit the encoding at all, or are damaged gzip.
    """
    try:
        head = head_of(path, _HEAD)
    except (OSError, EOFError) as error:
        raise UnreadableInput(str(path), f"its gzip stream cannot be read: {error}.") from error
    encoding = options.encoding or _encoding(head)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    return Dialect(
        encoding=encoding,
        separator="" if kind is InputFormat.JSONL else options.separator or _separator(text, kind, options.header_line),
        newline=_newline(text),
        compression="gzip" if is_gzip(path) else "",
        header_line=0 if kind is InputFormat.JSONL else 1,
        first_line=1 if kind is InputFormat.JSONL else 2,
    )


def _encoding(head: bytes) -> str:
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    return _unmarked_utf16(head) or "utf-8"


def _unmarked_utf16(head: bytes) -> str:
    """Recognise UTF-16 without a mark: half of the bytes of Western text then are zero, all on one side."""
    even, odd = head[0:2000:2], head[1:2000:2]
    if len(odd) < 4:
        return ""
    if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    return "utf-16-be" if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd) else ""


def _newline(text: str) -> str:
    first = text.find("\n")
    if first < 0:
        return "\r" if "\r" in text else "\n"
    return "\r\n" if text[first - 1 : first] == "\r" else "\n"


def _separator(text: str, kind: InputFormat, header_line: int) -> str:
    """Return the separator that gives the header and what is below it the same number of fields, the larger winning."""
    if kind is InputFormat.TSV:
        return "\t"
    lines = [line for line in text.splitlines()[header_line - 1 : header_line + _LINES] if line.strip()]
    lines = lines[:-1] if len(lines) > 2 else lines  # the last one may be cut
    scores = {separator: _score(lines, separator) for separator in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda separator: scores[separator])
    return best if scores[best] > (0, 0) else ","


def _score(lines: list[str], separator: str) -> tuple[float, int]:
    if not lines or separator not in lines[0]:
        return (0, 0)
    counts = Counter(len(row) for row in _rows(lines, separator) if row)
    width = len(next(_rows(lines[:1], separator)))
    return (round(counts[width] / max(counts.total(), 1), 1), width)


def _rows(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_HEADER))  # the process's own; by itself 131,072
    return csv.reader(lines, delimiter=separator)


def read_header(content: bytes, path: str, separator: str, *, at_line: int = 1) -> Header:
    """Return the names of the columns of a text that is UTF-8 by now; blank lines before them are skipped.

    Args:
        content: The beginning of the file.
        path: For messages.
        separator: Between cells.
        at_line: Lines before this one are left out.

    Raises:
        UnreadableInput: There is no header, it does not end, or its names cannot be those of a table.
    """
    start, line = _first_text(content, at_line)
    end = _end_of_record(content, start)
    if start >= len(content):
        where = f"it has nothing on line {at_line} or below" if content and at_line > 1 else "it is empty"
        raise UnreadableInput(path, f"{where}: not even a header is there.")
    if end - start >= _LONGEST_HEADER:
        raise UnreadableInput(path, "its header has an opening quote that is never closed.", line=line)
    try:
        text = content[start:end].decode()
    except UnicodeDecodeError as error:
        reason = f"its header is not text in UTF-8 ({error.reason}). Name the encoding, such as encoding='cp1252'."
        raise UnreadableInput(path, reason, line=line) from error
    cells = next(_rows([text.rstrip("\r\n").replace("\r\n", "\n")], separator), [])
    if "\n" in text.rstrip("\r\n"):
        cells = next(_rows(text.splitlines(keepends=True), separator))
    return Header(_names(cells, path, line), line, line + content.count(b"\n", start, end), end)


def _first_text(content: bytes, at_line: int) -> tuple[int, int]:
    start, line = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0, 1
    while line < at_line:
        end = content.find(b"\n", start)
        start, line = (end + 1, line + 1) if end >= 0 else (len(content), at_line)
    while content[start : start + 1] in {b"\n", b"\r"}:
        line += content[start : start + 1] == b"\n"
        start += 1
    return start, line


def _end_of_record(content: bytes, start: int) -> int:
    end = start
    while (end := content.find(b"\n", end)) >= 0:
        end += 1
        if content.count(b'"', start, end) % 2 == 0:
            return end
    return len(content)


def _names(cells: list[str], path: str, line: int) -> tuple[str, ...]:
    names = tuple(cell.strip() or f"column_{number}" for number, cell in enumerate(cells, 1))
    if any("\0" in name for name in names):
        raise UnreadableInput(path, "a name in its header has a NUL character, so that it is no text file.", line=line)
    for name, times in Counter(names).items():
        if times > 1:
            places = ", ".join(str(number) for number, other in enumerate(names, 1) if other == name)
            reason = f"the name stands {times} times in the header (columns {places}). Rename all but one."
            raise UnreadableInput(path, reason, line=line, column=name)
        if reason := name_problem(name):
            raise UnreadableInput(path, reason, line=line, column=name)
    return names
