"""Transactions on both databases: all or nothing, snapshots beside writers, values that survive."""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from mlops.database import Database, DriverStatement, Durability, UtcDateTime
from mlops.database.errors import NaiveTime
from mlops.errors import Conflict, Unavailable
from mlops.tests.fixtures.points import POINTS, insert, stored

STRANGE = ["", "O'Hara", 'a "b" c', "a\tb\nc\\d\\.", "\\N", "%s %(x)s ?", "Ünïcödé 試料 🧬", "NULL", "x" * 100_000]
VALUES = [None, 0.0, -0.0, 1e308, 5e-324, 0.1, math.inf, -math.inf]


def test_a_write_is_kept(points: Database) -> None:
    """What a block wrote is there for the next reader."""
    with points.write() as tx:
        insert(tx, [1, 2])
    assert stored(points) == [1, 2]


def test_what_was_prepared_outlives_a_read(postgresql_points: Database) -> None:
    """A query that is asked again and again is planned by the server once, not for every snapshot or connection."""
    with postgresql_points.read(), postgresql_points.read(), postgresql_points.read():
        assert stored(postgresql_points) == []  # four connections are open from here on
    for _ in range(10):
        assert stored(postgresql_points) == []
    with postgresql_points.read() as tx:
        names = tx.execute(sa.text("SELECT statement FROM pg_prepared_statements")).scalars().all()
    assert any("points" in name for name in names)


def insert_and_raise(database: Database, error: BaseException | type[BaseException]) -> None:
    """Write a point in a block that then raises."""
    with database.write() as tx:
        insert(tx, [1])
        raise error


def test_a_block_that_raises_keeps_nothing(points: Database) -> None:
    """An exception takes back what came before it, and reaches the caller as it was."""
    error = ZeroDivisionError("mine")
    with pytest.raises(ZeroDivisionError) as caught:
        insert_and_raise(points, error)
    assert caught.value is error
    assert stored(points) == []


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_block_keeps_nothing(points: Database, end: type[BaseException]) -> None:
    """Ctrl-C inside a block rolls back and leaves the database free for the next writer."""
    with pytest.raises(end):
        insert_and_raise(points, end)
    with points.write() as tx:
        insert(tx, [2])
    assert stored(points) == [2]


def test_a_violated_constraint_is_the_callers_error_and_keeps_nothing(points: Database) -> None:
    """A constraint's error passes through untranslated."""
    with pytest.raises(IntegrityError), points.write() as tx:
        insert(tx, [1, 2, 1])
    assert stored(points) == []


def test_a_write_inside_a_write_is_refused(points: Database) -> None:
    """A second write of the same thread is refused at once; the first one goes on."""
    with points.write() as tx:
        with pytest.raises(Conflict, match="hand the first one on"), points.write():
            pass
        insert(tx, [1])
    with points.write() as tx:
        insert(tx, [2])
    assert stored(points) == [1, 2]


def test_a_reader_keeps_its_snapshot_beside_a_writer(points: Database) -> None:
    """A reader sees one state for its whole length, whatever is committed meanwhile."""
    count = sa.select(sa.func.count()).select_from(POINTS)
    with points.read() as reader:
        assert reader.execute(count).scalar_one() == 0
        with points.write() as tx:
            insert(tx, range(10))
        assert reader.execute(count).scalar_one() == 0
    assert len(stored(points)) == 10


def test_a_reader_does_not_see_an_open_write(points: Database) -> None:
    """Nothing is visible before its commit."""
    with points.write() as tx:
        insert(tx, [1])
        assert stored(points) == []
    assert stored(points) == [1]


def test_a_reader_cannot_write(points: Database) -> None:
    """A snapshot is for reading: a write in it fails and changes nothing."""
    with pytest.raises((Unavailable, SQLAlchemyError)), points.read() as tx:
        insert(tx, [1])
    assert stored(points) == []


def test_writers_of_many_threads_lose_nothing(points: Database) -> None:
    """Read-modify-write by several threads at once adds up."""

    def work(first: int) -> None:
        for number in range(first, first + 10):
            with points.write(Durability.FACT) as tx:
                insert(tx, [number])

    threads = [threading.Thread(target=work, args=(base * 100,)) for base in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(points) == sorted(base * 100 + step for base in range(4) for step in range(10))


def test_callbacks_run_after_the_commit_only(points: Database) -> None:
    """A callback sees the committed rows; a rolled back block calls nobody."""
    seen: list[list[int]] = []
    with points.write() as tx:
        tx.after_commit(lambda: seen.append(stored(points)))
        insert(tx, [1])
        assert seen == []

    def refused() -> None:
        with points.write() as tx:
            tx.after_commit(lambda: seen.append([-1]))
            insert(tx, [1])

    with pytest.raises(IntegrityError):
        refused()
    assert seen == [[1]]


def test_a_callback_may_write(points: Database) -> None:
    """The lock is free again when callbacks run."""

    def more() -> None:
        with points.write() as tx:
            insert(tx, [2])

    with points.write() as tx:
        insert(tx, [1])
        tx.after_commit(more)
    assert stored(points) == [1, 2]


def test_a_failing_callback_does_not_look_like_a_failed_commit(points: Database) -> None:
    """The commit stands, the other callbacks run, and nobody is told to try again."""
    seen: list[str] = []
    with points.write() as tx:
        insert(tx, [1])
        tx.after_commit(lambda: 1 / 0)
        tx.after_commit(lambda: seen.append("second"))
    assert (stored(points), seen) == ([1], ["second"])


@pytest.mark.parametrize("count", [1, 15, 16, 40])
def test_rows_of_strange_values_survive(points: Database, count: int) -> None:
    """Quotes, escapes, NULLs, infinities and the widest integers survive INSERT and COPY alike."""
    rows = [
        (STRANGE[number % len(STRANGE)], VALUES[number % len(VALUES)], number, (-1) ** number * (2**63 - 1))
        for number in range(count)
    ]
    with points.write() as tx:
        tx.insert_rows(POINTS, ("text", "value", "id", "count"), rows)  # not the table's order
    with points.read() as tx:
        columns = (POINTS.c.text, POINTS.c.value, POINTS.c.id, POINTS.c["count"])
        assert [tuple(row) for row in tx.execute(sa.select(*columns).order_by(POINTS.c.id))] == rows


@pytest.mark.parametrize("count", [1, 20])
def test_a_row_that_cannot_be_stored_takes_the_block_with_it(points: Database, count: int) -> None:
    """One value that no column can hold fails the whole insert, by INSERT and by COPY."""
    with pytest.raises(Exception), points.write() as tx:  # noqa: B017 (each driver has its own)
        tx.insert_rows(POINTS, ("id", "text"), [(number, "x") for number in range(count)] + [(10**30, "too big")])
    assert stored(points) == []


def test_driver_statements_take_values_in_the_callers_order(points: Database) -> None:
    """Rows come in the order of the names given, not of the statement's text."""
    change = DriverStatement(
        sa.update(POINTS).where(POINTS.c.id == sa.bindparam("key")).values(text=sa.bindparam("new")), ("key", "new")
    )
    find = DriverStatement(sa.select(POINTS.c.text).where(POINTS.c.id == sa.bindparam("key")), ("key",))
    with points.write() as tx:
        insert(tx, [1, 2, 3])
        tx.run_many(change, [(1, "100 %"), (2, "two")])
        assert tx.run(change, (3, "three")) == []
        assert [tx.run(find, (key,)) for key in (1, 2, 3, 4)] == [[("100 %",)], [("two",)], [("three",)], []]


def test_driver_statements_may_have_no_parameters(points: Database) -> None:
    """A statement without parameters needs no values; a percent sign in it is itself."""
    with points.read() as tx:
        assert tx.run(DriverStatement(sa.select(sa.literal_column("'5 %'")), ())) == [("5 %",)]


TIMES = sa.Table("times", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("at", UtcDateTime()))


@pytest.fixture
def times(points: Database) -> Database:
    """Return a database with an empty table of times."""
    with points.write() as tx:
        TIMES.drop(tx.connection, checkfirst=True)
        TIMES.create(tx.connection)
    return points


def test_times_come_back_as_utc_and_sort_as_instants(times: Database) -> None:
    """Whatever zone a time came in, it is stored as its instant; a missing one stays missing."""
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    moments = [
        noon.astimezone(timezone(timedelta(hours=9))),
        noon - timedelta(microseconds=1),
        None,
        noon.replace(year=1),
    ]
    with times.write() as tx:
        tx.execute(sa.insert(TIMES), [{"id": key, "at": moment} for key, moment in enumerate(moments)])
    with times.read() as tx:
        found = tx.execute(sa.select(TIMES.c.id, TIMES.c.at).where(TIMES.c.at.is_not(None)).order_by(TIMES.c.at)).all()
        early = tx.execute(sa.select(TIMES.c.id).where(TIMES.c.at < noon).order_by(TIMES.c.id)).scalars().all()
    assert found == [(3, noon.replace(year=1)), (1, noon - timedelta(microseconds=1)), (0, noon)]
    assert all(at.tzinfo is UTC for _, at in found)
    assert early == [1, 3]


def test_a_half_read_result_holds_no_snapshot(points: Database) -> None:
    """A result that was not read to its end, and is kept, holds neither an old state nor the next write up."""
    with points.write() as tx:
        insert(tx, range(500))
        written = tx.execute(sa.select(POINTS.c.id))
        assert next(iter(written)) is not None
    with points.read() as tx:
        read = tx.execute(sa.select(POINTS.c.id))
        assert next(iter(read)) is not None
    with points.write() as tx:
        insert(tx, [500])
    assert stored(points) == list(range(501))


def test_a_transaction_is_of_no_use_after_its_block(points: Database) -> None:
    """A transaction kept beyond its block is refused, instead of writing outside of any."""
    with points.write() as written, points.read() as read:
        pass
    for tx in (written, read):
        with pytest.raises(Conflict, match="This transaction is over"):
            insert(tx, [1])
        with pytest.raises(Conflict, match="This transaction is over"):
            tx.insert_rows(POINTS, ("id", "text"), [(1, "x")])
    assert stored(points) == []


def test_naive_times_are_refused_on_the_way_in(times: Database) -> None:
    """A naive time is our plain error, not one wrapped by the driver's, and nothing is stored."""
    with pytest.raises(NaiveTime, match="no time zone"), times.write() as tx:
        tx.execute(sa.insert(TIMES), {"id": 1, "at": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_text_is_sorted_and_compared_by_code_point(points: Database) -> None:
    """Both databases order text alike, capitals before small letters, and tell letters from their look-alikes."""
    words = ["a", "B", "b", "A", "é", "e\u0301", "z", "_", "-1", "10", "9", "Ω", "🧬", "\uffff"]
    with points.write() as tx:
        tx.insert_rows(POINTS, ("id", "text"), list(enumerate(words)))
    with points.read() as tx:
        assert list(tx.execute(sa.select(POINTS.c.text).order_by(POINTS.c.text)).scalars()) == sorted(words)
        below = tx.execute(sa.select(POINTS.c.text).where(POINTS.c.text < "a").order_by(POINTS.c.text)).scalars()
        assert list(below) == sorted(word for word in words if word < "a")


def test_text_columns_have_that_order_in_the_schema(postgresql_points: Database) -> None:
    """The order is the column's own on PostgreSQL, so that its indexes serve it whatever the server's locale."""
    with postgresql_points.read() as tx:
        for table in ("experiments", "points"):
            columns = sa.inspect(tx.connection).get_columns(table)
            assert {getattr(column["type"], "collation", "C") for column in columns} == {"C"}


@pytest.mark.parametrize(("durability", "level"), [(Durability.RECORD, 2), (Durability.FACT, 1)])
def test_durability_decides_whether_a_commit_waits_for_the_disk(
    sqlite_points: Database, durability: Durability, level: int
) -> None:
    """Records are synchronous=FULL, facts NORMAL, in whatever order they come."""
    for other in (Durability.FACT, Durability.RECORD, durability):
        with sqlite_points.write(other) as tx:
            found = tx.execute(sa.text("PRAGMA synchronous")).scalar_one()
    assert found == level


def test_both_durabilities_wait_for_the_disk_on_postgresql(postgresql_points: Database) -> None:
    """Facts keep synchronous_commit on: off would lose acknowledged rows when a server process is killed."""
    for durability in Durability:
        with postgresql_points.write(durability) as tx:
            assert tx.execute(sa.text("SHOW synchronous_commit")).scalar_one() == "on"
