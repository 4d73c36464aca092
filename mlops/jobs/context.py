"""What a handler gets: its job, a way to be heard, a way to learn that it must stop, and fenced transactions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa

from mlops import clock
from mlops.clock import Now
from mlops.database import Database, Durability, Transaction
from mlops.errors import InvalidInput
from mlops.jobs import ending
from mlops.jobs.attempt import Attempt, storable
from mlops.jobs.documents import encode_document
from mlops.jobs.ending import Ending
from mlops.jobs.entities import Job, JobProgress
from mlops.jobs.errors import JobCancelled
from mlops.jobs.tables import jobs

__all__ = ["JobContext"]

_LEVELS = ("info", "warning", "error")


class _NoResult:
    """Stands for a transaction that does not end the job; None is a result."""


NO_RESULT: Final = _NoResult()


class JobContext:
    """A handler's view of its job.

    Safe to use from any thread. A handler calls `check` between its steps, and lets what it raises pass.
    """

    def __init__(self, attempt: Attempt, database: Database, *, now: Now = clock.now) -> None:
        self._attempt = attempt
        self._now = now
        self.database = database
        """The database of the job; effects that must happen exactly once are written through `commit`."""

    @property
    def state(self) -> Attempt:
        """What the worker knows of this attempt; for what runs handlers elsewhere, not for handlers."""
        return self._attempt

    @property
    def job(self) -> Job:
        """The job as it was when this worker took it."""
        return self._attempt.job

    @property
    def job_id(self) -> str:
        """Id of the job."""
        return self.job.job_id

    @property
    def project(self) -> str:
        """Project of the job."""
        return self.job.project

    @property
    def payload(self) -> Mapping[str, Any]:
        """What the handler was asked to do."""
        return self.job.payload

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._attempt.number

    @property
    def token(self) -> int:
        """A number that is higher for every taking up of the job: fences effects outside the database."""
        return self._attempt.lease.token

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Say how far the job is; written about once a second, so it may be said as often as wanted.

        Raises:
            InvalidInput: A number is infinite or none.
        """
        self._attempt.say(JobProgress(done=done, total=total, message=storable(message, 500)))

    def log(self, message: str, *, level: str = "info") -> None:
        """Add a line to the job's log; written about once a second, and at the end.

        Raises:
            InvalidInput: The level is none of `info`, `warning` and `error`.
        """
        if level not in _LEVELS:
            raise InvalidInput(f"{level!r} is no level of a log line. Allowed are {', '.join(_LEVELS)}.")
        self._attempt.log(level, message)

    def check(self) -> None:
        """Return when the handler may go on; quick, so it may be called in inner loops.

        Raises:
            JobCancelled: Somebody cancelled the job.
            JobTimedOut: The attempt took too long.
            LeaseLost: Another worker has taken the job over.
        """
        if (reason := self._attempt.interruption) is not None:
            raise reason

    @contextmanager
    def commit(self, *, result: Any = NO_RESULT, durability: Durability = Durability.RECORD) -> Iterator[Transaction]:
        """Yield a write transaction that commits only if the job is still this worker's.

        With a result, the job succeeds in that same transaction, so that its effects happen exactly once. Without one,
        what is written stays though the attempt may still fail and be repeated: a handler that commits in parts finds
        its place again by what it wrote. A result that is known only inside the block is given to `finish`.

        Args:
            result: JSON values that the job ends with.
            durability: What the effects survive.

        Raises:
            JobCancelled: Somebody cancelled the job; nothing is kept.
            JobTimedOut: The attempt took too long; nothing is kept.
            LeaseLost: Another worker has taken the job over; nothing is kept.
        """
        self.check()
        with self.database.write(durability) as tx:
            self._fence(tx)
            began = time.monotonic()
            yield tx
            if tx.dialect == "sqlite" and time.monotonic() - began > self._attempt.lease.length_s / 4:
                ending.renew_all(tx, self._attempt.lease)  # its heart has waited for this transaction
            if result is not NO_RESULT:
                self.finish(tx, result)

    def finish(self, tx: Transaction, result: Any = None) -> None:
        """Mark the job as succeeded in a transaction of `commit`; what the handler returns later does not count.

        Raises:
            InvalidInput: JSON cannot hold the result, or it has more than a million characters.
            LeaseLost: Another worker has taken the job over.
        """
        lease, at = self._attempt.lease, self._now()
        end = Ending(lease, "succeeded", self.attempt, result=encode_document(result, "result", self.job.kind))
        if not ending.end_all(tx, [end], at=at):
            raise lease.lost
        ending.move_dependants(tx, [self.job_id], succeeded=True, at=at)
        tx.after_commit(self._note_end)

    def _note_end(self) -> None:
        self._attempt.has_ended = True

    def _fence(self, tx: Transaction) -> None:
        """Keep the job this worker's until the transaction ends, or say that it is not."""
        lease = self._attempt.lease
        columns = (jobs.c.status, jobs.c.token, jobs.c.worker, jobs.c.cancel_requested)
        row = tx.execute(sa.select(*columns).where(jobs.c.job_id == lease.job_id).with_for_update()).one_or_none()
        if row is None or (row.status, row.token, row.worker) != ("running", lease.token, lease.worker):
            self._attempt.interrupt(lease.lost)
            raise lease.lost
        if row.cancel_requested:
            self._attempt.interrupt(cancelled := JobCancelled(f"Job {lease.job_id} was cancelled while it ran."))
            raise cancelled
