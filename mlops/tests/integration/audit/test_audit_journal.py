"""Entries are part of the caller's transaction, and are found again."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from mlops.audit import GENESIS, AuditBroken, AuditEntry, Fault, acting_as, append, entry_hash, list_entries, verify
from mlops.audit.tables import audit_entries, audit_head
from mlops.database import Database, open_database, write_moment
from mlops.database.errors import NaiveTime
from mlops.errors import InvalidInput
from mlops.records import encode_json
from mlops.tests.integration.audit.conftest import ENTRIES

START = datetime(2026, 5, 3, 12, tzinfo=UTC)
STRANGE = ["O'Hara", 'a "b" \\', "Ünïcödé 試料 🧬", "%s ? :x", "\u2028", "x" * 250]


def write(database: Database, *, then: Callable[[], object] = lambda: None, **values: Any) -> AuditEntry:
    """Append in a transaction of its own, and do something else there afterwards."""
    fields: dict[str, Any] = {"action": "promote", "subject_kind": "model", "subject_id": "m1", **values}
    with database.write() as tx:
        entry = append(tx, **fields)
        then()
        return entry


def test_an_entry_is_returned_as_it_is_stored(database: Database) -> None:
    """What append returns is what list_entries reads, and its hash is over just that."""
    with acting_as("ann"):
        entry = write(database, details={"to": "production"}, now=lambda: START)
    with database.read() as tx:
        assert list_entries(tx) == [entry]
    names = (entry.actor, entry.action, entry.subject_kind, entry.subject_id, entry.project)
    content = (1, write_moment(START), *names, encode_json(entry.details), GENESIS)
    assert (entry.actor, entry.project, entry.hash) == ("ann", "default", entry_hash(content))


def test_an_entry_continues_the_one_before_in_the_same_and_in_the_next_transaction(database: Database) -> None:
    """Each entry has the next number and the hash of the one before."""
    with database.write() as tx:
        first, second = (append(tx, action="a", subject_kind="b", subject_id="c") for _ in range(2))
    third = write(database)
    assert [entry.sequence for entry in (first, second, third)] == [1, 2, 3]
    assert [second.previous_hash, third.previous_hash] == [first.hash, second.hash]


def test_a_rolled_back_entry_leaves_no_gap(log: Database) -> None:
    """The number of an entry whose transaction failed is given to the next one."""
    with pytest.raises(ZeroDivisionError):
        write(log, then=lambda: 1 / 0)
    assert verify(log).entries == ENTRIES
    assert write(log).sequence == ENTRIES + 1
    assert verify(log).is_intact


@pytest.mark.parametrize("text", STRANGE)
def test_strange_words_survive(database: Database, text: str) -> None:
    """Quotes, escapes and letters of all scripts come back, and the chain holds."""
    fields: dict[str, Any] = dict.fromkeys(("actor", "action", "subject_kind", "subject_id", "project"), text)
    details = {text: [text, math.nan, -math.inf, None, {"deep": (1, 2.5, True)}], "half": "\ud800", "nul": "\0"}
    entry = write(database, **fields, details=details)
    with database.read() as tx:
        [found] = list_entries(tx)
    assert encode_json(found.details) == encode_json(entry.details) == encode_json(details)
    assert {name: getattr(found, name) for name in fields} == fields
    assert verify(database).is_intact


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC), START])
def test_the_outermost_times_survive(database: Database, moment: datetime) -> None:
    """Microseconds count, and the ends of the calendar hold."""
    entry = write(database, now=lambda: moment)
    with database.read() as tx:
        assert list_entries(tx) == [entry]
    assert entry.at == moment
    assert verify(database).is_intact


def test_details_have_a_limit(database: Database) -> None:
    """What belongs among the artifacts is refused, with the remedy; nothing is kept."""
    with pytest.raises(InvalidInput, match="as artifacts and record their digest"):
        write(database, details={"model": "x" * 70_000})
    with pytest.raises(InvalidInput, match="JSON cannot hold"):
        write(database, details={"model": object()})
    assert verify(database).entries == 0


def test_filters_narrow_and_the_newest_comes_first(database: Database) -> None:
    """Each filter keeps what fits, `until` excludes its moment, and filters add up."""
    for hour, (actor, subject) in enumerate([("ann", "m1"), ("bob", "m1"), ("ann", "m2"), ("bob", "m2")]):
        write(database, actor=actor, subject_id=subject, action=f"{actor}s", now=lambda: START + timedelta(hours=hour))  # noqa: B023
    cases = [
        ({}, [4, 3, 2, 1]),
        ({"actor": "ann"}, [3, 1]),
        ({"subject_kind": "model", "subject_id": "m2"}, [4, 3]),
        ({"action": "bobs", "subject_id": "m1"}, [2]),
        ({"since": START + timedelta(hours=1), "until": START + timedelta(hours=3)}, [3, 2]),
        ({"project": "other"}, []),
        ({"limit": 1}, [4]),
    ]
    with database.read() as tx:
        for filters, wanted in cases:
            assert [entry.sequence for entry in list_entries(tx, **filters)] == wanted  # type: ignore[arg-type]


def test_pages_follow_one_another(log: Database) -> None:
    """The cursors lead through the whole log, and the last page has none."""
    seen, cursor = list[int](), None
    with log.read() as tx:
        for size in (3, 3, 1):
            page = list_entries(tx, limit=3, cursor=cursor)
            seen += [entry.sequence for entry in page]
            cursor = page.next_cursor
            assert len(page) == size
    assert (seen, cursor) == (list(range(ENTRIES, 0, -1)), None)


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_limit_out_of_range_is_refused(database: Database, limit: int) -> None:
    """A page has at least one entry and is not the whole log."""
    with database.read() as tx, pytest.raises(InvalidInput, match="1 to 10000"):
        list_entries(tx, limit=limit)


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 30, "१"])
def test_what_is_no_cursor_is_refused(database: Database, cursor: str) -> None:
    """A cursor from elsewhere is an error."""
    with database.read() as tx, pytest.raises(InvalidInput, match="is no cursor"):
        list_entries(tx, cursor=cursor)


def test_a_naive_time_is_refused(database: Database) -> None:
    """Filters compare with aware times."""
    with database.read() as tx, pytest.raises(NaiveTime):
        list_entries(tx, since=datetime(2026, 1, 1))  # noqa: DTZ001


def test_an_entry_that_cannot_be_read_is_named(log: Database) -> None:
    """Details that are no JSON any more say at which entry."""
    with log.write() as tx:
        tx.execute(sa.update(audit_entries).where(audit_entries.c.sequence == 3).values(details="{"))
    with log.read() as tx, pytest.raises(AuditBroken, match="entry 3") as caught:
        list_entries(tx)
    assert (caught.value.position, caught.value.fault) == (3, Fault.CHANGED)


def test_nothing_is_appended_to_a_log_without_its_head(log: Database) -> None:
    """A second beginning is refused, and the caller's transaction with it."""
    with log.write() as tx:
        tx.execute(sa.delete(audit_head))
    with pytest.raises(AuditBroken, match="is gone"):
        write(log)
    assert verify(log).fault is Fault.HEAD


def test_nothing_is_appended_where_an_entry_stands_already(log: Database) -> None:
    """A head that was set back does not make new entries take the place of old ones."""
    with log.write() as tx:
        tx.execute(sa.update(audit_head).values(sequence=3))
    with pytest.raises(AuditBroken, match=f"entry {ENTRIES} is there") as caught:
        write(log)
    assert caught.value.position == 4


def test_a_second_database_has_a_chain_of_its_own(log: Database, tmp_path: object) -> None:
    """Each database counts from 1."""
    with open_database(f"sqlite:///{tmp_path}/other.db") as other:
        assert write(other).sequence == 1
