"""The thread that writes down how attempts went and takes up what comes next, both in one transaction when it can."""

from __future__ import annotations

import threading
import time

from mlops.database import Durability, Transaction
from mlops.errors import Unavailable
from mlops.jobs import ending
from mlops.jobs.attempt import Attempt
from mlops.jobs.claiming import claim, is_any_doable, is_claimable, next_due_s
from mlops.jobs.crew import Crew
from mlops.jobs.executing import Outcome
from mlops.jobs.heart import Heart
from mlops.jobs.keeper import Keeper
from mlops.jobs.station import Station
from mlops.jobs.wakers import Waker

__all__ = ["Dispatcher", "give_back"]

_PAUSE_S = 0.5  # after an error, before the next try
_TAKE_BACK_S = 0.5  # what was taken in advance and has not begun by then is given back


class Dispatcher:
    """Moves jobs between the database and the crew.

    Args:
        station: What the threads of the runner share.
        crew: Runs the jobs.
        heart: Keeps them while they run.
        keeper: Keeps the process alive for its own.
        waker: What to sleep on.
    """

    def __init__(self, station: Station, crew: Crew, heart: Heart, keeper: Keeper, waker: Waker) -> None:
        self._station = station
        self._crew = crew
        self._heart = heart
        self._keeper = keeper
        self._waker = waker
        self._unsettled: list[Outcome] = []
        self._late: list[Attempt] = []
        self._stopping = self._ending = False
        self._exchanging = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="mlops-jobs-dispatcher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop_taking(self) -> None:
        """Take up nothing more, and give back what has not begun; the crew has what was taken when this returns."""
        with self._exchanging:
            self._stopping = True
        self._waker.wake()

    def end(self) -> None:
        """End the thread once what has ended is written down."""
        self._stopping = self._ending = True
        self._waker.wake()
        self._thread.join()

    def _run(self) -> None:
        while True:
            is_last = self._ending
            sleep_s = self._step()
            if is_last:
                return
            if sleep_s > 0:
                self._sleep(sleep_s)

    def _sleep(self, seconds: float) -> None:
        try:
            self._waker.wait(seconds)
        except Exception:  # noqa: BLE001 (asleep for ever, a runner would keep jobs that it never does)
            self._station.log().exception("a runner could not sleep until it is woken")
            time.sleep(_PAUSE_S)

    def _step(self) -> float:
        """Do what can be done; return for how many seconds there is nothing else to do."""
        try:
            with self._exchanging:
                has_taken = self._exchange()
            return 0.0 if has_taken else self._idle_s()
        except Unavailable as error:
            self._station.log().warning("jobs could not be taken up or written down", error=str(error))
        except Exception:  # noqa: BLE001 (one bad job must not end the runner)
            self._station.log().exception("a runner stumbled; the jobs at hand come back when their leases end")
            self._forget()
        return _PAUSE_S

    def _exchange(self) -> bool:
        """Write down what has ended and take up what there is room for; say whether anything was taken."""
        self._unsettled += self._crew.take_outcomes()
        self._late += self._crew.take_back(waiting_s=0.0 if self._stopping else _TAKE_BACK_S)
        room = 0 if self._stopping else self._crew.room()
        if not (self._unsettled or self._late or (room and self._is_worth_it())):
            return False
        with self._station.database.write(Durability.FACT) as tx:
            self._station.settle(tx, self._unsettled)
            give_back(tx, self._late)
            taken = self._claim(tx, room)
        self._forget()
        self._heart.add(taken)
        self._crew.hand(taken)
        return bool(taken)

    def _is_worth_it(self) -> bool:
        """Say whether there is something to take; on SQLite a reader finds that out without queueing as writers do."""
        if self._station.database.dialect != "sqlite":
            return True
        with self._station.database.read() as tx:
            return is_claimable(tx, self._station.claimant, now=self._station.now)

    def _claim(self, tx: Transaction, room: int) -> list[Attempt]:
        claimant, now = self._station.claimant, self._station.now
        taken = claim(tx, claimant, room, now=now) if room else []
        if room and len(taken) == room and (ahead := self._crew.room_ahead()):
            taken += claim(tx, claimant, ahead, in_advance=True, now=now)
        return taken

    def _forget(self) -> None:
        """Look after what is written down no more."""
        self._heart.remove([*(outcome.attempt for outcome in self._unsettled), *self._late])
        self._unsettled, self._late = [], []

    def _idle_s(self) -> float:
        """Return how long to sleep, while asleep to be woken by signals and by ends of handlers."""
        if self._stopping or not self._crew.room():
            return min(_TAKE_BACK_S, self._waker.look_every_s)
        claimant, now = self._station.claimant, self._station.now
        own = self._keeper.own()
        with self._station.database.read() as tx:
            due_s = next_due_s(tx, claimant, now=now)
            if own.job_ids and not self._heart.active():
                self._keeper.review(own, is_any_doable=is_any_doable(tx, claimant, own.job_ids, now=now))
        return self._waker.look_every_s if due_s is None else min(self._waker.look_every_s, due_s + 0.001)


def give_back(tx: Transaction, attempts: list[Attempt]) -> None:
    """Let others take these jobs, as though this runner had never begun them."""
    for attempt in attempts:
        if not ending.give_back(tx, attempt.lease, attempts=attempt.number - 1):
            attempt.interrupt(attempt.lease.lost)
