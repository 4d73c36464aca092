"""Whatever is done to the log behind its back, the first place at which it shows is named."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops.audit import GENESIS, Anchor, AuditReport, Fault, append, entry_hash, verify
from mlops.audit.tables import audit_entries, audit_head
from mlops.database import Database, Transaction, open_database, write_moment
from mlops.tests.integration.audit.conftest import ENTRIES, Tampering

POSITIONS = range(1, ENTRIES + 1)
TEXTS = [column.name for column in audit_entries.columns if column.name not in {"sequence", "at"}]
at_place = audit_entries.c.sequence


def row(tx: Transaction, position: int) -> dict[str, Any]:
    return dict(tx.execute(sa.select(audit_entries).where(at_place == position)).one()._mapping)


def change(tx: Transaction, position: int, **values: Any) -> None:
    tx.execute(sa.update(audit_entries).where(at_place == position).values(**values))


def delete(tx: Transaction, first: int, last: int | None = None) -> None:
    tx.execute(sa.delete(audit_entries).where(at_place >= first, at_place <= (last or first)))


def shift(tx: Transaction, first: int, by: int) -> None:
    """Renumber all entries from one on."""
    for sign in (-1, 1):  # by way of negative numbers, which are free
        moved = audit_entries.update().where(at_place >= first if sign == -1 else at_place < 0)
        tx.execute(moved.values(sequence=-at_place if sign == -1 else -at_place + by))


def rehash(tx: Transaction, position: int) -> str:
    """Compute an entry's hash anew, as somebody would who covers a change up; return it."""
    now = row(tx, position)
    texts = [now[name] for name in ("actor", "action", "subject_kind", "subject_id", "project", "details")]
    digest = entry_hash((position, write_moment(now["at"]), *texts, now["previous_hash"]))
    change(tx, position, hash=digest)
    return digest


def found(report: AuditReport) -> tuple[Fault | None, int | None, int]:
    """Return what is wrong, where, and how many entries hold before."""
    return report.fault, report.position, report.entries


def test_an_empty_log_holds(database: Database) -> None:
    """Where nothing was written nothing is broken, and there is nothing to note."""
    assert verify(database) == AuditReport(entries=0)


def test_an_untouched_log_holds(log: Database) -> None:
    """All entries are counted, and the anchor is the last of them."""
    report = verify(log)
    with log.read() as tx:
        last = row(tx, ENTRIES)
    assert (report.is_intact, report.entries) == (True, ENTRIES)
    assert report.anchor == Anchor(sequence=ENTRIES, hash=last["hash"])


@pytest.mark.parametrize("column", TEXTS)
def test_a_changed_text_is_found_in_every_column_at_every_position(tampering: Tampering, column: str) -> None:
    """One letter more in any text of any entry is found at that entry."""
    for position in POSITIONS:
        with tampering() as tx:
            change(tx, position, **{column: row(tx, position)[column] + " "})
            wanted = Fault.LINK if column == "previous_hash" else Fault.CHANGED
            assert found(verify(tx)) == (wanted, position, position - 1)


def test_a_changed_time_is_found_at_every_position(tampering: Tampering) -> None:
    """A microsecond earlier is a change."""
    for position in POSITIONS:
        with tampering() as tx:
            change(tx, position, at=row(tx, position)["at"] - timedelta(microseconds=1))
            assert found(verify(tx)) == (Fault.CHANGED, position, position - 1)


def test_a_covered_up_change_is_found_one_entry_later(tampering: Tampering) -> None:
    """When the changed entry's hash is computed anew, the next one does not continue it; at the end the head tells."""
    for position in POSITIONS:
        with tampering() as tx:
            change(tx, position, actor="bob")
            rehash(tx, position)
            last = (Fault.HEAD, ENTRIES, ENTRIES)
            assert found(verify(tx)) == (last if position == ENTRIES else (Fault.LINK, position + 1, position))


def test_missing_entries_are_found_at_every_position(tampering: Tampering) -> None:
    """One or two entries gone are found at the first of them; at the end they are a cut tail."""
    for position in POSITIONS:
        for last in (position, position + 1):
            with tampering() as tx:
                delete(tx, position, last)
                fault = Fault.CUT if last >= ENTRIES else Fault.MISSING
                assert found(verify(tx)) == (fault, position, position - 1)


def test_a_gap_that_was_closed_is_found(tampering: Tampering) -> None:
    """Renumbering what comes after a deleted entry does not hide it."""
    for position in POSITIONS[:-1]:
        with tampering() as tx:
            delete(tx, position)
            shift(tx, position + 1, -1)
            report = verify(tx)
            assert found(report) == (Fault.REORDERED, position, position - 1)
            assert f"was written as entry {position + 1}" in report.explanation


def test_an_inserted_entry_is_found_at_every_position(tampering: Tampering) -> None:
    """An entry put between two others is found there, or right behind it when its own hash is right."""
    for position in POSITIONS:
        for covered in (False, True):
            with tampering() as tx:
                forged = {**row(tx, position), "actor": "bob", "hash": "f" * 64}
                shift(tx, position, 1)
                tx.execute(sa.insert(audit_entries), [forged])
                if covered:
                    rehash(tx, position)
                wanted = (
                    (Fault.REORDERED, position + 1, position) if covered else (Fault.CHANGED, position, position - 1)
                )
                assert found(verify(tx)) == wanted


def test_swapped_entries_are_found_at_every_pair(tampering: Tampering) -> None:
    """Two entries that changed places are found at the first of the two."""
    for first in POSITIONS:
        for second in range(first + 1, ENTRIES + 1):
            with tampering() as tx:
                for old, new in ((first, -1), (second, first), (-1, second)):
                    change(tx, old, sequence=new)
                report = verify(tx)
                assert found(report) == (Fault.REORDERED, first, first - 1)
                assert f"was written as entry {second}" in report.explanation


@pytest.mark.parametrize("sequence", [0, -1, -(2**63)])
def test_an_entry_before_the_first_is_found(tampering: Tampering, sequence: int) -> None:
    """Numbers below 1 do not hide an entry."""
    with tampering() as tx:
        tx.execute(sa.insert(audit_entries), [{**row(tx, 1), "sequence": sequence}])
        assert found(verify(tx)) == (Fault.INSERTED, sequence, 0)


def test_a_well_made_entry_beyond_the_end_is_found(tampering: Tampering) -> None:
    """An entry that continues the chain, but was not appended, disagrees with the head."""
    with tampering() as tx:
        last = row(tx, ENTRIES)
        tx.execute(sa.insert(audit_entries), [{**last, "sequence": ENTRIES + 1, "previous_hash": last["hash"]}])
        rehash(tx, ENTRIES + 1)
        assert found(verify(tx)) == (Fault.INSERTED, ENTRIES + 1, ENTRIES + 1)


def test_a_head_that_is_gone_or_changed_is_found(tampering: Tampering) -> None:
    """The head is compared with the last entry, in number and hash."""
    with tampering() as tx:
        tx.execute(sa.delete(audit_head))
        assert found(verify(tx)) == (Fault.HEAD, ENTRIES, ENTRIES)
    for values, wanted in (
        ({"hash": GENESIS}, (Fault.HEAD, ENTRIES, ENTRIES)),
        ({"sequence": ENTRIES - 2}, (Fault.INSERTED, ENTRIES - 1, ENTRIES)),
        ({"sequence": ENTRIES + 2}, (Fault.CUT, ENTRIES + 1, ENTRIES)),
    ):
        with tampering() as tx:
            tx.execute(sa.update(audit_head).values(**values))
            assert found(verify(tx)) == wanted


def test_an_anchor_shows_what_the_chain_alone_cannot(tampering: Tampering, log: Database) -> None:
    """A log written anew from some entry on holds by itself, but not with an anchor noted after that entry."""
    anchor = verify(log).anchor
    for position in POSITIONS:
        with tampering() as tx:
            change(tx, position, actor="bob")
            for number in range(position, ENTRIES + 1):
                digest = rehash(tx, number)
                change(tx, number + 1, previous_hash=digest)
            tx.execute(sa.update(audit_head).values(hash=digest))
            assert verify(tx).is_intact
            assert found(verify(tx, anchor=anchor)) == (Fault.ANCHOR, ENTRIES, ENTRIES)


def test_an_anchor_shows_a_log_that_was_cut_with_its_head(tampering: Tampering, log: Database) -> None:
    """A log that was shortened consistently holds by itself, but not with a later anchor; an earlier one still fits."""
    anchor = verify(log).anchor
    for kept in range(ENTRIES):
        with tampering() as tx:
            digest = row(tx, kept)["hash"] if kept else GENESIS
            delete(tx, kept + 1, ENTRIES)
            tx.execute(sa.update(audit_head).values(sequence=kept, hash=digest))
            assert verify(tx, anchor=Anchor(sequence=kept, hash=digest)).is_intact
            assert found(verify(tx, anchor=anchor)) == (Fault.CUT, kept + 1, kept)


def test_an_anchor_stays_true_while_the_log_grows(log: Database) -> None:
    """An anchor, also as text, fits every later log."""
    anchor = verify(log).anchor
    with log.write() as tx:
        append(tx, action="archive", subject_kind="model", subject_id="m1")
    assert verify(log, anchor=anchor).is_intact
    assert verify(log, anchor=str(anchor)).entries == ENTRIES + 1


def test_the_log_is_read_in_pages(log: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault is found on any page, at its borders too."""
    monkeypatch.setattr("mlops.audit.verification._ROWS", 2)
    assert verify(log).entries == ENTRIES
    for position in POSITIONS:
        with log.write() as tx:
            original = row(tx, position)["action"]
            change(tx, position, action="x")
        assert found(verify(log)) == (Fault.CHANGED, position, position - 1)
        with log.write() as tx:
            change(tx, position, action=original)
    assert verify(log).is_intact


@pytest.mark.parametrize("column", ["at", *TEXTS])
@pytest.mark.parametrize("value", [b"\xff\xfe", b"ann", 7, 1.5, ""])
def test_a_value_that_is_no_text_is_found_on_sqlite(sqlite_url: str, column: str, value: object) -> None:
    """SQLite keeps whatever is written into its file; even bytes that no text has are a finding, not a crash."""
    with open_database(sqlite_url) as database:
        with database.write() as tx:
            for subject in ("m1", "m2"):
                append(tx, action="promote", subject_kind="model", subject_id=subject, actor="bob")
        file = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
        file.execute(f"UPDATE audit_entries SET {column} = CAST(? AS TEXT) WHERE sequence = 2", (value,))
        file.commit()
        file.close()
        assert verify(database).position == 2


def test_an_endless_time_is_found_on_postgresql(postgresql_url: str) -> None:
    """A timestamp that Python cannot hold is a finding, not a crash."""
    with open_database(postgresql_url) as database:
        with database.write() as tx:
            append(tx, action="promote", subject_kind="model", subject_id="m1")
            tx.execute(sa.text("UPDATE audit_entries SET at = 'infinity'"))
        assert found(verify(database)) == (Fault.CHANGED, 1, 0)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_series_of_changes_goes_unnoticed(tampering: Tampering, data: st.DataObject) -> None:
    """After any changes of texts, deletions and renumberings the log holds only when all is as it was."""
    with tampering() as tx:
        before = [row(tx, position) for position in POSITIONS]
        for _ in range(data.draw(st.integers(1, 4))):
            position = data.draw(st.sampled_from(POSITIONS))
            match data.draw(st.sampled_from(["change", "delete", "move"])):
                case "change":
                    column = data.draw(st.sampled_from(TEXTS))
                    change(tx, position, **{column: data.draw(st.sampled_from([before[0][column], "other"]))})
                case "delete":
                    delete(tx, position)
                case "move":
                    delete(tx, target := data.draw(st.integers(-1, ENTRIES + 2)))
                    change(tx, position, sequence=target)
        after = [dict(item._mapping) for item in tx.execute(sa.select(audit_entries).order_by(at_place))]
        report = verify(tx)
        assert report.is_intact == (after == before)
        if not report.is_intact:
            assert after[: report.entries] == before[: report.entries]
