"""The cells of single records of delimited text as a table: most are cut apart by Polars, all at once.

A record without quotes that is text throughout and has as many separators as the table needs means what it says. The
others are read one by one, with the care of `one_record`.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from mlops.data_pipeline.reading.one_record import split_cells
from mlops.data_pipeline.reading.raw_lines import RawText, shown
from mlops.data_pipeline.snapshot_columns import ROW

__all__ = ["LINE", "TEXT", "raw_cells"]

LINE = "quarantine_line"
TEXT = "quarantine_text"
_SPECIAL = (b'"', b"\r")


def raw_cells(records: Sequence[RawText], columns: Sequence[str], separator: str) -> pl.DataFrame:
    """Return the records as `LINE`, a column of text for each cell, and `TEXT`.

    Args:
        records: In ascending order.
        columns: Names of the cells; none is `LINE` or `TEXT`.
        separator: Between cells.

    Returns:
        A table in the order of the records. Those with too few or too many cells have null in what they lack, and
        their whole text in `TEXT`, which is null in all others.
    """
    mark, width = separator.encode(), len(columns)
    schema = {ROW: pl.Int64, LINE: pl.Int64, **dict.fromkeys(columns, pl.String), TEXT: pl.String}
    plain: list[tuple[int, int, str]] = []
    careful: list[tuple[int | str | None, ...]] = []
    for record in records:
        text = _plain_text(record.text, mark, width)
        if text is None:
            careful.append((record.row, record.line, *_cells(record.text, mark, width)))
        else:
            plain.append((record.row, record.line, text))
    cut = pl.DataFrame(plain, schema={ROW: pl.Int64, LINE: pl.Int64, TEXT: pl.String}, orient="row")
    fields = pl.col(TEXT).str.split_exact(separator, width - 1).struct.rename_fields(list(columns))
    cells = cut.select(ROW, LINE, fields.struct.unnest(), pl.lit(None, pl.String).alias(TEXT))
    return pl.concat([cells, pl.DataFrame(careful, schema=schema, orient="row")]).sort(ROW).drop(ROW)


def _plain_text(text: bytes, separator: bytes, width: int) -> str | None:
    """Return the text of a record that may be cut at its separators; None of others."""
    if text.count(separator) != width - 1 or any(mark in text for mark in _SPECIAL):
        return None
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None


def _cells(text: bytes, separator: bytes, width: int) -> list[str | None]:
    """Return as many cells as there should be, and the whole text if there are others."""
    found = [shown(cell) for cell in split_cells(text, separator)]
    filled = [*found, *[None] * width][:width]
    return [*filled, None if len(found) == width else shown(text)]
