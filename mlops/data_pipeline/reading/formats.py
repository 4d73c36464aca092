"""Which form an input has, by its name and its first bytes; only CSV and JSON lines may be gzipped."""

from __future__ import annotations

import gzip
from enum import StrEnum
from pathlib import Path

from mlops.data_pipeline.errors import UnreadableInput, UnsupportedFormat

__all__ = ["InputFormat", "detect_format", "head_of", "is_gzip", "is_url"]

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_HEAD = 4096


class InputFormat(StrEnum):
    """What an input is."""

    CSV = "csv"
    TSV = "tsv"
    EXCEL = "excel"
    PARQUET = "parquet"
    JSONL = "jsonl"
    SQL = "sql"
    TABLE = "table"


_ENDINGS = {
    ".csv": InputFormat.CSV, ".txt": InputFormat.CSV, ".tsv": InputFormat.TSV, ".tab": InputFormat.TSV,
    ".xlsx": InputFormat.EXCEL, ".xls": InputFormat.EXCEL, ".xlsm": InputFormat.EXCEL, ".xlsb": InputFormat.EXCEL,
    ".ods": InputFormat.EXCEL, ".parquet": InputFormat.PARQUET, ".pq": InputFormat.PARQUET,
    ".jsonl": InputFormat.JSONL, ".ndjson": InputFormat.JSONL,
}  # fmt: skip
_FOREIGN = {b"%PDF": "a PDF document", b"SQLite format 3": "a SQLite database", b"\x89PNG": "a picture"}


def is_url(source: str) -> bool:
    """Return whether a source is the URL of a database rather than a path."""
    return "://" in source


def is_gzip(path: Path) -> bool:
    """Return whether the file is gzipped, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def head_of(path: Path, size: int) -> bytes:
    """Return the first bytes of a file's content, decompressed."""
    with path.open("rb") as raw:
        return gzip.GzipFile(fileobj=raw).read(size) if is_gzip(path) else raw.read(size)


def detect_format(path: Path, declared: InputFormat | None = None) -> InputFormat:
    """Return what the file is. What its bytes say goes before its name; what the caller says goes before both.

    Raises:
        UnreadableInput: There is no such file, or it is a folder.
        UnsupportedFormat: It is something that the pipeline does not read.
    """
    if not path.is_file():
        what = "it is a folder; name one file" if path.is_dir() else "there is no such file"
        raise UnreadableInput(str(path), f"{what}.")
    return declared or _by_bytes(path) or _by_name(path)


def _by_bytes(path: Path) -> InputFormat | None:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_PARQUET):
        return InputFormat.PARQUET
    if head.startswith((_ZIP, _OLE)):
        return InputFormat.EXCEL
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise UnsupportedFormat(str(path), f"it is {what}. {_readable()}")
    return None


def _by_name(path: Path) -> InputFormat:
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    if endings and endings[-1] in {".gz", ".gzip"}:
        endings.pop()
    found = _ENDINGS.get(endings[-1]) if endings else None
    if found in {InputFormat.EXCEL, InputFormat.PARQUET}:
        if is_gzip(path):
            raise UnsupportedFormat(str(path), f"it is gzipped {found}, which is compressed anyway. Unpack it.")
        raise UnsupportedFormat(
            str(path), f"its name says {found}, and its bytes are not that. Name the file for what it is."
        )
    return found or _guess(path)


def _guess(path: Path) -> InputFormat:
    head = head_of(path, _HEAD).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"[") and ".json" in path.suffixes:
        raise UnsupportedFormat(str(path), "it is one JSON list. Write JSON lines: one object a line, no brackets.")
    return InputFormat.JSONL if head.startswith(b"{") else InputFormat.CSV


def _readable() -> str:
    return "Readable are CSV, TSV, Excel, Parquet and JSON lines, and gzip of the text ones."
