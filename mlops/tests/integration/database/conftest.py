"""What the tests of the database share: a table, programs in processes of their own, another who holds the lock."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mlops.database import Database, Durability, Transaction, open_database
from mlops.tests.fixtures.points import POINTS, create_points, write_points
from mlops.tests.fixtures.postgresql import PostgreSQLServer

_HOLDER = (
    "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print('held', flush=True); sys.stdin.read()"
)

RunPython = Callable[..., str]
SILENT = ""
"""What a program prints that asserts for itself, and ends with status 0."""
HoldLock = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def shared_postgresql(postgresql_server: PostgreSQLServer, postgresql_template: str) -> Iterator[Database]:
    """Yield one PostgreSQL database for many tests: making one takes longer than most of them."""
    with (
        postgresql_server.new_database(template=postgresql_template) as name,
        open_database(postgresql_server.url_of(name)) as database,
    ):
        create_points(database)
        yield database


@pytest.fixture
def postgresql_points(shared_postgresql: Database) -> Database:
    """Return a PostgreSQL database with an empty table of points."""
    with shared_postgresql.write() as tx:
        tx.execute(sa.delete(POINTS))
    return shared_postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def points(request: pytest.FixtureRequest) -> Database:
    """Return a database of each kind with an empty table of points."""
    database: Database = request.getfixturevalue(f"{request.param}_points")
    return database


@pytest.fixture
def sqlite_points(sqlite_url: str) -> Iterator[Database]:
    """Yield a SQLite database with the table of points."""
    with open_database(sqlite_url) as database:
        create_points(database)
        yield database


@pytest.fixture
def run_python() -> RunPython:
    """Return a function that runs a program in a process of its own and returns what it printed.

    It fails with the program's traceback when one of the program's own assertions, or anything else, ends it.
    """

    def run(code: str, *arguments: object, timeout_s: float = 60) -> str:
        command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
        environment = {**os.environ, "PYTHONWARNINGS": "error,default::DeprecationWarning"}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def held_elsewhere() -> HoldLock:
    """Return a context in which another process holds the writer lock of a SQLite file."""

    @contextmanager
    def hold(database: Path) -> Iterator[None]:
        command = [sys.executable, "-S", "-E", "-c", _HOLDER, f"{database}.writer"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield

    return hold


class Gate:
    """A group's write whose calls wait until it is opened, so that what comes meanwhile queues up.

    Attributes:
        entered: Set once the first group is inside its transaction.
        open: Set by the test to let groups through.
        groups: The ids of each group, in the order of the calls.
    """

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()
        self.groups: list[list[Any]] = []

    def __call__(self, tx: Transaction, points: Sequence[Any]) -> list[Any]:
        self.groups.append([point[0] for point in points])
        self.entered.set()
        assert self.open.wait(30)
        return write_points(tx, points)


class Traced:
    """A database that counts the write transactions asked of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.writes = 0

    def write(self, durability: Durability = Durability.RECORD) -> Any:
        self.writes += 1
        return self._database.write(durability)

    def enlist(self, commit: Any) -> None:
        self._database.enlist(commit)


def until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    """Wait for a condition that another thread brings about."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.001)
