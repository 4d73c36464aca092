"""Group commit: concurrent callers share one transaction, and each learns the fate of its own item.

Whoever finds nobody leading becomes the leader, commits everything queued as one transaction, and goes on until its own
item is done. A caller in a thread leads by itself, without a hop; for callers on an event loop a thread of ours leads,
so that a loop which is busy, stopped or closed holds up nobody but its own callers. A group that the database refuses
is bisected, so that a bad item fails alone. An item is acknowledged only after its commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar, cast

from mlops.database.transaction import Durability, Transaction
from mlops.errors import Corrupted, InvalidInput, Unavailable

__all__ = ["GroupCommit", "Writes"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOOK_FOR_ROOM_S = 0.001

Write = Callable[[Transaction, Sequence[Item]], Sequence[Result | Exception]]


class Writes(Protocol):
    """What group commit needs of a database."""

    def write(self, durability: Durability = ...) -> Any:
        """Return the context of a write transaction."""

    def enlist(self, commit: Any) -> None:
        """Have `commit.forget()` called in a child after a fork."""


class _Caller(Generic[Result]):
    """A thread that sleeps until its item is done, or until it should lead.

    It sleeps on a plain lock: an Event is written in Python, and an interruption inside it can leave it locked.
    """

    __slots__ = ("_asleep", "deserted", "done", "outcome")

    def __init__(self) -> None:
        self.done = False
        self.deserted = False  # its thread was interrupted and waits no more
        self.outcome: Result | Exception | None = None
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def sleep(self) -> None:
        """Return when woken; a `wake` before the call counts."""
        self._asleep.acquire()

    def wake(self) -> None:
        """End the present or the next sleep."""
        with contextlib.suppress(RuntimeError):  # it was woken already
            self._asleep.release()

    def answer(self, outcome: Result | Exception) -> None:
        if not self.done:
            self.outcome = outcome
            self.done = True
            self.wake()


_Waiter = _Caller[Result] | asyncio.Future[Result]


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
        self._queue: deque[tuple[Item, _Waiter[Result]]] = deque()
        self._leading = threading.Lock()
        self._queueing = threading.Lock()
        self._summoned: asyncio.AbstractEventLoop | None = None
        self._threads: ThreadPoolExecutor | None = None

    @property
    def waiting(self) -> int:
        """How many items wait for a transaction now."""
        return len(self._queue)

    def drain(self) -> None:
        """Write everything that waits, also for callers who have gone; as the database does before it closes."""
        while self._queue:
            with self._leading:
                self._lead(until=None)

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
        future: asyncio.Future[Result] = loop.create_future()
        self._queue.append((item, future))
        if self._summoned is not loop:
            self._summon(loop)
        return future

    def _submit_queued(self, item: Item) -> Result:
        caller = _Caller[Result]()
        try:
            self._enqueue(item, caller)
            while not caller.done:
                if self._leading.acquire(blocking=False):
                    try:
                        self._lead(until=caller)
                    finally:
                        self._hand_over()
                else:
                    caller.sleep()
        except BaseException:
            caller.deserted = True
            self._wake_next()  # the lead may have been offered to this thread
            raise
        return _unwrap(caller.outcome)

    def _enqueue(self, item: Item, caller: _Caller[Result]) -> None:
        """Queue up; while there is no room, make some when nobody else does."""
        while not self._is_queued(item, caller):
            if self._leading.acquire(timeout=_LOOK_FOR_ROOM_S):
                try:
                    self._lead_once()
                finally:
                    self._hand_over()

    def _is_queued(self, item: Item, caller: _Caller[Result]) -> bool:
        with self._queueing:
            if has_room := len(self._queue) < self._room:
                self._queue.append((item, caller))
            return has_room

    async def _join_when_room(self, item: Item) -> Result:
        while len(self._queue) >= self._room:
            await asyncio.sleep(_LOOK_FOR_ROOM_S)
        return await self.join(item)

    def _summon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have a thread lead after this turn of the loop, so that all callers of the turn share a transaction."""
        self._summoned = loop
        loop.call_soon(self._answer_summons)

    def _answer_summons(self) -> None:
        self._summoned = None
        if self._queue:
            self._lead_elsewhere()

    def _lead_elsewhere(self) -> None:
        """Have a thread of our own lead, if nobody does: one that neither a loop nor a caller can hold up or end."""
        if not self._leading.acquire(blocking=False):
            return
        try:
            self._threads = self._threads or ThreadPoolExecutor(1, thread_name_prefix="mlops-group-commit")
            self._threads.submit(self._lead_and_hand_over)
        except RuntimeError:  # the process is ending and starts no threads any more
            self._lead_and_hand_over()

    def _lead_and_hand_over(self) -> None:
        try:
            self._lead(until=None)
        finally:
            self._hand_over()

    def _lead(self, until: _Caller[Result] | None) -> None:
        """Commit group after group until the queue is empty or the leader's own item is done."""
        while self._queue and (until is None or not until.done):
            self._lead_once()

    def _lead_once(self) -> None:
        group: list[tuple[Item, _Waiter[Result]]] = []
        try:
            for _ in range(min(len(self._queue), self._most)):
                group.append(self._queue[0])  # before it leaves the queue: an interruption must lose nobody
                self._queue.popleft()
            _deliver(group, self._settle([item for item, _ in group]))
        except BaseException:
            _deliver(group, [_interrupted()] * len(group))
            raise

    def _hand_over(self) -> None:
        """Stop leading; if items came in meanwhile, see to it that somebody else leads."""
        self._leading.release()
        self._wake_next()

    def _wake_next(self) -> None:
        waiter = self._first_waiter()
        if isinstance(waiter, _Caller) and not waiter.deserted:
            waiter.wake()
        elif waiter is not None:
            self._lead_elsewhere()

    def _first_waiter(self) -> _Waiter[Result] | None:
        try:
            return self._queue[0][1]
        except IndexError:
            return None

    def _settle(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        """Write a group in one transaction; when it is refused, its halves in two."""
        tx = None
        try:
            with self._database.write(self._durability) as tx:
                return _one_for_each(items, self._write(tx, items))
        except (Unavailable, Corrupted) as error:  # not the items' fault: no half would fare better
            return [error] * len(items)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is the answer to the item at fault)
            if len(items) == 1 or tx is None:
                return [error] * len(items)
        middle = len(items) // 2
        return [*self._settle(items[:middle]), *self._settle(items[middle:])]


def _interrupted() -> Unavailable:
    return Unavailable("The process was interrupted while it wrote; the item may or may not be stored.")


def _one_for_each(items: Sequence[Any], outcomes: Sequence[Result | Exception]) -> Sequence[Result | Exception]:
    if len(outcomes) != len(items):
        raise RuntimeError(f"a group's write returned {len(outcomes)} outcomes for {len(items)} items")
    return outcomes


def _unwrap(outcome: Result | Exception | None) -> Result:
    if isinstance(outcome, Exception):
        raise outcome
    return cast("Result", outcome)


def _deliver(group: Sequence[Any], outcomes: Sequence[Any]) -> None:
    """Tell every caller its outcome: threads by their event, each loop's awaiters in one call on that loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for (_, waiter), outcome in zip(group, outcomes, strict=True):
        if isinstance(waiter, _Caller):
            waiter.answer(outcome)
        else:
            by_loop.setdefault(waiter.get_loop(), []).append((waiter, outcome))
    for loop, answers in by_loop.items():
        _call_on(loop, _answer, answers)


def _answer(answers: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, outcome in answers:
        if future.done():  # its caller was cancelled meanwhile; the item is stored all the same
            continue
        if isinstance(outcome, StopIteration):  # the one exception that a future cannot carry
            future.set_exception(RuntimeError(f"the write of this item raised {outcome!r}"))
        elif isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _call_on(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *values: object) -> None:
    """Call on another thread's loop, unless that loop has ended and nobody there waits any more."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *values)
