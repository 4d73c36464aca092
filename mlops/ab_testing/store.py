"""What the service needs of stores of tests, of what was logged, and of statistics; `sql` has those that are used.

Obligations of all: every write is part of the transaction it is given and has no other effect; nothing is cached
between transactions, so that one store serves any number of threads; what is read equals what was written, whichever
database is under it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from mlops.ab_testing.aggregates import Book, CountKey
from mlops.ab_testing.entities import ABTestConfig, ABTestMove
from mlops.ab_testing.stored import ABTestQuery, Exposure, LoggedInteraction, StoredOutcome, StoredTest
from mlops.ab_testing.tallying import Tally
from mlops.search import Page

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["BookStore", "LogStore", "TestStore"]


class TestStore(Protocol):
    """Keeps tests, their moves and their final reports."""

    def lock(self, tx: Transaction) -> int:
        """Keep others from changing any test until the transaction ends; return the last revision given."""

    def hold(self, tx: Transaction, test_ids: Collection[str]) -> dict[str, int]:
        """Keep tests from being changed, and others from logging in them, until the end; return their revisions."""

    def revision_of(self, tx: Transaction, test_id: str) -> int | None:
        """Return the revision of a test; None when there is none."""

    def insert(self, tx: Transaction, test: StoredTest) -> None:
        """Store a new test."""

    def update(self, tx: Transaction, test: StoredTest) -> None:
        """Replace a test that was read after `lock`."""

    def find(self, tx: Transaction, test_id: str) -> StoredTest | None:
        """Return a test; None when there is none."""

    def changed_since(self, tx: Transaction, revision: int) -> list[StoredTest]:
        """Return tests that have a later revision."""

    def live(self, tx: Transaction) -> list[StoredTest]:
        """Return tests that run or are paused."""

    def last_revision(self, tx: Transaction) -> int:
        """Return the last revision given; 0 before the first."""

    def page(self, tx: Transaction, query: ABTestQuery, *, at: datetime) -> Page[ABTestConfig]:
        """Return a page of tests.

        Raises:
            InvalidInput: The filter, the order or the cursor cannot be read.
        """

    def append_move(self, tx: Transaction, move: ABTestMove) -> None:
        """Append a move."""

    def moves(self, tx: Transaction, test_id: str) -> list[ABTestMove]:
        """Return a test's moves in order."""

    def put_report(self, tx: Transaction, test_id: str, report: Mapping[str, Any]) -> None:
        """Keep the final report of a test."""

    def find_report(self, tx: Transaction, test_id: str) -> Mapping[str, Any] | None:
        """Return the final report; None before the end."""


class LogStore(Protocol):
    """Keeps exposures, interactions and outcomes."""

    def guard(self, tx: Transaction, *, alone: bool) -> None:
        """Keep labels without a test and interactions from passing each other until the transaction ends.

        Args:
            alone: False for who logs interactions, True for who stores labels that name no test.
        """

    def exposures(self, tx: Transaction, test_id: str, users: Collection[str]) -> dict[str, tuple[Exposure, bool]]:
        """Return the first exposures of users who have one, and whether an interaction of theirs was logged."""

    def tests_of_user(self, tx: Transaction, user_id: str, test_ids: Collection[str]) -> set[str]:
        """Return those of the tests in which a user has an exposure."""

    def add_exposures(self, tx: Transaction, test_id: str, found: Mapping[str, tuple[Exposure, bool]], at: int) -> None:
        """Store first exposures of users who have none."""

    def exposure_counts(self, tx: Transaction, test_id: str) -> dict[Exposure, int]:
        """Return how many users were first exposed to each variant in each phase."""

    def mark_active(self, tx: Transaction, test_id: str, users: Collection[str]) -> None:
        """Remember of users with an exposure that an interaction of theirs was logged."""

    def logged(self, tx: Transaction, test_id: str, ids: Collection[str]) -> dict[str, LoggedInteraction]:
        """Return those of the interactions that are there."""

    def tests_of_interactions(self, tx: Transaction, ids: Collection[str]) -> dict[str, list[str]]:
        """Return the tests in which each of the interactions was logged; ids without any are left out."""

    def answers(self, tx: Transaction, test_id: str, request_ids: Collection[str]) -> list[LoggedInteraction]:
        """Return the interactions of a shadow test that answered these requests."""

    def add_interactions(self, tx: Transaction, test_id: str, rows: Sequence[LoggedInteraction]) -> None:
        """Append interactions; the order is that of arrival."""

    def interactions(self, tx: Transaction, test_id: str) -> Iterator[LoggedInteraction]:
        """Yield all interactions of a test in the order of arrival."""

    def outcomes(self, tx: Transaction, test_id: str, ids: Collection[str]) -> dict[str, StoredOutcome]:
        """Return the outcomes of interactions that have one in this test; `""` are those that no test claimed yet."""

    def has_parked(self, tx: Transaction, test_id: str) -> bool:
        """Tell whether labels wait for interactions of this test, or, of `""`, of any test."""

    def put_outcomes(self, tx: Transaction, rows: Sequence[StoredOutcome]) -> None:
        """Store outcomes, or replace them."""

    def joined(self, tx: Transaction, test_id: str) -> Iterator[StoredOutcome]:
        """Yield the outcomes of a test that met their interactions, in the order in which they did."""


class BookStore(Protocol):
    """Keeps statistics."""

    def counts(self, tx: Transaction, test_id: str, kind: str) -> dict[CountKey, int]:
        """Return the counts of one kind, such as the arrivals of each metric with blocks; see `CountKey`."""

    def names(self, tx: Transaction, test_id: str) -> set[str]:
        """Return the metrics that have sums, each after an `m`, and the strata, each after an `s`."""

    def touched(self, tx: Transaction, test_id: str, tally: Tally) -> Book:
        """Return the part of a test's book that a tally changes."""

    def put(self, tx: Transaction, test_id: str, book: Book) -> None:
        """Replace this part of a test's book."""

    def summary(self, tx: Transaction, test_id: str) -> Book:
        """Return what results are made of: everything but cells of single days and units."""

    def whole(self, tx: Transaction, test_id: str) -> Book:
        """Return everything."""

    def days(self, tx: Transaction, test_id: str, metric: str) -> Book:
        """Return the cells of single days of a metric."""

    def clear(self, tx: Transaction, test_id: str) -> None:
        """Remove everything."""
