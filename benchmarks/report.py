"""The table of ratios: for a terminal, as Markdown, as JSON."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.harness import Bound, Figure, Outcome

__all__ = ["describe_machine", "print_list", "print_table", "to_json", "to_markdown"]

_VERDICTS = {True: "yes", False: "no", None: "–"}
_STYLES = {True: "green", False: "bold red", None: "dim"}
_MEASURED = ("ours", "reference", "ratio (range)", "at best", "bound", "held")


def describe_machine() -> str:
    """Name what the figures were measured on, when, and how busy it was."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {datetime.now(UTC):%Y-%m-%d}, "
        f"load average at the end {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def print_list(figures: Sequence[Figure], console: Console) -> None:
    """Print names, workloads and bounds."""
    table = Table("figure", "bound", show_lines=True)
    for figure in figures:
        table.add_row(_title(figure), _or_dash(figure.bound))
    console.print(table)


def print_table(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print the ratios as a table for people."""
    table = Table("figure", caption=describe_machine(), show_lines=True)
    for heading in _MEASURED:
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in outcomes:
        *cells, verdict = _cells(outcome)
        table.add_row(_title(outcome.figure), *cells, Text(verdict, _STYLES[outcome.is_held]))
    console.print(table)


def _title(figure: Figure) -> Text:
    return Text.assemble((figure.name, "bold"), f"\n{figure.workload}\n", (f"against {figure.against}", "dim"))


def to_markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the table as Markdown, for `benchmarks/README.md`."""
    headings = ["figure", "workload", "against", *_MEASURED]
    lines = [_line(headings), "|" + "---|" * len(headings)]
    for outcome in outcomes:
        figure = outcome.figure
        lines.append(_line([f"`{figure.name}`", figure.workload, figure.against, *_cells(outcome)]))
    return "\n".join([*lines, "", describe_machine()])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def to_json(outcomes: Sequence[Outcome]) -> str:
    """Return everything that was measured."""
    document = {"machine": describe_machine(), "figures": [outcome.to_document() for outcome in outcomes]}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _cells(outcome: Outcome) -> list[str]:
    figure, ratios = outcome.figure, outcome.ratios
    return [
        _quantity(outcome.ours, figure.unit),
        _quantity(outcome.reference, figure.unit),
        f"{_number(outcome.ratio)}× ({_number(ratios[0])}–{_number(ratios[-1])})",
        f"{_number(outcome.ratio_at_best)}×",
        _or_dash(figure.bound),
        _VERDICTS[outcome.is_held],
    ]


def _or_dash(bound: Bound | None) -> str:
    return "–" if bound is None else str(bound)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _quantity(value: float, unit: str) -> str:
    return f"{_number(value)} {unit}"
