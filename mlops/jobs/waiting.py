"""Waiting for a job's end, whoever runs it."""

from __future__ import annotations

import threading
import time

from mlops.database import Database
from mlops.jobs.entities import Job
from mlops.jobs.errors import JobNotEnded
from mlops.jobs.reading import get_job
from mlops.jobs.signals import ENDED

__all__ = ["wait"]

_LOOK_EVERY_S = 0.1  # for ends in other processes; those in this one ring


def wait(database: Database, job_id: str, timeout_s: float | None = None) -> Job:
    """Return a job once it has succeeded, failed or been cancelled.

    Somebody must run it: a `JobRunner` in this process, or a worker elsewhere.

    Args:
        database: Where the job is.
        job_id: Which job.
        timeout_s: Seconds to wait; None for as long as it takes.

    Raises:
        JobNotFound: There is no such job.
        JobNotEnded: It has not ended in time; it goes on.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    rung = threading.Event()
    stop = database.bell.listen(ENDED, lambda ended: rung.set() if ended == job_id else None)
    try:
        while True:
            with database.read() as tx:
                job = get_job(tx, job_id)
            if job.status.is_terminal:
                return job
            left = _LOOK_EVERY_S if deadline is None else min(_LOOK_EVERY_S, deadline - time.monotonic())
            if left <= 0:
                raise JobNotEnded(job_id, job.status, timeout_s or 0.0)
            rung.wait(left)
    finally:
        stop()
