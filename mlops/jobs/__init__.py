"""Jobs: work that outlives the process that asked for it, done once, however often it has to be begun.

A domain enqueues a job in the transaction of what makes it necessary, and gives a handler for its kind to a runner. Any
number of runners in any number of processes share the work. A job whose worker is killed is taken up by another one
within 15 seconds; what the first one still writes through `JobContext.commit` is refused.

Example:
    >>> import tempfile
    >>> from mlops.database import open_database
    >>> def count(job):
    ...     for step in range(3):
    ...         job.check()
    ...         job.progress(step + 1, total=3)
    ...     return {"counted": step + 1}
    >>> folder = tempfile.TemporaryDirectory()
    >>> database = open_database(f"sqlite:///{folder.name}/lab.db")
    >>> with JobRunner(database, [JobHandler("samples.count", count)]):
    ...     with database.write() as tx:
    ...         job_id = enqueue(tx, kind="samples.count", payload={"plate": 7})
    ...     done = wait(database, job_id, timeout_s=60)
    >>> done.status.value, done.result["counted"]
    ('succeeded', 3)
    >>> database.close()
    >>> folder.cleanup()
"""

from __future__ import annotations

from mlops.jobs.backoff import Backoff
from mlops.jobs.context import JobContext
from mlops.jobs.control import cancel, prune, retry
from mlops.jobs.entities import Job, JobLogLine, JobProgress, JobStatus, JobWorker
from mlops.jobs.errors import (
    JobCancelled,
    JobInterrupted,
    JobNotEnded,
    JobNotFound,
    JobProcessFailed,
    JobScheduleNotFound,
    JobStateConflict,
    JobTimedOut,
    LeaseLost,
    MemoryExceeded,
    PermanentFailure,
)
from mlops.jobs.explaining import explain
from mlops.jobs.handlers import JobHandler
from mlops.jobs.presence import list_workers
from mlops.jobs.processes import isolated
from mlops.jobs.queueing import enqueue
from mlops.jobs.reading import find_job, find_unfinished, get_job, job_logs, list_jobs
from mlops.jobs.runner import JobRunner
from mlops.jobs.schedule_entities import JobSchedule, Misfire
from mlops.jobs.schedules import (
    get_schedule,
    list_schedules,
    pause_schedule,
    remove_schedule,
    resume_schedule,
    schedule,
)
from mlops.jobs.waiting import wait
from mlops.jobs.wakers import Waker

__all__ = [
    "Backoff",
    "Job",
    "JobCancelled",
    "JobContext",
    "JobHandler",
    "JobInterrupted",
    "JobLogLine",
    "JobNotEnded",
    "JobNotFound",
    "JobProcessFailed",
    "JobProgress",
    "JobRunner",
    "JobSchedule",
    "JobScheduleNotFound",
    "JobStateConflict",
    "JobStatus",
    "JobTimedOut",
    "JobWorker",
    "LeaseLost",
    "MemoryExceeded",
    "Misfire",
    "PermanentFailure",
    "Waker",
    "cancel",
    "enqueue",
    "explain",
    "find_job",
    "find_unfinished",
    "get_job",
    "get_schedule",
    "isolated",
    "job_logs",
    "list_jobs",
    "list_schedules",
    "list_workers",
    "pause_schedule",
    "prune",
    "remove_schedule",
    "resume_schedule",
    "retry",
    "schedule",
    "wait",
]
