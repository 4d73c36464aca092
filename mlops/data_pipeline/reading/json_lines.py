"""Reads one JSON object a line; a line that is none becomes a broken row, and a key that is missing an empty cell."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.reading.decoding import is_plain, plain_blocks
from mlops.data_pipeline.reading.dialect import sniff
from mlops.data_pipeline.reading.encodings import is_western
from mlops.data_pipeline.reading.formats import InputFormat, head_of
from mlops.data_pipeline.reading.names import name_problem
from mlops.data_pipeline.reading.options import Dialect
from mlops.data_pipeline.reading.outcome import Order, Outcome
from mlops.data_pipeline.reading.passes import fault_counts
from mlops.data_pipeline.reading.plain_values import cell_text
from mlops.data_pipeline.reading.record_blocks import RecordForm, record_blocks
from mlops.data_pipeline.reading.staged import read_staged
from mlops.data_pipeline.reading.survey import digest_file
from mlops.data_pipeline.snapshot_columns import FAULT

__all__ = ["read_json_lines"]

_BATCH = 20_000
_LINES = RecordForm(separator="", width=2, first_line=1, with_faults=False)
_MARK = b"\xef\xbb\xbf"


def read_json_lines(source: Path, order: Order) -> Outcome:
    """Write the snapshot of a file of JSON lines.

    Raises:
        UnreadableInput: It is empty, or no line is a JSON object.
    """
    dialect = sniff(source, InputFormat.JSONL, order.options)
    notes: tuple[str, ...] = ()
    if (
        not order.options.encoding
        and is_plain(dialect)
        and is_western(plain_blocks(source, Dialect()), check=order.watch.check)
    ):
        dialect = dialect.changed(encoding="cp1252")
        notes = ("The file is not UTF-8 and was read as cp1252; say encoding='cp1252', or another, to be sure.",)
    names = _keys(source, dialect)
    if not names:
        what = "no line of it is a JSON object" if head_of(source, 1) else "it is empty"
        raise UnreadableInput(str(source), f"{what}; JSON lines are one object a line.", line=1)
    result = read_staged(_batches(source, dialect, names, order.watch.check), order)
    faults = fault_counts(order.target) if result.has_fault else {}
    return Outcome(digest_file(source, tick=order.watch.bytes_read), result, faults, dialect, notes)


def _keys(source: Path, dialect: Dialect) -> list[str]:
    """Return all keys that occur, in the order of their first occurrence."""
    found: dict[str, None] = {}
    for line in _lines(source, dialect):
        row = _object(line)
        if isinstance(row, dict):
            found.update(dict.fromkeys(row))
    names = list(found)
    for name in names:
        if reason := name_problem(name):
            raise UnreadableInput(str(source), reason, column=name)
    return names


def _batches(source: Path, dialect: Dialect, names: list[str], check: Callable[[], object]) -> Iterator[pl.DataFrame]:
    schema = dict.fromkeys([*names, FAULT], pl.String)
    rows: list[list[str | None]] = []
    for line in _lines(source, dialect):
        row = _object(line)
        if isinstance(row, dict):
            rows.append([*(cell_text(row.get(name)) for name in names), None])
        else:
            rows.append([*(None for _ in names), row])
        if len(rows) == _BATCH:
            yield pl.DataFrame(rows, schema=schema, orient="row")
            rows = []
            check()
    yield pl.DataFrame(rows, schema=schema, orient="row")


def _lines(source: Path, dialect: Dialect) -> Iterator[bytes]:
    for block in record_blocks(plain_blocks(source, dialect), _LINES):
        for start, end in zip(block.starts.tolist(), block.ends.tolist(), strict=True):
            yield block.text[start:end].removeprefix(_MARK)


def _object(line: bytes) -> dict[str, object] | str:
    """Return the object that a line holds, or the fault of the line."""
    try:
        found = json.loads(line.decode())
        if b"\\ud" in line.lower():
            json.dumps(found, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except UnicodeDecodeError:
        return "encoding"
    except (ValueError, RecursionError):
        return "json"
    return found if isinstance(found, dict) else "json"
