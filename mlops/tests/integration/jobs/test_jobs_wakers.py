"""What wakes a sleeping runner."""

from __future__ import annotations

import os
import resource
import select
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from mlops.database import Database, open_database
from mlops.jobs import enqueue
from mlops.jobs.wakers import ListeningWaker, PollingWaker, Waker, default_waker
from mlops.tests.integration.jobs.conftest import LONG_S

FOR_EVER_S = 3_600.0


def is_woken(waker: Waker) -> bool:
    """Sleep for longer than any test may; say whether something else ended that."""
    sleeping = threading.Thread(target=waker.wait, args=(FOR_EVER_S,), daemon=True)
    sleeping.start()
    sleeping.join(LONG_S)
    return not sleeping.is_alive()


@pytest.fixture
def waker(database: Database) -> Iterator[Waker]:
    """Yield what a runner on each database sleeps on, after its first look round."""
    made = default_waker(database)
    assert is_woken(made)
    yield made
    made.close()


def test_the_first_wait_ends_at_once(database: Database) -> None:
    """What was queued before it could hear of it is looked for."""
    made = default_waker(database)
    assert isinstance(made, PollingWaker if database.dialect == "sqlite" else ListeningWaker)
    assert is_woken(made)
    made.close()


def test_a_wake_before_the_wait_counts(waker: Waker) -> None:
    """However often it was woken, once."""
    waker.wake()
    waker.wake()
    assert is_woken(waker)
    waker.wait(0.0)


def test_a_job_that_another_process_asks_for_ends_the_wait(database: Database, waker: Waker) -> None:
    """By the database alone: the other one has a bell of its own."""
    waiting = threading.Thread(target=waker.wait, args=(FOR_EVER_S,))
    waiting.start()
    with database.write() as tx:
        enqueue(tx, kind="test.any")
    waiting.join(60)
    assert not waiting.is_alive()


@pytest.fixture
def many_files() -> Iterator[None]:
    """Have more files open than `select` can name."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4_096, hard)), hard))
    with ExitStack() as opened:
        for _ in range(1_100):
            opened.enter_context(Path(os.devnull).open())
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_may_have_many_open_files(many_files: None, database: Database) -> None:
    """More than a thousand, as servers do."""
    made = default_waker(database)
    assert is_woken(made)
    made.wake()
    assert is_woken(made)
    made.close()


def test_a_wake_after_the_end_goes_nowhere(database: Database) -> None:
    """What has taken the place of a closed pipe is not written to."""
    made = default_waker(database)
    made.close()
    reader, writer = os.pipe()
    made.wake()
    assert select.select([reader], [], [], 0)[0] == []
    os.close(reader)
    os.close(writer)


def test_a_connection_that_fails_as_it_begins_to_listen_is_made_anew(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile it sleeps without."""
    waker = ListeningWaker(postgresql_url)
    with monkeypatch.context() as broken:
        broken.setattr(psycopg.Connection, "execute", lambda self, _: self.pgconn.finish() or self.cursor().execute(""))
        waker.wait(0.1)
        waker.wait(0.1)
    while waker._connection is None:
        waker.wait(0.1)
    with open_database(postgresql_url) as database, database.write() as tx:
        enqueue(tx, kind="test.any")
    assert is_woken(waker)
    waker.close()


def test_a_connection_that_is_lost_is_made_anew(postgresql_url: str) -> None:
    """And what was queued meanwhile is looked for."""
    waker = ListeningWaker(postgresql_url)
    assert is_woken(waker)
    address = make_url(postgresql_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mlops jobs'")
    assert is_woken(waker)  # it hears that it is deaf
    while waker._connection is None:
        waker.wait(0.1)
    with open_database(postgresql_url) as database, database.write() as tx:
        enqueue(tx, kind="test.any")
    assert is_woken(waker)
    waker.close()
