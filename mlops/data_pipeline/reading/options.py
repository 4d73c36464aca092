"""What a caller may say about an input, and what was found out about it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from mlops.data_pipeline.reading.formats import InputFormat
from mlops.records import FrozenDict, FrozenMap, Record
from mlops.values import Words

__all__ = ["NULL_WORDS", "Dialect", "ReadOptions", "Snapshot"]

NULL_WORDS = ("", "NA", "N/A", "null", "None", "NaN")
"""Cells that mean that there is no value."""


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class ReadOptions(Record):
    """How an input is to be read; what is left out is detected.

    Attributes:
        format: `csv`, `tsv`, `excel`, `parquet` or `jsonl`; by default the file's name and first bytes decide.
        encoding: A codec of Python, such as `cp1252`. By default a byte order mark, then UTF-8; a file without one
            valid character of UTF-8 beyond ASCII, whose other bytes are letters of cp1252, is read as cp1252.
        separator: One ASCII character. By default whichever of comma, tab, semicolon and bar fits the first lines.
        decimal_comma: Numbers are written `1,5`. Points then are no part of a number.
        null_values: Whole cells that mean that there is no value; the empty cell always does.
        header_line: Line, from 1, of the names of the columns in a text file or a worksheet; what stands above it, as
            instruments write it, is left out. Blank lines before the header are always skipped.
        infer_unknown: Whether columns that the schema does not know become numbers where all their cells are, rather
            than staying text. Text with leading zeros stays text, and so do whole numbers too long to be exact.
        sheet: Name of the worksheet; the first one by default.
        query: One SELECT, for a database.
    """

    format: InputFormat | None = None
    encoding: Words = ""
    separator: Words = ""
    decimal_comma: bool = False
    null_values: Annotated[tuple[Words, ...], BeforeValidator(_as_tuple)] = NULL_WORDS
    header_line: int = Field(1, ge=1)
    infer_unknown: bool = True
    sheet: Words = ""
    query: Words = ""

    @field_validator("separator")
    @classmethod
    def _one_character(cls, value: str) -> str:
        if value and (len(value) > 1 or not value.isascii() or value in '"\r\n\0'):
            raise ValueError("a separator is one ASCII character other than the quote and the line ends")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_codec(cls, value: str) -> str:
        try:
            "".encode(value or "utf-8")
        except LookupError as error:
            raise ValueError("no codec of Python has this name; write utf-8, utf-16, cp1252 or latin-1") from error
        return value

    @property
    def nulls(self) -> list[str]:
        """The cells that mean that there is no value, the empty one first."""
        return ["", *(word for word in self.null_values if word)]


class Dialect(Record):
    """How a text file is written.

    Attributes:
        encoding: Codec of Python.
        separator: Between cells; empty for JSON lines.
        newline: `\\n`, `\\r\\n` or `\\r`.
        compression: `gzip` or empty.
        header_line: Line of the header, from 1; 0 when there is none.
        first_line: First line below the header, from 1.
    """

    encoding: str = "utf-8"
    separator: str = ","
    newline: str = "\n"
    compression: str = ""
    header_line: int = 1
    first_line: int = 2


class Snapshot(Record):
    """An input as it was when it was read.

    Attributes:
        path: The Parquet file: `__row__`, the typed columns in the order of the source, `__raw__<name>` companions,
            and `__fault__` when a row is broken as such. Read it by `scan_snapshot`.
        source: The file, or the database without its password; `<table>` for a DataFrame.
        format: What the source is.
        digest: SHA-256, in hexadecimal, of the source's bytes; of the query and its result for a database.
        rows: Rows below the header, broken ones included; blank lines are none.
        columns: Names in the order of the source.
        types: What each column was read as: a type of `ColumnType`, or `other`.
        raw_columns: Columns with cells that did not parse.
        unknown_columns: Columns that the schema does not know.
        faults: Number of broken rows by fault.
        dialect: How the text is written; None for other than text.
        first_line: Line, from 1, of the first row of a worksheet, whose rows are its lines; 0 of anything else.
        notes: What was decided about the file that its reader should know, in sentences.
        source_bytes: Size of the source; 0 for a table in memory or a database.
        bytes: Size of the snapshot.
        seconds: How long it took.
    """

    path: str
    source: str
    format: InputFormat
    digest: str
    rows: int = Field(ge=0)
    columns: tuple[str, ...]
    types: FrozenMap = FrozenDict()
    raw_columns: tuple[str, ...] = ()
    unknown_columns: tuple[str, ...] = ()
    faults: FrozenMap = FrozenDict()
    dialect: Dialect | None = None
    first_line: int = 0
    notes: tuple[str, ...] = ()
    source_bytes: int = 0
    bytes: int = 0
    seconds: float = 0.0
