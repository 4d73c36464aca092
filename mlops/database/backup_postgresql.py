"""Copies of PostgreSQL databases: each of our tables by COPY on one snapshot, and back in one transaction.

Putting a copy back takes locks against writers only: readers see the old rows until the transaction commits. A copy of
an older version of the schema goes into tables of that version, which are then migrated, in the same transaction.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mlops.database import schema
from mlops.database.backup_records import DatabaseCopy, Made, Progress
from mlops.database.errors import unusable
from mlops.database.registry import Database
from mlops.database.transaction import Transaction

__all__ = ["copy_out", "replace"]

_CHUNK_BYTES = 1 << 20
_VERSION_TABLE = "alembic_version"  # told by the copy's `revision`
_PATIENCE = "60s"
_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position
"""


def copy_out(tx: Transaction, folder: Path, tables: Sequence[str], progress: Progress) -> Made:
    """Write each table as a file of COPY's text format."""
    names = [name for name in tables if name != _VERSION_TABLE]
    columns = _columns(tx, names)
    rows = {}
    for done, name in enumerate(names):
        progress(done, len(names))
        with _storing(folder):
            rows[name] = _write_table(tx, name, columns[name], folder / f"{name}.copy")
    progress(len(names), len(names))
    return Made([f"{name}.copy" for name in names], rows, columns, _sequences(tx, columns))


def replace(
    database: Database,
    copy: DatabaseCopy,
    folder: Path,
    *,
    check: Callable[[Transaction], None],
    prepare: Callable[[Transaction], object],
    progress: Progress,
) -> None:
    """Read the copy's rows in place of all that are there, in one transaction."""
    names = [file.safe_name.removesuffix(".copy") for file in copy.files]
    with database.write() as tx:
        tx.execute(sa.text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
        tx.execute(sa.text(f"LOCK TABLE {_all_tables()} IN EXCLUSIVE MODE"))
        check(tx)
        _make_room(tx, copy.revision)
        for done, name in enumerate(names):
            progress(done, len(names))
            _read_table(tx, name, copy.columns[name], folder / f"{name}.copy")
            tx.execute(sa.text(f"ANALYZE {_quoted(name)}"))
        _set_sequences(tx, copy)
        if copy.revision != schema.head():
            schema.migrate(tx)
        prepare(tx)
    progress(len(names), len(names))


def _make_room(tx: Transaction, revision: str) -> None:
    """Empty the tables; for a copy of an older version make them anew as they were then, which readers wait for."""
    if revision != schema.head():
        tx.execute(sa.text(f"DROP TABLE {_all_tables()}"))
        schema.migrate(tx, revision)
        return
    for name in schema.table_names():
        if name != _VERSION_TABLE:
            tx.execute(sa.text(f"DELETE FROM {_quoted(name)}"))  # noqa: S608 (names of our own)


def _all_tables() -> str:
    return ", ".join(map(_quoted, schema.table_names()))


def _write_table(tx: Transaction, name: str, columns: Sequence[str], path: Path) -> int:
    with path.open("wb") as file:
        with _cursor(tx) as cursor:
            with cursor.copy(f"COPY {_listed(name, columns)} TO STDOUT") as copy:
                for chunk in copy:
                    file.write(chunk)
            count: int = cursor.rowcount
        file.flush()
        os.fsync(file.fileno())
    return count


def _read_table(tx: Transaction, name: str, columns: Sequence[str], path: Path) -> None:
    with (
        path.open("rb") as file,
        _cursor(tx) as cursor,
        cursor.copy(f"COPY {_listed(name, columns)} FROM STDIN") as copy,
    ):
        while chunk := file.read(_CHUNK_BYTES):
            copy.write(chunk)


def _columns(tx: Transaction, names: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in names}
    for row in tx.execute(sa.text(_COLUMNS)):
        if row.table_name in found:
            found[row.table_name].append(row.column_name)
    return found


def _sequences(tx: Transaction, columns: dict[str, list[str]]) -> dict[str, int]:
    """Return the last number of each sequence: rows that are gone may have had higher ones than those that are left."""
    found = {}
    for table, names in columns.items():
        for column in names:
            sequence = _sequence_of(tx, table, column)
            if sequence:
                last = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}"  # noqa: S608
                found[f"{table}.{column}"] = int(tx.execute(sa.text(last)).scalar_one())
    return found


def _set_sequences(tx: Transaction, copy: DatabaseCopy) -> None:
    for place, last in copy.sequences.items():
        table, _, column = place.partition(".")
        sequence = _sequence_of(tx, table, column)
        statement = sa.text("SELECT setval(CAST(:sequence AS regclass), :last, :is_called)")
        tx.execute(statement, {"sequence": sequence, "last": max(last, 1), "is_called": last > 0})


def _sequence_of(tx: Transaction, table: str, column: str) -> str | None:
    query = sa.text("SELECT pg_get_serial_sequence(:table, :column)")
    name: str | None = tx.execute(query, {"table": _quoted(table), "column": column}).scalar()
    return name


@contextmanager
def _storing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unusable(error, str(folder)) from error


def _cursor(tx: Transaction) -> Any:
    driver: Any = tx.connection.connection.dbapi_connection
    return driver.cursor()


def _listed(table: str, columns: Sequence[str]) -> str:
    return f"{_quoted(table)} ({', '.join(map(_quoted, columns))})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
