"""One transaction, as stores see it: SQLAlchemy Core statements, and the driver's cursor for facts by the thousand."""

from __future__ import annotations

import enum
import functools
import operator
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection, CursorResult, Dialect
from sqlalchemy.sql import Delete, Executable, Insert, Select, Update
from sqlalchemy.sql.compiler import SQLCompiler

from mlops.database.bell import Bell
from mlops.errors import Conflict

__all__ = ["DriverStatement", "Durability", "Transaction", "insert_statement"]

Row = Sequence[Any]


class Durability(enum.Enum):
    """What an acknowledged write survives."""

    RECORD = "record"
    """Power loss: the commit waits for the disk."""
    FACT = "fact"
    """`kill -9` of any process: the commit waits for the operating system (on PostgreSQL also for the disk)."""


class DriverStatement:
    """A Core statement compiled once per database and run on the driver's cursor, for the hottest paths.

    Values travel as the driver takes them: no type of a column is applied.

    Args:
        statement: A Core statement with named bind parameters.
        parameters: The names of its parameters, in the order in which rows of values will come.
    """

    def __init__(self, statement: Insert | Update | Delete | Select[Any], parameters: Sequence[str]) -> None:
        self._statement = statement
        self._parameters = tuple(parameters)
        self._compiled: dict[str, tuple[str, Callable[[Row], Row] | None]] = {}

    def for_dialect(self, dialect: str) -> tuple[str, Callable[[Row], Row] | None]:
        """Return the SQL text and what puts a row into its order (None when it already is)."""
        if dialect not in self._compiled:
            self._compiled[dialect] = self._compile(dialect)
        return self._compiled[dialect]

    def _compile(self, dialect: str) -> tuple[str, Callable[[Row], Row] | None]:
        target = _dialect(dialect)
        compiled = self._statement.compile(dialect=target)
        if not isinstance(compiled, SQLCompiler):
            raise TypeError(f"{self._statement!r} is not a statement with parameters")
        order = tuple(self._parameters.index(name) for name in compiled.positiontup or ())
        if order == tuple(range(len(self._parameters))):
            return str(compiled), None
        if len(order) > 1:
            return str(compiled), operator.itemgetter(*order)
        return str(compiled), lambda row: tuple(row[index] for index in order)


def _dialect(name: str) -> Dialect:
    if name == "postgresql":
        from sqlalchemy.dialects import postgresql  # 70 ms that SQLite's users need not spend

        return cast("Dialect", postgresql.dialect(paramstyle="format"))  # type: ignore[no-untyped-call]
    return sqlite.dialect(paramstyle="qmark")


@functools.lru_cache(maxsize=256)
def insert_statement(table: sa.Table, columns: tuple[str, ...]) -> DriverStatement:
    """Return the statement that inserts rows with these columns, compiled once."""
    values: dict[str, Any] = {name: sa.bindparam(name) for name in columns}
    return DriverStatement(sa.insert(table).values(values).inline(), columns)


class DriverCursor(Protocol):
    """What this module needs of a DB-API cursor."""

    def execute(self, sql: Any, parameters: Any = ..., /) -> Any: ...

    def executemany(self, sql: Any, rows: Any, /) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    @property
    def description(self) -> Any: ...


CopyRows = Callable[[DriverCursor, sa.Table, Sequence[str], Sequence[Row]], None]


class Transaction:
    """A transaction in progress; valid inside the `with` block that made it, in that thread only.

    Attributes:
        dialect: `sqlite` or `postgresql`.
        connection: SQLAlchemy's connection, for what inspects schemas.
        bell: Rings for those in this process who wait for what is committed.
    """

    __slots__ = ("_callbacks", "_copy", "_cursor", "_open_cursors", "bell", "connection", "dialect")

    def __init__(self, dialect: str, connection: Connection, cursor: Any, copy: CopyRows, bell: Bell) -> None:
        self.dialect = dialect
        self.bell = bell
        self.connection = connection
        self._cursor = cursor
        self._copy = copy
        self._callbacks: list[Callable[[], object]] = []
        self._open_cursors: list[weakref.ref[Any]] = []

    def __getattr__(self, name: str) -> Any:
        """Answer the use of a transaction after its end, when it has no connection any more."""
        if name in {"connection", "_cursor"}:
            raise Conflict("This transaction is over, its block has ended. Begin another one.")
        raise AttributeError(name)

    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run a Core statement."""
        result: CursorResult[Any] = self.connection.execute(statement, parameters)
        if result.cursor is not None:
            self._open_cursors.append(weakref.ref(result.cursor))
        return result

    def run(self, statement: DriverStatement, values: Row = ()) -> list[tuple[Any, ...]]:
        """Run a statement on the driver's cursor; return its rows, none when it gives none."""
        sql, arrange = statement.for_dialect(self.dialect)
        self._cursor.execute(sql, values if arrange is None else arrange(values))
        return self._cursor.fetchall() if self._cursor.description is not None else []

    def stream(self, statement: DriverStatement, values: Row = ()) -> Iterator[tuple[Any, ...]]:
        """Run a statement on the driver's cursor; yield its rows, to be read before anything else is run.

        A hundred thousand rows are read in half the time of a list of them: no tuple outlives its turn.
        """
        sql, arrange = statement.for_dialect(self.dialect)
        self._cursor.execute(sql, values if arrange is None else arrange(values))
        rows: Iterator[tuple[Any, ...]] = iter(self._cursor)
        return rows

    def run_many(self, statement: DriverStatement, rows: Sequence[Row]) -> None:
        """Run a statement once per row of values on the driver's cursor."""
        sql, arrange = statement.for_dialect(self.dialect)
        self._cursor.executemany(sql, rows if arrange is None else [arrange(row) for row in rows])

    def insert_rows(self, table: sa.Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows of driver-ready values: `executemany` on SQLite, COPY on PostgreSQL."""
        self._copy(self._cursor, table, columns, rows)

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Call this, in the committing thread, once the commit has succeeded.

        The commit stands whatever becomes of the callback, so its error is logged and reaches nobody: a caller who saw
        it would take the transaction for a failed one and write again.
        """
        self._callbacks.append(callback)

    def end(self) -> None:
        """Close all cursors; called by the backend before it commits or rolls back.

        A half-read result would hold its snapshot, and SQLite's file, for as long as somebody keeps the result.
        """
        for reference in self._open_cursors:
            if (cursor := reference()) is not None:
                cursor.close()
        self._cursor.close()
        del self._cursor, self.connection

    def committed(self) -> None:
        """Run what waited for the commit; called by the backend."""
        for callback in self._callbacks:
            try:
                callback()
            except Exception:  # noqa: BLE001 (whatever it is, it must not look like a failed commit)
                import structlog

                structlog.get_logger(__name__).exception("a callback after the commit failed", callback=repr(callback))
