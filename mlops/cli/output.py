"""What commands print: tables for people on a terminal, tab-separated lines for pipes, JSON on demand.

Text that users wrote cannot move the cursor or colour the screen: control characters are shown escaped. Colours follow
NO_COLOR and FORCE_COLOR. Everything is flushed, so that a closed pipe is noticed where it can be handled.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

__all__ = [
    "Cell",
    "is_terminal",
    "make_table",
    "printable",
    "terminal_width",
    "working",
    "write_error",
    "write_facts",
    "write_json",
    "write_note",
    "write_rendered",
    "write_table",
    "write_text",
    "write_way_on",
]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Cell:
    """A value that people see otherwise than programs.

    Attributes:
        value: What a pipe gets, exactly.
        shown: What a terminal gets.
        style: How it is shown there, in rich's words, such as `bold green`.
    """

    value: Any
    shown: str
    style: str = ""


def is_terminal() -> bool:
    """Tell whether a person sees standard output."""
    from rich.console import Console

    return Console().is_terminal


def terminal_width() -> int:
    """Return how many characters a line of the terminal has."""
    from rich.console import Console

    return Console().width


@contextmanager
def working(text: str) -> Iterator[None]:
    """Show on a terminal that something takes its time, while the block runs; elsewhere show nothing."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    if not (console.is_terminal and sys.stderr.isatty()):
        yield
        return
    with console.status(Text(text, style="dim")):
        yield


def write_rendered(*parts: RenderableType) -> None:
    """Print what rich draws, on standard output."""
    from rich.console import Console

    console = Console()
    for part in parts:
        console.print(part)


def write_note(text: str) -> None:
    """Print a remark beside the results, on standard error, so that pipes stay clean."""
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print(Text("\n".join(map(printable, text.splitlines())), style="dim"), soft_wrap=True)


def write_way_on(next_cursor: str | None) -> None:
    """Say beside a list how it goes on; nothing where it ends."""
    if next_cursor is not None:
        write_note(f"There are more: add --cursor {next_cursor} or raise --limit.")


def write_text(text: str) -> None:
    """Print text as it is, and a line end."""
    typer.echo(text)


def write_json(document: Any) -> None:
    """Print a document as JSON; NaN and the infinities become text, secrets a mask."""
    from pydantic_core import to_json

    from mlops.records import thaw

    typer.echo(to_json(thaw(document), indent=2, inf_nan_mode="strings").decode())


def write_facts(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print names and values of one thing, a line each, or as a JSON object."""
    if as_json:
        write_json(facts)
    else:
        write_table(["", ""], facts.items(), header=False)


def write_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str | None = None,
    header: bool = True,
    shorten: Collection[str] = (),
    wrap: Collection[str] = (),
    console: Console | None = None,
) -> None:
    """Print rows as a table on a terminal, and as tab-separated lines with full precision elsewhere.

    Args:
        columns: Headings.
        rows: One value per column: text, numbers, datetimes, booleans, None or `Cell`. Numbers are right-aligned.
        title: Shown above the table on a terminal.
        header: Whether the headings are shown.
        shorten: Columns whose text is cut on a narrow terminal.
        wrap: Columns whose text goes on in the next line there. Where neither is named, all columns do.
        console: Where to print; standard output when not given.
    """
    from rich.console import Console

    console = console or Console()
    if console.is_terminal:
        shown = [list(row) for row in rows]
        console.print(make_table(columns, shown, title=title, header=header, shorten=shorten, wrap=wrap))
        return
    for line in [*([columns] if header else []), *rows]:
        typer.echo("\t".join(_exact(value) for value in line), file=console.file)


def write_error(message: str, lines: Sequence[str] = ()) -> None:
    """Print what went wrong on standard error, passwords masked: one line, and lines that point to the place."""
    from rich.console import Console
    from rich.text import Text

    from mlops.config import mask_passwords

    console = Console(stderr=True)
    text = printable(" ".join(mask_passwords(message).split()))
    console.print(Text("Error: ", style="bold red").append(text, style="not bold default"), soft_wrap=True)
    for line in lines:
        console.print(Text(f"  {printable(mask_passwords(line))}"), soft_wrap=True)


def printable(text: str) -> str:
    """Return `text` with its control characters escaped as Python writes them."""
    return _CONTROL.sub(lambda found: repr(found.group())[1:-1], text)


def make_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    title: str | None = None,
    header: bool = True,
    shorten: Collection[str] = (),
    wrap: Collection[str] = (),
) -> Table:
    """Return the table that a terminal shows; the arguments are those of `write_table`."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, show_header=header, pad_edge=False, show_edge=False
    )
    for index, name in enumerate(columns):
        justify: Literal["left", "right"] = "right" if _is_numeric([row[index] for row in rows]) else "left"
        # rich narrows the columns that may wrap, and only when these are gone the others
        is_whole = bool(shorten or wrap) and name not in {*shorten, *wrap}
        table.add_column(Text(name), justify=justify, overflow="fold", no_wrap=is_whole)
    for row in rows:
        table.add_row(*(_text(value, is_cut=name in shorten) for name, value in zip(columns, row, strict=True)))
    return table


def _text(value: Any, *, is_cut: bool = False) -> Text:
    from rich.text import Text

    shown, style = (printable(value.shown), value.style) if isinstance(value, Cell) else (_rounded(value), "")
    return Text(shown, style, no_wrap=True, overflow="ellipsis") if is_cut else Text(shown, style)


def _is_numeric(values: Sequence[Any]) -> bool:
    plain = (value.value if isinstance(value, Cell) else value for value in values)
    present = [value for value in plain if value is not None]
    return bool(present) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in present)


def _exact(value: Any) -> str:
    """Write a value for programs: every digit, no character that would break the line."""
    if isinstance(value, Cell):
        return _exact(value.value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return printable(value.isoformat() if isinstance(value, datetime) else str(value))


def _rounded(value: Any) -> str:
    """Write a value for people: six digits, seconds."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return _exact(value)
