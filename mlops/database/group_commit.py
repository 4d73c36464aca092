"""Group commit: concurrent callers share one transaction, and each learns the fate of its own item.

Whoever finds nobody leading becomes the leader, commits everything queued as one transaction, and goes on until its own
item is done. A caller in a thread leads by itself, without a hop; for callers on an event loop a thread leads. A group
that the database refuses is bisected, so that a bad item fails alone. An item is acknowledged only after its commit.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar, cast

from mlops.database.transaction import Durability, Transaction
from mlops.errors import InvalidInput, Unavailable

__all__ = ["GroupCommit", "Writes"]

Item = TypeVar("Item")
Result = TypeVar("Result")

Write = Callable[[Transaction, Sequence[Item]], Sequence[Result | Exception]]


class Writes(Protocol):
    """What group commit needs of a database."""

    def write(self, durability: Durability = ...) -> Any:
        """Return the context of a write transaction."""

    def enlist(self, commit: Any) -> None:
        """Have `commit.forget()` called in a child after a fork."""


class _Caller(Generic[Item, Result]):
    """One waiting item, from a thread; `woken` is set when it is done, or when its thread should lead."""

    __slots__ = ("done", "item", "outcome", "woken")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.done = False
        self.outcome: Result | Exception | None = None
        self.woken = threading.Event()

    def answer(self, outcome: Result | Exception) -> None:
        self.outcome = outcome
        self.done = True
        self.woken.set()


class _Awaiter(Generic[Item, Result]):
    """One waiting item, from an event loop."""

    __slots__ = ("future", "item", "loop")

    def __init__(self, item: Item, loop: asyncio.AbstractEventLoop) -> None:
        self.item = item
        self.loop = loop
        self.future: asyncio.Future[Result] = loop.create_future()


class GroupCommit(Generic[Item, Result]):
    """Shares write transactions among concurrent callers.

    Args:
        database: Where the transactions run.
        write: Writes a group inside the transaction it is given and returns one result or exception per item, in order.
            It must have no effect outside that transaction: a refused group is rolled back and written again in halves.
        durability: What an acknowledged item survives.
        most: Items in one transaction at most.
        room: Items that may wait; further callers wait for room first.

    Example:
        commit = GroupCommit(database, write_points)
        commit.submit(point)        # in this thread
        await commit.join(point)    # on an event loop
    """

    def __init__(
        self,
        database: Writes,
        write: Write[Item, Result],
        *,
        durability: Durability = Durability.FACT,
        most: int = 4096,
        room: int = 65_536,
    ) -> None:
        if most < 1 or room < most:
            raise InvalidInput(f"a group of most={most} within room={room} cannot be; allowed: 1 ≤ most ≤ room")
        self._database = database
        self._write = write
        self._durability = durability
        self._most = most
        self._room = room
        self.forget()
        database.enlist(self)

    def forget(self) -> None:
        """Start empty, as a child must after a fork: what waits belongs to the parent's threads."""
        self._queue: deque[_Caller[Item, Result] | _Awaiter[Item, Result]] = deque()
        self._leading = threading.Lock()
        self._freed = threading.Condition()
        self._summoned: asyncio.AbstractEventLoop | None = None

    def submit(self, item: Item) -> Result:
        """Write one item; return once it is committed, in the caller's thread.

        Raises:
            Exception: Whatever `write` gave or raised for this item, or the database's failure.
        """
        if not self._queue and self._leading.acquire(blocking=False):
            try:
                outcome = self._settle([item])[0]
            finally:
                self._hand_over()
            return _unwrap(outcome)
        return self._submit_queued(item)

    def join(self, item: Item) -> Awaitable[Result]:
        """Write one item from an event loop; the awaitable is done once it is committed."""
        if len(self._queue) >= self._room:
            return self._join_when_room(item)
        loop = asyncio.get_running_loop()
        entry = _Awaiter[Item, Result](item, loop)
        self._queue.append(entry)
        if self._summoned is not loop:
            self._summon(loop)
        return entry.future

    def _submit_queued(self, item: Item) -> Result:
        entry = _Caller[Item, Result](item)
        with self._freed:
            while len(self._queue) >= self._room:
                self._freed.wait(0.05)
            self._queue.append(entry)
        while not entry.done:
            if self._leading.acquire(blocking=False):
                try:
                    self._lead(until=entry)
                finally:
                    self._hand_over()
            else:
                entry.woken.wait()
                entry.woken.clear()
        return _unwrap(entry.outcome)

    async def _join_when_room(self, item: Item) -> Result:
        while len(self._queue) >= self._room:
            await asyncio.sleep(0.001)
        return await self.join(item)

    def _summon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have a thread lead after this turn of the loop, so that all callers of the turn share a transaction."""
        self._summoned = loop
        loop.call_soon(self._start_leader, loop)

    def _start_leader(self, loop: asyncio.AbstractEventLoop) -> None:
        self._summoned = None
        if self._queue and self._leading.acquire(blocking=False):
            try:
                loop.run_in_executor(None, self._lead_for_loop)
            except RuntimeError:  # the loop is shutting its threads down: nobody there awaits any more
                self._drop(loop)
                self._hand_over()

    def _lead_for_loop(self) -> None:
        try:
            self._lead(until=None)
        finally:
            self._hand_over()

    def _lead(self, until: _Caller[Item, Result] | None) -> None:
        """Commit group after group until the queue is empty or the leader's own item is done."""
        while self._queue and (until is None or not until.done):
            group = [self._queue.popleft() for _ in range(min(len(self._queue), self._most))]
            try:
                outcomes = self._settle([entry.item for entry in group])
            except BaseException:
                _deliver(
                    group,
                    [Unavailable("The process was interrupted while it wrote; the item may not be stored.")]
                    * len(group),
                )
                raise
            _deliver(group, outcomes)
            if len(self._queue) < self._room:
                with self._freed:
                    self._freed.notify_all()

    def _hand_over(self) -> None:
        """Stop leading; if items came in meanwhile, wake the one that can lead next."""
        self._leading.release()
        while self._queue:
            entry = self._peek()
            if isinstance(entry, _Caller):
                entry.woken.set()
                return
            if entry is None or _call_on(entry.loop, self._start_leader, entry.loop):
                return
            self._drop(entry.loop)

    def _peek(self) -> _Caller[Item, Result] | _Awaiter[Item, Result] | None:
        try:
            return self._queue[0]
        except IndexError:  # another leader was quicker
            return None

    def _drop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Forget the items of a loop that has ended: they were never acknowledged, and nobody waits for them."""
        for _ in range(len(self._queue)):
            try:
                entry = self._queue.popleft()
            except IndexError:
                return
            if isinstance(entry, _Caller) or entry.loop is not loop:
                self._queue.append(entry)

    def _settle(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        """Write a group in one transaction; when it is refused, its halves in two."""
        try:
            with self._database.write(self._durability) as tx:
                outcomes = self._write(tx, items)
        except Unavailable as error:  # not the items' fault: no half would fare better
            return [error] * len(items)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is the answer to the item at fault)
            if len(items) == 1:
                return [error]
            middle = len(items) // 2
            return [*self._settle(items[:middle]), *self._settle(items[middle:])]
        if len(outcomes) != len(items):
            raise RuntimeError(f"{self._write!r} returned {len(outcomes)} outcomes for {len(items)} items")
        return outcomes


def _unwrap(outcome: Result | Exception | None) -> Result:
    if isinstance(outcome, Exception):
        raise outcome
    return cast("Result", outcome)


def _deliver(group: Sequence[Any], outcomes: Sequence[Any]) -> None:
    """Tell every caller its outcome: threads by their event, each loop's awaiters in one call on that loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for entry, outcome in zip(group, outcomes, strict=True):
        if isinstance(entry, _Awaiter):
            by_loop.setdefault(entry.loop, []).append((entry.future, outcome))
        else:
            entry.answer(outcome)
    for loop, answers in by_loop.items():
        _call_on(loop, _answer, answers)


def _answer(answers: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in answers:
        if future.done():  # its caller was cancelled meanwhile; the item is stored all the same
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _call_on(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *values: object) -> bool:
    """Call on another thread's loop; False when that loop has ended and nobody there waits any more."""
    try:
        loop.call_soon_threadsafe(function, *values)
    except RuntimeError:
        return False
    return True
