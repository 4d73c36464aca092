"""The PostgreSQL that the tests start is a real one, and does not outlive them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from mlops.tests.fixtures.postgresql import PostgreSQLServer

HOLDER = """
import time
from mlops.tests.fixtures.postgresql import running_server
with running_server() as url:
    print(url, flush=True)
    time.sleep(300)
"""


def gone(folder: Path, *, within_s: float = 30.0) -> bool:
    """Return whether a folder disappears in time."""
    deadline = time.monotonic() + within_s
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not folder.exists()


def test_the_server_ends_with_a_killed_process() -> None:
    """After `kill -9` of the process that started it, the server and its data are gone."""
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        folder = Path(str(make_url(holder.stdout.readline().strip()).query["host"]))
        assert folder.is_dir()
        holder.kill()
    assert gone(folder)


def test_each_test_has_a_database_of_its_own(postgresql_server: PostgreSQLServer, empty_postgresql_url: str) -> None:
    """A table made in one database is not in the next, and commits wait for the log as in production."""
    with psycopg.connect(empty_postgresql_url) as connection:
        connection.execute("CREATE TABLE here (n int)")
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    with postgresql_server.new_database() as other, psycopg.connect(postgresql_server.url_of(other)) as connection:
        assert connection.execute("SELECT to_regclass('here')").fetchone() == (None,)
