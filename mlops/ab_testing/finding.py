"""Reads what a test has found: statistics from one snapshot, results and decisions from the pure parts.

Those parts are imported when they are first asked for: who only assigns and logs does without scipy.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mlops.ab_testing.entities import ABTestConfig, VariantResult
from mlops.ab_testing.errors import ABTestNotFound
from mlops.ab_testing.evidence import Evidence
from mlops.ab_testing.gathering import evidence_of, past_evidence
from mlops.ab_testing.live import Board, LiveTest, near_tests
from mlops.ab_testing.method import Method, choose
from mlops.ab_testing.report_data import ABTestReport, Decision
from mlops.ab_testing.store import BookStore, TestStore
from mlops.clock import Now

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["Finder"]


class Finder:
    """Finds out how tests stand."""

    def __init__(self, tests: TestStore, books: BookStore, board: Board, *, now: Now) -> None:
        self._tests = tests
        self._books = books
        self._board = board
        self._now = now

    def load(self) -> None:
        """Import what results and decisions need, before interactions come that an import would hold up."""
        from mlops.ab_testing import stopping  # noqa: F401 (which needs all the others)

    def test(self, tx: Transaction, test_id: str) -> LiveTest:
        """Return a test as it is in a snapshot.

        Raises:
            ABTestNotFound: There is none.
        """
        revision = self._tests.revision_of(tx, test_id)
        if revision is None:
            raise ABTestNotFound(str(test_id)[:250], known=near_tests(tx, self._tests))
        return self._board.at(tx, test_id, revision)

    def results(self, tx: Transaction, test_id: str) -> dict[str, VariantResult]:
        """Return what was found of every variant."""
        from mlops.ab_testing import results

        test = self.test(tx, test_id)
        method = test.method or choose(test.config)
        return results.summarise(test.config, method, self._evidence(tx, test.config), now=self._now())

    def decision(self, tx: Transaction, test_id: str) -> Decision:
        """Return what should happen to a test."""
        from mlops.ab_testing import stopping

        test = self.test(tx, test_id)
        method = test.method or choose(test.config)
        return stopping.decide(test.config, method, self._evidence(tx, test.config), now=self._now())

    def report(self, tx: Transaction, config: ABTestConfig, decision: Decision | None = None) -> ABTestReport:
        """Return everything that is to be said of a test, given as it is in the transaction."""
        from mlops.ab_testing import results, stopping

        method = Method.from_document(config.method) if config.method else choose(config)
        evidence, now = self._evidence(tx, config), self._now()
        metric = method.primary.source
        past = past_evidence(config, evidence, metric, self._books.days(tx, config.test_id, metric))
        decided = decision or stopping.decide(config, method, evidence, now=now)
        return results.report(config, method, evidence, now=now, decision=decided, past=_before(past, now))

    def _evidence(self, tx: Transaction, config: ABTestConfig) -> Evidence:
        return evidence_of(config, self._books.summary(tx, config.test_id))


def _before(past: list[tuple[datetime, Evidence]], now: datetime) -> list[tuple[datetime, Evidence]]:
    return [moment for moment in past if moment[0] < now]
