"""What the demonstration shows: a board of runs that moves while they train, and plain lines where nobody watches."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mlops.cli.sparklines import sparkline

__all__ = ["RunBoard"]

_WIDE = 110  # characters, from which on there is room for longer bars and curves


class _Row:
    """What is known of one run so far."""

    def __init__(self, name: str, steps: int) -> None:
        self.name = name
        self.steps = steps
        self.losses: list[float] = []
        self.metrics: dict[str, float] = {}


class RunBoard:
    """A table of runs, a row each, redrawn as metrics arrive; used as a context.

    Args:
        console: Where to draw; where it is no terminal, each finished run becomes one line instead.
        names: Names of the runs, with the number of steps each will take.
    """

    def __init__(self, console: Console, names: Sequence[tuple[str, int]]) -> None:
        self._console = console
        self._rows = [_Row(name, steps) for name, steps in names]
        self._live = Live(self._table(), console=console, refresh_per_second=12) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.update(self._table(), refresh=True)
            self._live.stop()

    def update(self, index: int, metrics: dict[str, float]) -> None:
        """Show the newest metrics of one run."""
        row = self._rows[index]
        row.metrics = metrics
        row.losses.append(metrics["val_loss"])
        if self._live is not None:
            self._live.update(self._table())
        elif len(row.losses) == row.steps:
            self._console.print(
                f"{index + 1:>2}/{len(self._rows)}  {row.name:<62} {_numbers(row)}", highlight=False, soft_wrap=True
            )

    def _table(self) -> Table:
        is_wide = self._console.width >= _WIDE
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("run")
        for title in ("progress", "loss so far"):
            table.add_column(title, no_wrap=True)
        for title in ("loss", "accuracy", "recall"):
            table.add_column(title, justify="right", no_wrap=True)
        for row in self._rows:
            table.add_row(*_cells(row, bar_width=18 if is_wide else 8, curve_width=16 if is_wide else 11))
        done = sum(len(row.losses) == row.steps for row in self._rows)
        table.caption = f"{done} of {len(self._rows)} runs finished"
        table.caption_justify = "left"
        return table


def _cells(row: _Row, *, bar_width: int, curve_width: int) -> list[Text | ProgressBar]:
    waiting = not row.losses
    style = "dim" if waiting else ""
    name = Text(row.name, style, no_wrap=True, overflow="ellipsis")  # the only column that gives way
    bar = ProgressBar(total=row.steps, completed=len(row.losses), width=bar_width)
    curve = Text(sparkline(row.losses, curve_width), "blue")
    numbers = ["" if waiting else f"{row.metrics[key]:.4f}" for key in ("val_loss", "val_accuracy", "val_recall")]
    return [name, bar, curve, *map(Text, numbers)]


def _numbers(row: _Row) -> str:
    loss, accuracy, recall = (row.metrics[name] for name in ("val_loss", "val_accuracy", "val_recall"))
    return f"loss {loss:.4f}  accuracy {accuracy:.4f}  recall {recall:.4f}"
