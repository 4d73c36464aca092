"""Forked and spawned children, and processes that end without closing anything."""

from __future__ import annotations

from pathlib import Path

from mlops.database import Database, GroupCommit, open_database
from mlops.tests.fixtures.points import stored, write_points
from mlops.tests.integration.database.conftest import SILENT, RunPython

PROLOGUE = """
    import asyncio, os, sys, threading
    from mlops.database import GroupCommit, close_all, open_database
    from mlops.tests.fixtures.points import POINTS, create_points, insert, stored, write_points

    url = sys.argv[1]
    database = open_database(url)
    create_points(database)
    commit = GroupCommit(database, write_points)

    def fork(work, end=os._exit):
        child = os.fork()
        if child == 0:
            try:
                work()
                status = 0
            except BaseException:
                import traceback
                traceback.print_exc()
                status = 1
            end(status)
        return child

    def succeeded(child):
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""

USES_WHAT_THE_PARENT_OPENED = """
    commit.submit((1, "parent"))
    def work():
        assert stored(database) == [1]
        commit.submit((2, "child"))
        asyncio.run(join(3))
        with database.write() as tx:
            insert(tx, [4])
    async def join(number):
        assert await commit.join((number, "child")) == number
    for end in (os._exit, sys.exit):
        assert succeeded(fork(work, end)), end
        commit.submit((5, "parent"))
        assert stored(database) == [1, 2, 3, 4, 5]
        with database.write() as tx:
            tx.execute(POINTS.delete().where(POINTS.c.id > 1))
    asyncio.run(join(6))
    assert stored(database) == [1, 6]
"""


def test_a_child_uses_what_its_parent_opened(points: Database, run_python: RunPython) -> None:
    """Database and group commit work on in the child with connections of its own, and in the parent undisturbed."""
    assert run_python(PROLOGUE + USES_WHAT_THE_PARENT_OPENED, points.url) == SILENT


FORKS_WHILE_ANOTHER_THREAD_LEADS = """
    entered, go_on = threading.Event(), threading.Event()
    def slow(tx, items):
        entered.set()
        go_on.wait()
        return write_points(tx, items)
    commit = GroupCommit(database, slow)
    leader = threading.Thread(target=commit.submit, args=((1, "leads"),))
    leader.start()
    entered.wait()
    waiting = threading.Thread(target=commit.submit, args=((2, "waits"),))
    waiting.start()
    def work():
        go_on.set()  # the child's own copy
        assert commit.waiting == 0
        if database.dialect == "postgresql":
            commit.submit((3, "child"))
        assert stored(database) in ([], [3])
    children = [fork(work), fork(work, sys.exit)] if database.dialect == "sqlite" else [fork(work)]
    assert all(succeeded(child) for child in children)
    go_on.set()
    leader.join(), waiting.join()
    if database.dialect == "sqlite":
        assert succeeded(fork(lambda: commit.submit((3, "child"))))
    assert stored(database) == [1, 2, 3]
"""


def test_a_child_forked_while_another_thread_leads(points: Database, run_python: RunPython) -> None:
    """The child starts with an empty queue; the parent's transaction, and those who wait for it, go on."""
    assert run_python(PROLOGUE + FORKS_WHILE_ANOTHER_THREAD_LEADS, points.url) == SILENT


LEAVES_LOCK_AND_LOG = """
    import fcntl
    from mlops.database.writer_lock import WriterLock
    def is_locked():
        with open(f"{database.path}.writer") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False
    log = database.path.with_name(database.path.name + "-wal")
    for end in (os._exit, sys.exit):
        with database.write() as tx:
            insert(tx, [end is sys.exit])
            children = [fork(lambda: None, end), fork(lambda: stored(database), end), fork(close_all, end)]
            assert all(succeeded(child) for child in children)
            assert is_locked()
            assert log.exists() and log.stat().st_size > 0
        assert not is_locked()
    assert stored(database) == [0, 1]
"""


def test_a_childs_end_leaves_the_parents_lock_and_log(sqlite_url: str, run_python: RunPython) -> None:
    """However a child ends, it neither unlocks what the parent holds nor takes its write-ahead log away."""
    assert run_python(PROLOGUE + LEAVES_LOCK_AND_LOG, sqlite_url) == SILENT


OUTLIVES_ITS_PARENT = """
    reading, writing = os.pipe()
    commit.submit((1, "parent"))
    with database.read():  # a reader's connection is inherited too
        def work():
            os.close(writing)
            os.read(reading, 1)  # until the parent is gone
            commit.submit((2, "child"))
        fork(work, sys.exit)
    commit.submit((3, "parent"))
"""


def test_a_child_may_outlive_its_parent(sqlite_url: str, tmp_path: Path, run_python: RunPython) -> None:
    """A child that goes on after its parent closed everything reads and writes the file as it is by then."""
    run_python(PROLOGUE + OUTLIVES_ITS_PARENT, sqlite_url)
    with open_database(sqlite_url) as database:
        for _ in range(100):
            GroupCommit(database, write_points).submit((len(stored(database)) + 100, "x"))
        assert set(stored(database)) >= {1, 2, 3}


INSIDE_A_WRITE = """
    from mlops.errors import Unavailable
    try:
        with database.write() as tx:
            insert(tx, [1])
            child = os.fork()
    except Unavailable:  # the child has no transaction: it is its parent's
        os._exit(0 if child == 0 else 1)
    assert child != 0
    assert succeeded(child)
    assert stored(database) == [1]
"""


def test_a_child_forked_inside_a_write_cannot_commit_it(sqlite_url: str, run_python: RunPython) -> None:
    """A transaction belongs to the process that began it: the child's end of the block fails, the parent's commits."""
    assert run_python(PROLOGUE + INSIDE_A_WRITE, sqlite_url) == SILENT


WHILE_A_WAIT_IS_ABANDONED = """
    import fcntl
    from mlops.database import DatabaseBusy, DatabaseSettings
    database.close()
    database = open_database(url, DatabaseSettings(lock_timeout_s=0.05))
    holder = open(f"{database.path}.writer")
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        with database.write():
            raise SystemExit("not busy")
    except DatabaseBusy:
        pass
    reading, writing = os.pipe()
    def linger():
        os.close(writing)
        os.read(reading, 1)
    child = fork(linger)
    fcntl.flock(holder, fcntl.LOCK_UN)
    with database.write() as tx:
        insert(tx, [1])
    fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(writing)
    assert succeeded(child)
"""


def test_a_child_forked_beside_an_abandoned_wait_holds_no_lock(sqlite_url: str, run_python: RunPython) -> None:
    """A child that lives on keeps no share of a lock that its parent waited for."""
    assert run_python(PROLOGUE + WHILE_A_WAIT_IS_ABANDONED, sqlite_url) == SILENT


SPAWN = """
    import multiprocessing, sys
    from mlops.database import GroupCommit, open_database
    from mlops.tests.fixtures.points import create_points, stored, write_points

    def work(numbers):
        url, first = numbers
        with open_database(url) as database:
            return GroupCommit(database, write_points).submit((first, "spawned"))

    if __name__ == "__main__":
        with open_database(sys.argv[1]) as database:
            create_points(database)
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                assert sorted(pool.map(work, [(sys.argv[1], number) for number in range(6)])) == list(range(6))
            assert stored(database) == list(range(6))
"""


def test_workers_of_multiprocessing_write(sqlite_url: str, tmp_path: Path, run_python: RunPython) -> None:
    """Pools of spawned and of forked workers write beside their parent."""
    import textwrap

    for method in ("spawn", "fork"):
        program = tmp_path / f"{method}.py"
        program.write_text(textwrap.dedent(SPAWN.replace("{method}", method)))
        url = sqlite_url.replace("mlops.db", f"{method}.db")
        run = f"import runpy, sys; sys.argv = ['x', {url!r}]; runpy.run_path({str(program)!r}, run_name='__main__')"
        assert run_python(run) == SILENT


NEVER_CLOSES = """
    async def main():
        for number in range(50):
            commit.join((number, "never awaited"))
        await commit.join((50, "awaited"))
        for number in range(51, 60):
            commit.join((number, "last words"))
    asyncio.run(main())
    def work():
        for number in range(100, 120):
            commit.submit((number, "thread"))
    threading.Thread(target=work).start()
"""


def test_a_process_that_never_closes_ends_with_its_work_done(points: Database, run_python: RunPython) -> None:
    """What was handed over before the end is stored, and nothing keeps the process alive."""
    run_python(PROLOGUE + NEVER_CLOSES, points.url)
    assert stored(points) == [*range(60), *range(100, 120)]


ENDS_WHILE_BUSY = """
    import fcntl
    from mlops.database import DatabaseBusy, DatabaseSettings
    database.close()
    database = open_database(url, DatabaseSettings(lock_timeout_s=0.05))
    holder = open(f"{database.path}.writer")
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        with database.write():
            pass
    except DatabaseBusy:
        print("busy")
"""


def test_a_process_whose_lock_never_came_ends(sqlite_url: str, run_python: RunPython) -> None:
    """A wait that was given up does not keep the process from ending, though the lock is never let go."""
    assert run_python(PROLOGUE + ENDS_WHILE_BUSY, sqlite_url) == "busy\n"


WRITES_AT_EXIT = """
    import atexit
    atexit.register(lambda: (asyncio.run(late()), print("stored", stored(database))))
    async def late():
        await commit.join((1, "at exit"))
    commit.submit((0, "x"))
"""


def test_a_loop_at_the_interpreters_end_still_writes(sqlite_url: str, run_python: RunPython) -> None:
    """When no thread can be started any more, the loop's own thread leads."""
    assert run_python(PROLOGUE + WRITES_AT_EXIT, sqlite_url) == "stored [0, 1]\n"


OPENED_ANEW = """
    close_all()
    close_all()
    with open_database(url) as again:
        assert again is not database
        assert stored(again) == []
    database.close()
    with open_database(url) as again:
        assert stored(again) == []
"""


def test_a_database_opened_anew_after_all_were_closed(sqlite_url: str, run_python: RunPython) -> None:
    """Closing all leaves nothing in the registry that a later opening, or a late close, could stumble over."""
    assert run_python(PROLOGUE + OPENED_ANEW, sqlite_url) == SILENT
