"""What can go wrong between the package and its database, and the one translation of drivers' errors.

Unavailable
├── DatabaseUnavailable     cannot be reached, or refused to work; nothing of the transaction was kept
│   └── DatabaseBusy        another writer held the lock for longer than `database.lock_timeout_s`
└── StorageFull             the disk is full; the transaction was rolled back
InvalidInput
└── UnsupportedLocation     the URL, or the place it points to, cannot be a database of this package
Conflict
└── SchemaMismatch          the tables are newer than this package, or not its own
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy.exc import DBAPIError

from mlops.errors import Conflict, InvalidInput, MLOpsError, StorageFull, Unavailable

__all__ = ["DatabaseBusy", "DatabaseUnavailable", "SchemaMismatch", "UnsupportedLocation", "translate"]

_FULL = ("database or disk is full", "No space left on device", "disk full")
_BUSY = ("database is locked", "database table is locked")


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached or refused to work; nothing of the transaction was kept."""


class DatabaseBusy(DatabaseUnavailable):
    """Another writer held the database for longer than the configured wait."""


class UnsupportedLocation(InvalidInput):
    """A URL, or the place it points to, that cannot hold a database of this package."""


class SchemaMismatch(Conflict):
    """The database's schema is newer than this package, or belongs to something else."""


def translate(error: Exception, database: str) -> MLOpsError | None:
    """Return our error for a driver's operational failure, or None when the trouble lies in the data or the code.

    Args:
        error: What the driver or SQLAlchemy raised.
        database: Masked URL of the database, for the message.
    """
    cause: Any = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if not _is_operational(cause):
        return None
    text = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    if any(sign in text for sign in _FULL):
        return StorageFull(f"{database}: {text}. The transaction was rolled back; free some space and try again.")
    if any(sign in text for sign in _BUSY):
        return DatabaseBusy(
            f"{database}: {text}; a program that is not part of mlops holds it. Close it and try again."
        )
    return DatabaseUnavailable(f"{database} cannot serve the request: {text}. Nothing of the transaction was kept.")


def _is_operational(error: object) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        text = str(error)
        return not text.startswith(("no such", "near ", "table ", "duplicate column", "ambiguous column"))
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    return "psycopg.OperationalError" in kinds
