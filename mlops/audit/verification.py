"""Reads the whole log, page by page, and names the first entry at which the chain does not hold.

A chain shows every change by somebody who does not compute all later hashes anew. Whoever can write to the database
can do that: only an anchor, noted where they cannot write, shows it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from mlops.audit.chain import GENESIS, entry_hash
from mlops.audit.entries import Anchor, AuditReport, Fault
from mlops.audit.tables import audit_entries, audit_head
from mlops.database import Database, DriverStatement, Transaction

__all__ = ["verify"]

_ROWS = 2_000
_LOWEST = -(2**63)
_DIGITS = 12  # of a hash, in explanations
_ISO: sa.ColumnElement[str] = sa.literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""")

Row = tuple[Any, ...]


class _Finding(NamedTuple):
    position: int
    fault: Fault
    explanation: str


class _Walk(NamedTuple):
    """How far the chain holds, and what comes then."""

    entries: int
    hash: str
    finding: _Finding | None


def verify(source: Database | Transaction, *, anchor: Anchor | str | None = None) -> AuditReport:
    """Check every entry against its hash and its predecessor, and the last one against the head; change nothing.

    Args:
        source: The database, which is then read in one snapshot, or a transaction.
        anchor: Where the log ended at an earlier time (`AuditReport.anchor`, or its text). Shows whether the log was
            written anew or cut since.

    Returns:
        What was found; `is_intact` tells whether all holds.

    Raises:
        InvalidInput: The anchor's text is none.
    """
    wanted = Anchor.parse(anchor) if isinstance(anchor, str) else anchor
    if isinstance(source, Transaction):
        return _verify(source, wanted)
    with source.read() as tx:
        return _verify(tx, wanted)


def _verify(tx: Transaction, anchor: Anchor | None) -> AuditReport:
    walk = _walk(tx)
    finding = walk.finding or _check_head(tx, walk) or (_check_anchor(tx, walk, anchor) if anchor else None)
    reached = Anchor(sequence=walk.entries, hash=walk.hash) if walk.entries else None
    if finding is None:
        return AuditReport(entries=walk.entries, anchor=reached)
    return AuditReport(entries=walk.entries, anchor=reached, **finding._asdict())


def _walk(tx: Transaction) -> _Walk:
    """Follow the chain from the first entry to the last one that holds."""
    previous, expected, start = GENESIS, 1, _LOWEST
    while rows := _page(tx, start):
        for row in rows:
            if row[0] != expected or row[8] != previous or _hash(row) != row[9]:
                return _Walk(expected - 1, previous, _diagnose(row, expected, previous))
            previous = row[9]
            expected += 1
        start = expected
    return _Walk(expected - 1, previous, None)


def _diagnose(row: Row, expected: int, previous: str) -> _Finding:
    """Say what is wrong with the first entry at which the chain does not hold."""
    return _misplaced(row[0], expected) or _unlinked(row, previous) or _changed(row, expected, previous)


def _misplaced(sequence: int, expected: int) -> _Finding | None:
    if sequence < 1:
        return _Finding(sequence, Fault.INSERTED, "entries are counted from 1.")
    if sequence == expected:
        return None
    gone = f"entry {expected} is" if sequence == expected + 1 else f"entries {expected} to {sequence - 1} are"
    return _Finding(expected, Fault.MISSING, f"{gone} gone; the next one is {sequence}.")


def _unlinked(row: Row, previous: str) -> _Finding | None:
    """Say whether an entry holds by itself, or did before its link was changed."""
    sequence, link, stored = row[0], row[8], row[9]
    if link != previous and _hash(row) == stored:
        why = f"it continues an entry with the hash {_short(link)}, but the one before it has {_short(previous)}."
        return _Finding(sequence, Fault.LINK, why)
    if link != previous and _hash((*row[:8], previous)) == stored:
        return _Finding(sequence, Fault.LINK, f"its link was changed to {_short(link)}.")
    return None


def _changed(row: Row, expected: int, previous: str) -> _Finding:
    original = None if row[8] == previous else _original_place(row, expected)
    if original is not None:
        return _Finding(expected, Fault.REORDERED, f"it was written as entry {original}.")
    return _Finding(expected, Fault.CHANGED, f"its content no longer gives its hash, {_short(row[9])}.")


def _original_place(row: Row, expected: int, *, farthest: int = 100_000) -> int | None:
    """Return the number near by under which the entry's hash is right."""
    places = range(max(1, expected - farthest), expected + farthest)
    return next((place for place in places if _hash((place, *row[1:])) == row[9]), None)


def _check_head(tx: Transaction, walk: _Walk) -> _Finding | None:
    """Compare where the log ends with where it says it does."""
    head = tx.run(_HEAD)
    match head:
        case []:
            gone = "the row that says where the log ends is gone."
            return _Finding(walk.entries, Fault.HEAD, gone) if walk.entries else None
        case [(int(sequence), digest)] if sequence > walk.entries:
            cut = f"the log ends at {walk.entries}, but {sequence} entries were written."
            return _Finding(walk.entries + 1, Fault.CUT, cut)
        case [(int(sequence), digest)] if sequence < walk.entries:
            return _Finding(sequence + 1, Fault.INSERTED, f"only {sequence} entries were written.")
        case [(int(), digest)] if digest == walk.hash:
            return None
    return _Finding(walk.entries, Fault.HEAD, f"its hash is {_short(walk.hash)}; the head says {head!r}.")


def _check_anchor(tx: Transaction, walk: _Walk, anchor: Anchor) -> _Finding | None:
    """Look for the anchor in a chain that holds."""
    if anchor.sequence > walk.entries:
        cut = f"the log ends at {walk.entries}, but the anchor is entry {anchor.sequence}."
        return _Finding(walk.entries + 1, Fault.CUT, cut)
    found = _page(tx, anchor.sequence, most=1)[0][9] if anchor.sequence else GENESIS
    if found == anchor.hash:
        return None
    why = f"its hash is {_short(found)}, but it was {_short(anchor.hash)} when the anchor was noted."
    return _Finding(anchor.sequence, Fault.ANCHOR, why)


def _hash(row: Row) -> str | None:
    """Return the hash that the content gives; None for content that no entry was ever written with."""
    content: Any = row[:9]
    try:
        return entry_hash(content)
    except (TypeError, UnicodeError):
        return None


def _short(digest: object) -> str:
    return str(digest)[:_DIGITS] + "…"


def _page(tx: Transaction, start: int, *, most: int = _ROWS) -> Sequence[Row]:
    try:
        return tx.run(_PAGES[tx.dialect], (start, most))
    except sqlite3.OperationalError:  # SQLite holds text whose bytes are none; read the page as bytes
        return [tuple(map(_text, row)) for row in tx.run(_PAGE_OF_BYTES, (start, most))]


def _text(value: Any) -> Any:
    """Decode what can be decoded; what cannot gives no hash."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def _page_statement(values: Sequence[sa.ColumnElement[Any]]) -> DriverStatement:
    start, most = sa.bindparam("start", type_=sa.BigInteger), sa.bindparam("most", type_=sa.BigInteger)
    query = sa.select(_SEQUENCE, *values).where(start <= _SEQUENCE).order_by(_SEQUENCE).limit(most)
    query = query.offset(sa.literal_column("0"))  # else SQLAlchemy adds a parameter for it on SQLite
    return DriverStatement(query, ("start", "most"))


_SEQUENCE, _AT, *_TEXTS = audit_entries.columns
_PAGES = {
    "sqlite": _page_statement([_AT, *_TEXTS]),
    # As text, for a time may have been made one that Python cannot hold.
    "postgresql": _page_statement([sa.func.to_char(sa.func.timezone(sa.literal_column("'UTC'"), _AT), _ISO), *_TEXTS]),
}
_PAGE_OF_BYTES = _page_statement([sa.cast(column, sa.LargeBinary) for column in (_AT, *_TEXTS)])
_HEAD = DriverStatement(sa.select(audit_head.c.sequence, audit_head.c.hash), ())
