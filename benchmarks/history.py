"""Reading a long history as a DataFrame, against fetching its rows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from benchmarks import raw
from benchmarks.batch import VALUES, records
from benchmarks.harness import Bench, Figure, Round, at_most, interleave, timed
from benchmarks.trackers import open_tracker, start_run

__all__ = ["FIGURES"]

_SELECT = "SELECT step, name, epoch, value, logged_at FROM experiment_metrics WHERE experiment_id = ? ORDER BY step, id"


def _fetch(connection: sqlite3.Connection, experiment_id: str) -> None:
    rows = connection.execute(_SELECT, (experiment_id,)).fetchall()
    if len(rows) < VALUES:  # a few more were sampled from the machine
        raise RuntimeError(f"fetched {len(rows):,} of {VALUES:,} rows")


def _measure(bench: Bench, *, values_each: int) -> list[Round]:
    folder: Path = bench.fresh("tracker")
    with open_tracker(folder) as tracker:
        experiment_id = start_run(tracker)
        tracker.sync.log_metrics_batch(records(experiment_id, values_each=values_each))
        connection = raw.connect(folder / "mlops.db")
        rounds = interleave(
            bench,
            lambda: timed(lambda: tracker.sync.get_experiment_metrics(experiment_id)) * 1e3,
            lambda: timed(lambda: _fetch(connection, experiment_id)) * 1e3,
        )
        connection.close()
    return rounds


_RAW = "raw sqlite3: `fetchall` of step, name, epoch, value, time, in order of steps"

FIGURES = (
    Figure(
        "history",
        f"`get_experiment_metrics` of a run with {VALUES:,} points of one metric, to a DataFrame",
        _RAW,
        "ms",
        at_most(1.5),
        lambda bench: _measure(bench, values_each=1),
    ),
    Figure(
        "history-ten",
        f"`get_experiment_metrics` of a run with {VALUES:,} points of ten metrics, to a DataFrame",
        _RAW,
        "ms",
        at_most(1.5),
        lambda bench: _measure(bench, values_each=10),
    ),
)
