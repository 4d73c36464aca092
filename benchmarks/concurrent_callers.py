"""Many callers at once: 256 awaiting in one process, the same in two processes beside a third that writes records."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import raw
from benchmarks.children import Child
from benchmarks.harness import Bench, Figure, Round, at_least, at_most, interleave, timed
from benchmarks.trackers import count_values, open_tracker, start_run
from mlops.clock import new_id
from mlops.experiment_tracker import ExperimentMetrics, ExperimentTracker

__all__ = ["CALLERS", "FIGURES", "VALUES", "log_at_once"]

CALLERS = 256
CALLS = 400  # of each caller
VALUES = CALLERS * CALLS
_ALONE_PER_S = 80_000.0
_TOGETHER_PER_S = 60_000.0
_RECORD_P99_MS = 30.0


async def log_at_once(tracker: ExperimentTracker, experiment_ids: list[str]) -> float:
    """Have one caller per id log its values one call at a time; return the seconds until the last acknowledgement."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.gather(*[_caller(tracker, experiment_id) for experiment_id in experiment_ids])
    return loop.time() - started


async def _caller(tracker: ExperimentTracker, experiment_id: str) -> None:
    log = tracker.log_metrics
    for step in range(CALLS):
        await log(ExperimentMetrics(experiment_id=experiment_id, step=step, train_loss=1.0 / (step + 1)))


def _alone(bench: Bench) -> list[Round]:
    folder = bench.fresh("tracker")
    rounds = []
    with open_tracker(folder) as tracker, asyncio.Runner() as runner:
        experiment_ids = [start_run(tracker)] * CALLERS
        for _ in range(bench.rounds + 1):
            rounds.append(Round(VALUES / runner.run(log_at_once(tracker, experiment_ids)), _ALONE_PER_S))
            bench.tick()
        _require_stored(folder, VALUES * len(rounds))
    return rounds[1:]


def _insert_in_groups(connection: sqlite3.Connection, groups: Sequence[Sequence[raw.Row]]) -> None:
    for group in groups:
        connection.executemany(raw.INSERT_METRIC, group)
        connection.commit()


def _against_raw_groups(bench: Bench) -> list[Round]:
    """Measure callers with a run each, whose rows lie far apart in the index, against the same rows in groups."""
    connection = raw.create(bench.fresh("raw.db"))
    keys = [new_id() for _ in range(CALLERS)]
    groups = [[raw.metric_row(step, experiment_id=key) for key in keys] for step in range(CALLS)]
    with open_tracker(bench.fresh("tracker")) as tracker, asyncio.Runner() as runner:
        experiment_ids = [start_run(tracker) for _ in range(CALLERS)]
        rounds = interleave(
            bench,
            lambda: VALUES / runner.run(log_at_once(tracker, experiment_ids)),
            lambda: VALUES / timed(lambda: _insert_in_groups(connection, groups)),
        )
    connection.close()
    return rounds


def _require_stored(folder: Path, expected: int) -> None:
    if (stored := count_values(folder)) != expected:
        raise RuntimeError(f"{expected:,} values were acknowledged and {stored:,} are stored")


def _together(bench: Bench) -> list[dict[str, Any]]:
    """Run both writers and the recorder; return the rate and the recorder's latencies of each round."""
    folder = bench.fresh("tracker")
    with open_tracker(folder) as tracker:  # makes the database
        start_run(tracker)
    rounds = []
    with _worker(bench, folder) as first, _worker(bench, folder) as second, _worker(bench, folder) as recorder:
        for _ in range(bench.rounds + 1):
            rounds.append(_round(bench.fresh("stop"), (first, second), recorder))
            bench.tick()
    _require_stored(folder, 2 * VALUES * len(rounds))
    return rounds[1:]


def _worker(bench: Bench, folder: Path) -> Child:
    return Child(Path(sys.executable), "benchmarks.worker", [str(folder)], bench.fresh("worker.log"))


def _round(stop: Path, writers: tuple[Child, Child], recorder: Child) -> dict[str, Any]:
    recorder.ask("record", stop=str(stop))
    for writer in writers:
        writer.ask("log")
    answers = [writer.answer() for writer in writers]
    stop.touch()
    seconds = max(answer["ended"] for answer in answers) - min(answer["started"] for answer in answers)
    return {"per_s": 2 * VALUES / seconds, "latencies_ms": recorder.answer()["latencies_ms"]}


def _two_processes(bench: Bench) -> list[Round]:
    return [Round(one["per_s"], _TOGETHER_PER_S) for one in _together(bench)]


def _record_latency(bench: Bench) -> list[Round]:
    return [Round(_p99(one["latencies_ms"]), _RECORD_P99_MS) for one in _together(bench)]


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


_WORKLOAD = f"{CALLERS} callers awaiting `log_metrics` with one value each, {CALLS} times"

FIGURES = (
    Figure(
        "concurrent-one-run",
        f"{_WORKLOAD}, all to one run; every acknowledged value counted afterwards",
        "80,000 calls/s",
        "calls/s",
        at_least(1),
        _alone,
    ),
    Figure(
        "concurrent-256-runs",
        f"{_WORKLOAD}, each to its own run",
        f"raw sqlite3, WAL/NORMAL: `executemany` of {CALLERS} rows of {CALLERS} runs, then a commit",
        "calls/s",
        None,
        _against_raw_groups,
    ),
    Figure(
        "two-processes",
        f"{_WORKLOAD}, in each of two processes at once on one SQLite file, while a third writes records",
        "60,000 calls/s",
        "calls/s",
        at_least(1),
        _two_processes,
    ),
    Figure(
        "record-latency",
        "p99 of `.sync.set_tags` (a record: survives power loss), 10 ms apart, in a third process beside those two",
        "30 ms",
        "ms",
        at_most(1),
        _record_latency,
    ),
)
