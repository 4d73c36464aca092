"""The database floor: transactions, group commit, and the schema, on SQLite and PostgreSQL alike.

Tables are declared on `metadata` by the stores that own them. Everything is synchronous and runs in the caller's
thread; the generated async classes hop once above.

Example:
    >>> import sqlalchemy as sa, tempfile
    >>> with tempfile.TemporaryDirectory() as folder, open_database(f"sqlite:///{folder}/lab.db") as database:
    ...     with database.read() as tx:
    ...         tx.execute(sa.text("SELECT count(*) FROM experiments")).scalar_one()
    0
"""

from __future__ import annotations

from mlops.database.columns import Text, UtcDateTime, metadata, read_moment, write_moment
from mlops.database.connection import configured_database, get_connection_info, test_connection
from mlops.database.errors import DatabaseBusy, DatabaseUnavailable, SchemaMismatch, UnsupportedLocation
from mlops.database.group_commit import GroupCommit
from mlops.database.registry import Database, close_all, open_database
from mlops.database.schema import check, current, head, upgrade
from mlops.database.settings import DatabaseSettings
from mlops.database.transaction import DriverStatement, Durability, Transaction

__all__ = [
    "Database",
    "DatabaseBusy",
    "DatabaseSettings",
    "DatabaseUnavailable",
    "DriverStatement",
    "Durability",
    "GroupCommit",
    "SchemaMismatch",
    "Text",
    "Transaction",
    "UnsupportedLocation",
    "UtcDateTime",
    "check",
    "close_all",
    "configured_database",
    "current",
    "get_connection_info",
    "head",
    "metadata",
    "open_database",
    "read_moment",
    "test_connection",
    "upgrade",
    "write_moment",
]
