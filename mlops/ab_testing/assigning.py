"""Assigns users: from what is known where that decides, else by hash, stored before it is told.

The first exposure that was stored wins, whoever asks; a decision made from an outdated test is made again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mlops.ab_testing.assignment import ranked_first
from mlops.ab_testing.entities import CONTROL, TestStatus
from mlops.ab_testing.live import Board, LiveTest
from mlops.ab_testing.store import BookStore, LogStore, TestStore
from mlops.ab_testing.stored import Exposure
from mlops.ab_testing.tallying import Tally
from mlops.clock import Now, microseconds
from mlops.errors import InvalidInput, Unavailable
from mlops.values import short_repr

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["Assigner", "Newcomer", "Newcomers", "check_unit"]

_LONGEST = 250
_ATTEMPTS = 20
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")

Context = Mapping[str, Any] | None


class Newcomer(NamedTuple):
    """A user who is about to be exposed first.

    Attributes:
        revision: Of the test that the decision was made from.
        others: Tests that count towards the test's `max_concurrent_tests`; None where it has no such limit.
        most: How many of them the user may be in already.
    """

    test_id: str
    revision: int
    user_id: str
    exposure: Exposure
    others: tuple[str, ...] | None = None
    most: int = 0


class Outdated(NamedTuple):
    """The test has changed since the decision."""


OUTDATED = Outdated()
Fate = Exposure | Outdated | None


class Commits(Protocol):
    """Group commit of newcomers."""

    def submit(self, item: Newcomer) -> Fate:
        """Store one, in this thread."""

    def join(self, item: Newcomer) -> Awaitable[Fate]:
        """Store one, from an event loop."""


class Done:
    """An answer that is there already, for `await`: nothing runs in between."""

    __slots__ = ("_answer",)

    def __init__(self, answer: str | None) -> None:
        self._answer = answer

    def __await__(self) -> Generator[Any, None, str | None]:
        return self._answer
        yield  # which makes it a generator


class Assigner:
    """Tells which variant a user gets.

    Args:
        board: The tests.
        commits: Stores first exposures.
        find: Reads the exposure of who is not let in now, and may have been before.
        now: The clock.
    """

    def __init__(
        self, board: Board, commits: Commits, *, find: Callable[[Newcomer], Exposure | None], now: Now
    ) -> None:
        self._board = board
        self._commits = commits
        self._find = find
        self._now = now

    def assign(self, test_id: str, user_id: str, context: Context = None) -> str | None:
        """Assign a user in this thread; see `ABTestManager.assign_variant`."""
        for _ in range(_ATTEMPTS):
            test = self._board.get(test_id)
            decided = self._decide(test, user_id, context)
            if not isinstance(decided, Newcomer):
                return decided
            fate = self._commits.submit(decided) if decided.exposure.variant else self._find(decided)
            if not isinstance(fate, Outdated):
                return self._told(test, user_id, fate)
            self._board.refresh()
        raise _restless(test_id)

    def assign_soon(self, test_id: str, user_id: str, context: Context = None) -> Awaitable[str | None]:
        """Assign a user from an event loop: at once where what is known decides."""
        if self._board.is_fresh and (test := self._board.find(test_id)) is not None:
            decided = self._decide(test, user_id, context)
            return self._expose(test, decided, context) if isinstance(decided, Newcomer) else Done(decided)
        return self._assign_after_reading(test_id, user_id, context)

    async def _assign_after_reading(self, test_id: str, user_id: str, context: Context) -> str | None:
        test = await asyncio.to_thread(self._board.get, test_id)
        decided = self._decide(test, user_id, context)
        return await self._expose(test, decided, context) if isinstance(decided, Newcomer) else decided

    async def _expose(self, test: LiveTest, newcomer: Newcomer, context: Context) -> str | None:
        is_new = bool(newcomer.exposure.variant)
        fate = await self._commits.join(newcomer) if is_new else await asyncio.to_thread(self._find, newcomer)
        if not isinstance(fate, Outdated):
            return self._told(test, newcomer.user_id, fate)
        return await asyncio.to_thread(self.assign, newcomer.test_id, newcomer.user_id, context)

    def _decide(self, test: LiveTest, user_id: str, context: Context) -> str | Newcomer | None:
        """Return the variant, or None for who gets none, or whom to expose first."""
        config = test.config
        if test.forced and test.is_live and user_id in test.forced:
            return test.forced[user_id]
        is_running = config.status is TestStatus.RUNNING
        if not (is_running or (config.status is TestStatus.PAUSED and config.paused_keeps_known)):
            return None
        known = test.known.get(user_id)
        if known is None:
            check_unit(user_id)
        if not test.is_open(self._now) or not (test.audience is None or test.audience.includes(user_id, context)):
            return None
        if known is not None:
            return known[0].variant
        return self._newcomer(test, user_id, context)

    def _newcomer(self, test: LiveTest, user_id: str, context: Context) -> str | Newcomer | None:
        """Decide about a user who is not known here."""
        if test.is_shadow:
            return CONTROL if test.is_running else None
        if test.allocation is None:
            return None
        exposure = Exposure(test.allocation.choose(user_id) if test.is_running else "", test.phase)
        newcomer = Newcomer(test.config.test_id, test.revision, user_id, exposure)
        most = test.config.max_concurrent_tests
        return newcomer if most is None else self._limited(test, newcomer, context, most)

    def _limited(self, test: LiveTest, newcomer: Newcomer, context: Context, most: int) -> Newcomer | None:
        """Let a user in only if fewer than `most` other tests come first: those the user is in, then those preferred.

        The order of preference is the user's own, by hash, so that every test gets its part of the users.
        """
        user_id = newcomer.user_id
        others = [other for other in self._board.running(test.config.project) if other is not test]
        wanted = [
            other.config.salt
            for other in others
            if not other.is_shadow
            and other.is_open(self._now)
            and (other.audience is None or other.audience.includes(user_id, context))
        ]
        if ranked_first(user_id, test.config.salt, wanted) >= most:
            newcomer = newcomer._replace(exposure=newcomer.exposure._replace(variant=""))  # only if known already
        ids = tuple(other.config.test_id for other in others)
        return newcomer._replace(others=ids, most=most)

    def _told(self, test: LiveTest, user_id: str, fate: Exposure | None) -> str | None:
        if fate is not None:
            test.known.put(user_id, fate, False)
        return None if fate is None else fate.variant


class Newcomers:
    """Writes the first exposures of a group commit.

    Args:
        learn: Returns a test as a transaction sees it; a `Board.at`.
    """

    def __init__(
        self,
        stores: tuple[TestStore, LogStore, BookStore],
        *,
        learn: Callable[[Transaction, str, int], LiveTest],
        now: Now,
    ) -> None:
        self._tests, self._log, self._books = stores
        self._learn = learn
        self._now = now

    def write(self, tx: Transaction, items: Sequence[Newcomer]) -> list[Fate | Exception]:
        """Store newcomers; return what each has then: its exposure, nothing, or that the test has changed."""
        fates: dict[Newcomer, Fate | Exception] = {}
        revisions = self._tests.hold(tx, sorted({item.test_id for item in items}))
        for test_id, revision in revisions.items():
            group = [item for item in items if item.test_id == test_id]
            fates.update(self._write_of(tx, self._learn(tx, test_id, revision), group))
        return [fates.get(item, OUTDATED) for item in items]

    def find(self, tx: Transaction, item: Newcomer) -> Exposure | None:
        """Return the exposure that a user has; None where there is none."""
        found = self._log.exposures(tx, item.test_id, [item.user_id]).get(item.user_id)
        return None if found is None else found[0]

    def _write_of(self, tx: Transaction, test: LiveTest, items: Sequence[Newcomer]) -> dict[Newcomer, Fate | Exception]:
        test_id = test.config.test_id
        found = self._log.exposures(tx, test_id, {item.user_id for item in items})
        fresh: dict[str, tuple[Exposure, bool]] = {}
        fates: dict[Newcomer, Fate | Exception] = {}
        for item in items:
            known = found.get(item.user_id) or fresh.get(item.user_id)
            if known is not None:
                fates[item] = known[0]
            elif item.revision != test.revision:
                fates[item] = OUTDATED
            elif self._is_full(tx, item):
                fates[item] = None
            else:
                fates[item] = item.exposure
                fresh[item.user_id] = (item.exposure, False)
        self._add(tx, test, fresh)
        return fates

    def _is_full(self, tx: Transaction, item: Newcomer) -> bool:
        if item.others is None:
            return False
        return len(self._log.tests_of_user(tx, item.user_id, item.others)) >= item.most

    def _add(self, tx: Transaction, test: LiveTest, fresh: Mapping[str, tuple[Exposure, bool]]) -> None:
        if not fresh or test.rules is None:
            return
        test_id = test.config.test_id
        self._log.add_exposures(tx, test_id, fresh, microseconds(self._now()))
        tally = Tally(test.rules, partial(self._books.counts, tx, test_id))
        for exposure, _ in fresh.values():
            tally.add_exposure(*exposure)
        self._books.put(tx, test_id, tally.applied(self._books.touched(tx, test_id, tally)))


def check_unit(user_id: object, *, what: str = "user_id") -> str:
    """Return an id that can be one.

    Raises:
        InvalidInput: It is no text, is empty or too long, or has control characters or half of a surrogate pair.
    """
    if isinstance(user_id, str) and 0 < len(user_id) <= _LONGEST and not _CONTROL.search(user_id):
        return user_id
    raise InvalidInput(
        f"{what} is {short_repr(user_id if not isinstance(user_id, str) else user_id[:60])}; allowed are texts of 1 "
        f"to {_LONGEST} characters without control characters. Hash longer ids before you pass them."
    )


def _restless(test_id: str) -> Unavailable:
    return Unavailable(f"Test {test_id!r} changed at every one of {_ATTEMPTS} attempts to assign a user. Try again.")
