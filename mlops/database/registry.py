"""One Database per URL and process: the one process-wide registry the design permits.

Services that name the same URL share connections, group commits and checkpoints. Nothing here belongs to an event loop.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from mlops.database.bell import Bell
from mlops.database.location import Location, locate
from mlops.database.postgresql import PostgreSQLBackend
from mlops.database.settings import DatabaseSettings
from mlops.database.sqlite import SQLiteBackend
from mlops.database.transaction import DriverStatement, Durability
from mlops.errors import Conflict

__all__ = ["Database", "close_all", "open_database"]

Backend = SQLiteBackend | PostgreSQLBackend


class Database:
    """A database in use by this process; made by `open_database`, shared by all who open the same URL.

    Safe to use from any thread. After a fork the child opens connections of its own at its next transaction.
    """

    def __init__(self, location: Location, settings: DatabaseSettings) -> None:
        self._location = location
        self._settings = settings
        self._lock = threading.Lock()
        self._backend: Backend | None = None
        self._commits: weakref.WeakSet[Any] = weakref.WeakSet()
        self._users = 0
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Database({self.masked_url!r})"

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._location.dialect

    @property
    def url(self) -> str:
        """The canonical URL, password included: never for people or logs."""
        return self._location.key

    @property
    def masked_url(self) -> str:
        """The URL for people and logs."""
        return self._location.masked

    @property
    def path(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        return self._location.path

    @property
    def bell(self) -> Bell:
        """What rings in this process when something was committed; a child after a fork has another one."""
        return (self._backend or self._open()).bell

    def write(self, durability: Durability = Durability.RECORD) -> Any:
        """Return the context of a write transaction: commits at the end of the block, rolls back when it raises.

        Raises:
            DatabaseBusy: Other writers held the database for longer than `lock_timeout_s`.
            StorageFull: The disk is full; nothing of the transaction stays.
            DatabaseUnavailable: The database cannot be reached, or failed at its work.
            Conflict: The thread is inside a write transaction already.
        """
        return (self._backend or self._open()).write(durability)

    def read(self) -> Any:
        """Return the context of a read-only transaction on one consistent snapshot."""
        return (self._backend or self._open()).read()

    def fetch(self, statement: DriverStatement, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of one SELECT, a snapshot by itself: in a quarter of the time that a transaction takes.

        Args:
            statement: A SELECT.
            values: The values of its parameters, as the driver takes them.

        Raises:
            DatabaseUnavailable: The database cannot be reached, or failed at its work.
        """
        return (self._backend or self._open()).fetch(statement, values)

    def enlist(self, commit: Any) -> None:
        """Have `commit.forget()` called in a child after a fork."""
        self._commits.add(commit)

    def describe(self) -> dict[str, Any]:
        """Return dialect, masked URL, server version and the state of the pool."""
        backend = self._backend or self._open()
        return {
            "dialect": self.dialect,
            "url": self.masked_url,
            "server_version": backend.server_version(),
            "pool_size": self._settings.pool_size,
            "max_connections": self._settings.max_connections,
            "connections": backend.pool_status(),
        }

    def close(self) -> None:
        """Say that one user is done; the last one closes the connections."""
        registry.release(self)

    def retain(self) -> None:
        """Count one more user; called by the registry under its lock."""
        self._users += 1

    def dismiss(self) -> bool:
        """Count one user less; True when it was the last one. Called by the registry under its lock."""
        self._users -= 1
        return self._users <= 0

    def shut(self) -> None:
        """Write what waits in group commits and close the connections, whoever still uses them."""
        for commit in list(self._commits):
            commit.drain()
        with self._lock:
            self._closed = True
            backend = self._backend
        if backend is not None:
            backend.close()
        self._backend = None

    def forget(self) -> list[object]:
        """Start anew in a child after a fork; return what must stay referenced so that it is never closed there."""
        self._lock = threading.Lock()
        backend, self._backend = self._backend, None
        for commit in list(self._commits):
            commit.forget()
        return [] if backend is None else [backend, *backend.forget()]

    def _open(self) -> Backend:
        with self._lock:
            if self._closed:
                raise Conflict(f"{self!r} is closed; open it again with open_database(url).")
            if self._backend is None:
                kind = SQLiteBackend if self.dialect == "sqlite" else PostgreSQLBackend
                self._backend = kind(self._location, self._settings)
            return self._backend


class _Registry:
    """Databases in use, by canonical URL."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._databases: dict[str, Database] = {}
        self._inherited: list[object] = []
        self._hooked = False

    def acquire(self, location: Location, settings: DatabaseSettings) -> Database:
        with self._lock:
            self._hook()
            database = self._databases.get(location.key)
            if database is None:
                database = self._databases[location.key] = Database(location, settings)
            database.retain()
            return database

    def release(self, database: Database) -> None:
        with self._lock:
            if not database.dismiss():
                return
            if self._databases.get(database.url) is database:
                del self._databases[database.url]
        database.shut()

    def close_all(self) -> None:
        with self._lock:
            databases, self._databases = list(self._databases.values()), {}
        for database in databases:
            database.shut()

    def _hook(self) -> None:
        if not self._hooked:
            self._hooked = True
            atexit.register(self.close_all)
            os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        for database in self._databases.values():
            self._inherited.extend(database.forget())
        if self._inherited:
            _never_free(self._inherited)


def _never_free(things: list[object]) -> None:
    """Keep them even from the interpreter's end, which would close the parent's connections in the child."""
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(things))


registry = _Registry()


def open_database(url: str, settings: DatabaseSettings | None = None) -> Database:
    """Open a database, or join those of this process who already use it; bring its schema to the newest version.

    Args:
        url: `sqlite:///file.db` or `postgresql://user:password@host:5432/name`.
        settings: Pool and lock limits; the first to open a database decides them for the process.

    Raises:
        UnsupportedLocation: The URL cannot be a database of this package.
        SchemaMismatch: The database belongs to a newer version of this package.
        DatabaseUnavailable: It cannot be reached.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, open_database(f"sqlite:///{folder}/lab.db") as database:
        ...     database.dialect
        'sqlite'
    """
    from mlops.database import schema

    database = registry.acquire(locate(url), settings or DatabaseSettings())
    try:
        schema.upgrade(database)
    except BaseException:
        database.close()
        raise
    return database


def close_all() -> None:
    """Close every database of this process, as happens at its exit."""
    registry.close_all()
