"""What can go wrong between the package and its database, and the one translation of drivers' errors.

Unavailable
├── DatabaseUnavailable     cannot be reached, or refused to work
│   └── DatabaseBusy        another writer, or all connections, were in use for longer than `database.lock_timeout_s`
└── StorageFull             the disk is full; the transaction was rolled back
InvalidInput
├── UnsupportedLocation     the URL, or the place it points to, cannot be a database of this package
└── NaiveTime               a time without a zone where aware ones are kept
Conflict
└── SchemaMismatch          the tables are newer than this package, or not its own
Corrupted                   SQLite finds its file damaged
"""

from __future__ import annotations

import errno
import sqlite3
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DBAPIError, DontWrapMixin
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mlops.database.settings import DatabaseSettings
from mlops.errors import Conflict, Corrupted, InvalidInput, MLOpsError, StorageFull, Unavailable

__all__ = [
    "DatabaseBusy",
    "DatabaseUnavailable",
    "NaiveTime",
    "SchemaMismatch",
    "UnsupportedLocation",
    "raise_translated",
    "translate",
    "unusable",
]

_NOTHING_KEPT = "Nothing of the transaction was kept."
_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SQLITE_TROUBLE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOLFS,
}
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT}
_POSTGRESQL_FULL = "53100"
_POSTGRESQL_LIMITS = "54"  # class 54: a value or statement too large, which psycopg counts among operational errors


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached or refused to work; the message says what became of the transaction."""


class DatabaseBusy(DatabaseUnavailable):
    """Another writer, or every connection of this process, was in use for longer than the configured wait."""


class UnsupportedLocation(InvalidInput):
    """A URL, or the place it points to, that cannot hold a database of this package."""


class NaiveTime(InvalidInput, DontWrapMixin):
    """A time without a zone; times in databases are aware."""

    def __init__(self, moment: datetime) -> None:
        super().__init__(f"{moment!r} has no time zone; times here are aware, for example datetime.now(UTC).")


class SchemaMismatch(Conflict):
    """The database's schema is newer than this package, or belongs to something else."""


def raise_translated(
    error: BaseException, database: str, settings: DatabaseSettings, *, outcome: str = _NOTHING_KEPT
) -> None:
    """Raise our error for an operational failure; return when the trouble lies in the data or the code.

    Args:
        error: What the driver or SQLAlchemy raised.
        database: Masked URL of the database, for the message.
        settings: The limits that it is used with.
        outcome: A sentence about what became of the transaction.
    """
    if isinstance(error, PoolTimeout):
        raise DatabaseBusy(
            f"{database}: all {settings.max_connections} connections of this process (database.max_connections) were "
            f"in use for {settings.lock_timeout_s:g} s. Raise database.max_connections or have fewer callers at once."
        ) from error
    if isinstance(error, Exception) and (translated := translate(error, database, outcome=outcome)) is not None:
        raise translated from error


def translate(error: Exception, database: str, *, outcome: str = _NOTHING_KEPT) -> MLOpsError | None:
    """Return our error for a driver's operational failure, or None when the trouble lies in the data or the code."""
    cause: Any = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    match _trouble(cause):
        case None:
            return None
        case "full":
            return StorageFull(f"{database}: {text}. The transaction was rolled back; free some space and try again.")
        case "busy":
            return DatabaseBusy(
                f"{database}: {text}; a program that is not part of mlops holds it. Close it and try again."
            )
        case "damaged":
            return Corrupted(f"{database}: {text}. Restore the file from a backup, or look at it with `sqlite3`.")
        case "foreign":
            return UnsupportedLocation(f"{database}: {text}. Name a SQLite file, or one that does not exist yet.")
        case _:
            return DatabaseUnavailable(f"{database} cannot serve the request: {text}. {outcome}")


def unusable(error: OSError, database: str) -> MLOpsError:
    """Return our error for a file that cannot be made or opened."""
    if error.errno in _FULL_DISK:
        return StorageFull(f"{database}: {error.strerror}. Free some space and try again.")
    return DatabaseUnavailable(
        f"{database} cannot be opened: {error.strerror} ({error.filename}). "
        "Name a file in a folder that you may write to."
    )


def _trouble(cause: object) -> str | None:
    """Say what kind of operational failure this is; None when it is none."""
    if isinstance(cause, sqlite3.Error):
        return _sqlite_trouble(getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF)
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(cause).__mro__}
    if "psycopg.OperationalError" not in kinds:
        return None
    state = getattr(cause, "sqlstate", None) or ""
    if state == _POSTGRESQL_FULL:
        return "full"
    return None if state.startswith(_POSTGRESQL_LIMITS) else "unavailable"


def _sqlite_trouble(code: int) -> str | None:
    if code in _SQLITE_BUSY:
        return "busy"
    by_code = {sqlite3.SQLITE_FULL: "full", sqlite3.SQLITE_CORRUPT: "damaged", sqlite3.SQLITE_NOTADB: "foreign"}
    return by_code.get(code, "unavailable" if code in _SQLITE_TROUBLE else None)
