"""PostgreSQL: pooled connections, snapshots for readers, COPY for facts by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from mlops.database.errors import DatabaseBusy, translate
from mlops.database.location import Location
from mlops.database.settings import DatabaseSettings
from mlops.database.transaction import Durability, Transaction, insert_statement
from mlops.errors import require

__all__ = ["PostgreSQLBackend"]

_COPY_FROM = 16  # below this many rows a pipelined INSERT is no slower than COPY


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
        self._settings = settings
        self._engine: Engine = sa.create_engine(
            location.url,
            pool_size=settings.pool_size,
            max_overflow=settings.overflow,
            pool_timeout=settings.lock_timeout_s,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10, "application_name": "mlops"},
        )
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def write(self, durability: Durability) -> _Scope:  # noqa: ARG002 (both classes commit alike, see the class)
        """Return the context of a write transaction."""
        return _Scope(self, self._engine, commits=True)

    def read(self) -> _Scope:
        """Return the context of a snapshot."""
        return _Scope(self, self._snapshots, commits=False)

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
        with self.read() as tx:
            return f"PostgreSQL {tx.execute(sa.text('SHOW server_version')).scalar_one()}"

    def pool_status(self) -> dict[str, int]:
        """Count the connections of this process."""
        pool = self._engine.pool
        return (
            {"open": pool.checkedin() + pool.checkedout(), "in_use": pool.checkedout()}
            if isinstance(pool, QueuePool)
            else {}
        )

    def raise_translated(self, error: BaseException) -> None:
        """Raise our error for an operational failure; return when the error is of another kind."""
        if isinstance(error, PoolTimeout):
            raise DatabaseBusy(
                f"{self.masked}: all {self._settings.max_connections} connections of this process were in use for "
                f"{self._settings.lock_timeout_s:g} s. Raise database.max_connections or have fewer callers at once."
            ) from error
        if isinstance(error, Exception) and (translated := translate(error, self.masked)) is not None:
            raise translated from error


class _Scope:
    """A connection from the pool, from begin to commit or rollback."""

    __slots__ = ("_backend", "_commits", "_connection", "_engine", "_transaction")

    def __init__(self, backend: PostgreSQLBackend, engine: Engine, *, commits: bool) -> None:
        self._backend = backend
        self._engine = engine
        self._commits = commits

    def __enter__(self) -> Transaction:
        try:
            self._connection: Connection = self._engine.connect()
            self._connection.begin()
            cursor = self._connection.connection.cursor()
        except BaseException as error:
            self._backend.raise_translated(error)
            raise
        self._transaction = Transaction("postgresql", self._connection, cursor, copy_rows)
        return self._transaction

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._commits:
                self._connection.commit()
            else:
                self._connection.rollback()
        except BaseException as failure:
            self._backend.raise_translated(failure)
            raise
        finally:
            self._connection.close()
        if error is not None:
            self._backend.raise_translated(error)
        else:
            self._transaction.committed()


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
