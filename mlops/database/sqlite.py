"""SQLite: one writer at a time under the writer lock, readers beside it on snapshots of the write-ahead log."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool, QueuePool

from mlops.database.bell import Bell
from mlops.database.checkpointer import Checkpointer
from mlops.database.errors import DatabaseUnavailable, raise_translated, unusable
from mlops.database.location import Location
from mlops.database.settings import DatabaseSettings
from mlops.database.single_reads import SingleReads
from mlops.database.transaction import DriverCursor, DriverStatement, Durability, Transaction, insert_statement
from mlops.database.writer_lock import WriterLock

__all__ = ["SQLiteBackend"]

_LOOK_EVERY_TRANSACTIONS = 64  # how often the checkpointer is asked to look at the size of the log
_LOOK_EVERY_ROWS = 50_000
_SYNCHRONOUS = {Durability.RECORD: "FULL", Durability.FACT: "NORMAL"}


class SQLiteBackend:
    """Transactions on one SQLite file."""

    dialect: Literal["sqlite"] = "sqlite"

    def __init__(self, location: Location, settings: DatabaseSettings) -> None:
        if location.path is None:
            raise DatabaseUnavailable(f"{location.masked} names no file")
        self.masked = location.masked
        self.settings = settings
        self.bell = Bell()
        self.path: Path = location.path
        self.lock = self._lock_beside(self.path)
        self._checkpointer = Checkpointer(self.path, self.lock)
        self._single_reads = SingleReads(self.path)
        self._readers = _engine(location, settings, read_only=True)
        self._writers = _engine(location, settings, read_only=False)
        self._connection: Connection | None = None
        self._driver: sqlite3.Connection | None = None
        self._synchronous = ""
        self._writes = 0
        self._noticed_rows = 0
        try:
            self._use_log()
        except BaseException as error:
            self.close()
            raise_translated(error, self.masked, settings)
            raise

    def write(self, durability: Durability) -> _Write:
        """Return the context of a write transaction."""
        return _Write(self, durability)

    def read(self) -> _Read:
        """Return the context of a snapshot."""
        return _Read(self)

    def fetch(self, statement: DriverStatement, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a single SELECT and return its rows."""
        try:
            return self._single_reads.run(statement, values)
        except sqlite3.Error as error:
            raise_translated(error, self.masked, self.settings)
            raise

    def begin(self, durability: Durability) -> Transaction:
        """Begin writing; the caller holds the lock."""
        driver = self._open_writer() if self._driver is None else self._driver
        if self._synchronous != (wanted := _SYNCHRONOUS[durability]):
            driver.execute(f"PRAGMA synchronous={wanted}")
            self._synchronous = wanted
        driver.execute("BEGIN IMMEDIATE")
        return Transaction("sqlite", self._writer(), driver.cursor(), insert_rows, self.bell)

    def commit(self) -> None:
        """Commit what `begin` began."""
        self._require_driver().execute("COMMIT")
        self._settle()
        self._notice_growth()

    def rollback(self) -> None:
        """Undo what `begin` began, if it did; a connection that cannot is replaced by the next transaction."""
        if (driver := self._driver) is None:
            return
        try:
            if driver.in_transaction:  # SQLite itself rolls back on a full disk
                driver.execute("ROLLBACK")
            self._settle()
        except (sqlite3.Error, sa.exc.SQLAlchemyError):
            self._close_writer()

    def snapshot(self) -> tuple[Connection, Transaction]:
        """Begin reading."""
        connection = self._readers.connect()
        try:
            driver = _driver_of(connection)
            driver.execute("BEGIN")
        except BaseException:
            connection.close()
            raise
        return connection, Transaction("sqlite", connection, driver.cursor(), insert_rows, self.bell)

    def close(self) -> None:
        """Close every connection once this process's writer is done; the last one of all folds the log into the file.

        Raises:
            Conflict: This thread is inside a write transaction.
        """
        self.lock.close()
        self._checkpointer.stop()
        self._single_reads.close()
        self._readers.dispose()
        self._close_writer()
        self._writers.dispose()

    def forget(self) -> list[object]:
        """Drop all handles after a fork, closing none; return what must stay referenced so that nothing closes it."""
        self.lock.forget()
        kept: list[object] = [self._connection, self._driver, self._readers.pool, self._writers.pool]
        self._connection = self._driver = None
        self._readers.dispose(close=False)
        self._writers.dispose(close=False)
        return kept

    def server_version(self) -> str:
        """Name the database's program and version."""
        return f"SQLite {sqlite3.sqlite_version}"

    def pool_status(self) -> dict[str, int]:
        """Count the connections of readers."""
        pool = self._readers.pool
        return (
            {"open": pool.checkedin() + pool.checkedout(), "in_use": pool.checkedout()}
            if isinstance(pool, QueuePool)
            else {}
        )

    def _lock_beside(self, path: Path) -> WriterLock:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return WriterLock(path.with_name(path.name + ".writer"), self.settings.lock_timeout_s)
        except OSError as error:
            raise unusable(error, self.masked) from error

    def _use_log(self) -> None:
        """Switch a new file to write-ahead logging, alone: SQLite does not wait for others who do the same."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            with self.write(Durability.RECORD):
                pass

    def _notice_growth(self) -> None:
        """Have the checkpointer look at the log now and then; called by the holder of the lock."""
        rows = self._require_driver().total_changes
        self._writes += 1
        if self._writes >= _LOOK_EVERY_TRANSACTIONS or rows - self._noticed_rows >= _LOOK_EVERY_ROWS:
            self._writes, self._noticed_rows = 0, rows
            self._checkpointer.notice()

    def _open_writer(self) -> sqlite3.Connection:
        self._connection = self._writers.connect()
        self._driver = _driver_of(self._connection)
        self._synchronous = ""
        self._noticed_rows = 0
        return self._driver

    def _close_writer(self) -> None:
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None:
            connection.close()

    def _writer(self) -> Connection:
        if self._connection is None:
            raise DatabaseUnavailable(f"{self.masked} has no open writer")
        return self._connection

    def _require_driver(self) -> sqlite3.Connection:
        if self._driver is None:
            raise DatabaseUnavailable(f"{self.masked} has no open writer")
        return self._driver

    def _settle(self) -> None:
        """Tell SQLAlchemy, which runs in autocommit here, that its bookkeeping transaction is over."""
        connection = self._writer()
        if connection.in_transaction():
            connection.commit()


class _Write:
    """Holds the writer lock from begin to commit or rollback."""

    __slots__ = ("_backend", "_durability", "_transaction")

    def __init__(self, backend: SQLiteBackend, durability: Durability) -> None:
        self._backend = backend
        self._durability = durability

    def __enter__(self) -> Transaction:
        backend = self._backend
        backend.lock.acquire()
        try:
            self._transaction = backend.begin(self._durability)
        except BaseException as error:
            backend.rollback()
            backend.lock.release()
            raise_translated(error, backend.masked, backend.settings)
            raise
        return self._transaction

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        backend = self._backend
        try:
            self._transaction.end()
            if error is None:
                backend.commit()
            else:
                backend.rollback()
        except BaseException as failure:
            backend.rollback()
            raise_translated(failure, backend.masked, backend.settings)
            raise
        finally:
            backend.lock.release()
        if error is not None:
            raise_translated(error, backend.masked, backend.settings)
        else:
            self._transaction.committed()


class _Read:
    """Holds one reader's connection for the length of a snapshot."""

    __slots__ = ("_backend", "_connection", "_transaction")

    def __init__(self, backend: SQLiteBackend) -> None:
        self._backend = backend

    def __enter__(self) -> Transaction:
        try:
            self._connection, self._transaction = self._backend.snapshot()
        except BaseException as error:
            raise_translated(error, self._backend.masked, self._backend.settings)
            raise
        return self._transaction

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._transaction.end()
            driver = _driver_of(self._connection)
            if driver.in_transaction:
                driver.execute("ROLLBACK")
        finally:
            self._connection.close()
        if error is not None:
            raise_translated(error, self._backend.masked, self._backend.settings)


def insert_rows(cursor: DriverCursor, table: sa.Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows with one prepared statement."""
    sql, arrange = insert_statement(table, tuple(columns)).for_dialect("sqlite")
    cursor.executemany(sql, rows if arrange is None else [arrange(row) for row in rows])


def _engine(location: Location, settings: DatabaseSettings, *, read_only: bool) -> Engine:
    pool: dict[str, Any] = (
        {
            "poolclass": QueuePool,
            "pool_size": settings.pool_size,
            "max_overflow": settings.overflow,
            "pool_timeout": settings.lock_timeout_s,
            "pool_use_lifo": True,  # the connection used last has the statements prepared and the pages at hand
        }
        if read_only
        else {"poolclass": NullPool}
    )
    engine = sa.create_engine(
        location.url, isolation_level="AUTOCOMMIT", connect_args={"check_same_thread": False}, **pool
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: object) -> None:
        own = ["query_only=ON"] if read_only else ["journal_mode=WAL", "wal_autocheckpoint=0"]
        for pragma in ["busy_timeout=5000", *own, "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-16384"]:
            connection.execute(f"PRAGMA {pragma}").close()

    return engine


def _driver_of(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):
        raise DatabaseUnavailable("the connection was lost")
    return driver
