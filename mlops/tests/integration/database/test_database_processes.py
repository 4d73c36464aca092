"""Several processes on one SQLite file, and what happens to its log."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import sqlalchemy as sa

from mlops.database import Database, GroupCommit, open_database
from mlops.database.checkpointer import Checkpointer
from mlops.database.writer_lock import WriterLock
from mlops.tests.fixtures.points import POINTS, create_points, stored, write_points
from mlops.tests.integration.database.conftest import SILENT, RunPython, until

WRITER = Path(__file__).parent / "programs" / "writer.py"


def start_writer(url: str, run: int, count: int) -> subprocess.Popen[str]:
    """Start a process that writes `count` points per worker, eight workers."""
    command = [sys.executable, WRITER, url, str(run), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_write_one_file_and_lose_nothing(sqlite_points: Database) -> None:
    """Two writers and readers beside them: everything acknowledged is stored, and counts only grow."""
    writers = [start_writer(sqlite_points.url, run, 200) for run in (1, 2)]
    counts: list[int] = []
    reader = threading.Thread(target=watch, args=(sqlite_points, writers, counts))
    reader.start()
    acknowledged = {int(line) for writer in writers for line in writer.communicate()[0].split()}
    reader.join()
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(acknowledged) == 2 * 8 * 200
    assert acknowledged == set(stored(sqlite_points))
    assert counts == sorted(counts)


def watch(database: Database, writers: list[subprocess.Popen[str]], counts: list[int]) -> None:
    """Read while the writers write; each snapshot agrees with itself."""
    count = sa.select(sa.func.count()).select_from(POINTS)
    while any(writer.poll() is None for writer in writers):
        with database.read() as tx:
            counts.append(tx.execute(count).scalar_one())
            assert tx.execute(count).scalar_one() == counts[-1]


OPEN_TOGETHER = """
    import os, sys
    from mlops.database import open_database
    from mlops.tests.fixtures.points import create_points, insert, stored

    def work(url, number):
        with open_database(url) as database:
            create_points(database)
            with database.write() as tx:
                insert(tx, [number])

    for round in range(8):
        url = f"sqlite:///{sys.argv[1]}/{round}.db"
        reading, writing = os.pipe()
        children = []
        for number in range(5):
            children.append(os.fork())
            if children[-1] == 0:
                os.close(writing)
                os.read(reading, 1)  # all go when the parent closes its end
                work(url, number)
                os._exit(0)
        os.close(reading), os.close(writing)
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 5, round
        with open_database(url) as database:
            assert stored(database) == list(range(5))
"""


def test_many_processes_open_one_new_file_at_once(tmp_path: Path, run_python: RunPython) -> None:
    """The first one makes the tables, the others find them, and all write: eight new files, five processes each."""
    assert run_python(OPEN_TOGETHER, tmp_path) == SILENT


def test_many_threads_open_one_new_file_at_once(sqlite_url: str) -> None:
    """Threads that name a new URL at the same moment share one database, with its tables made once."""
    barrier = threading.Barrier(8)
    opened: list[Database] = []

    def work() -> None:
        barrier.wait()
        opened.append(open_database(sqlite_url))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(database) for database in opened}) == 1
    assert len(opened) == 8
    for database in opened:
        database.close()


def test_the_log_is_folded_into_the_file_on_close(sqlite_url: str, tmp_path: Path) -> None:
    """After the last close there is one file, and it has everything."""
    with open_database(sqlite_url) as database:
        create_points(database)
        GroupCommit(database, write_points).submit((1, "x"))
        assert database.path is not None
        assert database.path.with_name("mlops.db-wal").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"mlops.db", "mlops.db.writer"}
    with sqlite3.connect(tmp_path / "mlops.db") as plain:
        assert plain.execute("SELECT id FROM points").fetchall() == [(1,)]
    plain.close()


def test_a_close_beside_another_process_leaves_its_log(sqlite_points: Database, run_python: RunPython) -> None:
    """A process that opens, writes and closes does not take away the log that others use."""
    code = """
        import sys
        from mlops.database import open_database
        from mlops.tests.fixtures.points import insert
        with open_database(sys.argv[1]) as database, database.write() as tx:
            insert(tx, [int(sys.argv[2])])
    """
    with sqlite_points.read() as tx:
        before = tx.execute(sa.select(sa.func.count()).select_from(POINTS)).scalar_one()
        run_python(code, sqlite_points.url, 1)
        assert before == tx.execute(sa.select(sa.func.count()).select_from(POINTS)).scalar_one()
    GroupCommit(sqlite_points, write_points).submit((2, "x"))
    assert stored(sqlite_points) == [1, 2]


def file_of(database: Database) -> Path:
    """Return the file of a SQLite database."""
    assert database.path is not None
    return database.path


def log_bytes(path: Path) -> int:
    """Return the length of a file's write-ahead log."""
    return path.with_name(path.name + "-wal").stat().st_size


def test_the_checkpointer_bounds_the_log(sqlite_points: Database) -> None:
    """Past its bound the log starts anew although writers keep writing; below the first limit it is left alone."""
    path = file_of(sqlite_points)
    lock = WriterLock(path.with_name(path.name + ".writer"), 10)
    commit = GroupCommit(sqlite_points, write_points)
    idle = Checkpointer(path, lock)
    busy = Checkpointer(path, lock, look_bytes=50_000, bound_bytes=100_000, most_bytes=200_000)
    for number in range(60):
        commit.submit((number, "x" * 5000))
        idle.notice()
    idle.stop()
    assert log_bytes(path) > 300_000
    busy.notice()
    until(lambda: log_bytes(path) == 0)
    busy.stop()
    lock.close()
    assert stored(sqlite_points) == list(range(60))


def test_a_log_of_usual_length_is_written_anew_from_its_beginning(sqlite_points: Database) -> None:
    """Cutting the file off would hold up writers: it keeps its length, and does not grow by what is written next."""
    path = file_of(sqlite_points)
    lock = WriterLock(path.with_name(path.name + ".writer"), 10)
    commit = GroupCommit(sqlite_points, write_points)
    for number in range(60):
        commit.submit((number, "x" * 5000))
    before = log_bytes(path)
    Checkpointer(path, lock, look_bytes=1, bound_bytes=1)._checkpoint()
    for number in range(60, 100):
        commit.submit((number, "x" * 5000))
    lock.close()
    assert log_bytes(path) == before
    assert stored(sqlite_points) == list(range(100))


def test_a_checkpointer_outlives_a_failed_checkpoint(sqlite_points: Database, held_elsewhere: object) -> None:
    """A lock that does not come in time costs one checkpoint, not the thread: the next one works."""
    path = file_of(sqlite_points)
    lock = WriterLock(path.with_name(path.name + ".writer"), 0.05)
    checkpointer = Checkpointer(path, lock, look_bytes=1, bound_bytes=1, most_bytes=1)
    GroupCommit(sqlite_points, write_points).submit((1, "x" * 5000))
    with held_elsewhere(path):  # type: ignore[operator]
        checkpointer.notice()
        until(lambda: lock._kernel is not None and not lock._threads.locked())
    checkpointer.notice()
    until(lambda: log_bytes(path) == 0)
    checkpointer.stop()
    lock.close()


def test_few_large_transactions_are_noticed_too(sqlite_points: Database) -> None:
    """Batches of many rows reach the checkpointer by their rows, long before it counts their transactions."""
    path = file_of(sqlite_points)
    for first in range(0, 240_000, 60_000):
        with sqlite_points.write() as tx:
            rows = [(number, "x" * 60) for number in range(first, first + 60_000)]
            tx.insert_rows(POINTS, ("id", "text"), rows)
    until(lambda: path.stat().st_size > 6 << 20)  # moved from the log on into the file
    assert len(stored(sqlite_points)) == 240_000
