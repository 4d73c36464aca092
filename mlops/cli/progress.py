"""How far a command is, as bars on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mlops.cli.output import printable

__all__ = ["progress_bars"]


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give what shows each stage as a bar, on a terminal; elsewhere it shows nothing.

    It is called with the name of a stage, how much of it is done, and how much it is in all, None where nobody knows.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:

        def report(stage: str, done: int, total: int | None) -> None:
            if stage not in bars:
                bars[stage] = shown.add_task(printable(stage[:1].upper() + stage[1:]), total=total)
            shown.update(bars[stage], completed=done, total=total)

        yield report
