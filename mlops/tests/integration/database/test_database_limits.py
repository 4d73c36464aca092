"""Every limit of a database has its effect."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from mlops.database import Database, DatabaseBusy, DatabaseSettings, DatabaseUnavailable, open_database
from mlops.database.registry import Database as Opened
from mlops.database.writer_lock import WriterLock
from mlops.errors import Conflict, InvalidInput
from mlops.tests.fixtures.points import create_points, insert, stored
from mlops.tests.integration.database.conftest import HoldLock


def opened(url: str, **limits: float) -> Database:
    """Open a database with limits of its own."""
    return open_database(url, DatabaseSettings(**limits))  # type: ignore[arg-type]


def connections(database: Database) -> dict[str, int]:
    """Return the state of the pool."""
    state: dict[str, int] = database.describe()["connections"]
    return state


def test_pool_size_bounds_idle_connections(database_url: str) -> None:
    """After many readers at once only `pool_size` connections stay open."""
    for size in (1, 3):
        with opened(database_url, pool_size=size, max_connections=6) as database:
            with contextlib.ExitStack() as readers:
                for _ in range(5):
                    readers.enter_context(database.read()).execute(sa.select(1))
                assert connections(database)["in_use"] == 5
            assert connections(database) == {"open": size, "in_use": 0}


def test_max_connections_bounds_open_connections(database_url: str) -> None:
    """One reader more than allowed waits, and then is told which setting bounds it; a freed place serves again."""
    with opened(database_url, pool_size=1, max_connections=2, lock_timeout_s=0.1) as database:
        busy = pytest.raises(DatabaseBusy, match=r"all 2 connections .*database\.max_connections")
        with database.read(), database.read(), busy, database.read():
            pass
        with database.read(), database.read():
            assert connections(database)["in_use"] == 2


def test_a_silent_server_is_given_up_soon_unless_the_url_says_otherwise(postgresql_url: str) -> None:
    """Connections have keepalives and a limit for what is not acknowledged; a URL with its own keeps them."""

    def network(url: str) -> tuple[str | None, str | None]:
        with opened(url) as database, database.read() as tx:
            options = tx.connection.connection.dbapi_connection.info.get_parameters()
        return options.get("keepalives_idle"), options.get("tcp_user_timeout")

    separator = "&" if "?" in postgresql_url else "?"
    assert network(postgresql_url) == ("10", "30000")
    assert network(f"{postgresql_url}{separator}keepalives_idle=99") == ("99", "30000")


def test_lock_timeout_ends_a_wait(sqlite_url: str, held_elsewhere: HoldLock) -> None:
    """While another process holds the lock a write fails after the configured wait; afterwards it succeeds."""
    with opened(sqlite_url, lock_timeout_s=0.2) as database:
        create_points(database)
        assert database.path is not None
        with held_elsewhere(database.path):
            started = time.monotonic()
            with pytest.raises(DatabaseBusy, match=r"for 0\.2 s \(database\.lock_timeout_s\)"), database.write():
                pass
            assert time.monotonic() - started >= 0.2
            assert stored(database) == []  # readers do not wait for writers
        with database.write() as tx:
            insert(tx, [1])
        assert stored(database) == [1]


def test_lock_timeout_ends_a_wait_for_a_thread(sqlite_url: str) -> None:
    """A thread waits for another thread's transaction as long as for another process's."""
    with opened(sqlite_url, lock_timeout_s=0.1) as database:
        failures: list[Exception] = []

        def attempt() -> None:
            try:
                with database.write():
                    pass
            except DatabaseBusy as error:
                failures.append(error)

        with database.write():
            thread = threading.Thread(target=attempt)
            thread.start()
            thread.join()
        assert len(failures) == 1


def test_database_url_chooses_the_database(tmp_path: Path) -> None:
    """Two URLs are two databases with rows of their own; the same URL is one, shared."""
    one, other = (open_database(f"sqlite:///{tmp_path}/{name}.db") for name in ("one", "other"))
    with one, other, open_database("sqlite:///one.db") as again:
        assert again is one
        create_points(one)
        create_points(other)
        with one.write() as tx:
            insert(tx, [1])
        assert (stored(again), stored(other)) == ([1], [])


def test_a_shared_database_closes_with_its_last_user(sqlite_url: str) -> None:
    """One user's close leaves the others working; after the last one the next transaction is refused."""
    one, other = open_database(sqlite_url), open_database(sqlite_url)
    create_points(one)
    one.close()
    assert stored(other) == []
    other.close()
    with pytest.raises(Conflict, match="is closed; open it again"), other.read():
        pass
    with open_database(sqlite_url) as anew:
        assert stored(anew) == []


def test_closing_waits_for_the_writer_of_another_thread(sqlite_points: Database) -> None:
    """A transaction in progress commits before the connections close."""
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with sqlite_points.write() as tx:
            begun.set()
            go_on.wait()
            insert(tx, [1])

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    closing = threading.Thread(target=sqlite_points.close)
    closing.start()
    go_on.set()
    thread.join()
    closing.join()
    with open_database(sqlite_points.url) as again:
        assert stored(again) == [1]


def test_closing_inside_a_write_is_refused(sqlite_url: str) -> None:
    """A block that closes its own database is told so, and nothing of it is kept."""
    database = open_database(sqlite_url)
    create_points(database)

    def block() -> None:
        with database.write() as tx:
            insert(tx, [1])
            database.close()

    with pytest.raises(Conflict, match="close it after the block"):
        block()
    with open_database(sqlite_url) as again:
        assert stored(again) == []


def test_reprs_and_descriptions_hide_the_password() -> None:
    """What people and logs see of a database has no password in it."""
    from mlops.database.location import locate

    database = Opened(locate("postgresql://ann:s3cret@127.0.0.1:1/db"), DatabaseSettings())
    assert "s3cret" not in repr(database) + database.masked_url
    assert "s3cret" in database.url


def test_an_unreachable_server_is_named_without_its_password() -> None:
    """A server that does not answer is our error, and neither it nor its causes show the password."""
    with pytest.raises(DatabaseUnavailable, match=r"ann:\*\*\*@127\.0\.0\.1:1/db cannot serve") as caught:
        open_database("postgresql://ann:s3cret@127.0.0.1:1/db")
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cret" not in str(error)
        error = error.__cause__ or error.__context__


def test_a_place_that_cannot_hold_a_file_is_named(tmp_path: Path) -> None:
    """A folder that cannot be made is our error with the system's reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match=r"cannot be opened: (File exists|Not a directory)"):
        open_database(f"sqlite:///{tmp_path}/file/mlops.db")


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 1e12])
def test_a_wait_that_cannot_be_is_refused(seconds: float) -> None:
    """Before anybody waits."""
    with pytest.raises(InvalidInput, match="lock_timeout_s"):
        DatabaseSettings(lock_timeout_s=seconds)


def descriptors() -> set[str]:
    """Return what this process has open, by name."""
    links = [Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd")]  # noqa: PTH208
    return {os.readlink(link) for link in links if link.is_symlink()}  # noqa: PTH115


def test_an_abandoned_wait_leaks_nothing(tmp_path: Path, held_elsewhere: HoldLock) -> None:
    """However often a wait is given up, one thread and one descriptor remain; the lock works again afterwards."""
    others = set(threading.enumerate())  # those of other tests in this process
    lock = WriterLock(tmp_path / "a.db.writer", 0.01)
    with held_elsewhere(tmp_path / "a.db"):
        for _ in range(10):
            with pytest.raises(DatabaseBusy):
                lock.acquire()
        assert [one.name for one in threading.enumerate() if one not in others].count("mlops-writer-lock") == 1
    for _ in range(3):
        lock.acquire()
        lock.release()
    lock.close()
    assert not any(name.endswith("a.db.writer") for name in descriptors())


def test_an_abandoned_wait_does_not_keep_the_lock(tmp_path: Path, held_elsewhere: HoldLock) -> None:
    """A lock that comes after its caller gave up is passed on to other processes."""
    impatient, other = WriterLock(tmp_path / "a.db.writer", 0.01), WriterLock(tmp_path / "a.db.writer", 10)
    with held_elsewhere(tmp_path / "a.db"), pytest.raises(DatabaseBusy):
        impatient.acquire()
    for _ in range(20):
        other.acquire()
        other.release()
    impatient.close()
    other.close()


def test_a_waiting_place_is_taken_over_by_the_next_caller(tmp_path: Path, held_elsewhere: HoldLock) -> None:
    """A caller who comes while an abandoned wait still stands in the queue gets the lock through it."""
    lock = WriterLock(tmp_path / "a.db.writer", 0.01)
    taken = threading.Event()
    with held_elsewhere(tmp_path / "a.db"):
        with pytest.raises(DatabaseBusy):
            lock.acquire()
        lock._timeout_s = 10  # the second caller is patient
        patient = threading.Thread(target=lambda: (lock.acquire(), taken.set(), lock.release()))
        patient.start()
        assert not taken.wait(0.05)
    patient.join()
    assert taken.is_set()
    lock.close()


def test_the_lock_excludes_across_descriptors_and_threads(tmp_path: Path) -> None:
    """Never two holders, whether threads share a lock or processes have their own; nobody is left out."""
    locks = [WriterLock(tmp_path / "a.db.writer", 30) for _ in range(2)]
    inside, most, turns = 0, 0, [0] * 6

    def work(number: int) -> None:
        nonlocal inside, most
        for _ in range(60):
            locks[number % 2].acquire()
            inside += 1
            most = max(most, inside)
            turns[number] += 1
            inside -= 1
            locks[number % 2].release()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for lock in locks:
        lock.close()
    assert (most, turns) == (1, [60] * 6)


def test_a_closed_lock_is_refused(tmp_path: Path) -> None:
    """A closed lock says so, and never touches a descriptor that is somebody else's by now."""
    lock = WriterLock(tmp_path / "a.db.writer", 1)
    lock.close()
    lock.close()
    with pytest.raises(Conflict, match="is closed"):
        lock.acquire()
