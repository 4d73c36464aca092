"""Values by the hundred thousand in one call, against `executemany` into the same table and index."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from benchmarks import raw
from benchmarks.harness import Bench, Figure, Round, at_most, interleave, timed
from benchmarks.trackers import open_tracker, start_run
from mlops.experiment_tracker import ExperimentMetrics

__all__ = ["FIGURES", "VALUES", "records"]

VALUES = 100_000


def records(experiment_id: str, *, values_each: int) -> list[ExperimentMetrics]:
    """Return records that hold `VALUES` values together."""
    names = [f"metric_{index}" for index in range(values_each)]
    return [
        ExperimentMetrics(experiment_id=experiment_id, step=step, custom_metrics=dict.fromkeys(names, 1.0 / (step + 1)))
        for step in range(VALUES // values_each)
    ]


def _insert(connection: sqlite3.Connection, rows: Sequence[raw.Row]) -> None:
    connection.executemany(raw.INSERT_METRIC, rows)
    connection.commit()


def _measure(bench: Bench, *, values_each: int) -> list[Round]:
    connection = raw.create(bench.fresh("raw.db"))
    rows = [
        raw.metric_row(step, name=f"metric_{index}")
        for step in range(VALUES // values_each)
        for index in range(values_each)
    ]
    with open_tracker(bench.fresh("tracker")) as tracker:
        batch = records(start_run(tracker), values_each=values_each)
        log = tracker.sync.log_metrics_batch
        rounds = interleave(
            bench, lambda: timed(lambda: log(batch)) * 1e3, lambda: timed(lambda: _insert(connection, rows)) * 1e3
        )
    connection.close()
    return rounds


_RAW = "raw sqlite3, WAL/NORMAL: `executemany` of the prepared rows, one commit"

FIGURES = (
    Figure(
        "batch",
        f"`.sync.log_metrics_batch` of {VALUES:,} values, one a record",
        _RAW,
        "ms",
        at_most(2),
        lambda bench: _measure(bench, values_each=1),
    ),
    Figure(
        "batch-ten",
        f"`.sync.log_metrics_batch` of {VALUES:,} values, ten a record",
        _RAW,
        "ms",
        at_most(2),
        lambda bench: _measure(bench, values_each=10),
    ),
)
