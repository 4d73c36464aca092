"""Runs the simulations and prints their table: `python -m benchmarks.validity --help` tells what can be chosen."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.validity.catalogue import CHECKS
from benchmarks.validity.check import Check, Outcome, measure

_VERDICTS = {True: Text("yes", "green"), False: Text("no", "bold red"), None: Text("–", "dim")}


def main() -> None:
    """Simulate what the command line asks for; the exit code is 1 when a bound does not hold."""
    options = _parser().parse_args()
    outcomes = [_one(check, options.repetitions) for check in _chosen(options.only)]
    if options.json:
        print(json.dumps([_document(outcome) for outcome in outcomes], indent=2))
    elif options.markdown:
        print(_markdown(outcomes))
    else:
        console = Console()
        (console if console.is_terminal else Console(width=140)).print(_table(outcomes))
    sys.exit(any(outcome.is_held is False for outcome in outcomes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.validity", description="Error rates, power and delays by simulation."
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="this check, or all whose names begin so")
    parser.add_argument("--repetitions", type=int, default=10_000, help="of each check (default 10,000)")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print what was found as JSON")
    shape.add_argument("--markdown", action="store_true", help="print the table of benchmarks/README.md")
    return parser


def _chosen(names: Sequence[str] | None) -> list[Check]:
    chosen = [check for check in CHECKS if names is None or check.name.startswith(tuple(names))]
    if not chosen:
        raise SystemExit(f"No check {', '.join(names or ())}; there are {', '.join(check.name for check in CHECKS)}.")
    return chosen


def _one(check: Check, repetitions: int) -> Outcome:
    print(check.name, "…", file=sys.stderr, flush=True)
    return measure(check, repetitions, time.perf_counter)


def _document(outcome: Outcome) -> dict[str, object]:
    check = outcome.check
    return {
        "name": check.name,
        "design": check.design,
        "kind": check.kind,
        "found": outcome.found,
        "bound": check.bound,
        "monte_carlo_error": outcome.monte_carlo_error,
        "repetitions": outcome.repetitions,
        "seconds": round(outcome.seconds, 1),
        "is_held": outcome.is_held,
    }


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table("check", "design")
    for heading in ("found", "bound", "held"):
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in outcomes:
        table.add_row(outcome.check.name, outcome.check.design, *_figures(outcome), _VERDICTS[outcome.is_held])
    return table


def _markdown(outcomes: Sequence[Outcome]) -> str:
    lines = ["| check | simulated | repetitions | found | bound | held |", "|---|---|---|---|---|---|"]
    for outcome in outcomes:
        check = outcome.check
        found, bound = _figures(outcome)
        cells = (f"`{check.name}`", check.design, f"{outcome.repetitions:,}", found, bound, _VERDICTS[outcome.is_held])
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _figures(outcome: Outcome) -> tuple[str, str]:
    check = outcome.check
    if check.kind.startswith("median"):
        return f"{outcome.found:,.0f}", "–" if check.bound is None else f"≤ {check.bound:,.0f}"
    if check.kind == "p-value within":
        return f"p = {outcome.found:.3f}", f"{check.bound:g} to {1 - (check.bound or 0):g}"
    if check.kind == "correlation within":
        return f"{outcome.found:.5f}", f"± {check.bound:g}"
    found = f"{100 * outcome.found:.2f} %"
    if check.bound is None:
        return found, "–"
    if check.kind.startswith("power"):
        return found, f"≥ {100 * check.bound:g} %"
    return found, f"≤ {100 * check.bound:g} % + 3 × {100 * outcome.monte_carlo_error:.2f}"


if __name__ == "__main__":
    main()
