"""Reads CSV and its kin: at Polars' own speed when the file is sound, by a mended copy when it is not.

While Polars parses, every byte is surveyed. The survey's separators prove that no row was too short or too long;
without that proof, and whenever Polars stumbles over the structure, a copy is made in which broken rows are marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import polars as pl

from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.reading.column_plans import ColumnPlan, plan_text, scan_schema
from mlops.data_pipeline.reading.decoding import is_plain, plain_blocks, write_plain
from mlops.data_pipeline.reading.dialect import Header, read_header, sniff
from mlops.data_pipeline.reading.encodings import is_western
from mlops.data_pipeline.reading.formats import InputFormat, head_of
from mlops.data_pipeline.reading.mending import Mended, mend
from mlops.data_pipeline.reading.options import Dialect, ReadOptions
from mlops.data_pipeline.reading.outcome import Order, Outcome
from mlops.data_pipeline.reading.passes import Result, run_passes
from mlops.data_pipeline.reading.record_blocks import RecordForm
from mlops.data_pipeline.reading.sampling import sample_text
from mlops.data_pipeline.reading.sinking import scratch_file
from mlops.data_pipeline.reading.survey import Survey, digest_file, survey_file
from mlops.data_pipeline.snapshot_columns import FAULT, ROW

__all__ = ["TextFile", "open_text", "read_text"]

_PLAIN = Dialect()
_LONGEST_HEADER = 1 << 24
_WESTERN = "The file is not UTF-8 and was read as cp1252; say encoding='cp1252', or another, to be sure."


class TextFile(NamedTuple):
    """A text file made ready to be read.

    Attributes:
        source: The file that was given.
        plain: Its text in UTF-8 with line feeds; the source itself when it is that.
        dialect: How the source is written.
        header: Its columns.
        replaced: Whether bytes that the encoding does not know were replaced.
        notes: What was decided, in sentences.
    """

    source: Path
    plain: Path
    dialect: Dialect
    header: Header
    replaced: bool = False
    notes: tuple[str, ...] = ()


class _Damaged(Exception):
    """The structure of the file is not sound, or cannot be proved to be."""


def read_text(source: Path, kind: InputFormat, order: Order) -> Outcome:
    """Write the snapshot of a delimited text file.

    Raises:
        UnreadableInput: Nothing of it can be read; single rows that cannot are marked instead.
    """
    with ExitStack() as stack:
        text = open_text(source, kind, order, stack)
        surveys: list[Survey] = []
        plans = _plans(text, order)
        try:
            result = _sound(text, plans, order, surveys)
            mended = None
        except _Damaged:
            if _may_be_western(text.dialect, order) and is_western(_blocks(text), check=order.watch.check):
                return read_text(source, kind, _western(order)).noted(_WESTERN)
            result, mended = _marked(text, plans, order, stack)
        digest = surveys[0].digest if is_plain(text.dialect) else digest_file(source)
    return Outcome(digest, result, dict(mended.faults) if mended else {}, text.dialect, text.notes + _notes(mended))


def open_text(source: Path, kind: InputFormat, order: Order, stack: ExitStack) -> TextFile:
    """Find out how a file is written, and decode it beside the target when Polars could not read it where it lies.

    Raises:
        UnreadableInput: It is empty, or its header cannot be that of a table.
    """
    dialect = sniff(source, kind, order.options)
    plain, replaced = source, False
    if not is_plain(dialect):
        scratch = stack.enter_context(scratch_file(order.target.parent, ".plain."))
        plain, replaced = write_plain(source, scratch, dialect, check=order.watch.check)
    at_line = order.options.header_line
    try:
        header = read_header(head_of(plain, _LONGEST_HEADER), str(source), dialect.separator, at_line=at_line)
    except UnreadableInput as error:
        undecodable = isinstance(error.__cause__, UnicodeDecodeError) and _may_be_western(dialect, order)
        if not undecodable or not is_western(plain_blocks(source, dialect), check=order.watch.check):
            raise
        return open_text(source, kind, _western(order), stack)._replace(notes=(_WESTERN,))
    dialect = dialect.changed(header_line=header.line, first_line=header.next_line)
    return TextFile(source, plain, dialect, header, replaced)


def _may_be_western(dialect: Dialect, order: Order) -> bool:
    return not order.options.encoding and dialect.encoding == "utf-8"


def _western(order: Order) -> Order:
    return order._replace(options=order.options.changed(encoding="cp1252"))


def _plans(text: TextFile, order: Order) -> tuple[ColumnPlan, ...]:
    names = text.header.names
    sample = sample_text(text.plain, names, text.dialect, order.options, header_end=text.header.end)
    return plan_text(names, order.columns, sample, order.options, has_parser=True)


def _sound(text: TextFile, plans: tuple[ColumnPlan, ...], order: Order, surveys: list[Survey]) -> Result:
    """Read the file as it is.

    Raises:
        _Damaged: It has to be read with care.
    """

    def beside() -> None:
        tick = order.watch.bytes_read
        surveys.append(survey_file(text.plain, text.dialect.separator, header_end=text.header.end, tick=tick))

    def scan(plans: Sequence[ColumnPlan]) -> pl.LazyFrame:
        return _scan(text.plain, plans, text.dialect, order.options, skip_lines=text.header.next_line - 1)

    try:
        result = run_passes(scan, plans, order.target, has_fault=False, beside=beside, check=order.watch.check)
    except pl.exceptions.PolarsError as error:
        if not surveys:
            beside()
        raise _Damaged from error
    expected = result.rows * (len(plans) - 1)
    survey = surveys[0]
    is_doubtful = survey.has_nul or survey.has_odd_quotes or survey.ends_inside or survey.ends_with_separator
    if survey.separators != expected or is_doubtful or text.replaced:
        raise _Damaged
    return result


def _marked(text: TextFile, plans: tuple[ColumnPlan, ...], order: Order, stack: ExitStack) -> tuple[Result, Mended]:
    """Read a copy of the file in which the broken rows are marked."""
    copy = stack.enter_context(scratch_file(order.target.parent, ".mended."))
    form = RecordForm(text.dialect.separator, len(plans), text.header.next_line, replaced=text.replaced)
    check = order.watch.check
    mended = mend(_blocks(text, behind=text.header.end), copy, form, check=check)
    has_fault = bool(mended.faults)

    def scan(plans: Sequence[ColumnPlan]) -> pl.LazyFrame:
        return _scan(copy, plans, text.dialect, order.options, skip_lines=0, has_fault=has_fault)

    try:
        result = run_passes(scan, plans, order.target, has_fault=has_fault, beside=check, check=check)
    except pl.exceptions.PolarsError as error:
        raise UnreadableInput(str(text.source), f"it cannot be read as a table: {_first_line(error)}.") from error
    if result.rows != mended.rows:
        reason = f"{mended.rows} rows were counted and {result.rows} were read, so that rows cannot be told apart."
        raise UnreadableInput(str(text.source), reason)
    return result, mended


def _scan(
    path: Path,
    plans: Sequence[ColumnPlan],
    dialect: Dialect,
    options: ReadOptions,
    *,
    skip_lines: int,
    has_fault: bool = False,
) -> pl.LazyFrame:
    schema = scan_schema(plans)
    if path.stat().st_size == 0:  # Polars refuses to see a table in no bytes
        return pl.LazyFrame(schema={ROW: pl.UInt32(), **schema})
    return pl.scan_csv(
        path,
        has_header=False,
        skip_lines=skip_lines,
        schema={**schema, FAULT: pl.String()} if has_fault else schema,
        separator=dialect.separator,
        null_values=options.nulls,
        row_index_name=ROW,
        missing_columns="insert" if has_fault else "raise",
        glob=False,
    )


def _blocks(text: TextFile, behind: int = 0) -> Iterator[bytes]:
    skip = behind
    for block in plain_blocks(text.plain, _PLAIN):
        yield block[skip:] if skip else block
        skip = max(skip - len(block), 0)


def _notes(mended: Mended | None) -> tuple[str, ...]:
    if mended is None:
        return ()
    lines = mended.first_lines
    return tuple(
        f"{number} row{'s' if number > 1 else ''} with the fault {fault!r}, the first on line {lines[fault]}."
        for fault, number in mended.faults.most_common()
    )


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0].rstrip(".")
