"""Group commit from threads: who shares a transaction, who fails, who is answered, and that nobody is forgotten."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from mlops.database import Database, DatabaseBusy, DatabaseSettings, DatabaseUnavailable, GroupCommit, open_database
from mlops.errors import Conflict, InvalidInput
from mlops.tests.fixtures.points import POINTS, create_points, insert, stored, write_points
from mlops.tests.integration.database.conftest import Gate, HoldLock, Traced, until

Commit = GroupCommit[Any, Any]


def submit_behind(gate: Gate, commit: Commit, items: Iterable[Any], first_result: int = -1) -> list[Any]:
    """Submit items from a thread each while a first one, -1, holds the transaction; return results and errors."""
    items = list(items)
    with ThreadPoolExecutor(len(items) + 1) as threads:
        first = threads.submit(commit.submit, (-1, "first"))
        gate.entered.wait()
        futures = [threads.submit(commit.submit, item) for item in items]
        until(lambda: commit.waiting == len(items))
        gate.open.set()
        assert first.result() == first_result
        return [future.exception() or future.result() for future in futures]


def test_an_item_is_stored_when_its_submit_returns(points: Database) -> None:
    """An acknowledged item is there for every reader."""
    commit = GroupCommit(points, write_points)
    for number in range(3):
        assert commit.submit((number, "x")) == number
        assert stored(points) == list(range(number + 1))


def test_callers_who_wait_share_one_transaction(points: Database) -> None:
    """What queues up behind a transaction goes into the next one together, and each caller gets its own result."""
    gate = Gate()
    assert submit_behind(gate, GroupCommit(points, gate), [(number, "x") for number in range(30)]) == list(range(30))
    assert [len(group) for group in gate.groups] == [1, 30]
    assert stored(points) == list(range(-1, 30))


@pytest.mark.parametrize(
    "poison",
    [(-1, "there already"), (100, None), (100, object()), (10**30, "x"), (100, "half \ud800")],
    ids=["twice", "null", "unbindable", "too big", "surrogate"],
)
def test_a_poisoned_item_fails_alone(points: Database, poison: tuple[object, object]) -> None:
    """The database's refusal of one item reaches that item's caller; all others of the group are stored."""
    gate = Gate()
    items: list[Any] = [(number, "x") for number in range(20)]
    items.insert(13, poison)
    outcomes = submit_behind(gate, GroupCommit(points, gate), items)
    assert isinstance(outcomes.pop(13), Exception)
    assert outcomes == list(range(20))
    assert stored(points) == list(range(-1, 20))


def test_many_poisoned_items_fail_one_by_one(points: Database) -> None:
    """Any number of bad items leaves the good ones stored."""
    gate = Gate()
    items = [(number, None if number % 3 == 0 else "x") for number in range(24)]
    outcomes = submit_behind(gate, GroupCommit(points, gate), items)
    good = [number for number in range(24) if number % 3]
    assert [outcome for outcome in outcomes if not isinstance(outcome, Exception)] == good
    assert stored(points) == [-1, *good]


def test_an_error_given_for_an_item_needs_no_second_transaction(sqlite_points: Database) -> None:
    """A write that answers an item with an exception commits the others at once."""

    def write(tx: Any, items: Sequence[Any]) -> list[Any]:
        gate(tx, [item for item in items if item[0] != 5])
        return [InvalidInput("five is right out") if item[0] == 5 else item[0] for item in items]

    gate, database = Gate(), Traced(sqlite_points)
    outcomes = submit_behind(gate, GroupCommit(database, write), [(number, "x") for number in range(8)])
    assert isinstance(outcomes[5], InvalidInput)
    assert stored(sqlite_points) == [-1, 0, 1, 2, 3, 4, 6, 7]
    assert database.writes == 2


def test_an_error_raised_for_an_item_reaches_it_alone(points: Database) -> None:
    """A write that raises is tried again in halves until the bad item stands alone."""

    def write(tx: Any, items: Sequence[Any]) -> list[Any]:
        if any(item[0] == 5 for item in items):
            raise InvalidInput("five is right out")
        return gate(tx, items)

    gate = Gate()
    outcomes = submit_behind(gate, GroupCommit(points, write), [(number, "x") for number in range(8)])
    assert isinstance(outcomes[5], InvalidInput)
    assert stored(points) == [-1, 0, 1, 2, 3, 4, 6, 7]


def test_a_write_that_forgets_items_stores_nothing(sqlite_points: Database) -> None:
    """A write that answers for fewer items than it got is taken back: nobody could tell whose are stored."""

    def write(tx: Any, items: Sequence[Any]) -> list[Any]:
        write_points(tx, items)
        return []

    with pytest.raises(RuntimeError, match="0 outcomes for 1 items"):
        GroupCommit(sqlite_points, write).submit((1, "x"))
    assert stored(sqlite_points) == []


def test_a_failing_callback_stores_nothing_twice(sqlite_points: Database) -> None:
    """A callback that fails after the commit does not have the group written again."""

    def write(tx: Any, items: Sequence[Any]) -> list[Any]:
        tx.after_commit(lambda: 1 / 0)
        return gate(tx, items)

    gate = Gate()
    assert submit_behind(gate, GroupCommit(sqlite_points, write), [(number, "x") for number in range(4)]) == [
        0,
        1,
        2,
        3,
    ]
    assert [len(group) for group in gate.groups] == [1, 4]


@pytest.mark.parametrize("count", [2, 31])
def test_a_database_that_is_busy_answers_everyone_at_once(
    sqlite_url: str, held_elsewhere: HoldLock, count: int
) -> None:
    """When the database itself fails no half of a group would fare better: one attempt, one answer for all."""
    with open_database(sqlite_url, DatabaseSettings(lock_timeout_s=0.1)) as database:
        create_points(database)
        traced, gate = Traced(database), Gate()
        commit = GroupCommit(traced, gate)
        assert database.path is not None
        with held_elsewhere(database.path), ThreadPoolExecutor(count) as threads:
            commit._leading.acquire()  # nobody leads until all wait
            futures = [threads.submit(commit.submit, (number, "x")) for number in range(count)]
            until(lambda: commit.waiting == count)
            commit._hand_over()
            assert {type(future.exception()) for future in futures} == {DatabaseBusy}
        assert traced.writes == 1
        gate.open.set()
        assert commit.submit((1, "x")) == 1


def test_a_failure_half_way_answers_everyone(sqlite_points: Database) -> None:
    """A connection lost inside the transaction is nobody's item: no bisection."""

    def write(tx: Any, items: Sequence[Any]) -> list[Any]:
        if len(items) > 1:
            raise DatabaseUnavailable("gone")
        return gate(tx, items)

    gate, database = Gate(), Traced(sqlite_points)
    outcomes = submit_behind(gate, GroupCommit(database, write), [(number, "x") for number in range(8)])
    assert {type(outcome) for outcome in outcomes} == {DatabaseUnavailable}
    assert database.writes == 2


def test_a_closed_database_answers_everyone(sqlite_url: str) -> None:
    """Writing to a closed database is refused once for all, and says how to open it again."""
    database = open_database(sqlite_url)
    traced = Traced(database)
    commit = GroupCommit(traced, write_points)
    database.close()
    with pytest.raises(Conflict, match="open it again"):
        commit.submit((1, "x"))
    assert traced.writes == 1


def test_submit_inside_a_write_is_refused(sqlite_points: Database) -> None:
    """A fact submitted inside a transaction of the same thread could never commit before it; it is refused at once."""
    commit = GroupCommit(sqlite_points, write_points)
    with sqlite_points.write(), pytest.raises(Conflict, match="inside another one"):
        commit.submit((1, "x"))
    assert commit.submit((1, "x")) == 1


def test_groups_are_no_larger_than_most(points: Database) -> None:
    """A long queue is committed in several transactions, in order."""
    gate = Gate()
    outcomes = submit_behind(gate, GroupCommit(points, gate, most=7), [(number, "x") for number in range(24)])
    assert outcomes == list(range(24))
    assert [len(group) for group in gate.groups] == [1, 7, 7, 7, 3]


def test_threads_wait_for_room(sqlite_points: Database) -> None:
    """No more than `room` items queue up; the rest wait outside and are served all the same."""
    gate = Gate()
    commit = GroupCommit(sqlite_points, gate, most=2, room=4)
    with ThreadPoolExecutor(16) as threads:
        futures = [threads.submit(commit.submit, (number, "x")) for number in range(16)]
        until(lambda: commit.waiting == 4)
        assert not gate.open.wait(0.1)  # time for others to overfill it
        assert commit.waiting == 4
        gate.open.set()
        assert [future.result() for future in futures] == list(range(16))


def test_many_threads_are_each_answered_once(points: Database) -> None:
    """Under steady load from many threads every item is stored once and every caller gets its own result."""
    commit = GroupCommit(points, write_points, most=5, room=8)

    def work(first: int) -> list[Any]:
        return [commit.submit((number, "x")) for number in range(first, first + 40)]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, range(0, 8000, 1000))) == [
            list(range(first, first + 40)) for first in range(0, 8000, 1000)
        ]
    assert len(stored(points)) == 320


def test_a_leader_is_let_go_while_others_keep_coming(sqlite_points: Database) -> None:
    """Nobody leads for ever: a caller returns after its own item although the queue never empties."""
    commit = GroupCommit(sqlite_points, write_points, most=2)
    stop = threading.Event()

    def feed(first: int) -> None:
        for number in range(first, first + 100_000):
            if stop.is_set():
                return
            commit.submit((number, "x"))

    with ThreadPoolExecutor(4) as threads:
        feeders = [threads.submit(feed, base * 1_000_000) for base in range(1, 5)]
        assert [commit.submit((number, "x")) for number in range(50)] == list(range(50))
        stop.set()
        assert all(feeder.result() is None for feeder in feeders)


def failing_once(error: BaseException, write: Callable[..., Any]) -> Callable[..., Any]:
    """Return a write that raises at its first group of several items."""
    errors = [error]

    def wrapped(tx: Any, items: Sequence[Any]) -> Any:
        if len(items) > 1 and errors:
            raise errors.pop()
        return write(tx, items)

    return wrapped


def test_an_interrupted_leader_leaves_nobody_waiting(points: Database) -> None:
    """Ctrl-C in the leader's transaction is the leader's; the others of its group are told, and the next items work."""
    gate = Gate()
    commit: Commit = GroupCommit(points, failing_once(KeyboardInterrupt(), gate))
    outcomes = submit_behind(gate, commit, [(number, "x") for number in range(6)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["KeyboardInterrupt"] + ["Unavailable"] * 5
    assert commit.submit((50, "x")) == 50
    assert stored(points) == [-1, 50]


@pytest.fixture
def interrupt_once() -> Iterator[Callable[[], None]]:
    """Return what interrupts the main thread, once: a signal that comes just before it sleeps does not wake it."""
    heard = threading.Event()

    def hear(*_: object) -> None:
        if not heard.is_set():
            heard.set()
            raise KeyboardInterrupt

    def interrupt() -> None:
        while not heard.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            heard.wait(0.01)

    before = signal.signal(signal.SIGINT, hear)
    yield interrupt
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("later", range(20))
def test_an_interrupted_caller_leaves_nobody_waiting(
    sqlite_points: Database, interrupt_once: Callable[[], None], later: int
) -> None:
    """Wherever a caller is interrupted, and even if it is to lead next: those behind it are served all the same."""
    gate = Gate()
    commit = GroupCommit(sqlite_points, gate, most=1)

    def interrupt() -> Any:
        while commit.waiting < 1:
            continue
        for _ in range(later):
            continue
        interrupt_once()
        return commit.submit((3, "behind the interrupted one"))

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(commit.submit, (1, "leads"))
        gate.entered.wait()
        behind = threads.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            commit.submit((2, "interrupted"))
        until(lambda: commit.waiting == 2)
        gate.open.set()
        assert (first.result(), behind.result()) == (1, 3)
    assert set(stored(sqlite_points)) >= {1, 3}


def test_what_waits_is_written_before_the_database_closes(sqlite_url: str) -> None:
    """Closing drains the queue: nothing that was taken in is dropped."""
    database = open_database(sqlite_url)
    create_points(database)
    gate = Gate()
    commit = GroupCommit(database, gate, most=2)
    with ThreadPoolExecutor(6) as threads:
        futures = [threads.submit(commit.submit, (number, "x")) for number in range(6)]
        until(lambda: commit.waiting == 5)
        closing = threading.Thread(target=database.close)
        closing.start()
        gate.open.set()
        assert [future.result() for future in futures] == list(range(6))
        closing.join()
    with open_database(sqlite_url) as again:
        assert stored(again) == list(range(6))


def test_other_writers_take_turns_with_groups(points: Database) -> None:
    """Plain transactions go on beside group commits, and neither loses anything."""
    commit = GroupCommit(points, write_points)

    def records(first: int) -> None:
        for number in range(first, first + 20):
            with points.write() as tx:
                insert(tx, [number])

    with ThreadPoolExecutor(4) as threads:
        facts = [threads.submit(commit.submit, (number, "x")) for number in range(100)]
        for job in [threads.submit(records, base) for base in (1000, 2000)]:
            job.result()
        assert [fact.result() for fact in facts] == list(range(100))
    assert len(stored(points)) == 140


@pytest.mark.parametrize("limits", [{"most": 0}, {"most": 5, "room": 4}])
def test_groups_that_cannot_be_are_refused(sqlite_points: Database, limits: dict[str, int]) -> None:
    """A group of nothing, or larger than the queue, is a mistake."""
    with pytest.raises(InvalidInput, match="1 ≤ most ≤ room"):
        GroupCommit(sqlite_points, write_points, **limits)


def test_a_group_sees_its_own_transaction_only(points: Database) -> None:
    """A refused half is rolled back before the next is tried: a write may count what is there."""

    def numbered(tx: Any, items: Sequence[Any]) -> list[Any]:
        before = tx.execute(sa.select(sa.func.count()).select_from(POINTS)).scalar_one()
        gate(tx, items)
        if any(item[1] == "bad" for item in items):
            raise ValueError("bad")
        return [before + place for place, _ in enumerate(items)]

    gate = Gate()
    items = [(number, "bad" if number == 2 else "x") for number in range(5)]
    outcomes = submit_behind(gate, GroupCommit(points, numbered), items, first_result=0)
    assert isinstance(outcomes.pop(2), ValueError)
    assert sorted(outcomes) == [1, 2, 3, 4]
