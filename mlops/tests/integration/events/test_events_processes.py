"""Consumers in processes of their own: killed, two at once, forked; every effect happens exactly once."""

from __future__ import annotations

import signal

import pytest

from mlops.database import Database
from mlops.events import consume
from mlops.tests.fixtures.points import insert, stored
from mlops.tests.fixtures.programs import finish, start
from mlops.tests.integration.events.conftest import CONSUMER, published, waiting

CONSUME = """
    import os, signal, sys
    from mlops.database import open_database
    from mlops.events import consume
    from mlops.tests.fixtures.points import insert

    url, victim, phase = sys.argv[1:]

    def handle(tx, event):
        dies = event.subject_id == victim
        if dies and phase == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        insert(tx, [event.position])
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_database(url) as database:
        while consume(database, "reader", handle, limit=7):
            pass
"""

DIE_AFTER_COMMIT = """
    import os, signal, sys
    from mlops.database import open_database
    from mlops.events import consume
    from mlops.tests.fixtures.points import insert

    def handle(tx, event):
        insert(tx, [event.position])
        if event.subject_id == sys.argv[2]:
            tx.after_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))

    consume(open_database(sys.argv[1]), "reader", handle)
"""

FORK = """
    import os, sys
    from mlops.database import open_database
    from mlops.events import consume, publish
    from mlops.tests.fixtures.points import insert

    database = open_database(sys.argv[1])
    with database.write() as tx:
        publish(tx, topic="process.began", subject_kind="process", subject_id="parent")
    child = os.fork()
    for number in range(10):
        with database.write() as tx:
            name = "parent" if child else "child"
            publish(tx, topic="process.counted", subject_kind="process", subject_id=f"{name}{number}")
        consume(database, "reader", lambda tx, event: insert(tx, [event.position]))
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    database.close()
"""


def finish_work(outbox: Database) -> None:
    """Handle what is left, in this process."""
    while consume(outbox, CONSUMER, lambda tx, event: insert(tx, [event.position])):
        pass


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_consumer_killed_in_its_handler_repeats_no_effect(outbox: Database, phase: str) -> None:
    """Whoever goes on handles the event it died at, and none before it again."""
    published(outbox, *range(12))
    finish(start(CONSUME, outbox.url, 5, phase), status=-signal.SIGKILL)
    assert len(stored(outbox)) == 5
    assert waiting(outbox)[0] == "5"
    finish_work(outbox)
    assert len(stored(outbox)) == 12


def test_a_consumer_killed_after_the_commit_repeats_no_effect(outbox: Database) -> None:
    """A handled event is behind the cursor at the same moment."""
    published(outbox, *range(6))
    finish(start(DIE_AFTER_COMMIT, outbox.url, 3), status=-signal.SIGKILL)
    assert waiting(outbox) == ["4", "5"]
    finish_work(outbox)
    assert len(stored(outbox)) == 6


def test_processes_of_one_name_share_the_work(outbox: Database) -> None:
    """Two at once handle every event once, while more are published."""
    published(outbox, *range(30))
    programs = [start(CONSUME, outbox.url, "nobody", "never") for _ in range(2)]
    for number in range(30, 60):
        published(outbox, number)
    finish(*programs)
    finish_work(outbox)
    assert (len(stored(outbox)), waiting(outbox)) == (60, [])


def test_a_fork_loses_and_repeats_nothing(outbox: Database) -> None:
    """Parent and child publish and consume by the same name, on connections of their own."""
    finish(start(FORK, outbox.url))
    finish_work(outbox)
    assert (len(stored(outbox)), waiting(outbox)) == (21, [])
