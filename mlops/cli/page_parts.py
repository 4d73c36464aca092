"""Parts of which pages about one thing are made on a terminal: titles, names and values, tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlops.cli import output
from mlops.cli.cells import value_cell
from mlops.cli.output import Cell, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["heading", "mapping_rows", "pairs", "section"]


def heading(text: str) -> RenderableType:
    """Return a title of a part, with a free line above."""
    from rich.text import Text

    return Text(f"\n{text}", "bold")


def pairs(values: Mapping[str, Any]) -> RenderableType:
    """Return names and values, a line each; those without a value are left out."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in values.items():
        if value not in (None, ""):
            grid.add_row(Text(printable(name)), Text(str(value)))
    return grid


def section(title: str, rows: list[list[Any]], heads: tuple[str, ...] = ("", "")) -> Iterator[RenderableType]:
    """Yield a titled table, or names and values where there are no heads; columns with nothing in them are left out.

    Args:
        rows: None of them: no part at all.
    """
    if not rows:
        return
    yield heading(title)
    if any(heads):
        used = [index for index in range(len(heads)) if any(_is_told(row[index]) for row in rows)]
        yield output.make_table([heads[index] for index in used], [[row[index] for index in used] for row in rows])
    else:
        yield pairs({str(name): value.shown for name, value in rows})


def mapping_rows(values: Mapping[str, Any]) -> list[list[Any]]:
    """Return a mapping as rows of names and values."""
    return [[name, value_cell(value)] for name, value in values.items()]


def _is_told(value: Any) -> bool:
    return (value.shown if isinstance(value, Cell) else value) not in (None, "")
