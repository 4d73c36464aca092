"""Looks at tests whose statistics have changed or whose time is over, off the path of those who log, not too often."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator

__all__ = ["INTERVAL_S", "Watcher"]

INTERVAL_S = 0.2
"""The least time between two looks at one test."""

_IDLE_S = 2.0  # after which the thread ends, to be started again when it is needed
_FARTHEST_S = 3600.0  # clocks are set and computers sleep: a far moment is looked up again on the way to it


class Watcher:
    """A thread that looks at tests a little after they were touched, and when their time comes.

    It does not keep the process from ending.

    Args:
        look: Looks at one test; what it raises is logged and the test is looked at again when it is touched.
        interval_s: The least time between two looks at one test.
    """

    def __init__(self, look: Callable[[str], object], *, interval_s: float = INTERVAL_S) -> None:
        self._look = look
        self._interval_s = interval_s
        self._begin()

    def _begin(self) -> None:
        """Start empty, as a child must after a fork."""
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._due: dict[str, float] = {}
        self._reminders: dict[str, float] = {}
        self._looked_at: dict[str, float] = {}
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def touch(self, test_id: str) -> None:
        """Have a test looked at within the interval; called from any thread, costs next to nothing."""
        if test_id in self._due:
            return
        if self._pid != os.getpid():
            self._begin()
        with self._changed:
            if self._is_closed:
                return
            self._due.setdefault(test_id, self._looked_at.get(test_id, 0.0) + self._interval_s)
            self._wake()

    def remind(self, test_id: str, in_s: float) -> None:
        """Have a test looked at after so many seconds, or an hour if that is sooner; the last such call holds."""
        if self._pid != os.getpid():
            self._begin()
        with self._changed:
            if not self._is_closed:
                self._reminders[test_id] = time.monotonic() + min(in_s, _FARTHEST_S)
                self._wake()

    def _wake(self) -> None:
        """Have the thread see what has changed; the lock is held."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mlops-ab-watcher", daemon=True)
            self._thread.start()
        self._changed.notify()

    def close(self) -> None:
        """Look at nothing more; a look that is under way is waited for."""
        with self._changed:
            self._is_closed = True
            self._due.clear()
            self._reminders.clear()
            thread = self._thread
            self._changed.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while (test_id := self._next()) is not None:
            try:
                self._look(test_id)
            except Exception:  # noqa: BLE001 (whatever it is, the other tests must be looked at)
                import structlog

                structlog.get_logger(__name__).exception("a look at a test failed", test_id=test_id)

    def _next(self) -> str | None:
        """Wait for a test that is due; None ends the thread."""
        idle_since = time.monotonic()
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                soonest = min(self._moments(), default=None)
                if soonest is not None and soonest[0] <= now:
                    return self._taken(soonest[1], now)
                if soonest is not None:
                    self._changed.wait(soonest[0] - now)
                    idle_since = time.monotonic()
                elif now - idle_since >= _IDLE_S:
                    break
                else:
                    self._changed.wait(_IDLE_S)
            self._thread = None
            return None

    def _moments(self) -> Iterator[tuple[float, str]]:
        """Yield when tests are to be looked at."""
        for moments in (self._due, self._reminders):
            yield from ((moment, test_id) for test_id, moment in moments.items())

    def _taken(self, test_id: str, now: float) -> str:
        """Return a test that is looked at now, for whichever reason; a reminder of a later moment stays."""
        self._due.pop(test_id, None)
        if self._reminders.get(test_id, math.inf) <= now:
            del self._reminders[test_id]
        self._looked_at[test_id] = now
        return test_id
