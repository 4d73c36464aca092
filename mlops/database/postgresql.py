"""PostgreSQL: pooled connections, snapshots for readers, COPY for facts by the thousand."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from types import TracebackType
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

from mlops.database.bell import Bell
from mlops.database.errors import raise_translated
from mlops.database.location import Location
from mlops.database.settings import DatabaseSettings
from mlops.database.transaction import DriverStatement, Durability, Transaction, insert_statement
from mlops.errors import Conflict, require

__all__ = ["PostgreSQLBackend"]

_COPY_FROM = 16  # below this many rows a pipelined INSERT is no slower than COPY
_CONNECTION = {
    "application_name": "mlops", "connect_timeout": 10,
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4, "tcp_user_timeout": 30_000,
}  # fmt: skip
"""Unless the URL says otherwise. A server that has fallen silent is given up after half a minute: Linux alone waits
for a quarter of an hour, in which a worker renews no lease."""
_COMMIT_LOST = "Whether the transaction was kept is not known; look before you try again."


class PostgreSQLBackend:
    """Transactions on one PostgreSQL database.

    Facts and records commit alike: with `synchronous_commit` off, acknowledged rows were lost when a server process was
    killed.
    """

    dialect: Literal["postgresql"] = "postgresql"
    path = None

    def __init__(self, location: Location, settings: DatabaseSettings) -> None:
        require("psycopg", package="psycopg[binary]", extra="postgres", purpose="a postgresql:// database")
        self.masked = location.masked
        self.settings = settings
        self.bell = Bell()
        self.writing: set[int] = set()  # threads inside a write transaction
        self._engine: Engine = sa.create_engine(
            location.url,
            pool_size=settings.pool_size,
            max_overflow=settings.overflow,
            pool_timeout=settings.lock_timeout_s,
            pool_pre_ping=True,
            pool_use_lifo=True,  # the connection used last has the statements prepared and the caches warm
            connect_args={name: value for name, value in _CONNECTION.items() if name not in location.url.query},
        )
        self._singles = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def write(self, durability: Durability) -> _Scope:  # noqa: ARG002 (both classes commit alike, see the class)
        """Return the context of a write transaction."""
        return _Scope(self, self._engine, commits=True)

    def read(self) -> _Scope:
        """Return the context of a snapshot."""
        return _Scope(self, self._snapshots, commits=False)

    def fetch(self, statement: DriverStatement, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a single SELECT and return its rows."""
        sql, arrange = statement.for_dialect("postgresql")
        try:
            with self._singles.connect() as connection, closing(connection.connection.cursor()) as cursor:
                cursor.execute(sql, values if arrange is None else arrange(values))
                return list(cursor.fetchall())
        except Exception as error:
            raise_translated(error, self.masked, self.settings)
            raise

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def forget(self) -> list[object]:
        """Drop all connections after a fork without closing them; return what must stay referenced."""
        kept: list[object] = [self._engine.pool]
        self._engine.dispose(close=False)
        return kept

    def server_version(self) -> str:
        """Name the database's program and version."""
        dialect = self._engine.dialect
        if dialect.server_version_info is None:  # no connection was made so far
            with self.read():
                pass
        return f"PostgreSQL {'.'.join(map(str, dialect.server_version_info or ()))}"

    def pool_status(self) -> dict[str, int]:
        """Count the connections of this process."""
        pool = self._engine.pool
        return (
            {"open": pool.checkedin() + pool.checkedout(), "in_use": pool.checkedout()}
            if isinstance(pool, QueuePool)
            else {}
        )


class _Scope:
    """A connection from the pool, from begin to commit or rollback."""

    __slots__ = ("_backend", "_commits", "_connection", "_engine", "_transaction")

    def __init__(self, backend: PostgreSQLBackend, engine: Engine, *, commits: bool) -> None:
        self._backend = backend
        self._engine = engine
        self._commits = commits

    def __enter__(self) -> Transaction:
        if self._commits:
            self._claim_thread()
        try:
            self._connection: Connection = self._engine.connect()
        except BaseException as error:
            self._backend.writing.discard(threading.get_ident())
            raise_translated(error, self._backend.masked, self._backend.settings)
            raise
        try:
            self._connection.begin()
            cursor = self._connection.connection.cursor()
        except BaseException as error:
            self._finish(error)
            raise
        self._transaction = Transaction("postgresql", self._connection, cursor, copy_rows, self._backend.bell)
        return self._transaction

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transaction.end()
        self._finish(error)
        if error is None:
            self._transaction.committed()

    def _claim_thread(self) -> None:
        if threading.get_ident() in self._backend.writing:
            raise Conflict(
                "A write transaction was begun inside another one of the same thread; hand the first one on."
            )
        self._backend.writing.add(threading.get_ident())

    def _finish(self, error: BaseException | None) -> None:
        """Commit or roll back, give the connection back, and raise what the driver's error means."""
        outcome = {"outcome": _COMMIT_LOST} if error is None and self._commits else {}
        try:
            if error is None:
                self._connection.commit()  # readers too: a rollback makes psycopg forget what it has prepared
            else:
                self._connection.rollback()
        except BaseException as failure:
            raise_translated(error or failure, self._backend.masked, self._backend.settings, **outcome)
            raise
        finally:
            self._connection.close()
            if self._commits:
                self._backend.writing.discard(threading.get_ident())
        if error is not None:
            raise_translated(error, self._backend.masked, self._backend.settings)


def copy_rows(cursor: Any, table: sa.Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows by COPY, or by a pipelined INSERT when they are few."""
    if len(rows) < _COPY_FROM:
        sql, arrange = insert_statement(table, tuple(columns)).for_dialect("postgresql")
        cursor.executemany(sql, rows if arrange is None else [arrange(row) for row in rows])
        return
    names = ", ".join(f'"{name}"' for name in columns)
    with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)
