"""The queries that run all the time go by the indexes made for them, on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from mlops import clock
from mlops.database import Database, Transaction, open_database
from mlops.jobs import enqueue, find_unfinished
from mlops.jobs.claiming import claim, has_lost, is_claimable
from mlops.jobs.ending import Ending, end_all
from mlops.tests.integration.jobs.conftest import KIND, claimant


@pytest.fixture
def filled(sqlite_url: str) -> Iterator[Database]:
    """Yield a database with some jobs."""
    with closing(open_database(sqlite_url)) as database:
        with database.write() as tx:
            for number in range(50):
                enqueue(tx, kind=KIND, priority=number % 3, key=f"k{number}")
        yield database


def plan_of(tx: Transaction, work: Callable[[], object]) -> str:
    """Return how SQLite goes about the last statement of some work."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    sa.event.listen(tx.connection, "before_cursor_execute", note)
    work()
    sa.event.remove(tx.connection, "before_cursor_execute", note)
    statement, parameters = statements[-1]
    rows = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    return "\n".join(row[3] for row in rows)


def test_taking_goes_by_urgency_and_sorts_nothing(filled: Database) -> None:
    """However much is queued."""
    with filled.write() as tx:
        for in_advance in (False, True):
            plan = plan_of(tx, lambda advance=in_advance: claim(tx, claimant(), 2, in_advance=advance))
            assert "idx_jobs_claim" in plan
            assert "ORDER BY" not in plan
        assert "idx_jobs_claim" in plan_of(tx, lambda: is_claimable(tx, claimant()))


def test_looking_for_lost_jobs_reads_running_ones_only(filled: Database) -> None:
    """However many have ended."""
    with filled.read() as tx:
        assert "idx_jobs_lease" in plan_of(tx, lambda: has_lost(tx))


def test_jobs_are_ended_by_their_ids(filled: Database) -> None:
    """However many there were: each ending is looked up, the table is not read."""
    with filled.write() as tx:
        taken = claim(tx, claimant(), 3)
        endings = [Ending(attempt.lease, "succeeded", 1, "null") for attempt in taken]
        plan = plan_of(tx, lambda: end_all(tx, endings, at=clock.now()))
    assert "SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (job_id=?)" in plan
    assert "SCAN jobs" not in plan


def test_a_key_is_found_by_its_index(filled: Database) -> None:
    """However many jobs of the kind there were."""
    with filled.read() as tx:
        assert "idx_jobs_key" in plan_of(tx, lambda: find_unfinished(tx, kind=KIND, key="k7"))
