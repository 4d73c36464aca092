"""The child process of the figures with several processes; `python -m benchmarks.worker FOLDER`."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.children import serve
from benchmarks.concurrent_callers import CALLERS, log_at_once
from benchmarks.trackers import open_tracker, start_run
from mlops.experiment_tracker import ExperimentTracker

_PAUSE_S = 0.010  # between record writes


def main(folder: Path) -> None:
    """Serve the tasks on a tracker in `folder`."""
    with open_tracker(folder) as tracker, asyncio.Runner() as runner:
        experiment_ids = [start_run(tracker)] * CALLERS

        def log() -> dict[str, float]:
            started = time.monotonic()
            runner.run(log_at_once(tracker, experiment_ids))
            return {"started": started, "ended": time.monotonic()}

        serve({"log": log, "record": lambda stop: _record(tracker, experiment_ids[0], Path(stop))})


def _record(tracker: ExperimentTracker, experiment_id: str, stop: Path) -> dict[str, Any]:
    """Change a tag, which is a record, until the file `stop` appears."""
    latencies_ms: list[float] = []
    while not stop.exists():
        started = time.perf_counter()
        tracker.sync.set_tags(experiment_id, {"count": str(len(latencies_ms))})
        latencies_ms.append((time.perf_counter() - started) * 1e3)
        time.sleep(_PAUSE_S)
    return {"latencies_ms": latencies_ms}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
