"""Running a handler, and what becomes of its job: the decision is made from values, `settle` writes it down."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from random import Random
from typing import Any

from mlops import clock
from mlops.audit import acting_as
from mlops.clock import Now
from mlops.database import Transaction
from mlops.errors import InvalidInput
from mlops.jobs import ending
from mlops.jobs.attempt import Attempt, storable
from mlops.jobs.backoff import Backoff
from mlops.jobs.ending import LogLine
from mlops.jobs.errors import JobCancelled, JobTimedOut, LeaseLost, PermanentFailure
from mlops.records import encode_json

__all__ = ["Outcome", "Verdict", "execute", "settle", "verdict_of"]


class Verdict(Enum):
    """What becomes of a job after an attempt."""

    SUCCEEDED = "succeeded"
    RETRIED = "retried"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NOT_OURS = "not ours"
    """Another worker has it, or the handler has ended it itself."""


_ENDS = {Verdict.SUCCEEDED, Verdict.FAILED, Verdict.CANCELLED}


@dataclass(frozen=True)
class Outcome:
    """How an attempt went.

    Attributes:
        attempt: The attempt.
        result: What the handler returned, as JSON text; None when it raised.
        error: What it raised; None when it returned.
    """

    attempt: Attempt
    result: str | None = None
    error: BaseException | None = None


def execute(attempt: Attempt, run: Callable[[], Any]) -> Outcome:
    """Run a handler on behalf of whoever asked for the job; nothing that it raises gets out."""
    if attempt.job.cancel_requested:  # by somebody whom the worker before did not hear
        return Outcome(attempt, error=JobCancelled(f"Job {attempt.job.job_id} was cancelled."))
    try:
        with acting_as(attempt.job.created_by):
            return Outcome(attempt, result=encode_json(run(), where="result"))
    except BaseException as error:  # noqa: BLE001 (sys.exit() in a handler must not end the worker either)
        return Outcome(attempt, error=error)


def verdict_of(outcome: Outcome) -> Verdict:
    """Decide what becomes of the job; pure."""
    attempt, error = outcome.attempt, outcome.error
    if attempt.has_ended or isinstance(error, LeaseLost):
        return Verdict.NOT_OURS
    if error is None:
        return Verdict.SUCCEEDED
    if isinstance(error, JobCancelled) or attempt.is_cancelled:
        return Verdict.CANCELLED
    if isinstance(error, PermanentFailure | InvalidInput) or attempt.number >= attempt.job.max_attempts:
        return Verdict.FAILED
    return Verdict.RETRIED


def settle(
    tx: Transaction, outcomes: Iterable[Outcome], backoff: Backoff, chance: Random, *, now: Now = clock.now
) -> list[Attempt]:
    """Write down what becomes of jobs, with what their handlers logged, and move what depends on them.

    Returns:
        The attempts for whose job that was refused: another worker has it.
    """
    refused: list[Attempt] = []
    ended: dict[bool, list[str]] = {True: [], False: []}
    for outcome in outcomes:
        attempt = outcome.attempt
        try:
            verdict = _settle(tx, outcome, backoff, chance, now())
        except LeaseLost as lost:
            attempt.interrupt(lost)
            refused.append(attempt)
        else:
            if verdict in _ENDS:
                ended[verdict is Verdict.SUCCEEDED].append(attempt.job.job_id)
    for succeeded, job_ids in ended.items():
        ending.move_dependants(tx, job_ids, succeeded=succeeded, at=now())
    return refused


def _settle(tx: Transaction, outcome: Outcome, backoff: Backoff, chance: Random, at: datetime) -> Verdict:
    attempt, lease = outcome.attempt, outcome.attempt.lease
    verdict = verdict_of(outcome)
    match verdict:
        case Verdict.SUCCEEDED:
            ending.succeed(tx, lease, outcome.result or "null", attempt=attempt.number, at=at)
        case Verdict.CANCELLED:
            ending.cancel(tx, lease, attempt=attempt.number, at=at)
        case Verdict.FAILED:
            ending.fail(tx, lease, _summary(outcome.error), attempt=attempt.number, at=at)
        case Verdict.RETRIED:
            pause_s = backoff.pause_s(attempt.number, chance)
            ending.queue_again(tx, lease, _summary(outcome.error), attempt=attempt.number, pause_s=pause_s)
        case Verdict.NOT_OURS if not attempt.has_ended:
            raise lease.lost
    ending.note_progress(tx, lease.job_id, attempt.last_progress())
    ending.add_logs(tx, lease.job_id, attempt.number, [*attempt.last_lines(), *_report(outcome, at)])
    return verdict


def _summary(error: BaseException | None) -> str:
    if isinstance(error, JobTimedOut):
        return str(error)
    return storable(f"{type(error).__name__}: {error}", 2_000)


def _report(outcome: Outcome, at: datetime) -> list[LogLine]:
    """Return the log line with the error; what was raised on purpose needs no traceback."""
    error = outcome.error
    if error is None or isinstance(error, LeaseLost):
        return []
    if isinstance(error, JobCancelled | JobTimedOut | PermanentFailure):
        return [LogLine(at, "warning" if isinstance(error, JobCancelled) else "error", _summary(error))]
    return [LogLine(at, "error", storable("".join(traceback.format_exception(error))))]
