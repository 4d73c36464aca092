"""A durable outbox: what happened is published in the transaction in which it happened, and read by others later.

Each consumer has a cursor of its own. An event that committed is handed to every consumer, in the order of the
transactions, however long some of them took to commit; with `consume`, its effects inside the database happen exactly
once. Topics are the constants of the domain that publishes them, such as `model.promoted`.

Example:
    >>> import tempfile
    >>> from mlops.database import open_database
    >>> with tempfile.TemporaryDirectory() as folder, open_database(f"sqlite:///{folder}/lab.db") as database:
    ...     with database.write() as tx:
    ...         subscribe(tx, "mailer")
    ...         publish(tx, topic="model.promoted", subject_kind="model", subject_id="lab_classifier")
    ...     seen = []
    ...     handled = consume(database, "mailer", lambda tx, event: seen.append(event.topic))
    ...     handled, seen
    (1, ['model.promoted'])
"""

from __future__ import annotations

from mlops.events.consumers import Start, acknowledge, consume, list_consumers, prune, read, subscribe, unsubscribe
from mlops.events.entities import Consumer, Event
from mlops.events.errors import ConsumerNotFound, EventNotFound
from mlops.events.outbox import publish

__all__ = [
    "Consumer",
    "ConsumerNotFound",
    "Event",
    "EventNotFound",
    "Start",
    "acknowledge",
    "consume",
    "list_consumers",
    "prune",
    "publish",
    "read",
    "subscribe",
    "unsubscribe",
]
