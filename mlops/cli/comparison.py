"""Comparisons as tables: what `compare_experiments` and `compare_versions` return, drawn the same way.

Both return one row a field and one column a thing compared, with `attrs` that name the fields that differ, which come
first, and the columns with the best value of a field.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.cli import output
from mlops.cli.cells import metric_cell, value_cell
from mlops.cli.files import write_file
from mlops.cli.output import Cell

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

__all__ = ["comparison_rows", "comparison_tables", "write_comparison", "write_csv"]

_NARROWEST = 18  # a column of values
_WIDEST = 32


def write_comparison(table: pd.DataFrame) -> None:
    """Print a comparison: tables that fit the terminal, or lines with a column each."""
    from rich.console import Console

    console = Console()
    if console.is_terminal:
        output.write_rendered(*comparison_tables(table, console.width))
    else:
        labels = [str(label) for label in table.columns]
        output.write_table(["field", *labels], comparison_rows(table, labels))


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a comparison as CSV, and say where."""
    write_file(table.to_csv(), path)
    output.write_note(f"Wrote {path}")


def comparison_tables(table: pd.DataFrame, width: int) -> Iterator[RenderableType]:
    """Yield a comparison as tables for people, as many columns at a time as find room."""
    labels = [str(label) for label in table.columns]
    for block in _blocks(table, labels, width):
        rows = comparison_rows(table, block)
        boundary = len(table.attrs["differs"])
        if boundary < len(rows):
            rows.insert(boundary, [Cell(None, "the same in all:", "dim italic"), *[None] * len(block)])
        yield output.make_table(["", *block], rows, shorten=block)


def _blocks(table: pd.DataFrame, labels: Sequence[str], width: int) -> Iterator[Sequence[str]]:
    """Yield as many columns at a time as find room beside the names of the fields."""
    names = max((len(field) for field in table.index), default=0)
    count = max(1, (width - names) // (_NARROWEST + 2))
    yield from (labels[start : start + count] for start in range(0, len(labels), count))


def comparison_rows(table: pd.DataFrame, labels: Sequence[str]) -> list[list[Any]]:
    """Return a row a field: its name, then a value for each of the columns; the best value stands out."""
    return [_row(table, field, labels) for field in table.index]


def _row(table: pd.DataFrame, field: str, labels: Sequence[str]) -> list[Any]:
    is_different = field in table.attrs["differs"]
    best = table.attrs["best"].get(field, ())
    cells = [
        _cell(field, table.at[field, label], "bold green" if label in best else "" if is_different else "dim")
        for label in labels
    ]
    return [Cell(field, field, "" if is_different else "dim"), *cells]


def _cell(field: str, value: Any, style: str) -> Cell:
    """Show a value by its section; NaN outside of metrics means that there is none."""
    if field.startswith("metrics."):
        return metric_cell(value, style)
    is_absent = isinstance(value, float) and math.isnan(value)
    return Cell(None, "") if is_absent else value_cell(value, style, most=_WIDEST)
