"""Runs the figures and prints their table: `python -m benchmarks --help` tells what can be chosen."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import report
from benchmarks.catalogue import FIGURES
from benchmarks.harness import Bench, Figure, Outcome, run

PEERS = Path(".venv-peers/bin/python")
SCRATCH = Path(".benchmarks")  # on the disk of the working directory: a temporary folder may be memory


def main() -> None:
    """Measure what the command line asks for."""
    options = _parser().parse_args()
    figures = _chosen(options.only, is_peer=options.peers is not None)
    if options.list:
        report.print_list(FIGURES, _console())
        return
    outcomes = _measure(figures, rounds=options.rounds, peer=options.peers)
    if options.json:
        print(report.to_json(outcomes))
    elif options.markdown:
        print(report.to_markdown(outcomes))
    else:
        report.print_table(outcomes, _console())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios against named limits and peers.")
    parser.add_argument("--only", action="append", metavar="NAME", help="measure this figure; may be repeated")
    parser.add_argument(
        "--peers", nargs="?", type=Path, const=PEERS, metavar="PYTHON", help="measure peers, with their Python"
    )
    parser.add_argument("--rounds", type=int, default=7, help="turns of ours and the reference (default 7)")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--markdown", action="store_true", help="print Markdown")
    shape.add_argument("--json", action="store_true", help="print everything measured as JSON")
    shape.add_argument("--list", action="store_true", help="list the figures, measure nothing")
    return parser


def _chosen(names: Sequence[str] | None, *, is_peer: bool) -> list[Figure]:
    known = {figure.name: figure for figure in FIGURES if figure.is_peer == is_peer}
    unknown = sorted(set(names or ()) - known.keys())
    if unknown:
        raise SystemExit(f"No figure {', '.join(unknown)} here; there are {', '.join(known)} (peers: with --peers).")
    return [known[name] for name in names or known]


def _measure(figures: Sequence[Figure], *, rounds: int, peer: Path | None) -> list[Outcome]:
    SCRATCH.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=SCRATCH)).resolve()
    try:
        with _progress() as progress:
            return [_one(figure, folder, progress, rounds=rounds, peer=peer) for figure in figures]
    finally:
        shutil.rmtree(folder)


def _one(figure: Figure, folder: Path, progress: Progress, *, rounds: int, peer: Path | None) -> Outcome:
    task = progress.add_task(figure.name, total=rounds + 1)
    scratch = folder / figure.name
    scratch.mkdir()

    def tick() -> None:
        progress.advance(task)
        progress.refresh()

    outcome = run(figure, Bench(scratch, rounds=rounds, peer=peer, tick=tick))
    shutil.rmtree(scratch)
    return outcome


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=140)


def _progress() -> Progress:
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    return Progress(*columns, console=Console(stderr=True), auto_refresh=False)  # drawn between rounds, never in one


if __name__ == "__main__":
    main()
