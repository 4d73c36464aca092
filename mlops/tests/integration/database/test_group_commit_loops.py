"""Group commit from event loops, several of them, and from loops and threads at once."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.database import Database, GroupCommit, open_database
from mlops.tests.fixtures.points import create_points, stored, write_points
from mlops.tests.integration.database.conftest import Gate, Traced, until

Commit = GroupCommit[Any, Any]


async def join_all(commit: Commit, ids: Sequence[Any]) -> list[Any]:
    """Join an item for each id at once; return results and errors in order."""
    return await asyncio.gather(*(commit.join((number, "x")) for number in ids), return_exceptions=True)


def test_callers_of_one_turn_share_one_transaction(points: Database) -> None:
    """Everything joined in one turn of the loop is one transaction, and each awaits its own result."""
    database = Traced(points)
    assert asyncio.run(join_all(GroupCommit(database, write_points), range(100))) == list(range(100))
    assert database.writes == 1
    assert stored(points) == list(range(100))


def test_an_awaited_item_is_stored(points: Database) -> None:
    """When an await returns, every reader sees the item."""
    commit = GroupCommit(points, write_points)

    async def main() -> None:
        for number in range(5):
            assert await commit.join((number, "x")) == number
            assert stored(points) == list(range(number + 1))

    asyncio.run(main())


def test_a_poisoned_item_fails_alone_on_a_loop(points: Database) -> None:
    """The refusal reaches the awaiter of the bad item; all others of the turn are stored."""
    outcomes = asyncio.run(join_all(GroupCommit(points, write_points), [*range(20), 10**30, *range(20, 40)]))
    assert isinstance(outcomes.pop(20), Exception)
    assert outcomes == stored(points) == list(range(40))


def test_any_exception_can_be_an_answer(sqlite_points: Database) -> None:
    """Even StopIteration, which no future can carry, reaches its awaiter and stops none of the others."""

    def write(tx: Any, items: Sequence[Any]) -> list[Any]:
        return [StopIteration() if item[0] == 1 else item[0] for item in items]

    zero, one, two = asyncio.run(join_all(GroupCommit(sqlite_points, write), range(3)))
    assert (zero, type(one), two) == (0, RuntimeError, 2)


def test_loops_one_after_the_other(points: Database) -> None:
    """Nothing is bound to the loop that came first."""
    commit = GroupCommit(points, write_points)
    for first in (0, 10, 20):
        assert asyncio.run(join_all(commit, range(first, first + 10))) == list(range(first, first + 10))
    assert stored(points) == list(range(30))


def test_loops_in_several_threads_beside_plain_threads(points: Database) -> None:
    """Two loops and three threads share one group commit; each caller gets its own result."""
    commit = GroupCommit(points, write_points, most=16, room=32)

    async def rounds(first: int) -> list[Any]:
        return [
            result for base in range(first, first + 60, 20) for result in await join_all(commit, range(base, base + 20))
        ]

    def loop(first: int) -> list[Any]:
        return asyncio.run(rounds(first))

    def thread(first: int) -> list[Any]:
        return [commit.submit((number, "x")) for number in range(first, first + 60)]

    with ThreadPoolExecutor(5) as threads:
        jobs = [threads.submit(work, 1000 * place) for place, work in enumerate([loop, thread, loop, thread, thread])]
        assert [job.result() for job in jobs] == [list(range(first, first + 60)) for first in range(0, 5000, 1000)]
    assert len(stored(points)) == 300


def test_a_cancelled_awaiter_holds_up_nobody(points: Database) -> None:
    """Cancelling one caller leaves the others of its group with their results."""
    gate = Gate()
    commit = GroupCommit(points, gate)

    async def main() -> list[Any]:
        tasks = [asyncio.ensure_future(commit.join((number, "x"))) for number in range(6)]
        await asyncio.to_thread(gate.entered.wait)
        tasks[2].cancel()
        await asyncio.sleep(0)
        gate.open.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    outcomes = asyncio.run(main())
    assert isinstance(outcomes.pop(2), asyncio.CancelledError)
    assert outcomes == [0, 1, 3, 4, 5]
    assert stored(points) == list(range(6))


def test_a_loop_that_ends_while_its_items_wait_holds_up_nobody(points: Database) -> None:
    """A loop closed with items in the queue and in a transaction leaves threads and other loops served."""
    gate = Gate()
    commit = GroupCommit(points, gate, most=2)

    async def desert() -> None:
        for number in range(5):
            commit.join((number, "nobody awaits this"))
        await asyncio.to_thread(gate.entered.wait)

    with ThreadPoolExecutor(2) as threads:
        asyncio.run(desert())
        behind = threads.submit(commit.submit, (10, "x"))
        other = threads.submit(lambda: asyncio.run(join_all(commit, [11])))
        gate.open.set()
        assert (behind.result(), other.result()) == (10, [11])
    assert set(stored(points)) >= {10, 11}


def test_a_loop_that_ends_before_its_turn_holds_up_nobody(sqlite_points: Database) -> None:
    """Items joined in a loop's last turn are written with the next group."""
    commit = GroupCommit(sqlite_points, write_points)

    async def last_words() -> None:
        commit.join((1, "last words"))

    asyncio.run(last_words())
    assert commit.submit((2, "x")) == 2
    assert stored(sqlite_points) == [1, 2]


def test_what_an_ended_loop_left_is_written_at_close(sqlite_url: str) -> None:
    """An item that was joined and not awaited is stored when the database closes."""
    with open_database(sqlite_url) as database:
        create_points(database)
        commit = GroupCommit(database, write_points)

        async def last_words() -> None:
            commit.join((1, "last words"))

        asyncio.run(last_words())
    with open_database(sqlite_url) as again:
        assert stored(again) == [1]


def test_submit_inside_a_running_loop(sqlite_points: Database) -> None:
    """The sync surface works on a loop's own thread, as in a notebook, also behind items of that loop."""
    gate = Gate()
    commit = GroupCommit(sqlite_points, gate)

    async def main() -> Any:
        mine = asyncio.ensure_future(commit.join((1, "x")))
        gate.open.set()
        assert commit.submit((2, "x")) == 2
        return await mine

    assert asyncio.run(main()) == 1
    assert stored(sqlite_points) == [1, 2]


def test_a_loop_blocked_in_submit_does_not_wait_for_itself(sqlite_points: Database) -> None:
    """When a leading thread is done, the next in line may belong to a loop that is blocked in the queue behind it."""
    gate = Gate()
    commit = GroupCommit(sqlite_points, gate, most=1)

    async def main() -> Any:
        mine = asyncio.ensure_future(commit.join((2, "x")))
        threading.Timer(0.1, gate.open.set).start()
        assert commit.submit((3, "blocks the loop")) == 3
        return await mine

    with ThreadPoolExecutor(1) as threads:
        leader = threads.submit(commit.submit, (1, "leads"))
        gate.entered.wait()
        assert asyncio.run(main()) == 2
        assert leader.result() == 1


def test_a_stopped_loop_holds_up_nobody(sqlite_points: Database) -> None:
    """A loop that stands still between two runs has its items written, and takes their results when it goes on."""
    gate = Gate()
    commit = GroupCommit(sqlite_points, gate, most=1)
    with ThreadPoolExecutor(2) as threads, asyncio.Runner() as runner:
        leader = threads.submit(commit.submit, (1, "leads"))
        gate.entered.wait()

        async def queue_up() -> Any:
            return commit.join((2, "x"))

        mine = runner.run(queue_up())
        behind = threads.submit(commit.submit, (3, "behind the stopped loop"))
        until(lambda: commit.waiting == 2)
        gate.open.set()
        assert (leader.result(), behind.result()) == (1, 3)

        async def take() -> Any:
            return await mine

        assert runner.run(take()) == 2


def test_a_full_queue_does_not_block_a_loop_on_itself(sqlite_points: Database) -> None:
    """A loop whose own items fill the queue may submit all the same: its thread makes room by leading."""
    commit = GroupCommit(sqlite_points, write_points, most=2, room=4)

    async def main() -> list[Any]:
        mine = [asyncio.ensure_future(commit.join((number, "x"))) for number in range(4)]
        assert commit.submit((4, "x")) == 4
        return await asyncio.gather(*mine)

    assert asyncio.run(main()) == list(range(4))
    assert stored(sqlite_points) == list(range(5))


def test_loops_wait_for_room(sqlite_points: Database) -> None:
    """No more than `room` items queue up; the rest wait outside without blocking their loop."""
    gate = Gate()
    commit = GroupCommit(sqlite_points, gate, most=2, room=4)

    async def main() -> list[Any]:
        everyone = asyncio.ensure_future(join_all(commit, range(20)))
        await asyncio.to_thread(gate.entered.wait)
        await asyncio.sleep(0.05)  # time for others to overfill it
        assert commit.waiting <= 4
        gate.open.set()
        return await everyone

    assert asyncio.run(main()) == list(range(20))
    assert max(map(len, gate.groups)) == 2


def test_an_abandoned_group_commit_leaves_no_thread(sqlite_points: Database) -> None:
    """The thread that leads for loops ends with its group commit."""
    others = set(threading.enumerate())  # those of other tests in this process
    commit: Commit | None = GroupCommit(sqlite_points, write_points)
    assert commit is not None
    asyncio.run(join_all(commit, [1]))
    commit = None
    until(lambda: not {one for one in threading.enumerate() if one.name.startswith("mlops-group-commit")} - others)


ITEMS = itertools.count(1)
STEP = st.tuples(st.sampled_from(["submit", "join"]), st.lists(st.booleans(), min_size=1, max_size=6))
SCRIPTS = st.lists(st.lists(STEP, min_size=1, max_size=4), min_size=1, max_size=4)


def follow(commit: Commit, script: Sequence[tuple[str, Sequence[bool]]]) -> list[tuple[Any, Any]]:
    """Play one thread's steps, good items and bad ones; return each good item with its outcome."""
    played: list[tuple[Any, Any]] = []
    with asyncio.Runner() as runner:
        for how, goodness in script:
            items = [(next(ITEMS), "x" if good else None) for good in goodness]
            outcomes = (
                runner.run(join_items(commit, items)) if how == "join" else [submit(commit, item) for item in items]
            )
            played += zip(items, outcomes, strict=True)
    return played


async def join_items(commit: Commit, items: Sequence[Any]) -> list[Any]:
    """Join items at once."""
    return await asyncio.gather(*map(commit.join, items), return_exceptions=True)


def submit(commit: Commit, item: Any) -> Any:
    """Submit an item; return its result or its error."""
    try:
        return commit.submit(item)
    except Exception as error:
        return error


@pytest.fixture(scope="module")
def one_database(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Yield one database for many examples."""
    with open_database(f"sqlite:///{tmp_path_factory.mktemp('loops')}/mlops.db") as database:
        create_points(database)
        yield database


@settings(max_examples=40)
@given(scripts=SCRIPTS, most=st.integers(1, 4), extra_room=st.integers(0, 3))
def test_every_acknowledged_item_is_stored_exactly_once(
    one_database: Database, scripts: Any, most: int, extra_room: int
) -> None:
    """Whatever threads and loops do in whatever order, good items are stored once and bad ones fail."""
    before = set(stored(one_database))
    commit = GroupCommit(one_database, write_points, most=most, room=most + extra_room)
    with ThreadPoolExecutor(len(scripts)) as threads:
        played = [pair for pairs in threads.map(lambda script: follow(commit, script), scripts) for pair in pairs]
    for (number, text), outcome in played:
        assert outcome == number if text else isinstance(outcome, Exception)
    assert set(stored(one_database)) - before == {number for (number, text), _ in played if text}
