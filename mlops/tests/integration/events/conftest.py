"""Short ways to publish and read, and a table for the effects of handlers."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from mlops.database import Database, Transaction
from mlops.events import Event, publish, read, subscribe
from mlops.tests.fixtures.points import create_points

CONSUMER = "reader"


def publish_each(tx: Transaction, subjects: Iterable[object]) -> None:
    """Publish an event for each subject."""
    for subject in subjects:
        publish(tx, topic="model.promoted", subject_kind="model", subject_id=str(subject))


def published(database: Database, *subjects: object) -> None:
    """Publish an event for each subject, in one transaction."""
    with database.write() as tx:
        publish_each(tx, subjects)


def subjects_of(events: Iterable[Event]) -> list[str]:
    """Return what events are about."""
    return [event.subject_id for event in events]


def waiting(database: Database, consumer: str = CONSUMER) -> list[str]:
    """Return what the events that a consumer can read now are about."""
    return subjects_of(read(database, consumer, 10_000))


def ignore(_: Transaction, __: Event) -> None:
    """Handle an event by doing nothing."""


@pytest.fixture
def outbox(database: Database) -> Database:
    """Return a database with a consumer, and a table of points for what handlers do."""
    create_points(database)
    with database.write() as tx:
        subscribe(tx, CONSUMER)
    return database
