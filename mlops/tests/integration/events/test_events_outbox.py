"""Events are part of the publisher's transaction; each consumer reads them all, in order, and has its effects once."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mlops.database import Database, Transaction, open_database
from mlops.database.errors import NaiveTime
from mlops.errors import InvalidInput
from mlops.events import (
    ConsumerNotFound,
    Event,
    EventNotFound,
    acknowledge,
    consume,
    list_consumers,
    prune,
    publish,
    read,
    subscribe,
    unsubscribe,
)
from mlops.records import encode_json
from mlops.tests.fixtures.points import insert, stored
from mlops.tests.integration.events.conftest import CONSUMER, ignore, publish_each, published, subjects_of, waiting

START = datetime(2026, 5, 3, 12, tzinfo=UTC)
LATER = START + timedelta(days=1)


def keep(tx: Transaction, event: Event) -> None:
    """Have an effect: a point with the event's position, which cannot be there twice."""
    insert(tx, [event.position])


def test_an_event_is_read_as_it_was_published(outbox: Database) -> None:
    """Every field comes back, numbers without a JSON word and all scripts too."""
    payload = {"from": None, "score": math.inf, "gap": math.nan, "名": ["试", 1, True]}
    with outbox.write() as tx:
        publish(
            tx, topic="model.promoted", subject_kind="model", subject_id="m'1", project="lab", payload=payload,
            now=lambda: START,
        )  # fmt: skip
    [event] = read(outbox, CONSUMER)
    assert (event.topic, event.subject_kind, event.subject_id) == ("model.promoted", "model", "m'1")
    assert (event.project, event.at, encode_json(event.payload)) == ("lab", START, encode_json(payload))


def test_a_rolled_back_event_never_was(outbox: Database) -> None:
    """A transaction that fails publishes nothing."""

    def fail() -> None:
        with outbox.write() as tx:
            publish_each(tx, ["lost"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    published(outbox, "kept")
    assert waiting(outbox) == ["kept"]


def test_reading_moves_no_cursor_and_acknowledging_does(outbox: Database) -> None:
    """The same events come again until they are acknowledged, one by one or together."""
    published(outbox, *"abcd")
    events = read(outbox, CONSUMER, 3)
    assert subjects_of(events) == subjects_of(read(outbox, CONSUMER, 3)) == ["a", "b", "c"]
    with outbox.write() as tx:
        acknowledge(tx, CONSUMER, events[1].position)
    assert waiting(outbox) == ["c", "d"]


def test_a_cursor_never_moves_back(outbox: Database) -> None:
    """An acknowledgement that comes late changes nothing."""
    published(outbox, *"abc")
    events = read(outbox, CONSUMER)
    for index in (2, 0):
        with outbox.write() as tx:
            acknowledge(tx, CONSUMER, events[index].position)
    assert waiting(outbox) == []


def test_consumers_do_not_share_a_cursor(outbox: Database) -> None:
    """What one has read still waits for the other."""
    published(outbox, *"ab")
    with outbox.write() as tx:
        subscribe(tx, "other")
    assert consume(outbox, CONSUMER, keep) == 2
    assert waiting(outbox) == []
    assert waiting(outbox, "other") == ["a", "b"]


@pytest.mark.parametrize(("start", "wanted"), [("beginning", ["a", "b", "c"]), ("end", ["c"])])
def test_a_new_consumer_begins_where_it_chooses(outbox: Database, start: str, wanted: list[str]) -> None:
    """At the oldest event that is kept, or after the newest."""
    published(outbox, *"ab")
    with outbox.write() as tx:
        subscribe(tx, "new", start=start)
    published(outbox, "c")
    assert waiting(outbox, "new") == wanted


def test_subscribing_again_keeps_the_cursor(outbox: Database) -> None:
    """A process that starts anew goes on where it was."""
    published(outbox, *"abc")
    assert consume(outbox, CONSUMER, keep, limit=2) == 2
    for start in ("beginning", "end"):
        with outbox.write() as tx:
            subscribe(tx, CONSUMER, start=start)
    assert waiting(outbox) == ["c"]


def test_effects_and_cursor_commit_together(outbox: Database) -> None:
    """A handler that raises leaves its own event unread and nothing of its work; what came before stays."""
    published(outbox, *"abc")

    def refuse_b(tx: Transaction, event: Event) -> None:
        keep(tx, event)
        if event.subject_id == "b":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        consume(outbox, CONSUMER, refuse_b)
    assert len(stored(outbox)) == 1
    assert waiting(outbox) == ["b", "c"]
    assert consume(outbox, CONSUMER, keep) == 2
    assert len(stored(outbox)) == 3


def test_consume_stops_at_its_limit(outbox: Database) -> None:
    """The rest is left for the next call."""
    published(outbox, *range(5))
    assert [consume(outbox, CONSUMER, keep, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_handler_may_publish(outbox: Database) -> None:
    """What it publishes is read by the next call, not endlessly by this one."""

    def echo(tx: Transaction, event: Event) -> None:
        publish_each(tx, [event.subject_id + "!"])

    published(outbox, "a")
    assert consume(outbox, CONSUMER, echo) == 1
    assert waiting(outbox) == ["a!"]


@pytest.mark.parametrize(
    "call",
    [
        lambda database, _: read(database, "raeder"),
        lambda database, _: consume(database, "raeder", keep),
        lambda _, tx: acknowledge(tx, "raeder", 1),
        lambda _, tx: unsubscribe(tx, "raeder"),
    ],
)
def test_an_unknown_consumer_is_told_how_to_subscribe(
    outbox: Database, call: Callable[[Database, Transaction | None], object]
) -> None:
    """The error has the near match and the remedy."""

    def attempt() -> None:
        with outbox.write() as tx:
            call(outbox, tx)

    with pytest.raises(ConsumerNotFound, match=r"Did you mean 'reader'\? Subscribe it first"):
        attempt()


def test_an_unknown_position_cannot_be_acknowledged(outbox: Database) -> None:
    """A number that no event has is an error, not a jump."""
    with pytest.raises(EventNotFound, match="4711"), outbox.write() as tx:
        acknowledge(tx, CONSUMER, 4711)


def test_bad_arguments_are_refused(outbox: Database) -> None:
    """A limit below 1, a start that is none, a name that is none, and values that JSON cannot hold."""
    with pytest.raises(InvalidInput, match="limit is 0"):
        read(outbox, CONSUMER, 0)
    with pytest.raises(InvalidInput, match="'beginning' or at the 'end'"), outbox.write() as tx:
        subscribe(tx, "new", start="middle")
    with pytest.raises(InvalidInput, match="'consumer'"), outbox.write() as tx:
        subscribe(tx, "")
    with pytest.raises(InvalidInput, match="JSON cannot hold"), outbox.write() as tx:
        publish(tx, topic="model.promoted", subject_kind="model", subject_id="m1", payload={"x": object()})


def prune_all(database: Database, older_than: datetime = LATER) -> int:
    with database.write() as tx:
        return prune(tx, older_than)


def publish_at(database: Database, moment: datetime, *subjects: str) -> None:
    with database.write() as tx:
        for subject in subjects:
            publish(tx, topic="model.promoted", subject_kind="model", subject_id=subject, now=lambda: moment)


def test_pruning_keeps_what_somebody_has_not_read(outbox: Database) -> None:
    """Only events that every consumer has read go, and the newest stays in any case."""
    publish_at(outbox, START, *"abcd")
    assert prune_all(outbox) == 0
    with outbox.write() as tx:
        subscribe(tx, "slow")
    consume(outbox, CONSUMER, keep)
    assert prune_all(outbox) == 0
    consume(outbox, "slow", ignore, limit=1)
    assert prune_all(outbox) == 1
    with outbox.write() as tx:
        unsubscribe(tx, "slow")
    assert prune_all(outbox) == 2
    assert prune_all(outbox) == 0


def test_pruning_keeps_what_is_young(outbox: Database) -> None:
    """Events of the moment itself and later stay."""
    publish_at(outbox, START, "old", "old too")
    publish_at(outbox, LATER, "young", "young too")
    consume(outbox, CONSUMER, keep)
    assert prune_all(outbox) == 2
    with outbox.write() as tx:
        subscribe(tx, "archive")
    assert waiting(outbox, "archive") == ["young", "young too"]
    with pytest.raises(NaiveTime):
        prune_all(outbox, datetime(2026, 1, 1))  # noqa: DTZ001


def test_an_outbox_that_was_pruned_goes_on(outbox: Database) -> None:
    """New events come after all that were removed, so no cursor is ahead of them."""
    for subject in "abc":
        publish_at(outbox, START, subject)
        assert consume(outbox, CONSUMER, keep) == 1
        prune_all(outbox)
    publish_at(outbox, START, "d")
    assert waiting(outbox) == ["d"]


def test_consumers_are_listed_with_what_waits_for_them(outbox: Database) -> None:
    """By name, with the number of unread events and when they moved last."""
    published(outbox, *"abc")
    with outbox.write() as tx:
        subscribe(tx, "archive", start="end", now=lambda: START)
    consume(outbox, CONSUMER, keep, limit=1, now=lambda: LATER)
    with outbox.read() as tx:
        first, second = list_consumers(tx)
    assert (first.consumer, first.unread, first.moved_at) == ("archive", 0, START)
    assert (second.consumer, second.unread, second.moved_at) == (CONSUMER, 2, LATER)


class Outbox(RuleBasedStateMachine):
    """Publishers, consumers and pruning in any order, beside a list that says what each consumer must see."""

    database: Database
    runs = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        self.prefix = f"run{self.runs}"  # consumers of a run of their own, so that runs share a database
        self.number = 0
        self.expected: dict[str, list[str]] = {}

    @rule(count=st.integers(1, 3), keeps=st.booleans())
    def publish(self, count: int, keeps: bool) -> None:
        subjects = [f"{self.prefix}-{self.number + step}" for step in range(count)]
        self.number += count
        with suppress(ZeroDivisionError), self.database.write() as tx:
            publish_each(tx, subjects)
            if not keeps:
                raise ZeroDivisionError
        for seen in self.expected.values():
            seen.extend(subjects if keeps else [])

    @rule(name=st.sampled_from("ab"))
    def subscribe(self, name: str) -> None:
        with self.database.write() as tx:
            subscribe(tx, f"{self.prefix}{name}", start="end")
        self.expected.setdefault(name, [])

    @rule(name=st.sampled_from("ab"), limit=st.integers(1, 4))
    def consume(self, name: str, limit: int) -> None:
        if name in self.expected:
            seen: list[str] = []
            consume(self.database, f"{self.prefix}{name}", lambda _, event: seen.append(event.subject_id), limit)
            assert seen == self.expected[name][:limit]
            del self.expected[name][:limit]

    @rule()
    def prune(self) -> None:
        prune_all(self.database, datetime(2100, 1, 1, tzinfo=UTC))

    @invariant()
    def everybody_reads_what_they_must(self) -> None:
        for name, seen in self.expected.items():
            assert waiting(self.database, f"{self.prefix}{name}") == seen

    def teardown(self) -> None:
        with self.database.write() as tx:
            for name in self.expected:
                unsubscribe(tx, f"{self.prefix}{name}")


def test_every_consumer_sees_every_event_once_whatever_happens(database_url: str) -> None:
    """Publishing, failing, subscribing, consuming and pruning in any order lose and repeat nothing."""
    with open_database(database_url) as database:
        machine = type("Bound", (Outbox,), {"database": database})
        few = settings(max_examples=15, stateful_step_count=15, suppress_health_check=list(HealthCheck))
        run_state_machine_as_test(machine, settings=few)
