"""Single SELECTs outside of transactions: what they see, who may ask, and what they leave behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from mlops.database import Database, DatabaseUnavailable, DriverStatement, open_database
from mlops.errors import Conflict
from mlops.tests.fixtures.points import POINTS, create_points, insert
from mlops.tests.integration.database.conftest import SILENT, RunPython

ABOVE = DriverStatement(
    sa.select(POINTS.c.id, POINTS.c.text).where(POINTS.c.id > sa.bindparam("least")).order_by(POINTS.c.id), ("least",)
)


def test_a_single_read_sees_what_is_committed(points: Database) -> None:
    """Each one anew: nothing of the one before is held."""
    assert points.fetch(ABOVE, (0,)) == []
    with points.write() as tx:
        insert(tx, [1, 2])
        assert points.fetch(ABOVE, (0,)) == []
    assert [tuple(row) for row in points.fetch(ABOVE, (1,))] == [(2, "2")]
    with points.write() as tx:
        tx.execute(sa.delete(POINTS))
    assert points.fetch(ABOVE, (0,)) == []


def test_single_reads_from_many_threads_get_their_own_rows(points: Database) -> None:
    """Nobody gets another one's answer."""
    with points.write() as tx:
        insert(tx, range(50))
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda least: points.fetch(ABOVE, (least,)), range(48)))
    assert [[row[0] for row in rows] for rows in answers] == [list(range(least + 1, 50)) for least in range(48)]


def test_a_single_read_of_what_is_not_there_says_so_and_leaves_the_database_usable(points: Database) -> None:
    """The error is the driver's; the next read works."""
    nowhere = DriverStatement(sa.select(sa.table("nowhere", sa.column("id"))), ())
    with pytest.raises(Exception, match="nowhere"):
        points.fetch(nowhere)
    assert points.fetch(ABOVE, (0,)) == []


def test_a_single_read_writes_nothing_on_sqlite(sqlite_points: Database) -> None:
    """Its connection cannot."""
    with pytest.raises(DatabaseUnavailable, match="readonly"):
        sqlite_points.fetch(DriverStatement(sa.delete(POINTS), ()))


def test_a_closed_database_answers_no_single_read(sqlite_url: str) -> None:
    """It says so, and its file is left without a log beside it."""
    database = open_database(sqlite_url)
    create_points(database)
    assert database.fetch(ABOVE, (0,)) == []
    path = database.path
    database.close()
    assert path is not None
    assert not path.with_name(path.name + "-wal").exists()
    with pytest.raises(Conflict, match="closed"):
        database.fetch(ABOVE, (0,))


IN_A_CHILD = """
    import os, sys
    import sqlalchemy as sa
    from mlops.database import DriverStatement, open_database
    from mlops.tests.fixtures.points import POINTS, create_points, insert

    ids = DriverStatement(sa.select(POINTS.c.id).order_by(POINTS.c.id), ())
    with open_database(sys.argv[1]) as database:
        create_points(database)
        assert database.fetch(ids) == []
        child = os.fork()
        if child == 0:
            with database.write() as tx:
                insert(tx, [1])
            os._exit(0 if [row[0] for row in database.fetch(ids)] == [1] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert [row[0] for row in database.fetch(ids)] == [1]
        with database.write() as tx:
            tx.execute(POINTS.delete())
        assert database.fetch(ids) == []
"""


def test_a_child_reads_by_a_connection_of_its_own(points: Database, run_python: RunPython) -> None:
    """And the parent's goes on."""
    assert run_python(IN_A_CHILD, points.url) == SILENT
