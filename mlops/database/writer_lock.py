"""The lock that every write transaction on one SQLite file holds, across threads and processes.

SQLite's own waiting is a sleep that grows, so under load a third process may starve; the kernel's queue on an `flock`
does not. Threads of this process queue on a plain lock first; only its holder talks to the kernel.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path
from typing import Literal

from mlops.database.errors import DatabaseBusy
from mlops.errors import Conflict

__all__ = ["WriterLock"]

_NONE = -1  # in place of a descriptor that was given back


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
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._kernel: _KernelQueue | None = None

    def acquire(self) -> None:
        """Wait for the lock.

        Raises:
            DatabaseBusy: It was not free within `timeout_s`.
            Conflict: This thread holds it already, or the lock was closed.
        """
        me = threading.get_ident()
        if self._owner == me:
            raise Conflict(
                "A write transaction was begun inside another one of the same thread; hand the first one on."
            )
        deadline = time.monotonic() + self._timeout_s
        if not self._threads.acquire(timeout=self._timeout_s):
            raise self._busy()
        try:
            self._lock_file(deadline)
        except BaseException:
            self._threads.release()
            raise
        self._owner = me

    def release(self) -> None:
        """Let the next writer in."""
        self._owner = 0
        if self._descriptor != _NONE:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        """Wait for this process's writer to end, then give the file back; the lock cannot be acquired afterwards.

        Raises:
            Conflict: This thread holds the lock.
        """
        if self._owner == threading.get_ident():
            raise Conflict("The database was closed inside a write transaction; close it after the block.")
        with self._threads:
            descriptor, self._descriptor = self._descriptor, _NONE
            if self._kernel is not None:
                self._kernel.end()
            elif descriptor != _NONE:
                os.close(descriptor)

    def forget(self) -> None:
        """Drop this process's copy of the file after a fork, without unlocking what the parent holds."""
        descriptor, self._descriptor = self._descriptor, _NONE
        if descriptor != _NONE:
            os.close(descriptor)

    def _lock_file(self, deadline: float) -> None:
        if self._descriptor == _NONE:
            raise Conflict(f"The database of {self._path} is closed; open it again with open_database(url).")
        if self._kernel is None or not self._kernel.is_waiting:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._kernel = self._kernel or _KernelQueue(self._descriptor)
            else:
                return
        if not self._kernel.lock(max(0.0, deadline - time.monotonic())):
            raise self._busy()

    def _busy(self) -> DatabaseBusy:
        return DatabaseBusy(
            f"Another writer has held {self._path} for {self._timeout_s:g} s (database.lock_timeout_s). "
            "Look for a stopped or hanging mlops process on this machine (`fuser` names it) and end it."
        )


class _KernelQueue:
    """A thread that blocks in the kernel's fair queue on behalf of others, since flock itself knows no time limit.

    One caller at a time, which the holder of the lock among threads is. A caller who gives up leaves the thread in the
    queue; the next caller takes over its place, and a lock that comes when nobody wants it any more is let go at once.
    The thread is a daemon: a process whose lock never came can end all the same.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._state = threading.Condition()
        self._waiting = False
        self._wanted = False
        self._ended = False
        self._outcome: OSError | bool = False
        self._thread = threading.Thread(target=self._run, name="mlops-writer-lock", daemon=True)
        self._thread.start()

    @property
    def is_waiting(self) -> bool:
        """Whether the thread blocks in the kernel, or is about to."""
        return self._waiting

    def lock(self, timeout_s: float) -> bool:
        """Return True with the lock taken, or False when it did not come in time."""
        with self._state:
            self._waiting = self._wanted = True
            self._outcome = False
            self._state.notify_all()
            try:
                self._state.wait_for(lambda: self._outcome, timeout_s)
            except BaseException:
                if self._outcome is True:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)
                raise
            finally:
                self._wanted = False
            if isinstance(self._outcome, OSError):
                raise self._outcome
            return self._outcome

    def end(self) -> None:
        """End the thread, which closes the descriptor, as soon as it is out of the kernel."""
        with self._state:
            self._ended = True
            self._state.notify_all()
        if not self._waiting:
            self._thread.join()

    def _run(self) -> None:
        while self._is_asked():
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
                self._deliver(True)
            except OSError as error:
                self._deliver(error)
        os.close(self._descriptor)

    def _is_asked(self) -> bool:
        with self._state:
            self._state.wait_for(lambda: self._waiting or self._ended)
            return self._waiting

    def _deliver(self, outcome: OSError | Literal[True]) -> None:
        with self._state:
            if self._wanted:
                self._outcome = outcome
                self._state.notify_all()
            elif outcome is True:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._waiting = False
