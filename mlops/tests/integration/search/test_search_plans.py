"""SQLite walks the indexes that searches are made for, and works no harder on the last page than on the first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from mlops.database import Database, open_database
from mlops.database.search import TableSearch, Tuning
from mlops.database.transaction import DriverStatement, Transaction
from mlops.search import Page, parse_filter, parse_order
from mlops.tests.fixtures.search import NOW, SEARCHABLE, VOCABULARY, filled

HOW_MANY = 1_200
ALL_EQUAL = "ties"
SEARCH = TableSearch(SEARCHABLE, tuning=Tuning(probe_limit=100))


def run(number: int) -> dict[str, Any]:
    """Return a run; metrics `m` and `loss` are shuffled differently, every third run is of kind x."""
    return {
        "id": f"run-{number:05}",
        "name": "run",
        "created_at": NOW + timedelta(minutes=number),
        "metrics": {"m": (number * 7919) % HOW_MANY, "loss": (number * 104_729) % HOW_MANY, ALL_EQUAL: 1.0},
        "params": {"kind": "xyz"[number % 3], "rare": number // 10},
    }


class Watched:
    """A transaction that keeps what was run, and how many of SQLite's virtual instructions it took, in hundreds."""

    dialect = "sqlite"

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.ran: list[tuple[str, Sequence[Any]]] = []
        self.effort = 0
        driver = tx.connection.connection.dbapi_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(self._step, 100)

    def _step(self) -> int:
        self.effort += 1
        return 0

    def run(self, statement: DriverStatement, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        sql, arrange = statement.for_dialect("sqlite")
        self.ran.append((sql, values if arrange is None else arrange(values)))
        return self._tx.run(statement, values)

    def plan(self) -> str:
        """Return SQLite's plan of what was run last."""
        sql, values = self.ran[-1]
        return "\n".join(
            row[3] for row in self._tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", tuple(values))
        )


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield a SQLite database with the runs."""
    with open_database(f"sqlite:///{tmp_path_factory.mktemp('plans') / 'mlops.db'}") as opened:
        with filled(opened, map(run, range(HOW_MANY))):
            pass
        yield opened


@pytest.fixture
def watched(database: Database) -> Iterator[Watched]:
    """Yield a watched transaction."""
    with database.read() as tx:
        yield Watched(tx)


def find(tx: Watched, text: str | None, order_by: str, **options: Any) -> Page[str]:
    """Search by text, a page of twenty."""
    where, orders = parse_filter(text, VOCABULARY), parse_order(order_by, VOCABULARY)
    return SEARCH.page(tx, where=where, orders=orders, now=NOW, scope="live", **{"limit": 20, **options})


@pytest.mark.parametrize(
    ("text", "order_by", "index"),
    [
        (None, "metrics.m desc", "idx_sought_metrics_value"),
        ("params.kind = 'x' and metrics.loss > 600", "metrics.m", "idx_sought_metrics_value"),
        ("params.kind = 'x' and metrics.m > 600", "metrics.m", "idx_sought_metrics_value"),
        (None, "params.rare", "idx_sought_params_number"),
        ("params.kind = 'x'", "created_at desc", "idx_sought_runs_created_at"),
        ("created_at > '2026-03-01'", "created_at", "idx_sought_runs_created_at"),
    ],
)
def test_an_unselective_filter_is_tested_along_the_order(
    watched: Watched, text: str, order_by: str, index: str
) -> None:
    """The first table of the plan is the order's index, and nothing is sorted but ties."""
    assert len(find(watched, text, order_by)) == 20
    first = watched.plan().split("\n")[0]
    assert f"INDEX {index}" in first
    assert "TEMP B-TREE FOR ORDER BY" not in watched.plan()


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("params.rare = 17 and metrics.loss >= 0", "idx_sought_params_number (name=? AND number=?)"),
        ("metrics.loss < 12", "idx_sought_metrics_value (name=? AND value<?)"),
        ("created_at >= '2026-03-02T07:50'", "idx_sought_runs_created_at (created_at>?)"),
        ("id in ('run-00001', 'run-00002')", "sqlite_autoindex_sought_runs_1 (id=?)"),
    ],
)
def test_a_rare_condition_drives(watched: Watched, text: str, index: str) -> None:
    """Its rows are read by their index, and sorted."""
    assert 0 < len(find(watched, text, "metrics.m desc")) <= 20
    assert index in watched.plan().split("\n")[0]


def test_a_bound_on_the_ordered_metric_bounds_the_walk(watched: Watched) -> None:
    """The range goes into the index search instead of being tested row by row."""
    find(watched, "metrics.m > 1100", "metrics.m")
    assert "(name=? AND value>?)" in watched.plan()


@pytest.mark.parametrize(
    ("text", "order_by"),
    [
        (None, "metrics.m desc"),
        (None, "created_at desc"),
        (None, f"metrics.{ALL_EQUAL} desc"),
        (None, "metrics.m, created_at desc"),
        (None, "metrics.unknown"),
        ("params.kind = 'x'", "metrics.m"),
    ],
)
def test_the_last_page_takes_no_more_work_than_the_first(watched: Watched, text: str | None, order_by: str) -> None:
    """Counted in SQLite's instructions, which do not depend on the machine."""
    efforts: list[int] = []
    cursor = None
    while cursor is not None or not efforts:
        before = watched.effort
        cursor = find(watched, text, order_by, cursor=cursor).next_cursor
        efforts.append(watched.effort - before)
    assert len(efforts) >= 20
    assert efforts[-2] <= 2 * max(efforts[0], 5)
