"""The nouns of jobs: a job and its status, its progress, what it logged, and the workers that are alive."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from mlops.errors import InvalidInput
from mlops.records import FrozenDict, FrozenMap, Json, Record
from mlops.values import Term

__all__ = ["Job", "JobLogLine", "JobProgress", "JobStatus", "JobWorker", "NewJob", "check_kind", "several"]

_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_LONGEST_KIND = 100


def check_kind(kind: str) -> str:
    """Return the name of a kind of jobs.

    Raises:
        InvalidInput: It cannot be one.
    """
    if not isinstance(kind, str) or len(kind) > _LONGEST_KIND or not _KIND.fullmatch(kind):
        raise InvalidInput(
            f"{kind!r} is no kind of jobs. A kind has at most {_LONGEST_KIND} small letters, digits and underscores, "
            "with dots between its words, such as 'data.run_pipeline'."
        )
    return kind


def several(names: Iterable[str], what: str) -> frozenset[str]:
    """Return names as a set.

    Raises:
        InvalidInput: They are one text, whose letters would be taken for names.
    """
    if isinstance(names, str):
        raise InvalidInput(f"{what} is the text {names!r}, and takes several. Write [{names!r}].")
    return frozenset(names)


Kind = Annotated[str, AfterValidator(check_kind)]
"""What a job does, in small letters, with dots between words of a domain: `data.run_pipeline`."""

Finite = Annotated[float, Field(allow_inf_nan=False)]


class JobStatus(StrEnum):
    """Where a job is; the last three are ends."""

    WAITING = "waiting"
    """For jobs that it depends on."""
    QUEUED = "queued"
    """For a worker, or for its time."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended, unless somebody retries it."""
        return self in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


class NewJob(Record):
    """Work that somebody wants done, before it is a job.

    Attributes:
        kind: Names the handler.
        payload: What the handler needs to know; JSON values.
        project: Whose work it is.
        priority: Jobs with a higher one are taken first; among equals the oldest.
        depends_on: Ids of jobs that must succeed before.
        requires: Capabilities that a worker must have, such as `gpu`.
        run_at: Not before this moment; None for as soon as possible.
        max_attempts: How often it may be begun before it fails for good.
        timeout_s: Seconds that an attempt may take; None leaves it to the handler's own limit.
        key: While a job of the same project and kind with this key is unfinished, there is no second one.
        created_by: On whose behalf; the handler runs under this name.
    """

    kind: Kind
    payload: FrozenMap = FrozenDict()
    project: Term = "default"
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    depends_on: Annotated[tuple[Term, ...], Field(max_length=10_000)] = ()
    requires: frozenset[Term] = frozenset()
    run_at: AwareDatetime | None = None
    max_attempts: Annotated[int, Field(ge=1, le=1_000)] = 3
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    key: Term | None = None
    created_by: Term


class JobProgress(Record):
    """How far a running job says it is.

    Attributes:
        done: Units of work done, in whatever the handler counts.
        total: Units altogether; None when the handler does not know.
        message: What it is at.
    """

    done: Finite = 0.0
    total: Finite | None = None
    message: str = ""


class Job(NewJob):
    """Work with its fate.

    Attributes:
        job_id: Its id; sorts by time of creation.
        status: Where it is.
        attempts: How often it was begun.
        token: Grows with every taking up by a worker; what an older one still writes is refused.
        worker: Id of the worker that has it, or had it last.
        progress: What its handler said last.
        result: What its handler returned; None before.
        error: Why the last attempt failed, or the job was cancelled; None when it did not.
        cancel_requested: Somebody wants it cancelled and its handler has not noticed yet.
        created_at: When it was asked for.
        started_at: When the last attempt began; None before the first.
        heartbeat_at: When its worker was last heard of.
        ended_at: When it ended; None before.
    """

    job_id: str
    status: JobStatus
    attempts: int = 0
    token: int = 0
    worker: str | None = None
    progress: JobProgress = JobProgress()
    result: Json = None
    error: str | None = None
    cancel_requested: bool = False
    created_at: AwareDatetime
    started_at: AwareDatetime | None = None
    heartbeat_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None


class JobLogLine(Record):
    """A line that a handler, or the runner about it, logged.

    Attributes:
        sequence: Its number within the job, from 1.
        attempt: The attempt it belongs to.
        at: When.
        level: `info`, `warning` or `error`.
        message: The text.
    """

    sequence: int
    attempt: int
    at: AwareDatetime
    level: str
    message: str


class JobWorker(Record):
    """A runner that is alive somewhere.

    Attributes:
        worker_id: Its id, as in `Job.worker`.
        host: Name of its machine.
        pid: Its process.
        kinds: What it can do.
        capabilities: What it has, to be matched with `Job.requires`.
        slots: How many jobs it runs at once.
        started_at: When it began.
        seen_at: When it was last heard of.
    """

    worker_id: str
    host: str
    pid: int
    kinds: tuple[str, ...]
    capabilities: frozenset[str]
    slots: int
    started_at: AwareDatetime
    seen_at: AwareDatetime
