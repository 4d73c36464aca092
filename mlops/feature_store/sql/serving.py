"""Single statements answered at once: which version serves, and its values, on connections kept for that.

A statement by itself is a snapshot, so it needs no transaction. On SQLite that and a kept connection answer in a
quarter of the time that a transaction takes (measured: 9 µs instead of 43 µs).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mlops.database import Database, DriverStatement
from mlops.database.errors import raise_translated
from mlops.database.settings import DatabaseSettings
from mlops.feature_store.references import ViewReference
from mlops.feature_store.sql.tables import views

__all__ = ["ServingReader"]

_LIVE = views.c.deleted_at.is_(None)
_NAMED = (views.c.project == sa.bindparam("project"), views.c.name == sa.bindparam("name"))
_ONE = sa.literal_column("1", sa.Integer)
_SERVING = DriverStatement(sa.select(views.c.view_id).where(*_NAMED, views.c.is_serving == _ONE), ("project", "name"))
_PINNED = DriverStatement(
    sa.select(views.c.view_id).where(*_NAMED, views.c.version == sa.bindparam("version"), _LIVE),
    ("project", "name", "version"),
)


class ServingReader:
    """Reads by single statements; safe to use from any thread, and in a child after a fork.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._inherited: list[sqlite3.Connection] = []

    def run(self, statement: DriverStatement, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a SELECT and return its rows.

        Raises:
            DatabaseUnavailable: The database failed at its work.
        """
        if self._database.path is None:
            with self._database.read() as tx:
                return list(tx.run(statement, values))
        sql, arrange = statement.for_dialect("sqlite")
        try:
            with self._lock:
                return self._kept().execute(sql, values if arrange is None else arrange(values)).fetchall()
        except sqlite3.Error as error:
            raise_translated(error, self._database.masked_url, DatabaseSettings())
            raise

    def version(self, project: str, view: ViewReference) -> str | None:
        """Return the id of the version that serves, or of the one named; None when there is none."""
        is_pinned = view.version is not None
        rows = self.run(_PINNED, (project, *view)) if is_pinned else self.run(_SERVING, (project, view.name))
        return rows[0][0] if rows else None

    def close(self) -> None:
        """Close the connection; the next statement opens another."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None and self._process == os.getpid():
                connection.close()

    def _kept(self) -> sqlite3.Connection:
        if self._connection is not None and self._process == os.getpid():
            return self._connection
        if self._connection is not None:  # the parent's: closing it here would drop the parent's locks
            self._inherited.append(self._connection)
        self._connection = sqlite3.connect(
            f"{self._database.path.absolute().as_uri()}?mode=ro" if self._database.path else "",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        for pragma in ("busy_timeout=5000", "cache_size=-16384"):
            self._connection.execute(f"PRAGMA {pragma}").close()
        self._process = os.getpid()
        return self._connection
