"""mlflow's half of the peer figures: runs in the peers' environment, imports nothing of ours but `children`.

mlflow gets its fastest safe settings: no server in between, SQLite with a write-ahead log and `synchronous=NORMAL` (it
would use neither by itself), the client called with the run's id instead of the slower module functions, telemetry off.
Its asynchronous logging merges what is queued into batches and is flushed at once, by one thread: more only wait for
SQLite's lock.
"""

from __future__ import annotations

import itertools
import logging
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.children import serve

_MOST_IN_A_BATCH = 1000  # mlflow refuses larger ones
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS": "1",
    "MLFLOW_ASYNC_LOGGING_THREADPOOL_SIZE": "1",
}


class _Tasks:
    """What is asked of mlflow; every task returns the seconds it took.

    No value is logged twice with the same step and time: mlflow would look for duplicates.
    """

    def __init__(self, mlflow: Any, folder: Path) -> None:
        self._mlflow = mlflow
        mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
        self._client = mlflow.MlflowClient()
        self._run_id = self._client.create_run(self._client.create_experiment("benchmark")).info.run_id
        self._steps = itertools.count()

    def one(self, count: int) -> dict[str, float]:
        """Log values one call at a time."""
        started = time.perf_counter()
        for step in itertools.islice(self._steps, count):
            self._client.log_metric(self._run_id, "train_loss", 1.0 / (step + 1), step=step)
        return _since(started)

    def threads(self, count: int, callers: int) -> dict[str, float]:
        """Log values one call at a time in each of several threads."""
        with ThreadPoolExecutor(callers) as pool:
            started = time.perf_counter()
            list(pool.map(self.one, [count // callers] * callers))
            return _since(started)

    def queued(self, count: int) -> dict[str, float]:
        """Queue values one call at a time, flush, and wait until all are stored."""
        started = time.perf_counter()
        pending = [
            self._client.log_metric(self._run_id, "train_loss", 1.0 / (step + 1), step=step, synchronous=False)
            for step in itertools.islice(self._steps, count)
        ]
        self._mlflow.flush_async_logging()
        for operation in pending:
            operation.wait()
        return _since(started)

    def batch(self, count: int) -> dict[str, float]:
        """Log values in the largest batches allowed."""
        metric = self._mlflow.entities.Metric
        steps = itertools.islice(self._steps, count)
        metrics = [metric("metric_0", 1.0 / (step + 1), 1_780_000_000_000, step) for step in steps]
        started = time.perf_counter()
        for begin in range(0, count, _MOST_IN_A_BATCH):
            self._client.log_batch(self._run_id, metrics[begin : begin + _MOST_IN_A_BATCH])
        return _since(started)


def _since(started: float) -> dict[str, float]:
    return {"seconds": time.perf_counter() - started}


def main(folder: Path) -> None:
    """Serve the tasks on a new mlflow store in `folder`."""
    os.environ.update(_SETTINGS)
    _use_fast_sqlite()
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    tasks = _Tasks(mlflow, folder)
    serve({"one": tasks.one, "threads": tasks.threads, "queued": tasks.queued, "batch": tasks.batch})


def _use_fast_sqlite() -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
