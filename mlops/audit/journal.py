"""Writing entries inside the caller's transaction, and reading them back.

The head row is locked from `append` to the commit, so appending transactions follow one another on PostgreSQL as all
writers do on SQLite: whoever appends does so last.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mlops import clock
from mlops.audit.actor import current_actor
from mlops.audit.chain import GENESIS, entry_hash
from mlops.audit.entries import AuditEntry, AuditFact, Fault
from mlops.audit.errors import AuditBroken
from mlops.audit.tables import HEAD_ID, audit_entries, audit_head
from mlops.clock import Now
from mlops.database import DriverStatement, Transaction, write_moment
from mlops.errors import InvalidInput
from mlops.records import decode_json, encode_json
from mlops.search import Page

__all__ = ["append", "list_entries", "record"]

_MOST_DETAILS = 65_536  # characters; entries are never removed
_MOST_LISTED = 10_000
_COLUMNS = tuple(column.name for column in audit_entries.columns)
_SUBJECTS = ("actor", "action", "subject_kind", "subject_id", "project")

_INSERT = DriverStatement(
    sa.insert(audit_entries).values({name: sa.bindparam(name) for name in _COLUMNS}).inline(), _COLUMNS
)
_LOCK_HEAD = DriverStatement(
    sa.select(
        audit_head.c.sequence, audit_head.c.hash, sa.select(sa.func.max(audit_entries.c.sequence)).scalar_subquery()
    )
    .where(audit_head.c.id == sa.literal_column(str(HEAD_ID)))
    .with_for_update(),
    (),
)
_MOVE_HEAD = DriverStatement(
    sa.update(audit_head)
    .where(audit_head.c.id == sa.literal_column(str(HEAD_ID)))
    .values(sequence=sa.bindparam("last"), hash=sa.bindparam("digest")),
    ("last", "digest"),
)


class _Head(NamedTuple):
    sequence: int
    hash: str
    last: int | None  # the highest number among the entries, as far as this transaction sees


def append(
    tx: Transaction,
    *,
    action: str,
    subject_kind: str,
    subject_id: str,
    project: str = "default",
    details: Mapping[str, Any] | None = None,
    actor: str | None = None,
    now: Now = clock.now,
) -> AuditEntry:
    """Write an entry in the caller's transaction, as the last thing there: other appends wait for its end.

    Args:
        tx: A write transaction; the entry is kept when, and only when, all else in it is.
        action: What is done, a verb such as `promote`.
        subject_kind: What it is done to, a noun such as `model`.
        subject_id: Which one.
        project: The subject's project.
        details: JSON values that tell the rest; never secrets, for entries are kept for ever and read by many.
        actor: Who does it; the `current_actor` when left out.
        now: The clock.

    Raises:
        InvalidInput: Something cannot be recorded; the message says what.
        AuditBroken: The end of the log has been tampered with; the transaction must not commit.
    """
    fact = AuditFact(
        at=now(),
        actor=current_actor() if actor is None else actor,
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        project=project,
        details=details or {},
    )
    return record(tx, fact)


def record(tx: Transaction, fact: AuditFact) -> AuditEntry:
    """Write an entry that tells of a fact; otherwise as `append`.

    Raises:
        InvalidInput: The details are too long.
        AuditBroken: The end of the log has been tampered with.
    """
    details = _encoded(fact)
    head = _locked_head(tx)
    names = (fact.actor, fact.action, fact.subject_kind, fact.subject_id, fact.project)
    sequence, at = head.sequence + 1, write_moment(fact.at)
    digest = entry_hash((sequence, at, *names, details, head.hash))
    stored_at = fact.at if tx.dialect == "postgresql" else at
    tx.run(_INSERT, (sequence, stored_at, *names, details, head.hash, digest))
    tx.run(_MOVE_HEAD, (sequence, digest))
    return AuditEntry.trusted({**vars(fact), "sequence": sequence, "previous_hash": head.hash, "hash": digest})


def list_entries(
    tx: Transaction,
    *,
    limit: int = 100,
    actor: str | None = None,
    action: str | None = None,
    subject_kind: str | None = None,
    subject_id: str | None = None,
    project: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
) -> Page[AuditEntry]:
    """Return a page of entries, the newest first.

    Args:
        tx: The transaction to read in.
        limit: Most entries of the page, 1 to 10,000.
        actor: Only what this one did.
        action: Only this action.
        subject_kind: Only subjects of this kind.
        subject_id: Only the subject with this id.
        project: Only subjects of this project.
        since: Only entries of this moment or later, an aware datetime.
        until: Only entries before this moment.
        cursor: `next_cursor` of the page before.

    Raises:
        InvalidInput: A limit out of range, or what is no cursor.
        NaiveTime: A moment has no time zone.
        AuditBroken: An entry cannot be read, so it is not what was written.
    """
    if not 1 <= limit <= _MOST_LISTED:
        raise InvalidInput(f"limit is {limit}; a page has 1 to {_MOST_LISTED} entries. Use next_cursor for more.")
    wanted = dict(zip(_SUBJECTS, (actor, action, subject_kind, subject_id, project), strict=True))
    conditions = [audit_entries.c[name] == value for name, value in wanted.items() if value is not None]
    if since is not None:
        conditions.append(audit_entries.c.at >= since)
    if until is not None:
        conditions.append(audit_entries.c.at < until)
    if cursor is not None:
        conditions.append(audit_entries.c.sequence < _place(cursor))
    query = sa.select(audit_entries).where(*conditions).order_by(audit_entries.c.sequence.desc()).limit(limit + 1)
    rows = tx.execute(query).all()
    found = [_entry(row) for row in rows[:limit]]
    return Page(found, str(found[-1].sequence) if len(rows) > limit else None)


def _encoded(fact: AuditFact) -> str:
    text = encode_json(fact.details, where="details")
    if len(text) > _MOST_DETAILS:
        raise InvalidInput(
            f"details have {len(text)} characters as JSON; an audit entry takes {_MOST_DETAILS}. "
            "Keep large things as artifacts and record their digest."
        )
    return text


def _locked_head(tx: Transaction) -> _Head:
    """Return where the log ends and keep it so until the transaction ends."""
    head = _read_head(tx) or _first_head(tx)
    if head.last is not None and head.last > head.sequence:
        place = head.sequence + 1
        raise AuditBroken(place, Fault.INSERTED, f"the log ends at {head.sequence}, but entry {head.last} is there.")
    return head


def _read_head(tx: Transaction) -> _Head | None:
    rows = tx.run(_LOCK_HEAD)
    return _Head(*rows[0]) if rows else None


def _first_head(tx: Transaction) -> _Head:
    """Begin the log, unless another transaction did so meanwhile."""
    last = tx.execute(sa.select(sa.func.max(audit_entries.c.sequence))).scalar()
    insert = postgresql.insert(audit_head) if tx.dialect == "postgresql" else sqlite.insert(audit_head)
    fresh = insert.values(id=HEAD_ID, sequence=0, hash=GENESIS).on_conflict_do_nothing().returning(audit_head.c.id)
    if tx.execute(fresh).all() and last is not None:
        raise AuditBroken(last, Fault.HEAD, "the row that says where the log ends is gone.")
    head = _read_head(tx)
    assert head is not None
    return head


def _place(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise InvalidInput(f"{cursor[:80]!r} is no cursor of the audit log. Pass next_cursor of the page before.")
    return int(cursor)


def _entry(row: sa.Row[Any]) -> AuditEntry:
    values = dict(row._mapping)
    try:
        return AuditEntry(**{**values, "details": decode_json(values["details"])})
    except (ValueError, TypeError) as error:
        raise AuditBroken(values["sequence"], Fault.CHANGED, f"it cannot be read ({error}).") from error
