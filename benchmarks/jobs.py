"""Jobs: how soon one begins that was asked for, in this process and in others, and how many short ones are done.

Limits stand in the table as a reference of that much, so that the ratio says how much of them is used. PostgreSQL is
the tests' own server.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import IO

import sqlalchemy as sa

from benchmarks.harness import Bench, Figure, Round, at_least, at_most, interleave, timed
from mlops.database import Database, open_database
from mlops.jobs import JobContext, JobHandler, JobRunner, enqueue

__all__ = ["FIGURES"]

KIND = "bench.begin"
EMPTY = 1_000
_STARTS = 40  # of which the median counts
_APART_S = 0.02
_WORKERS = 2

# Both processes read the same clock, which counts from the machine's start.
_ELSEWHERE = """
import sys, time
from mlops.database import open_database
from mlops.jobs import JobHandler, JobRunner

def begin(context):
    print(time.monotonic_ns(), flush=True)

with open_database(sys.argv[1]) as database, JobRunner(database, [JobHandler("bench.begin", begin)]):
    print("ready", flush=True)
    sys.stdin.readline()
"""

Place = Callable[[Bench], AbstractContextManager[str]]


@contextmanager
def _sqlite(bench: Bench) -> Iterator[str]:
    yield f"sqlite:///{bench.fresh('jobs.db')}"


@contextmanager
def _postgresql(bench: Bench) -> Iterator[str]:
    from mlops.tests.fixtures.postgresql import running_server

    with running_server() as url:
        yield url


def _ask(database: Database) -> None:
    with database.write() as tx:
        enqueue(tx, kind=KIND)


def _starts_here(database: Database) -> float:
    """Return the median of the milliseconds from the call that asks for a job to its handler's first statement."""
    began: list[int] = []
    heard = threading.Event()

    def begin(context: JobContext) -> None:
        began.append(time.monotonic_ns())
        heard.set()

    def await_start() -> int:
        heard.wait()
        heard.clear()
        return began[-1]

    with JobRunner(database, [JobHandler(KIND, begin)]):
        return _median_ms(database, await_start)


def _starts_elsewhere(database: Database) -> float:
    """Return the same for a handler in another process."""
    program = [sys.executable, "-c", _ELSEWHERE, database.url]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdin is not None
        worker.stdout.readline()
        median = _median_ms(database, partial(_read_number, worker.stdout))
        worker.stdin.close()
    return median


def _read_number(lines: IO[str]) -> int:
    return int(next(lines))


def _median_ms(database: Database, await_start: Callable[[], int]) -> float:
    delays = []
    for _ in range(_STARTS):
        time.sleep(_APART_S)
        asked = time.monotonic_ns()
        _ask(database)
        delays.append((await_start() - asked) / 1e6)
    return statistics.median(delays)


def _measure_start(bench: Bench, place: Place, starts: Callable[[Database], float], limit_ms: float) -> list[Round]:
    with place(bench) as url, open_database(url) as database:
        return interleave(bench, lambda: starts(database), lambda: limit_ms)


def _measure_rate(bench: Bench, place: Place, limit: float) -> list[Round]:
    with place(bench) as url, open_database(url) as database:
        return interleave(bench, lambda: EMPTY / timed(lambda: _do_empty(database)), lambda: limit)


def _do_empty(database: Database) -> None:
    """Ask for empty jobs in one transaction, and return when all have ended."""
    with JobRunner(database, [JobHandler(KIND, _nothing)], workers=_WORKERS):
        with database.write() as tx:
            ids = [enqueue(tx, kind=KIND) for _ in range(EMPTY)]
        while _unfinished(database):
            time.sleep(0.005)
    if len(set(ids)) != EMPTY:
        raise RuntimeError("some jobs were not asked for")


def _nothing(context: JobContext) -> None:
    """Do nothing."""


def _unfinished(database: Database) -> bool:
    with database.read() as tx:
        query = sa.text("SELECT 1 FROM jobs WHERE status IN ('queued', 'running') LIMIT 1")
        return tx.execute(query).one_or_none() is not None


def _start_figure(name: str, where: str, place: Place, starts: Callable[[Database], float], limit_ms: float) -> Figure:
    return Figure(
        name,
        f"from `enqueue` to the handler's first statement, {where}; median of {_STARTS}",
        f"{limit_ms:g} ms",
        "ms",
        at_most(1.0),
        lambda bench: _measure_start(bench, place, starts, limit_ms),
    )


def _rate_figure(name: str, where: str, place: Place, limit: float) -> Figure:
    return Figure(
        name,
        f"{EMPTY:,} empty jobs asked for and done by {_WORKERS} workers, {where}",
        f"{limit:g} a second",
        "jobs/s",
        at_least(1.0),
        lambda bench: _measure_rate(bench, place, limit),
    )


FIGURES = (
    _start_figure("jobs-start", "in the same process", _sqlite, _starts_here, 20.0),
    _start_figure("jobs-start-elsewhere", "in another process, on SQLite", _sqlite, _starts_elsewhere, 300.0),
    _start_figure("jobs-start-postgresql", "in another process, on PostgreSQL", _postgresql, _starts_elsewhere, 60.0),
    _rate_figure("jobs-rate", "on SQLite", _sqlite, 200.0),
    _rate_figure("jobs-rate-postgresql", "on PostgreSQL", _postgresql, 500.0),
)
