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
from mlops.jobs.documents import encode_document
from mlops.jobs.ending import Ending, LogLine
from mlops.jobs.errors import JobCancelled, JobTimedOut, LeaseLost, PermanentFailure

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
            return Outcome(attempt, result=encode_document(run(), "result", attempt.job.kind))
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
    at = now()
    verdicts = [(outcome, verdict_of(outcome)) for outcome in outcomes]
    ended = ending.end_all(tx, [_ending(*decided) for decided in verdicts if decided[1] in _ENDS], at=at)
    kept = {end.lease for end in ended}
    kept |= {
        outcome.attempt.lease
        for outcome, verdict in verdicts
        if verdict is Verdict.RETRIED and _queue_again(tx, outcome, backoff.pause_s(outcome.attempt.number, chance))
    }
    refused = []
    for outcome, _ in verdicts:
        attempt = outcome.attempt
        if attempt.lease in kept or attempt.has_ended:
            _write_words(tx, outcome, at)
        else:
            attempt.interrupt(attempt.lease.lost)
            refused.append(attempt)
    for succeeded in (True, False):
        job_ids = [end.lease.job_id for end in ended if (end.status == Verdict.SUCCEEDED.value) is succeeded]
        ending.move_dependants(tx, job_ids, succeeded=succeeded, at=at)
    return refused


def _ending(outcome: Outcome, verdict: Verdict) -> Ending:
    attempt = outcome.attempt
    if verdict is Verdict.SUCCEEDED:
        return Ending(attempt.lease, verdict.value, attempt.number, result=outcome.result or "null")
    error = "It was cancelled." if verdict is Verdict.CANCELLED else _summary(outcome.error)
    return Ending(attempt.lease, verdict.value, attempt.number, error=error)


def _queue_again(tx: Transaction, outcome: Outcome, pause_s: float) -> bool:
    attempt = outcome.attempt
    return ending.queue_again(tx, attempt.lease, _summary(outcome.error), attempt=attempt.number, pause_s=pause_s)


def _write_words(tx: Transaction, outcome: Outcome, at: datetime) -> None:
    """Write down what the handler said at the end, and what it raised."""
    attempt = outcome.attempt
    ending.note_progress(tx, attempt.job.job_id, attempt.last_progress())
    ending.add_logs(tx, attempt.job.job_id, attempt.number, [*attempt.last_lines(), *_report(outcome, at)])


def _summary(error: BaseException | None) -> str:
    if isinstance(error, JobTimedOut):
        return str(error)
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (it is the handler's own class, and its job must end all the same)
        text = "(its message cannot be shown)"
    return storable(f"{type(error).__name__}: {text}", 2_000)


def _report(outcome: Outcome, at: datetime) -> list[LogLine]:
    """Return the log line with the error; what was raised on purpose needs no traceback."""
    error = outcome.error
    if error is None or isinstance(error, LeaseLost):
        return []
    if isinstance(error, JobCancelled | JobTimedOut | PermanentFailure):
        return [LogLine(at, "warning" if isinstance(error, JobCancelled) else "error", _summary(error))]
    return [LogLine(at, "error", storable("".join(traceback.format_exception(error))))]
