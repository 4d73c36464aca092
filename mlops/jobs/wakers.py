"""What a runner sleeps on until there may be work: signals of this process, of other processes, or the clock.

Another way of being woken, such as Redis, is another `Waker`. None of them is relied on: a runner looks again after
`look_every_s` whatever happened, so a lost signal costs no more than that.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.engine import make_url

from mlops.database import Database
from mlops.jobs.descriptors import readable
from mlops.jobs.signals import CHANNEL

__all__ = ["ListeningWaker", "PollingWaker", "Waker", "default_waker"]

_GLANCE_S = 0.05  # between looks at SQLite's change counter, of which each takes some microseconds
_RECONNECT_S = 2.0
_CONNECT_S = 10


class Waker(Protocol):
    """Wakes one sleeping thread.

    Attributes:
        look_every_s: How long the runner sleeps at most, in case a signal is lost.
    """

    look_every_s: float

    def wait(self, timeout_s: float) -> None:
        """Return when there may be work, or after the timeout; a `wake` before the call counts."""

    def wake(self) -> None:
        """End the present `wait`, or the next one; called from any thread, also from several at once."""

    def close(self) -> None:
        """Give back what it holds; nobody waits any more."""


def default_waker(database: Database) -> Waker:
    """Return the waker that goes with a database."""
    if database.path is not None:
        return PollingWaker(database.path)
    return ListeningWaker(database.url)


class PollingWaker:
    """Sleeps on signals of this process, and looks at a SQLite file's change counter for those of others.

    Args:
        path: The database file.
    """

    look_every_s = 5.0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._woken = threading.Event()
        self._connection: sqlite3.Connection | None = None
        self._seen = -1

    def wait(self, timeout_s: float) -> None:
        """Return when woken, when the file has changed since the last call, or after the timeout."""
        deadline = time.monotonic() + timeout_s
        while not self._has_changed() and (left := deadline - time.monotonic()) > 0:
            if self._woken.wait(min(_GLANCE_S, left)):
                break
        self._woken.clear()

    def wake(self) -> None:
        """End the present or the next wait."""
        self._woken.set()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _has_changed(self) -> bool:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        before = self._seen
        (self._seen,) = self._connection.execute("PRAGMA data_version").fetchone()
        return self._seen != before


class ListeningWaker:
    """Sleeps on signals of this process and on PostgreSQL's notifications, on a connection of its own.

    Without the connection it goes on with what it has, and tries again now and then.

    Args:
        url: The database's URL, password included.
    """

    look_every_s = 2.0

    def __init__(self, url: str) -> None:
        self._address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._writing = threading.Lock()
        self._is_closed = False
        self._connection: Any = None
        self._retry_at = 0.0

    def wait(self, timeout_s: float) -> None:
        """Return when woken, when notified, or after the timeout."""
        was_deaf = self._connection is None
        connection = self._listening()
        if was_deaf and connection is not None:
            return  # what was queued before it listened
        ready = readable([self._reader] if connection is None else [self._reader, connection.fileno()], timeout_s)
        if self._reader in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._reader, 65_536)
        if connection is not None and connection.fileno() in ready:
            self._read_notifications(connection)

    def wake(self) -> None:
        """End the present or the next wait."""
        with self._writing, contextlib.suppress(BlockingIOError):  # the pipe is full of wakes already
            if not self._is_closed:  # else its number may be another file's by now
                os.write(self._writer, b"w")

    def close(self) -> None:
        """Close the connection and the pipe."""
        if self._connection is not None:
            self._connection.close()
        with self._writing:
            self._is_closed = True
            os.close(self._reader)
            os.close(self._writer)

    def _listening(self) -> Any:
        """Return a connection that listens, or None while the server cannot be reached."""
        import psycopg

        if self._connection is None and time.monotonic() >= self._retry_at:
            self._retry_at = time.monotonic() + _RECONNECT_S
            with contextlib.suppress(psycopg.OperationalError):  # the runner's own transactions report it
                self._connection = self._connect()
        return self._connection

    def _connect(self) -> Any:
        import psycopg

        connection = psycopg.connect(
            self._address, autocommit=True, application_name="mlops jobs", connect_timeout=_CONNECT_S
        )
        try:
            connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _read_notifications(self, connection: Any) -> None:
        import psycopg

        try:
            for _ in connection.notifies(timeout=0):
                continue
        except psycopg.OperationalError:
            connection.close()
            self._connection = None
