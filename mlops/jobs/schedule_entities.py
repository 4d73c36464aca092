"""The nouns of schedules: work that is to be done again and again, and what becomes of times that were missed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from mlops.jobs.entities import Kind
from mlops.records import FrozenDict, FrozenMap, Record
from mlops.values import Term

__all__ = ["SCHEDULED_FOR", "JobSchedule", "Misfire", "NewSchedule"]

SCHEDULED_FOR = "scheduled_for"
"""Name in a job's payload under which it finds the time that it is for."""


class Misfire(StrEnum):
    """What becomes of times that passed while no scheduler was running, or while the last job was not done."""

    RUN_ONCE = "run_once"
    """One job for all of them, with the newest of these times."""
    SKIP = "skip"
    """Nothing, unless the newest is less than a minute ago."""
    RUN_ALL = "run_all"
    """A job for each of the newest hundred; without overlap one after the other."""


class NewSchedule(Record):
    """Work that is to be done again and again, as somebody asks for it.

    Attributes:
        name: Its name, once in a project.
        kind: Names the handler of its jobs.
        payload: What the handler needs to know; `scheduled_for`, an ISO time in UTC, is added to each job's.
        project: Whose work it is.
        cron: When, in five fields; see `mlops.jobs.timetable`.
        time_zone: Whose clock the fields mean, such as `Europe/Berlin`.
        jitter_s: Each job begins up to so many seconds late, by chance.
        misfire: What becomes of missed times.
        overlap: Whether a job may begin while the one before is unfinished.
        priority: Of its jobs.
        requires: Capabilities that a worker must have for its jobs.
        max_attempts: How often each job may be begun.
        timeout_s: Seconds that an attempt may take.
    """

    name: Term
    kind: Kind
    payload: FrozenMap = FrozenDict()
    project: Term = "default"
    cron: Annotated[str, Field(max_length=200)]
    time_zone: Annotated[str, Field(max_length=100)] = "UTC"
    jitter_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 0.0
    misfire: Misfire = Misfire.RUN_ONCE
    overlap: bool = False
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    requires: frozenset[Term] = frozenset()
    max_attempts: Annotated[int, Field(ge=1, le=1_000)] = 3
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class JobSchedule(NewSchedule):
    """A schedule as it is kept.

    Attributes:
        schedule_id: Its id.
        enabled: Whether it makes jobs; a paused one does not.
        next_at: The next time that it is due; None while it is paused.
        last_at: The newest time that was dealt with, by a job or by passing over it; None before the first.
        last_job_id: The job made last; None before the first.
        created_by: On whose behalf its jobs work.
        created_at: When it was first made.
        updated_at: When it was last changed by somebody.
    """

    schedule_id: str
    enabled: bool = True
    next_at: AwareDatetime | None = None
    last_at: AwareDatetime | None = None
    last_job_id: str | None = None
    created_by: Term
    created_at: AwareDatetime
    updated_at: AwareDatetime
