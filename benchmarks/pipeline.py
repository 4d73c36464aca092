"""The data pipeline against reading alone, against its own size, against hashing, and against pandas with pandera."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.harness import Bench, Figure, Round, at_most, interleave
from benchmarks.laboratory_table import make_table

__all__ = ["FIGURES"]

ROWS = 2_000_000
_TURNS = 3  # each takes seconds
_TABLE = "one laboratory table of 2 M rows × 20 columns as CSV, one row in two hundred damaged"


def _table(bench: Bench, rows: int) -> Path:
    """Return the table of so many rows, made once for all figures."""
    file = bench.shared / f"laboratory-{rows}.csv"
    if not file.exists():
        make_table(file, rows, seed=1)
    return file


def _told(program: Sequence[str]) -> dict[str, float]:
    done = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _task(task: str, table: Path, folder: Path) -> dict[str, float]:
    return _told([sys.executable, "-m", "benchmarks.pipeline_program", task, str(table), str(folder)])


def _in_fresh_folder(bench: Bench, task: str, table: Path) -> dict[str, float]:
    folder = bench.fresh(task)
    folder.mkdir(parents=True)
    return _task(task, table, folder)


def _turns(bench: Bench, ours: Callable[[], float], reference: Callable[[], float]) -> list[Round]:
    few = Bench(bench.fresh("turns"), rounds=min(bench.rounds, _TURNS), tick=bench.tick)
    return interleave(few, ours, reference)


def _against_scan(bench: Bench) -> list[Round]:
    table = _table(bench, ROWS)
    return _turns(
        bench,
        lambda: _in_fresh_folder(bench, "ours", table)["seconds"],
        lambda: _in_fresh_folder(bench, "scan", table)["seconds"],
    )


def _of_ten_times_the_rows(bench: Bench) -> list[Round]:
    small, large = _table(bench, ROWS), _table(bench, 10 * ROWS)
    try:
        ours = _in_fresh_folder(bench, "ours", large)["peak_mb"]
    finally:
        large.unlink()
    return [Round(ours, _in_fresh_folder(bench, "ours", small)["peak_mb"])]


def _again(bench: Bench) -> list[Round]:
    table, folder = _table(bench, ROWS), bench.fresh("again")
    folder.mkdir(parents=True)
    _task("ours", table, folder)
    return _turns(
        bench, lambda: _task("again", table, folder)["seconds"], lambda: _task("digest", table, folder)["seconds"]
    )


def _against_pandas(what: str) -> Callable[[Bench], list[Round]]:
    def measure(bench: Bench) -> list[Round]:
        if bench.peer is None or not bench.peer.exists():
            raise SystemExit(f"{bench.peer} is not there; `make bench-peers` makes the environment of the peers.")
        table, peer = _table(bench, ROWS), str(bench.peer)

        def by_hand() -> float:
            folder = bench.fresh("pandas")
            folder.mkdir(parents=True)
            return _told([peer, "-m", "benchmarks.pandas_pipeline", str(table), str(folder)])[what]

        return _turns(bench, lambda: _in_fresh_folder(bench, "ours", table)[what], by_hand)

    return measure


FIGURES = (
    Figure(
        "pipeline",
        f"read, validate, score, make features, write Parquet: {_TABLE}",
        "Polars `scan_csv` → `sink_parquet` of the table, nothing else",
        "s",
        at_most(2.2),
        _against_scan,
    ),
    Figure(
        "pipeline-memory-10x",
        "peak memory of the same with 20 M rows",
        "its peak memory with 2 M rows",
        "MB",
        at_most(1.5),
        _of_ten_times_the_rows,
    ),
    Figure(
        "pipeline-again",
        "the same run again on unchanged input, its outputs verified and taken over",
        "SHA-256 of the input and the outputs",
        "s",
        at_most(1.5),
        _again,
    ),
    Figure(
        "pandas-pipeline",
        f"read, validate, score, make features, write Parquet: {_TABLE}",
        "pandas + pandera + scikit-learn doing the same (`benchmarks/pandas_pipeline.py`)",
        "s",
        at_most(0.45),
        _against_pandas("seconds"),
        is_peer=True,
    ),
    Figure(
        "pandas-pipeline-memory",
        "peak memory of the same",
        "that of pandas + pandera + scikit-learn",
        "MB",
        at_most(0.35),
        _against_pandas("peak_mb"),
        is_peer=True,
    ),
)
