"""The lock that every write transaction on one SQLite file holds, across threads and processes.

SQLite's own waiting is a sleep that grows, so under load a third process may starve; the kernel's queue on an `flock`
does not. Threads of this process queue on a plain lock first; only its holder talks to the kernel.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from mlops.database.errors import DatabaseBusy
from mlops.errors import Conflict

__all__ = ["WriterLock"]


class WriterLock:
    """An exclusive lock on `<database>.writer`; not re-entrant.

    Args:
        path: The lock file, made when missing and never removed.
        timeout_s: How long `acquire` waits before it gives up.
    """

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._threads = threading.Lock()
        self._owner = 0
        self._descriptor = self._open()
        self._waiter: ThreadPoolExecutor | None = None

    def acquire(self) -> None:
        """Wait for the lock.

        Raises:
            DatabaseBusy: It was not free within `timeout_s`.
            Conflict: This thread holds it already.
        """
        me = threading.get_ident()
        if self._owner == me:
            raise Conflict(
                "A write transaction was begun inside another one of the same thread; hand the first one on."
            )
        if not self._threads.acquire(blocking=False):
            started = time.monotonic()
            if not self._threads.acquire(timeout=self._timeout_s):
                raise self._busy()
            self._lock_file(max(0.0, self._timeout_s - (time.monotonic() - started)))
        else:
            self._lock_file(self._timeout_s)
        self._owner = me

    def release(self) -> None:
        """Let the next writer in."""
        self._owner = 0
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        """Give the file back to the system; the lock cannot be used afterwards."""
        if self._waiter is not None:
            self._waiter.shutdown(wait=False)
        os.close(self._descriptor)

    def forget(self) -> None:
        """Drop this process's copy of the file after a fork, without unlocking what the parent holds."""
        os.close(self._descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def _lock_file(self, timeout_s: float) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._queue_in_kernel(timeout_s)

    def _queue_in_kernel(self, timeout_s: float) -> None:
        """Block in the kernel's fair queue on a thread of its own, since flock itself knows no time limit."""
        if self._waiter is None:
            self._waiter = ThreadPoolExecutor(1, thread_name_prefix="mlops-writer-lock")
        waiting = self._waiter.submit(fcntl.flock, self._descriptor, fcntl.LOCK_EX)
        try:
            waiting.result(timeout_s)
        except BaseException as error:
            self._abandon(waiting)
            self._threads.release()
            if isinstance(error, TimeoutError):
                raise self._busy() from None
            raise

    def _abandon(self, waiting: Future[None]) -> None:
        """Leave the descriptor to the thread that still waits on it: it closes it, and so unlocks, on waking."""
        stale = self._descriptor
        self._descriptor = self._open()
        if self._waiter is not None:
            self._waiter.shutdown(wait=False)
        self._waiter = None
        waiting.add_done_callback(lambda _: os.close(stale))

    def _busy(self) -> DatabaseBusy:
        return DatabaseBusy(
            f"Another writer has held {self._path} for {self._timeout_s:g} s (database.lock_timeout_s). "
            "Look for a stopped or hanging mlops process on this machine (`fuser` names it) and end it."
        )
