"""The threads that run handlers: jobs are handed to them, outcomes taken from them; the database is not their business.

All are daemons. What keeps a process alive while it has work of its own to do is `keeper`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from mlops.jobs.attempt import Attempt
from mlops.jobs.executing import Outcome

__all__ = ["Crew"]

_SHORT_S = 0.02  # jobs that take no longer on average are taken in advance
_AHEAD = 16


class Crew:
    """A number of threads that run handlers; started when there is something to run.

    Args:
        size: How many jobs run at once.
        run: Runs one; never raises.
        report: Called whenever an outcome can be taken.
    """

    def __init__(self, size: int, run: Callable[[Attempt], Outcome], report: Callable[[], None]) -> None:
        self._size = size
        self._run = run
        self._report = report
        self._changed = threading.Condition()
        self._queue: deque[tuple[float, Attempt]] = deque()
        self._running: dict[Attempt, threading.Thread] = {}
        self._outcomes: list[Outcome] = []
        self._threads: set[threading.Thread] = set()
        self._mean_s = 1.0
        self._closed = False

    def room(self) -> int:
        """Return how many jobs would begin at once."""
        with self._changed:
            return max(0, self._size - len(self._running) - len(self._queue))

    def room_ahead(self) -> int:
        """Return how many jobs are worth taking in advance, so that short ones need not wait for a transaction each."""
        with self._changed:
            return max(0, _AHEAD - len(self._queue)) if self._mean_s < _SHORT_S else 0

    def hand(self, attempts: Sequence[Attempt]) -> None:
        """Have these run, in this order."""
        with self._changed:
            handed = time.monotonic()
            self._queue.extend((handed, attempt) for attempt in attempts)
            while len(self._threads) < min(self._size, len(self._running) + len(self._queue)):
                thread = threading.Thread(target=self._work, name="mlops-job", daemon=True)
                self._threads.add(thread)
                thread.start()
            self._changed.notify_all()

    def take_back(self, *, waiting_s: float = 0.0) -> list[Attempt]:
        """Take back what has not begun although it was handed over so long ago."""
        with self._changed:
            handed_before = time.monotonic() - waiting_s
            late = [entry for entry in self._queue if entry[0] <= handed_before]
            for entry in late:
                self._queue.remove(entry)
            return [attempt for _, attempt in late]

    def take_outcomes(self) -> list[Outcome]:
        """Take what has ended since the last call."""
        with self._changed:
            outcomes, self._outcomes = self._outcomes, []
            return outcomes

    def running(self) -> list[Attempt]:
        """Return what runs now."""
        with self._changed:
            return list(self._running)

    def abandon(self, attempt: Attempt) -> None:
        """Stop waiting for a handler that does not end; another thread takes its place."""
        with self._changed:
            if attempt in self._running:
                attempt.is_abandoned = True
                self._threads.discard(self._running.pop(attempt))
                self._changed.notify_all()

    def wait_idle(self, timeout_s: float | None) -> bool:
        """Return True once nothing runs or waits to, or False after the timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running and not self._queue, timeout_s)

    def close(self) -> None:
        """End the threads that have nothing to do."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while (attempt := self._next()) is not None:
            began = time.monotonic()
            outcome = self._run(attempt)
            if not self._note(attempt, outcome, time.monotonic() - began):
                return
            self._report()

    def _next(self) -> Attempt | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            if not self._queue:
                self._threads.discard(threading.current_thread())
                return None
            _, attempt = self._queue.popleft()
            self._running[attempt] = threading.current_thread()
            return attempt

    def _note(self, attempt: Attempt, outcome: Outcome, seconds: float) -> bool:
        """Keep the outcome, unless nobody waits for it; then the thread has been replaced."""
        with self._changed:
            if attempt.is_abandoned:
                return False
            self._mean_s = min(1.0, 0.8 * self._mean_s + 0.2 * seconds)
            del self._running[attempt]
            self._outcomes.append(outcome)
            self._changed.notify_all()
            return True
