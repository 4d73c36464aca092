"""The same work by mlflow on SQLite, in its own environment and process, taking turns with ours.

`mlflow_child` says which settings mlflow gets. Rates, so that each side may do as many calls as it can in a turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from benchmarks.batch import VALUES, records
from benchmarks.children import Child
from benchmarks.concurrent_callers import CALLERS, log_at_once
from benchmarks.concurrent_callers import VALUES as VALUES_AT_ONCE
from benchmarks.harness import Bench, Bound, Figure, Round, at_least, interleave, timed
from benchmarks.one_at_a_time import CALLS, log_awaited, log_in_sequence
from benchmarks.trackers import open_tracker, start_run
from mlops.experiment_tracker import ExperimentTracker

__all__ = ["FIGURES"]

PEER_CALLS = 256
PEER_VALUES = 10_000

Rate = Callable[[ExperimentTracker, str, asyncio.Runner], float]


def _against_mlflow(bench: Bench, ours: Rate, *, task: str, count: int, **values: Any) -> list[Round]:
    if bench.peer is None or not bench.peer.exists():
        raise SystemExit(f"{bench.peer} is not there; `make bench-peers` makes the environment of the peers.")
    folder = bench.fresh("mlflow")
    folder.mkdir()
    with (
        open_tracker(bench.fresh("tracker")) as tracker,
        asyncio.Runner() as runner,
        Child(bench.peer, "benchmarks.mlflow_child", [str(folder)], folder / "log") as mlflow,
    ):
        experiment_id = start_run(tracker)
        return interleave(
            bench,
            lambda: ours(tracker, experiment_id, runner),
            lambda: count / float(mlflow.do(task, count=count, **values)["seconds"]),
        )


def _sync(tracker: ExperimentTracker, experiment_id: str, _: asyncio.Runner) -> float:
    return CALLS / timed(lambda: log_in_sequence(tracker, experiment_id))


def _awaited(tracker: ExperimentTracker, experiment_id: str, runner: asyncio.Runner) -> float:
    return CALLS / runner.run(log_awaited(tracker, experiment_id))


def _at_once(tracker: ExperimentTracker, experiment_id: str, runner: asyncio.Runner) -> float:
    return VALUES_AT_ONCE / runner.run(log_at_once(tracker, [experiment_id] * CALLERS))


def _batch(tracker: ExperimentTracker, experiment_id: str, _: asyncio.Runner) -> float:
    batch = records(experiment_id, values_each=1)
    return VALUES / timed(lambda: tracker.sync.log_metrics_batch(batch))


def _figure(name: str, workload: str, against: str, bound: Bound, ours: Rate, **task: Any) -> Figure:
    def measure(bench: Bench) -> list[Round]:
        return _against_mlflow(bench, ours, **task)

    return Figure(name, workload, against, "values/s", bound, measure, is_peer=True)


_ONE = f"mlflow: `MlflowClient.log_metric`, {PEER_CALLS} in sequence"

FIGURES = (
    _figure(
        "mlflow-sync-one",
        f"`.sync.log_metrics` of one value, {CALLS:,} in sequence",
        _ONE,
        at_least(15),
        _sync,
        task="one",
        count=PEER_CALLS,
    ),
    _figure(
        "mlflow-await-one",
        f"`await log_metrics` of one value, {CALLS:,} in sequence",
        _ONE,
        at_least(15),
        _awaited,
        task="one",
        count=PEER_CALLS,
    ),
    _figure(
        "mlflow-concurrent",
        f"{CALLERS} callers awaiting `log_metrics` of one value, {VALUES_AT_ONCE:,} values",
        f"mlflow: {CALLERS} threads calling `MlflowClient.log_metric`, {2 * PEER_CALLS} values",
        at_least(15),
        _at_once,
        task="threads",
        count=2 * PEER_CALLS,
        callers=CALLERS,
    ),
    _figure(
        "mlflow-queued",
        f"{CALLERS} callers awaiting `log_metrics` of one value, {VALUES_AT_ONCE:,} values",
        f"mlflow: `log_metric(synchronous=False)`, then a flush, {PEER_VALUES:,} values",
        at_least(10),
        _at_once,
        task="queued",
        count=PEER_VALUES,
    ),
    _figure(
        "mlflow-batch",
        f"`.sync.log_metrics_batch` of {VALUES:,} values",
        f"mlflow: `MlflowClient.log_batch` of 1,000 (its most) at a time, {PEER_VALUES:,} values",
        at_least(10),
        _batch,
        task="batch",
        count=PEER_VALUES,
    ),
)
