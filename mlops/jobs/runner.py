"""Runs jobs in this process: in a script beside its own work, or as all that a worker process does."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Iterable
from random import Random
from typing import Self

from mlops import clock
from mlops.clock import NewId, Now
from mlops.database import Database, Durability, open_database
from mlops.errors import InvalidInput, Unavailable
from mlops.jobs import presence
from mlops.jobs.attempt import Attempt
from mlops.jobs.backoff import Backoff
from mlops.jobs.claiming import Claimant, is_at_work, is_claimable
from mlops.jobs.context import JobContext
from mlops.jobs.crew import Crew
from mlops.jobs.dispatcher import Dispatcher, give_back
from mlops.jobs.entities import several
from mlops.jobs.errors import LeaseLost
from mlops.jobs.executing import Outcome, execute
from mlops.jobs.handlers import JobHandler, by_kind
from mlops.jobs.heart import Heart
from mlops.jobs.keeper import Keeper
from mlops.jobs.scheduler import Scheduler
from mlops.jobs.signals import CANCEL_WANTED, ENDED, QUEUED, Queued
from mlops.jobs.station import Station
from mlops.jobs.wakers import Waker, default_waker

__all__ = ["JobRunner", "is_interruption"]

_SHORTEST_LEASE_S = 0.1
_LONGEST_LEASE_S = 86_400


class JobRunner:
    """Takes up jobs of the kinds that it has handlers for and runs them in threads of this process.

    Any number of runners, in any number of processes, share the work on one database. A job that this process asked for
    keeps the process alive until it has ended, as long as it can be done here; other jobs are given back at its end,
    and so are all when Ctrl-C ends the program, or the runner's block.

    Args:
        database: Where the jobs are; the runner keeps it open until it is closed itself.
        handlers: What it can do, one handler for each kind.
        workers: How many jobs run at once.
        capabilities: What this process has, to be matched with what jobs and handlers require; jobs may also require
            what handlers offer.
        waker: Makes what it sleeps on, at each start; the way that goes with the database when left out.
        backoff: How long a failed job pauses before its next attempt.
        lease_s: After how many seconds without a sign of life others take its jobs over.
        schedules: Whether it also makes the jobs of schedules that are due; any number of runners may.
        now: The clock of the calendar.
        new_id: The source of ids.
        chance: The randomness of pauses.

    Raises:
        InvalidInput: Two handlers of one kind, no worker, or a lease below a tenth of a second or beyond a day.

    Example:
        >>> import tempfile
        >>> from mlops.jobs import JobHandler, enqueue, wait
        >>> handler = JobHandler("numbers.add", lambda job: sum(job.payload["numbers"]))
        >>> folder = tempfile.TemporaryDirectory()
        >>> with open_database(f"sqlite:///{folder.name}/lab.db") as database, JobRunner(database, [handler]):
        ...     with database.write() as tx:
        ...         job_id = enqueue(tx, kind="numbers.add", payload={"numbers": [1, 2, 3]})
        ...     wait(database, job_id, timeout_s=60).result
        6
        >>> folder.cleanup()
    """

    def __init__(
        self,
        database: Database,
        handlers: Iterable[JobHandler],
        *,
        workers: int = 1,
        capabilities: Iterable[str] = (),
        waker: Callable[[Database], Waker] = default_waker,
        backoff: Backoff | None = None,
        lease_s: float = 10.0,
        schedules: bool = False,
        now: Now = clock.now,
        new_id: NewId = clock.new_id,
        chance: Random | None = None,
    ) -> None:
        if workers < 1 or not _SHORTEST_LEASE_S <= lease_s <= _LONGEST_LEASE_S:
            raise InvalidInput(
                f"workers={workers}, lease_s={lease_s}: allowed are workers ≥ 1 and "
                f"{_SHORTEST_LEASE_S} ≤ lease_s ≤ {_LONGEST_LEASE_S}."
            )
        self._database = database
        self._capabilities = several(capabilities, "capabilities")
        self._handlers = by_kind(handlers, self._capabilities)
        self._workers = workers
        self._waker = waker
        self._backoff = backoff or Backoff()
        self._lease_s = lease_s
        self._schedules = schedules
        self._now = now
        self._new_id = new_id
        self._chance = chance or Random()  # noqa: S311 (spreads load, guards nothing)
        self._lock = threading.Lock()
        self._shift: _Shift | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(0.0 if is_interruption(kind) else None)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of jobs that it takes."""
        return tuple(sorted(self._handlers))

    @property
    def worker(self) -> str | None:
        """Its id while it runs, as in `Job.worker`; None otherwise."""
        return None if self._shift is None else self._shift.station.claimant.worker

    def start(self) -> None:
        """Begin to take jobs; one that has begun, in this process, goes on as it does."""
        with self._lock:
            if self._shift is None or self._shift.pid != os.getpid():
                self._shift = self._new_shift()
                self._shift.begin()

    def wake(self) -> None:
        """Look for jobs at once; only needed after changes that nobody announced."""
        if (shift := self._shift) is not None:
            shift.waker.wake()

    def is_drained(self) -> bool:
        """Say whether no job is running here, none can be taken up at this moment, and no schedule makes one."""
        shift = self._shift
        return shift is None or shift.is_drained()

    def finish(self, timeout_s: float | None = None) -> bool:
        """Wait for the jobs that this process asked for, and those that follow from them, if they can be done here.

        Args:
            timeout_s: Seconds to wait; None for as long as it takes.

        Returns:
            Whether all have ended.
        """
        shift = self._shift
        return shift is None or shift.finish(timeout_s)

    def close(self, timeout_s: float | None = None) -> None:
        """Take no more jobs, wait for those that run, and stop; harmless when it does not run.

        Args:
            timeout_s: Seconds to wait; jobs that still run then are given back, for others or the next process to begin
                again, and what their handlers still want to commit is refused.
        """
        with self._lock:
            shift, self._shift = self._shift, None
        if shift is not None and shift.pid == os.getpid():
            shift.end(timeout_s)

    def _offers(self) -> frozenset[str]:
        return frozenset[str]().union(*(handler.offers() for handler in self._handlers.values()))

    def _new_shift(self) -> _Shift:
        claimant = Claimant(self._new_id(), self.kinds, self._capabilities, self._lease_s, self._offers)
        database = open_database(self._database.url)
        station = Station(database, claimant, self._backoff, self._chance, self._now)
        try:
            waker = self._waker(database)
        except BaseException:
            database.close()
            raise
        scheduler = None
        if self._schedules:
            scheduler = Scheduler(database, now=self._now, new_id=self._new_id, chance=self._chance)
        return _Shift(station, self._handlers, self._workers, waker, scheduler=scheduler, close=self.close)


def is_interruption(kind: type[BaseException] | None) -> bool:
    """Say whether a block was left because somebody wants it to end now: by Ctrl-C, or as a cancelled task."""
    return kind is not None and issubclass(kind, KeyboardInterrupt | asyncio.CancelledError)


class _Shift:
    """A runner from its start to its close, in one process."""

    def __init__(
        self,
        station: Station,
        handlers: dict[str, JobHandler],
        workers: int,
        waker: Waker,
        *,
        scheduler: Scheduler | None,
        close: Callable[[float], None],
    ) -> None:
        self.pid = os.getpid()
        self.station = station
        self.waker = waker
        self._handlers = handlers
        self._scheduler = scheduler
        self._close = close
        self._keeper = Keeper()
        self._crew = Crew(workers, self._run, waker.wake)
        self._heart = Heart(station, workers, self._crew.abandon)
        self._dispatcher = Dispatcher(station, self._crew, self._heart, self._keeper, waker)
        self._deaf: list[Callable[[], None]] = []

    def begin(self) -> None:
        """Listen, and start the threads."""
        bell = self.station.database.bell
        self._deaf = [
            bell.listen(QUEUED, self._hear_queued),
            bell.listen(ENDED, lambda job_id: self._keeper.discard([job_id])),
            bell.listen(CANCEL_WANTED, self._hear_cancel),
        ]
        self._heart.start()
        self._dispatcher.start()
        if self._scheduler is not None:
            self._scheduler.start()
        atexit.register(self._at_exit)

    def end(self, timeout_s: float | None) -> None:
        """Stop the threads, and give back what is left."""
        atexit.unregister(self._at_exit)
        self._stop_scheduling()
        self._dispatcher.stop_taking()
        self._crew.wait_idle(timeout_s)
        left = self._crew.running()
        for attempt in left:
            attempt.interrupt(LeaseLost(f"The runner of job {attempt.job.job_id} was closed; the job was given back."))
            self._crew.abandon(attempt)
        self._dispatcher.end()
        self._crew.close()
        self._heart.stop()
        self._sign_off(left)
        for stop_listening in self._deaf:
            stop_listening()
        self._keeper.stop()
        self.waker.close()
        self.station.database.close()

    def is_drained(self) -> bool:
        """Say whether nothing is left to do; schedules are asked first, since their jobs follow from them."""
        if self._scheduler is not None and self._scheduler.has_due():
            return False
        claimant, now = self.station.claimant, self.station.now
        with self.station.database.read() as tx:
            return not (is_at_work(tx, claimant) or is_claimable(tx, claimant, now=now))

    def finish(self, timeout_s: float | None) -> bool:
        """Make no more jobs of schedules, and wait for those that this process asked for."""
        self._stop_scheduling()
        return self._keeper.wait(timeout_s)

    def _stop_scheduling(self) -> None:
        if self._scheduler is not None:
            self._scheduler.stop()

    def _at_exit(self) -> None:
        if self.pid == os.getpid():
            self._close(0.0)

    def _run(self, attempt: Attempt) -> Outcome:
        handler = self._handlers[attempt.job.kind]
        attempt.begin(attempt.job.timeout_s or handler.timeout_s)
        context = JobContext(attempt, self.station.database, now=self.station.now)
        return execute(attempt, lambda: handler.run(context))

    def _hear_queued(self, message: Queued) -> None:
        if message.kind not in self._handlers or self.pid != os.getpid():
            return
        if message.is_new:
            self._keeper.add(message.job_id)
        self.waker.wake()

    def _hear_cancel(self, job_id: str) -> None:
        if self._heart.has(job_id):
            self._heart.poke()

    def _sign_off(self, left: list[Attempt]) -> None:
        try:
            with self.station.database.write(Durability.FACT) as tx:
                give_back(tx, left)
                presence.sign_off(tx, self.station.claimant.worker)
        except Unavailable as error:
            self.station.log().warning("a runner's jobs come back when their leases end", error=str(error))
