"""On PostgreSQL transactions overlap, and still no consumer misses an event of a slow one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import sqlalchemy as sa

from mlops.database import Database, DatabaseSettings, Transaction, open_database
from mlops.database.location import locate
from mlops.events import consume, prune, read, subscribe
from mlops.events.tables import event_consumers, events
from mlops.tests.fixtures.points import POINTS, create_points, insert
from mlops.tests.integration.events.conftest import CONSUMER, ignore, publish_each, published, waiting

FAR = 10_000_000_000


@pytest.fixture
def outbox(postgresql_url: str) -> Iterator[Database]:
    """Yield a PostgreSQL database with a consumer."""
    with open_database(postgresql_url) as database:
        create_points(database)
        with database.write() as tx:
            subscribe(tx, CONSUMER)
        yield database


@contextmanager
def beside(database: Database) -> Iterator[Transaction]:
    """Open a write transaction on a connection of its own, so that it may overlap with others of this thread."""
    other = Database(locate(database.url), DatabaseSettings())
    try:
        with other.write() as tx:
            yield tx
    finally:
        other.shut()


def test_an_event_of_a_slow_transaction_is_not_skipped(outbox: Database) -> None:
    """What committed meanwhile waits for the slow transaction, and is then read after it."""
    with beside(outbox) as slow:
        publish_each(slow, ["slow"])
        published(outbox, "quick")
        assert waiting(outbox) == []
        assert consume(outbox, CONSUMER, ignore) == 0
    assert waiting(outbox) == ["slow", "quick"]


def test_positions_alone_would_have_skipped_it(outbox: Database) -> None:
    """The slow transaction may take the higher number and commit last; its event is read all the same."""
    with beside(outbox) as slow:
        insert(slow, [1])  # gives it a transaction's number before the other one's
        published(outbox, "quick")
        publish_each(slow, ["slow"])
    found = read(outbox, CONSUMER)
    assert [event.subject_id for event in found] == ["slow", "quick"]
    assert found[0].position > found[1].position


def test_a_transaction_that_only_reads_holds_up_nobody(outbox: Database) -> None:
    """A long report in a snapshot does not keep events back."""
    with outbox.read() as reader:
        reader.execute(sa.select(POINTS))
        published(outbox, "a")
        assert waiting(outbox) == ["a"]


def test_a_slow_transaction_that_fails_lets_the_others_through(outbox: Database) -> None:
    """After its rollback the events behind it are read."""

    def fail() -> None:
        with beside(outbox) as slow:
            publish_each(slow, ["never"])
            published(outbox, "quick")
            assert waiting(outbox) == []
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert waiting(outbox) == ["quick"]


def test_overlapping_transactions_in_any_order_of_commit_lose_nothing(outbox: Database) -> None:
    """A consumer that reads after every commit sees every event once."""
    seen: list[str] = []

    def look() -> None:
        consume(outbox, CONSUMER, lambda _, event: seen.append(event.subject_id))

    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)):
        scopes = [ExitStack() for _ in order]
        for number, scope in enumerate(scopes):
            publish_each(scope.enter_context(beside(outbox)), [f"{order}{number}"])
            look()
        for number in order:
            scopes[number].close()
            look()
    assert len(seen) == len(set(seen)) == 12


def test_a_consumer_that_begins_at_the_end_misses_no_slow_event(outbox: Database) -> None:
    """What could not be read when it subscribed comes after its beginning."""
    published(outbox, "before")
    with beside(outbox) as slow:
        publish_each(slow, ["slow"])
        published(outbox, "quick")
        with outbox.write() as tx:
            subscribe(tx, "new", start="end")
    assert waiting(outbox, "new") == ["slow", "quick"]


def test_pruning_beside_a_slow_transaction_takes_nothing_unread(outbox: Database) -> None:
    """Events that a consumer cannot read yet are kept for it."""
    from mlops.clock import now

    with beside(outbox) as slow:
        publish_each(slow, ["slow"])
        published(outbox, "quick", "too")
        with outbox.write() as tx:
            assert prune(tx, now()) == 0
    assert waiting(outbox) == ["slow", "quick", "too"]


def move_to_another_server(database: Database) -> None:
    """Make the rows look as after a restore: numbered by a server that had given out far more."""
    with database.write() as tx:
        for table in (events, event_consumers):
            far = sa.update(table).where(table.c.transaction_id >= 0)
            tx.execute(far.values(transaction_id=table.c.transaction_id + FAR))


def test_a_database_that_was_moved_goes_on(outbox: Database) -> None:
    """Events from the old server are read first, then the new ones, by consumers with an old cursor as by new ones."""
    published(outbox, "old 1")
    published(outbox, "old 2")
    consume(outbox, CONSUMER, ignore, limit=1)
    move_to_another_server(outbox)
    assert waiting(outbox) == ["old 2"]
    published(outbox, "new 1")
    published(outbox, "new 2")
    assert waiting(outbox) == ["old 2", "new 1", "new 2"]
    with outbox.write() as tx:
        subscribe(tx, "fresh")
    assert waiting(outbox, "fresh") == ["old 1", "old 2", "new 1", "new 2"]


def test_a_moved_database_skips_no_slow_event_either(outbox: Database) -> None:
    """Overlapping transactions right after the move are in order, the slow one first."""
    published(outbox, "old")
    consume(outbox, CONSUMER, ignore)
    move_to_another_server(outbox)
    with beside(outbox) as slow:
        publish_each(slow, ["slow 1", "slow 2"])
        published(outbox, "quick")
        assert waiting(outbox) == []
    assert waiting(outbox) == ["slow 1", "slow 2", "quick"]
    with outbox.read() as tx:
        eras = tx.execute(sa.select(events.c.era).order_by(events.c.position)).scalars().all()
    assert eras == [0, 1, 1, 1]


def test_an_event_of_its_own_transaction_is_not_taken_for_one_from_elsewhere(outbox: Database) -> None:
    """Several events of one transaction are of one era, and cannot be read before its end even by itself."""
    with outbox.write() as tx:
        publish_each(tx, ["a", "b", "c"])
        subscribe(tx, "inside", start="end")
    assert waiting(outbox, "inside") == ["a", "b", "c"]
    with outbox.read() as tx:
        assert set(tx.execute(sa.select(events.c.era)).scalars()) == {0}
