"""Tests as this process knows them: their phase tables and who has which variant, a tenth of a second old at most.

Exposures never change once they are stored, so that what is known of them stays true; tests are read again when their
database has given out a new revision.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mlops.ab_testing import targeting
from mlops.ab_testing.analysis import Method
from mlops.ab_testing.assignment import Allocation
from mlops.ab_testing.entities import ABTestConfig, TestStatus, TestType
from mlops.ab_testing.errors import ABTestNotFound
from mlops.ab_testing.lifecycle import LIVE
from mlops.ab_testing.store import TestStore
from mlops.ab_testing.stored import ABTestQuery, Exposure, StoredTest
from mlops.ab_testing.tallying import Rules
from mlops.clock import EPOCH, Now, microseconds

if TYPE_CHECKING:
    from mlops.database import Database, Transaction

__all__ = ["FRESH_S", "Board", "Known", "LiveTest", "near_tests"]

FRESH_S = 0.1
"""How old what is known of tests may be."""

_MOST_KNOWN = 100_000  # users per test in each of two generations
_DAY_US = 86_400_000_000
_LOOKED_AT = 200  # newest tests that a mistaken id is compared with


class Known:
    """Users' exposures, the recently asked ones of them: two generations, of which the older one is dropped when full.

    Each is kept with whether an interaction of the user was logged. Users share these few pairs: one for each would be
    hundreds of thousands of objects that every full garbage collection looks at.
    """

    __slots__ = ("_kinds", "_most", "_new", "_old")

    def __init__(self, most: int = _MOST_KNOWN) -> None:
        self._most = most
        self._new: dict[str, tuple[Exposure, bool]] = {}
        self._old: dict[str, tuple[Exposure, bool]] = {}
        self._kinds: dict[tuple[Exposure, bool], tuple[Exposure, bool]] = {}

    def get(self, user_id: str) -> tuple[Exposure, bool] | None:
        """Return what is known of a user."""
        found = self._new.get(user_id)
        if found is None and (found := self._old.get(user_id)) is not None:
            self.put(user_id, *found)
        return found

    def put(self, user_id: str, exposure: Exposure, is_active: bool) -> None:
        """Remember a user."""
        if len(self._new) >= self._most:
            self._old, self._new = self._new, {}
        found = (exposure, is_active)
        self._new[user_id] = self._kinds.setdefault(found, found)


class LiveTest:
    """A test, ready to assign users and to take interactions.

    Attributes:
        allocation: The shares of newcomers now; None before the start.
        closes: When its time is over, in microseconds since 1970; None without an end.
        known: Exposures, shared by all revisions of the test.
        method: How it is analysed; None before the start.
        is_shadow: Whether every request is answered by all variants, so that nobody is assigned.
    """

    __slots__ = (
        "allocation",
        "audience",
        "closes",
        "config",
        "forced",
        "is_shadow",
        "known",
        "method",
        "opens",
        "phase",
        "revision",
        "rules",
        "variants",
    )

    def __init__(self, stored: StoredTest, known: Known) -> None:
        config = stored.config
        phase = config.phase
        self.config = config
        self.revision = stored.revision
        self.forced = stored.forced
        self.known = known
        self.audience = targeting.read_filters(config.user_filters) if config.user_filters else None
        self.phase = phase.number if phase else 0
        self.variants = config.variants
        self.is_shadow = config.test_type is TestType.SHADOW
        self.allocation = Allocation(config.salt, phase.allocation, config.variants) if phase else None
        self.method = Method.from_document(config.method) if config.method else None
        self.rules = Rules(config, self.method) if self.method else None
        self.opens = microseconds(config.starts_at) if config.starts_at else None
        self.closes = _closing(config)

    @property
    def is_live(self) -> bool:
        """Whether it runs or is paused."""
        return self.config.status in LIVE

    @property
    def is_running(self) -> bool:
        """Whether it takes newcomers."""
        return self.config.status is TestStatus.RUNNING

    def is_open(self, now: Now) -> bool:
        """Tell whether its time has come and is not over."""
        if self.opens is None and self.closes is None:
            return True
        at = microseconds(now())
        return (self.opens is None or at >= self.opens) and (self.closes is None or at < self.closes)


def _closing(config: ABTestConfig) -> int | None:
    """Return when nobody is assigned any more, in microseconds since 1970."""
    ends = [microseconds(config.ends_at)] if config.ends_at else []
    if config.planned_duration_days and config.started_at:
        ends.append(microseconds(config.started_at) + int(config.planned_duration_days * _DAY_US))
    return min(ends, default=None)


class Board:
    """The live tests of a database, and others that were asked for.

    Args:
        database: Where they are read.
        store: What reads them.
        learned: Called with every test, or revision of one, that becomes known here.
    """

    def __init__(self, database: Database, store: TestStore, *, learned: Callable[[LiveTest], object]) -> None:
        self._database = database
        self._store = store
        self._learned = learned
        self._tests: dict[str, LiveTest] = {}
        self._revision = -1
        self._looked_at = 0.0
        self._lock = threading.Lock()

    @property
    def is_fresh(self) -> bool:
        """Whether it was compared with the database within the last tenth of a second."""
        return time.monotonic() - self._looked_at < FRESH_S

    def find(self, test_id: str) -> LiveTest | None:
        """Return a test that is known here."""
        return self._tests.get(test_id)

    def running(self, project: str) -> list[LiveTest]:
        """Return the tests of a project that take newcomers."""
        return [test for test in self._tests.values() if test.is_running and test.config.project == project]

    def refresh(self) -> None:
        """Read what has changed, unless somebody did within the last tenth of a second."""
        with self._lock:
            if self.is_fresh:
                return
            with self._database.read() as tx:
                self._catch_up(tx)
            self._looked_at = time.monotonic()

    def get(self, test_id: str) -> LiveTest:
        """Return a test as it was a tenth of a second ago or later.

        Raises:
            ABTestNotFound: There is none.
        """
        if not self.is_fresh:
            self.refresh()
        found = self._tests.get(test_id)
        if found is None:
            with self._database.read() as tx:
                stored = self._store.find(tx, test_id)
                if stored is None:
                    raise ABTestNotFound(str(test_id)[:250], known=near_tests(tx, self._store))
            found = self.learn(stored)
        return found

    def at(self, tx: Transaction, test_id: str, revision: int) -> LiveTest:
        """Return a test as it is in a transaction that holds it."""
        found = self._tests.get(test_id)
        if found is not None and found.revision == revision:
            return found
        stored = self._store.find(tx, test_id)
        if stored is None:
            raise ABTestNotFound(test_id)
        return self.learn(stored)

    def learn(self, stored: StoredTest) -> LiveTest:
        """Take a committed test in, unless a later revision of it is known."""
        test_id = stored.config.test_id
        present = self._tests.get(test_id)
        if present is not None and present.revision >= stored.revision:
            return present
        test = LiveTest(stored, present.known if present is not None else Known())
        self._tests[test_id] = test
        self._learned(test)
        return test

    def _catch_up(self, tx: Transaction) -> None:
        last = self._store.last_revision(tx)
        if self._revision < 0:
            changed = self._store.live(tx)
        else:
            changed = self._store.changed_since(tx, self._revision) if last != self._revision else []
        for stored in changed:
            if stored.config.status in LIVE or stored.config.test_id in self._tests:
                self.learn(stored)
        self._revision = last


def near_tests(tx: Transaction, store: TestStore) -> list[str]:
    """Return ids and names of the newest tests, for messages about one that is not there."""
    newest = store.page(tx, ABTestQuery(limit=_LOOKED_AT), at=EPOCH)
    return [text for config in newest for text in (config.test_id, config.name) if text]
