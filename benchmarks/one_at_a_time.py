"""One value a call, one call after another: `.sync` and awaited, against an insert and commit of the same row."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence

from benchmarks import raw
from benchmarks.harness import Bench, Figure, Round, at_most, interleave, timed
from benchmarks.trackers import open_tracker, start_run
from mlops.experiment_tracker import ExperimentMetrics, ExperimentTracker

__all__ = ["CALLS", "FIGURES", "log_awaited", "log_in_sequence"]

CALLS = 2_000
_MICROSECONDS = 1e6 / CALLS  # from seconds a round to microseconds a call


def log_in_sequence(tracker: ExperimentTracker, experiment_id: str) -> None:
    """Log `CALLS` values, one a call, in this thread."""
    log = tracker.sync.log_metrics
    for step in range(CALLS):
        log(ExperimentMetrics(experiment_id=experiment_id, step=step, train_loss=1.0 / (step + 1)))


async def log_awaited(tracker: ExperimentTracker, experiment_id: str) -> float:
    """Log `CALLS` values, one a call, each awaited before the next; return the seconds."""
    log = tracker.log_metrics
    loop = asyncio.get_running_loop()
    started = loop.time()
    for step in range(CALLS):
        await log(ExperimentMetrics(experiment_id=experiment_id, step=step, train_loss=1.0 / (step + 1)))
    return loop.time() - started


def _insert(connection: sqlite3.Connection, rows: Sequence[raw.Row]) -> None:
    for row in rows:
        connection.execute(raw.INSERT_METRIC, row)
        connection.commit()


def _against_raw(bench: Bench, ours: Callable[[ExperimentTracker, str], float]) -> list[Round]:
    connection = raw.create(bench.fresh("raw.db"))
    rows = raw.metric_rows(CALLS)
    with open_tracker(bench.fresh("tracker")) as tracker:
        experiment_id = start_run(tracker)
        rounds = interleave(
            bench,
            lambda: ours(tracker, experiment_id) * _MICROSECONDS,
            lambda: timed(lambda: _insert(connection, rows)) * _MICROSECONDS,
        )
    connection.close()
    return rounds


def _sync(bench: Bench) -> list[Round]:
    return _against_raw(bench, lambda tracker, experiment_id: timed(lambda: log_in_sequence(tracker, experiment_id)))


def _awaited(bench: Bench) -> list[Round]:
    with asyncio.Runner() as runner:
        return _against_raw(bench, lambda tracker, experiment_id: runner.run(log_awaited(tracker, experiment_id)))


_RAW = "raw sqlite3, WAL/NORMAL: the prepared row inserted and committed"

FIGURES = (
    Figure(
        "sync-one",
        f"`.sync.log_metrics` of one value, {CALLS:,} in sequence, each record built in the loop",
        _RAW,
        "µs/call",
        at_most(3),
        _sync,
    ),
    Figure(
        "await-one",
        f"`await log_metrics` of one value, {CALLS:,} in sequence, each record built in the loop",
        _RAW,
        "µs/call",
        at_most(8),
        _awaited,
    ),
)
