"""Bad rows set aside for a person to mend: written with their original text, taken back and joined with the good ones.

Two files are written. The CSV file is for people: a row's number, line and reasons, then its cells as they stood in
the input. Mend cells, keep or delete rows, leave `quarantine_row` alone, and hand it back. The Parquet file says the
same to programs, with the reasons as a list. Cells are exact, so that mending starts from the truth; a cell such as
`=CMD()` therefore is written as it was, and a spreadsheet should be told to import the columns as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from mlops.data_pipeline.entities import ColumnSpec
from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.notation import dates_in_their_formats
from mlops.data_pipeline.reading import InputFormat, ReadOptions, Snapshot, scan_snapshot, take_snapshot
from mlops.data_pipeline.reading.formats import detect_format
from mlops.data_pipeline.reading.plain_values import cell_text
from mlops.data_pipeline.reading.raw_cells import LINE, TEXT, raw_cells
from mlops.data_pipeline.reading.raw_lines import RawText, raw_texts, shown
from mlops.data_pipeline.reading.sinking import scratch_file
from mlops.data_pipeline.snapshot_columns import FAULT, ORIGINAL_LINE, RAW, ROW
from mlops.errors import InvalidInput
from mlops.files import whole_file

__all__ = ["LINE", "NUMBER", "REASONS", "TEXT", "MendedRows", "Quarantine", "read_mended", "write_quarantine"]

NUMBER = "quarantine_row"
REASONS = "quarantine_reasons"
_OWN = (NUMBER, LINE, REASONS, TEXT)
_BATCH = 20_000


class Quarantine(NamedTuple):
    """The files of a quarantine.

    Attributes:
        csv: For people: `quarantine_row` (from 0), `quarantine_line` (from 1, empty where the input has no lines),
            `quarantine_reasons` with semicolons between, the cells, and for rows that are broken as such, in
            `quarantine_text`, the whole line.
        parquet: The same, the reasons as a list.
        rows: Number of rows.
    """

    csv: Path
    parquet: Path
    rows: int


class MendedRows(NamedTuple):
    """Rows that a person mended, ready to be run again.

    Attributes:
        path: A CSV file in the columns of the original input.
        rows: For each of its rows, the number that it has in the original input.
        options: How to read it.
    """

    path: Path
    rows: pl.Series
    options: ReadOptions


def write_quarantine(
    reasons: pl.DataFrame,
    snapshot: Snapshot,
    target: Path,
    *,
    columns: Mapping[str, ColumnSpec] | None = None,
    options: ReadOptions | None = None,
) -> Quarantine:
    """Write the bad rows of an input beside each other as `<target>.csv` and `<target>.parquet`.

    Args:
        reasons: `__row__` and `reasons`, a list of codes and rule ids, one row for each bad row.
        snapshot: Of the input, whose source still is what it was.
        target: Path of both files without their endings.
        columns: What the schema says of columns. Where the input has no text, dates are written in its formats.
        options: How the input was read. Where it has no text, numbers get its decimal comma: a cell that nobody
            touched is then read again as what it was.

    Raises:
        InvalidInput: A column of the input has a name that the quarantine's own columns have.
        UnreadableInput: The input cannot be read any more.
    """
    taken = set(_OWN) & set(snapshot.columns)
    if taken:
        raise InvalidInput(f"Column {min(taken)!r} has a name that the quarantine needs. Rename it in the input.")
    ordered = reasons.select(ROW, "reasons").sort(ROW)
    csv, parquet = Path(f"{target}.csv"), Path(f"{target}.parquet")
    with ExitStack() as stack:
        lines = stack.enter_context(stack.enter_context(whole_file(csv)).open("wb"))
        table = stack.enter_context(whole_file(parquet))
        staged = stack.enter_context(scratch_file(target.parent, ".quarantine."))
        _lay_down(_batches(ordered, snapshot, _Notation(columns or {}, options or ReadOptions())), staged)
        frame = pl.scan_parquet(staged, glob=False)
        frame.sink_parquet(table, compression="zstd")
        frame.with_columns(pl.col(REASONS).list.join("; ")).sink_csv(lines, quote_style="necessary")
    return Quarantine(csv, parquet, ordered.height)


def read_mended(mended: Path, quarantine: Path, target: Path, *, options: ReadOptions | None = None) -> MendedRows:
    """Take back the CSV file of a quarantine after a person mended it. Rows that were deleted stay in quarantine.

    Args:
        mended: The CSV file; another separator or encoding than before is found out, as spreadsheets change both.
        quarantine: The Parquet file of the quarantine that it came from.
        target: CSV file to write, with the original columns only.
        options: How the original input was read: its null values and decimal comma hold for the mended cells too.

    Raises:
        UnreadableInput: The file is no quarantine, lacks a column, has rows that were not in the quarantine or have a
            number twice, or lines with too many or too few cells.
    """
    if detect_format(mended) is InputFormat.EXCEL:
        raise UnreadableInput(str(mended), "it is a workbook, which changes cells on its own. Save the sheet as CSV.")
    kept = pl.scan_parquet(quarantine, glob=False)
    columns = [name for name in kept.collect_schema().names() if name not in _OWN]
    as_text = ReadOptions(format=InputFormat.CSV, null_values=(), infer_unknown=False)
    with scratch_file(target.parent, ".mended.") as scratch:
        snapshot = take_snapshot(mended, scratch, options=as_text)
        _check_shape(snapshot, columns)
        table = scan_snapshot(snapshot)
        rows = _numbers(table, kept.select(NUMBER).collect().to_series(), str(mended))
        with whole_file(target) as file:
            table.select(columns).sink_csv(file)
    again = (options or ReadOptions()).changed(
        format=InputFormat.CSV, separator=",", encoding="utf-8", query="", sheet="", header_line=1
    )
    return MendedRows(target, rows, again)


class _Notation(NamedTuple):
    """How values are written as text so that they are read again as the input was."""

    columns: Mapping[str, ColumnSpec]
    options: ReadOptions

    def expressions(self, types: Mapping[str, pl.DataType]) -> Iterator[pl.Expr]:
        """Yield the columns that are written otherwise than values are by themselves."""
        yield from dates_in_their_formats(types, self.columns)
        if self.options.decimal_comma:
            floats = [name for name, dtype in types.items() if dtype.is_float()]
            yield pl.col(floats).cast(pl.String).str.replace(".", ",", literal=True)


def _batches(reasons: pl.DataFrame, snapshot: Snapshot, notation: _Notation) -> Iterator[pl.DataFrame]:
    schema: dict[str, pl.DataType] = {NUMBER: pl.Int64(), LINE: pl.Int64(), REASONS: pl.List(pl.String())}
    if not reasons.height:
        yield pl.DataFrame(schema=schema | dict.fromkeys((*snapshot.columns, TEXT), pl.String()))
    originals = _originals(reasons[ROW].to_list(), snapshot, notation)
    for part, rows in zip(reasons.iter_slices(_BATCH), originals, strict=True):
        number, reason = part[ROW].cast(pl.Int64).alias(NUMBER), part["reasons"].alias(REASONS)
        yield rows.select(number, LINE, reason, *map(pl.col, snapshot.columns), TEXT)


def _originals(rows: list[int], snapshot: Snapshot, notation: _Notation) -> Iterator[pl.DataFrame]:
    """Yield the rows as they were in the input, in their order, so many at a time: line, cells, text."""
    if snapshot.dialect is None:
        parts = (rows[begin : begin + _BATCH] for begin in range(0, len(rows), _BATCH))
        yield from (_from_snapshot(part, snapshot, notation) for part in parts)
        return
    texts, separator = raw_texts(snapshot, rows), snapshot.dialect.separator
    while found := list(islice(texts, _BATCH)):
        yield raw_cells(found, snapshot.columns, separator) if separator else _from_json(found, snapshot.columns)


def _from_json(records: Sequence[RawText], columns: Sequence[str]) -> pl.DataFrame:
    rows = []
    for record in records:
        text = shown(record.text)
        cells = _json_cells(text, columns)
        rows.append((record.line, *cells, None) if cells else (record.line, *[None] * len(columns), text))
    return _table(rows, columns)


def _json_cells(text: str, columns: Sequence[str]) -> list[str | None]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [cell_text(found.get(name)) for name in columns] if isinstance(found, dict) else []


def _from_snapshot(rows: list[int], snapshot: Snapshot, notation: _Notation) -> pl.DataFrame:
    own = {name: RAW + name for name in snapshot.raw_columns}
    part = pl.LazyFrame({ROW: rows}, schema={ROW: pl.UInt32})
    wanted = cs.by_name(ROW, *snapshot.columns, *own.values(), FAULT, ORIGINAL_LINE, require_all=False)
    kept = pl.scan_parquet(snapshot.path, glob=False).select(wanted)
    table = kept.join(part, on=ROW, how="semi").sort(ROW).collect(engine="streaming")
    table = table.with_columns(notation.expressions({name: table.schema[name] for name in snapshot.columns}))
    found = []
    for row in table.iter_rows(named=True):
        cells = [cell_text(row[name]) for name in snapshot.columns]
        raw = [row[own[name]] if name in own else None for name in snapshot.columns]
        both = [text if cell is None else cell for cell, text in zip(cells, raw, strict=True)]
        line = snapshot.first_line + row[ROW] if snapshot.first_line else row.get(ORIGINAL_LINE)
        found.append((line, *both, row.get(FAULT)))
    return _table(found, snapshot.columns)


def _table(rows: Sequence[tuple[object, ...]], columns: Sequence[str]) -> pl.DataFrame:
    schema: dict[str, pl.DataType] = {LINE: pl.Int64(), **dict.fromkeys((*columns, TEXT), pl.String())}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _lay_down(batches: Iterator[pl.DataFrame], path: Path) -> None:
    first, second = next(batches), next(batches, None)
    if second is None:  # as usual, and pyarrow takes longer to import than this to write
        first.write_parquet(path)
        return
    import pyarrow.parquet as pq

    writer = None
    for batch in chain((first, second), batches):
        table = batch.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _check_shape(snapshot: Snapshot, columns: Sequence[str]) -> None:
    for name in [NUMBER, *columns]:
        if name not in snapshot.columns:
            reason = "the mended file lacks this column. Mend a copy of the quarantine's CSV file, with its header."
            raise UnreadableInput(snapshot.source, reason, column=name)
    if snapshot.faults:
        raise UnreadableInput(snapshot.source, " ".join(snapshot.notes) + " Save the file as CSV again.")


def _numbers(table: pl.LazyFrame, known: pl.Series, path: str) -> pl.Series:
    texts = table.select(NUMBER).collect().to_series()
    numbers = texts.str.strip_chars().cast(pl.Int64, strict=False)
    strange = ~numbers.is_in(known.implode()) | numbers.is_null()
    if strange.any():
        text = texts.filter(strange)[0]
        raise UnreadableInput(
            path, f"row {text!r} was not in the quarantine. Leave the numbers as they were.", column=NUMBER
        )
    if numbers.n_unique() < len(numbers):
        text = numbers.filter(numbers.is_duplicated())[0]
        raise UnreadableInput(path, f"row {text} stands twice. Keep one of them.", column=NUMBER)
    return numbers.alias(ROW)
