"""The last values of entities in SQL: the online store where no Redis is configured."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from mlops.database import Database, DriverStatement, Durability
from mlops.feature_store.references import ViewReference
from mlops.feature_store.sql.tables import online, views
from mlops.feature_store.store import OnlineRow

__all__ = ["SqlOnlineStore"]

_MARK = ""  # the key of a row that is no entity's: theirs begin with = or [
_MOST_KEYS = 500  # in one statement
_PAGE = 10_000
_COLUMNS = ("view_id", "entity_key", "event_at", "created_at", "payload")
_LIVE = views.c.deleted_at.is_(None)
_OWN = online.c.view_id == sa.bindparam("view_id")
_DROP = DriverStatement(sa.delete(online).where(_OWN), ("view_id",))
_TOKEN = DriverStatement(
    sa.select(online.c.payload).where(_OWN, online.c.entity_key == sa.bindparam("entity_key")),
    ("view_id", "entity_key"),
)


class SqlOnlineStore:
    """`OnlineStore` in the platform's database.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, view_id: str, rows: Sequence[OnlineRow]) -> None:
        """Keep rows that are not older than those that are there."""
        with self._database.write(Durability.FACT) as tx:
            tx.run_many(_upsert(tx.dialect), [(view_id, *row) for row in sorted(rows, key=_in_order)])

    def read(
        self, project: str, view: ViewReference, keys: Sequence[str]
    ) -> tuple[str | None, dict[str, tuple[int, bytes]]]:
        """Return the id of the version and the values found in it, from one snapshot for up to 500 entities."""
        view_id: str | None = None
        found: dict[str, tuple[int, bytes]] = {}
        ordered = keys if len(keys) < 2 else sorted(set(keys))  # neighbours share pages: half the time for a hundred
        for begin in range(0, max(len(ordered), 1), _MOST_KEYS):
            part = ordered[begin : begin + _MOST_KEYS]
            pinned = () if view.version is None else (view.version,)
            statement = _read(len(pinned), _room(len(part)))
            padded = (*part, *([None] * (_room(len(part)) - len(part))))
            for row in self._database.fetch(statement, (project, view.name, *pinned, *padded)):
                if view_id not in (None, row[0]):  # another version began to serve between two parts
                    return self.read(project, view, keys)
                view_id = row[0]
                if row[1] is not None:
                    found[row[1]] = (row[2], row[3])
        return view_id, found

    def scan(self, view_id: str) -> Iterator[OnlineRow]:
        """Yield all rows of a version in order of their keys, page by page."""
        last = _MARK
        while rows := self._page(view_id, last):
            yield from rows
            last = rows[-1].key

    def token(self, view_id: str) -> str | None:
        """Return the mark among a version's values."""
        rows = self._database.fetch(_TOKEN, (view_id, _MARK))
        return bytes(rows[0][0]).decode() if rows else None

    def mark(self, view_id: str, token: str) -> None:
        """Leave a mark among a version's values."""
        self.put(view_id, [OnlineRow(_MARK, 0, 0, token.encode())])

    def drop(self, view_id: str) -> None:
        """Remove a version's values."""
        with self._database.write(Durability.FACT) as tx:
            tx.run(_DROP, (view_id,))

    def close(self) -> None:
        """Do nothing: the database belongs to others."""

    def _page(self, view_id: str, after: str) -> list[OnlineRow]:
        columns = [online.c[name] for name in _COLUMNS[1:]]
        query = sa.select(*columns).where(online.c.view_id == view_id, online.c.entity_key > after)
        with self._database.read() as tx:
            rows = tx.execute(query.order_by(online.c.entity_key).limit(_PAGE))
            return [OnlineRow(*row) for row in rows]


def _in_order(row: OnlineRow) -> str:
    """Writers that take rows in one order do not wait for each other in a circle."""
    return row.key


@functools.lru_cache(maxsize=2)
def _upsert(dialect: str) -> DriverStatement:
    from sqlalchemy.dialects import postgresql, sqlite

    values: dict[str, Any] = {name: sa.bindparam(name) for name in _COLUMNS}
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(online).values(values).inline()
    new, own = insert.excluded, online.c
    is_same_time = sa.and_(own.event_at == new.event_at, own.created_at == new.created_at)
    is_not_older = sa.or_(
        own.event_at < new.event_at,
        sa.and_(own.event_at == new.event_at, own.created_at < new.created_at),
        sa.and_(is_same_time, own.payload != new.payload),  # what is equal is not written again
    )
    changed = {name: new[name] for name in ("event_at", "created_at", "payload")}
    statement = insert.on_conflict_do_update(index_elements=["view_id", "entity_key"], set_=changed, where=is_not_older)
    return DriverStatement(statement, _COLUMNS)


def _room(count: int) -> int:
    """Round a number of keys up, so that few statements are prepared."""
    return 1 if count <= 1 else 1 << (count - 1).bit_length()


@functools.lru_cache(maxsize=32)
def _read(pins: int, room: int) -> DriverStatement:
    """Return the statement that finds the version and its values, for one key or for room for several."""
    names = [f"key_{index}" for index in range(room)]
    keys = [sa.bindparam(name, type_=sa.Text) for name in names]
    is_asked = online.c.entity_key == keys[0] if room == 1 else online.c.entity_key.in_(keys)
    joined = sa.outerjoin(views, online, sa.and_(online.c.view_id == views.c.view_id, is_asked))
    named = (views.c.project == sa.bindparam("project"), views.c.name == sa.bindparam("name"))
    if pins:
        version: tuple[Any, ...] = (views.c.version == sa.bindparam("version"), _LIVE)
    else:
        version = (views.c.is_serving == sa.literal_column("1", sa.Integer),)
    columns = (views.c.view_id, online.c.entity_key, online.c.event_at, online.c.payload)
    query = sa.select(*columns).select_from(joined).where(*named, *version)
    return DriverStatement(query, ("project", "name", *(("version",) if pins else ()), *names))
