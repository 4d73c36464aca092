"""Many writers keep one chain."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from mlops.audit import AuditLogger, append, list_entries, verify
from mlops.database import Database, DatabaseSettings, open_database
from mlops.database.location import locate
from mlops.tests.fixtures.programs import finish, start

APPENDER = """
    import sys
    from mlops.audit import acting_as, append
    from mlops.database import open_database
    with open_database(sys.argv[1]) as database, acting_as(sys.argv[2]):
        for number in range(40):
            with database.write() as tx:
                append(tx, action="count", subject_kind="number", subject_id=str(number))
"""

FORKER = """
    import os, sys
    from mlops.audit import AuditLogger, acting_as
    audit = AuditLogger(sys.argv[1])
    audit.log("begin", subject_kind="process", subject_id="parent", actor="parent")
    with acting_as("inherited"):
        child = os.fork()
    for number in range(10):
        actor = None if child else "child"
        audit.log("count", subject_kind="number", subject_id=str(number), actor=actor)
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    audit.close()
"""


def test_two_processes_and_threads_keep_one_chain(database: Database) -> None:
    """Every entry of every writer has a number of its own, those of each writer in its order."""
    with database.write() as tx:
        append(tx, action="begin", subject_kind="number", subject_id="0", actor="main")
    programs = [start(APPENDER, database.url, name) for name in ("left", "right")]

    def work(name: str) -> None:
        for number in range(20):
            with database.write() as tx:
                append(tx, action="count", subject_kind="number", subject_id=str(number), actor=name)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, ["up", "down"]))
    finish(*programs)
    assert verify(database).entries == 121
    with database.read() as tx:
        entries = list_entries(tx, limit=1000)
    for name, count in {"left": 40, "right": 40, "up": 20, "down": 20}.items():
        subjects = [int(entry.subject_id) for entry in reversed(entries) if entry.actor == name]
        assert subjects == list(range(count))


@pytest.mark.parametrize("_attempt", range(8))
def test_the_first_entries_of_all_may_come_at_once(database_url: str, _attempt: int) -> None:
    """Several threads that begin the log together get the numbers from 1 on, however they fall."""
    with open_database(database_url) as database:
        together = threading.Barrier(4)

        def work(_: int) -> int:
            together.wait()
            with database.write() as tx:
                return append(tx, action="begin", subject_kind="log", subject_id="x").sequence

        with ThreadPoolExecutor(4) as threads:
            assert sorted(threads.map(work, range(4))) == [1, 2, 3, 4]
        assert verify(database).is_intact


def test_an_append_waits_for_the_end_of_another_on_postgresql(postgresql_url: str) -> None:
    """While a transaction that has appended is open, the next one waits; a rollback hands its number on."""
    with open_database(postgresql_url) as database, ThreadPoolExecutor(1) as thread:
        appended = threading.Event()

        def work() -> int:
            with database.write() as tx:
                appended.set()
                return append(tx, action="second", subject_kind="log", subject_id="x").sequence

        def fail_while_another_waits() -> None:
            with database.write() as tx:
                assert append(tx, action="first", subject_kind="log", subject_id="x").sequence == 1
                waiting.append(thread.submit(work))
                assert appended.wait(30)
                with pytest.raises(TimeoutError):
                    waiting[0].result(0.3)
                raise ZeroDivisionError

        waiting: list[Future[int]] = []
        with pytest.raises(ZeroDivisionError):
            fail_while_another_waits()
        assert waiting[0].result(30) == 1
        assert verify(database).entries == 1


def test_a_fork_keeps_the_chain(database_url: str) -> None:
    """Parent and child go on writing after a fork, each on connections of its own."""
    finish(start(FORKER, database_url))
    with AuditLogger(database_url) as audit:
        assert audit.verify().entries == 21
        assert len(audit.list_entries(actor="child")) == 10


def test_a_verification_sees_one_moment_of_a_growing_log(log: Database) -> None:
    """Entries that come while the log is read do not disturb the verification."""
    elsewhere = Database(locate(log.url), DatabaseSettings())
    with log.read() as reader:
        before = verify(reader)
        with elsewhere.write() as tx:
            append(tx, action="late", subject_kind="log", subject_id="x")
        assert verify(reader) == before
    elsewhere.shut()
    assert verify(log).entries == before.entries + 1
