"""Reading: each consumer's cursor, what comes after it, and what nobody needs any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mlops import clock
from mlops.clock import Now
from mlops.database import Database, Durability, Transaction
from mlops.errors import InvalidInput
from mlops.events.entities import Consumer, Event, Start
from mlops.events.errors import ConsumerNotFound, EventNotFound
from mlops.events.tables import (
    Key,
    after,
    ascending,
    descending,
    event_consumers,
    events,
    is_settled,
    key_of,
)
from mlops.records import decode_json

__all__ = [
    "Handler",
    "Start",
    "acknowledge",
    "consume",
    "list_consumers",
    "prune",
    "read",
    "subscribe",
    "unsubscribe",
]

Handler = Callable[[Transaction, Event], object]

_BEFORE_ALL = Key(-1, -1, -1)
_SUBSCRIBE = "Subscribe it first: mlops.events.subscribe(tx, name)."


def subscribe(tx: Transaction, consumer: str, *, start: Start | str = Start.BEGINNING, now: Now = clock.now) -> None:
    """Give a consumer a cursor; one that has subscribed already keeps its own.

    From then on events are kept until the consumer has read them: whoever stops reading for good should `unsubscribe`.

    Args:
        tx: A write transaction.
        consumer: A name of its own, the same in every process that shares the work.
        start: Whether it begins with the oldest event that is kept (`beginning`) or with what comes next (`end`).
        now: The clock.

    Raises:
        InvalidInput: The name cannot be one, or there is no such start.
    """
    name = Consumer(consumer=consumer, moved_at=now())
    key = _BEFORE_ALL if _start(start) is Start.BEGINNING else _last_key(tx)
    insert: Any = postgresql.insert(event_consumers) if tx.dialect == "postgresql" else sqlite.insert(event_consumers)
    row = {"consumer": name.consumer, **key._asdict(), "moved_at": name.moved_at}
    tx.execute(insert.values(row).on_conflict_do_nothing())


def unsubscribe(tx: Transaction, consumer: str) -> None:
    """Take a consumer's cursor away, so that no event is kept for it any more.

    Raises:
        ConsumerNotFound: It did not subscribe.
    """
    if not tx.execute(sa.delete(event_consumers).where(event_consumers.c.consumer == consumer)).rowcount:
        raise _not_found(tx, consumer)


def list_consumers(tx: Transaction) -> list[Consumer]:
    """Return all consumers, by name, with how much waits for each."""
    behind = sa.select(sa.func.count()).where(key_of(events) > key_of(event_consumers), is_settled(tx.dialect))
    query = sa.select(event_consumers.c.consumer, event_consumers.c.moved_at, behind.scalar_subquery().label("unread"))
    return [Consumer(**row._mapping) for row in tx.execute(query.order_by(event_consumers.c.consumer))]


def read(database: Database, consumer: str, limit: int = 100) -> list[Event]:
    """Return the next events after a consumer's cursor, oldest transaction first; the cursor stays where it is.

    Raises:
        ConsumerNotFound: It did not subscribe.
        InvalidInput: The limit is below 1.
    """
    return [event for _, event in _read(database, consumer, limit)]


def acknowledge(tx: Transaction, consumer: str, position: int, *, now: Now = clock.now) -> None:
    """Move a consumer's cursor past an event and all before it; a cursor never moves back.

    Args:
        tx: A write transaction: what the consumer writes in the same one happens exactly once if it is alone, and at
            least once otherwise. See `consume`.
        consumer: Its name.
        position: `Event.position` of the last event that is done.
        now: The clock.

    Raises:
        ConsumerNotFound: It did not subscribe.
        EventNotFound: There is no such event, or all consumers were past it and it was pruned.
    """
    reached = _locked_cursor(tx, consumer)
    key = _first_key(tx, sa.select(*ascending()).where(events.c.position == position))
    if key is None:
        raise EventNotFound(str(position), hint="Pass the position of an event that was read.")
    if key > reached:
        _move(tx, consumer, key, now())


def consume(
    database: Database,
    consumer: str,
    handler: Handler,
    limit: int = 100,
    *,
    durability: Durability = Durability.RECORD,
    now: Now = clock.now,
) -> int:
    """Hand the next events to a function, each in a transaction in which its effects and the cursor's move commit.

    What the handler writes with that transaction happens exactly once per event, also when processes that share the
    consumer's name are killed or work at once. What it does elsewhere may be repeated. While it runs it holds up other
    writers on SQLite, and later events on PostgreSQL, so it should be brief.

    Args:
        database: Where the events are.
        consumer: Its name.
        handler: Called with the transaction and the event; it begins no transaction on the same database itself. When
            it raises, that event stays unread with all after it.
        limit: Most events to handle.
        durability: What a handled event survives.
        now: The clock.

    Returns:
        How many events were handled here, not by another process of the same name.

    Raises:
        ConsumerNotFound: It did not subscribe.
        Exception: Whatever the handler raised.
    """
    handled = 0
    for key, event in _read(database, consumer, limit):
        with database.write(durability) as tx:
            if _locked_cursor(tx, consumer) >= key:
                continue  # another process was quicker
            handler(tx, event)
            _move(tx, consumer, key, now())
        handled += 1
    return handled


def prune(tx: Transaction, older_than: datetime) -> int:
    """Remove events published before a moment that every consumer has read; return how many there were.

    The newest event always stays: it marks where the order of reading goes on.

    Args:
        tx: A write transaction.
        older_than: An aware datetime.

    Raises:
        NaiveTime: The moment has no time zone.
    """
    unread = sa.exists().where(key_of(event_consumers) < key_of(events))
    newest = sa.select(events.c.position).order_by(*descending()).limit(1).scalar_subquery()
    old = (events.c.at < older_than, events.c.position != newest, ~unread)
    return tx.execute(sa.delete(events).where(*old)).rowcount


def _start(start: Start | str) -> Start:
    try:
        return Start(start)
    except ValueError as error:
        raise InvalidInput(f"start is {start!r}; a consumer begins at the 'beginning' or at the 'end'.") from error


def _last_key(tx: Transaction) -> Key:
    """Return the place of the last event that can be read now."""
    query = sa.select(*ascending()).where(is_settled(tx.dialect)).order_by(*descending()).limit(1)
    return _first_key(tx, query) or _BEFORE_ALL


def _first_key(tx: Transaction, query: sa.Select[Any]) -> Key | None:
    row: Any = tx.execute(query).first()
    return None if row is None else Key(*row)


def _read(database: Database, consumer: str, limit: int) -> list[tuple[Key, Event]]:
    if limit < 1:
        raise InvalidInput(f"limit is {limit}; at least 1 event can be asked for.")
    with database.read() as tx:
        cursor = _cursor(tx, consumer)
        query = sa.select(events).where(after(cursor), is_settled(tx.dialect)).order_by(*ascending()).limit(limit)
        return [_located(row) for row in tx.execute(query)]


def _located(row: sa.Row[Any]) -> tuple[Key, Event]:
    values = dict(row._mapping)
    key = Key(values.pop("era"), values.pop("transaction_id"), values["position"])
    return key, Event(**{**values, "payload": decode_json(values["payload"])})


def _cursor(tx: Transaction, consumer: str, *, locked: bool = False) -> Key:
    table = event_consumers
    query = sa.select(table.c.era, table.c.transaction_id, table.c.position).where(table.c.consumer == consumer)
    key = _first_key(tx, query.with_for_update() if locked else query)
    if key is None:
        raise _not_found(tx, consumer)
    return key


def _locked_cursor(tx: Transaction, consumer: str) -> Key:
    """Return a cursor and keep others from moving it until the transaction ends."""
    return _cursor(tx, consumer, locked=True)


def _move(tx: Transaction, consumer: str, key: Key, moved_at: datetime) -> None:
    change = sa.update(event_consumers).where(event_consumers.c.consumer == consumer)
    tx.execute(change.values(**key._asdict(), moved_at=moved_at))


def _not_found(tx: Transaction, consumer: str) -> ConsumerNotFound:
    known = tx.execute(sa.select(event_consumers.c.consumer)).scalars()
    return ConsumerNotFound(consumer, known=known, hint=_SUBSCRIBE)
