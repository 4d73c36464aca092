"""The outbox's two tables, and the order in which events are read.

On PostgreSQL an event carries the number of its transaction, and is settled once no older transaction is running: until
then one of those could still commit something that belongs before it. The numbers are the server's own. A database
that was restored on another server may hold higher ones than are given out there, so each event also carries an era,
which grows whenever that is noticed. On SQLite, where writers follow one another, both are 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from mlops.database import Text, UtcDateTime, metadata

__all__ = [
    "Key",
    "after",
    "ascending",
    "descending",
    "event_consumers",
    "events",
    "is_settled",
    "key_of",
    "next_era",
    "own_transaction",
]

events = sa.Table(
    "events",
    metadata,
    sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("era", sa.BigInteger, nullable=False),
    sa.Column("transaction_id", sa.BigInteger, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("topic", Text, nullable=False),
    sa.Column("subject_kind", Text, nullable=False),
    sa.Column("subject_id", Text, nullable=False),
    sa.Column("project", Text, nullable=False),
    sa.Column("payload", Text, nullable=False),  # JSON
    sa.Index("idx_events_order", "era", "transaction_id", "position"),
)

event_consumers = sa.Table(
    "event_consumers",
    metadata,
    sa.Column("consumer", Text, primary_key=True),
    sa.Column("era", sa.BigInteger, nullable=False),  # these three: the last event that it acknowledged
    sa.Column("transaction_id", sa.BigInteger, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("moved_at", UtcDateTime, nullable=False),
)

_OWN = "pg_current_xact_id()::text::bigint"
_OWN_IF_ANY = "coalesce(pg_current_xact_id_if_assigned()::text::bigint, -1)"
_OLDEST_RUNNING = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_NOT_GIVEN_OUT = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"


class Key(NamedTuple):
    """An event's place in the order of reading."""

    era: int
    transaction_id: int
    position: int


def own_transaction(dialect: str) -> sa.ColumnElement[int]:
    """Return the number of the transaction in which the statement runs."""
    return sa.literal_column(_OWN if dialect == "postgresql" else "0", sa.BigInteger)


def key_of(table: sa.FromClause) -> sa.Tuple:
    """Return the columns of a key, in their order."""
    return sa.tuple_(table.c.era, table.c.transaction_id, table.c.position)


def after(key: Key) -> sa.ColumnElement[bool]:
    """Return the condition that an event comes after another one."""
    comes_after: sa.ColumnElement[bool] = key_of(events) > sa.tuple_(*(sa.literal(n, sa.BigInteger) for n in key))
    return comes_after


def is_settled(dialect: str) -> sa.ColumnElement[bool]:
    """Return the condition that nothing can come before an event any more; numbers from elsewhere are settled too."""
    if dialect != "postgresql":
        return sa.true()
    number = events.c.transaction_id
    elsewhere = sa.and_(number >= sa.literal_column(_NOT_GIVEN_OUT), number != sa.literal_column(_OWN_IF_ANY))
    return sa.or_(number < sa.literal_column(_OLDEST_RUNNING), elsewhere)


def next_era(dialect: str) -> sa.ColumnElement[int]:
    """Return the era of an event published now: one more when the newest event's transaction is none of this server."""
    if dialect != "postgresql":
        return sa.literal_column("0", sa.BigInteger)
    number = events.c.transaction_id
    elsewhere = sa.and_(number >= sa.literal_column(_NOT_GIVEN_OUT), number > sa.literal_column(_OWN))
    newest = sa.select(
        events.c.era + sa.case((elsewhere, sa.literal_column("1")), else_=sa.literal_column("0"))
    ).order_by(*descending())
    newest = newest.limit(sa.literal_column("1", sa.Integer))
    return sa.func.coalesce(newest.scalar_subquery(), sa.literal_column("0"))


def ascending() -> tuple[sa.ColumnElement[Any], ...]:
    """Return the order in which events are read."""
    return (events.c.era, events.c.transaction_id, events.c.position)


def descending() -> tuple[sa.ColumnElement[Any], ...]:
    """Return the order of reading backwards."""
    return tuple(column.desc() for column in ascending())
