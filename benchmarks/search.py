"""Searching thousands of runs, against SQL written by hand for the same question on the same file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks import laboratory, raw, search_by_hand
from benchmarks.harness import Bench, Figure, Round, at_most, interleave, timed
from benchmarks.trackers import open_tracker, url_of
from mlops.experiment_tracker import ExperimentTracker

__all__ = ["FIGURES"]

FEW = 5_000
MANY = 100_000
LIMIT = 50
FILTER = "metrics.m0 > 0.9 and params.p1 = 'x'"
BY_M0 = "metrics.m0 desc"
BY_M1 = "metrics.m1 desc"


def _search(tracker: ExperimentTracker, order: str) -> list[str]:
    page = tracker.sync.list_experiments(filter=FILTER, order_by=order, limit=LIMIT)
    return [experiment.experiment_id for experiment in page]


@contextmanager
def _laboratory(bench: Bench, runs: int) -> Iterator[tuple[ExperimentTracker, sqlite3.Connection]]:
    folder = bench.shared / f"runs-{runs}"
    is_new = not folder.exists()
    with open_tracker(folder) as tracker:
        if is_new:
            laboratory.fill(url_of(folder), runs)
        connection = raw.connect(folder / "mlops.db")
        connection.execute("PRAGMA cache_size=-16384")  # as ours
        yield tracker, connection
        connection.close()


def _against_sql(bench: Bench, runs: int, order: str, page: str) -> list[Round]:
    with _laboratory(bench, runs) as (tracker, connection):
        by_hand = [run["experiment_id"] for run in search_by_hand.fetch(connection, page, LIMIT)]
        if by_hand != _search(tracker, order) or len(by_hand) != LIMIT:
            raise RuntimeError(f"the search and the SQL by hand found other runs, or fewer than {LIMIT}")
        return interleave(
            bench,
            lambda: _often(lambda: _search(tracker, order)),
            lambda: _often(lambda: search_by_hand.fetch(connection, page, LIMIT)),
        )


def _growth(bench: Bench, order: str) -> list[Round]:
    with _laboratory(bench, MANY) as (many, _), _laboratory(bench, FEW) as (few, _):
        return interleave(
            bench, lambda: _often(lambda: _search(many, order)), lambda: _often(lambda: _search(few, order))
        )


def _often(work: Callable[[], object], *, times: int = 20) -> float:
    """Return the milliseconds of one search, the mean of several in a row."""
    return timed(lambda: [work() for _ in range(times)]) * 1e3 / times


def _workload(runs: int, order: str) -> str:
    size = f"{runs:,} runs × {laboratory.PARAMETERS} parameters × {laboratory.METRICS} metrics"
    return f"`list_experiments` over {size}: `{FILTER}`, by `{order}`, limit {LIMIT}"


def _sql_figure(name: str, runs: int, order: str, page: str) -> Figure:
    against = "SQL by hand with covering indexes; attributes, parameters and metrics as dicts"

    def measure(bench: Bench) -> list[Round]:
        return _against_sql(bench, runs, order, page)

    return Figure(name, _workload(runs, order), against, "ms", at_most(2.5), measure)


def _growth_figure(name: str, order: str) -> Figure:
    against = f"the same search over {FEW:,} runs"
    return Figure(name, _workload(MANY, order), against, "ms", at_most(1.3), lambda bench: _growth(bench, order))


FIGURES = (
    _sql_figure("search", FEW, BY_M0, search_by_hand.BY_M0),
    _sql_figure("search-many", MANY, BY_M0, search_by_hand.BY_M0),
    _growth_figure("search-growth", BY_M0),
    _sql_figure("search-other", FEW, BY_M1, search_by_hand.BY_M1_OF_FEW),
    _sql_figure("search-other-many", MANY, BY_M1, search_by_hand.BY_M1_OF_MANY),
    _growth_figure("search-other-growth", BY_M1),
)
