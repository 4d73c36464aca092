"""What can go wrong with jobs.

NotFound
├── JobNotFound           no job has this id
└── JobScheduleNotFound   the project has no schedule of this name
Conflict
└── JobStateConflict      the job's status does not allow it: a running one cannot be retried
MLOpsError
├── JobInterrupted        raised inside a handler to end it; handlers let it pass
│   ├── JobCancelled      somebody asked for it
│   ├── JobTimedOut       it took longer than its `timeout_s`
│   └── LeaseLost         another worker has taken the job over; nothing more of this attempt is kept
├── PermanentFailure      a handler raises it: another attempt would fail as well
│   └── MemoryExceeded    its process took more memory than it may
├── JobProcessFailed      a handler in a process of its own raised something, or its process died
└── JobNotEnded           a job did not end within the time that somebody wanted to wait (TimeoutError)
"""

from __future__ import annotations

from mlops.errors import Conflict, MLOpsError, NotFound

__all__ = [
    "JobCancelled",
    "JobInterrupted",
    "JobNotEnded",
    "JobNotFound",
    "JobProcessFailed",
    "JobScheduleNotFound",
    "JobStateConflict",
    "JobTimedOut",
    "LeaseLost",
    "MemoryExceeded",
    "PermanentFailure",
]


class JobNotFound(NotFound):
    """No job has this id; ended jobs are pruned after a while."""

    kind = "job"


class JobScheduleNotFound(NotFound):
    """A project has no schedule of this name."""

    kind = "schedule"


class JobStateConflict(Conflict):
    """A job's status does not allow what was asked for.

    Attributes:
        job_id: Which job.
        status: Its status.
    """

    def __init__(self, job_id: str, status: str, message: str) -> None:
        self.job_id = job_id
        self.status = status
        super().__init__(message)


class JobInterrupted(MLOpsError):
    """Ends a handler at its next `check`; a handler lets it pass, cleaning up by `finally`."""


class JobCancelled(JobInterrupted):
    """Somebody cancelled the job while it ran."""


class JobTimedOut(JobInterrupted):
    """The attempt took longer than its `timeout_s`."""


class LeaseLost(JobInterrupted):
    """The job is no longer this worker's: what this attempt would write is refused."""


class PermanentFailure(MLOpsError):
    """Raised by a handler when another attempt would fail as well; the job fails at once."""


class MemoryExceeded(PermanentFailure):
    """A handler's process took more memory than its limit, and was killed."""


class JobProcessFailed(MLOpsError):
    """A handler in a process of its own raised something, which the message and the traceback tell; or it died."""


class JobNotEnded(MLOpsError, TimeoutError):
    """A job did not end within the time somebody wanted to wait; it goes on.

    Attributes:
        job_id: Which job.
        status: Its status then.
    """

    def __init__(self, job_id: str, status: str, timeout_s: float) -> None:
        self.job_id = job_id
        self.status = status
        super().__init__(
            f"Job {job_id} is {status} after {timeout_s:g} s of waiting. "
            "It goes on; wait again, or ask explain(tx, job_id) what it waits for."
        )
