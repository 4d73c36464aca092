"""Garbage collection: what nothing refers to, and what interrupted uploads left, once the grace period is over.

Each blob goes in a transaction of its own that looks again, so that a put or a reference that comes meanwhile wins.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from mlops.artifacts import references
from mlops.artifacts.blobs import BlobStore, StoredBlob
from mlops.artifacts.errors import StoreShared
from mlops.artifacts.storage import UPLOADS, Entry
from mlops.clock import Now
from mlops.database import Database, Durability
from mlops.errors import InvalidInput
from mlops.records import Record

__all__ = ["CLIENTS", "GRACE", "GarbageReport", "collect_garbage"]

GRACE = timedelta(hours=24)
CLIENTS = "clients"  # one small file per database that uses the store
_ADOPT_AT_ONCE = 1000
_UPLOAD_GRACE = timedelta(hours=1)  # an upload that was not written to for so long is not one any more


class GarbageReport(Record):
    """What a collection removed, or would remove.

    Attributes:
        blobs: How many blobs nothing referred to.
        bytes: The room their files take in the store.
        leftovers: How many unfinished uploads were found.
        dry_run: Whether everything is still there.
    """

    blobs: int = 0
    bytes: int = 0
    leftovers: int = 0
    dry_run: bool = False


def collect_garbage(
    blobs: BlobStore, database: Database, *, store: str, now: Now, grace: timedelta = GRACE, dry_run: bool = False
) -> GarbageReport:
    """Delete unreferenced blobs and unfinished uploads that are older than the grace period.

    Args:
        blobs: The store's blobs.
        database: The database that holds all references into the store.
        store: The store's id.
        now: The clock.
        grace: How long a blob may wait for its first reference; not negative. An upload may rest as long, and for an
            hour at least.
        dry_run: Only count.

    Raises:
        StoreShared: Other databases use the store, and their references are not known here.
    """
    if grace < timedelta():
        raise InvalidInput(
            f"grace is {grace}; it cannot be negative. Pass timedelta(0) to collect everything unreferenced."
        )
    _refuse_shared(blobs, database, store)
    before = now() - grace
    idle_since = min(before, now() - _UPLOAD_GRACE)
    leftovers = [entry for entry in blobs.storage.list(UPLOADS) if entry.modified_at < idle_since]
    stored = _by_digest(blobs)
    garbage = _plan(database, store, stored, before, dry_run=dry_run)
    if not dry_run:
        garbage = [digest for digest in garbage if _remove(blobs, database, store, digest, before)]
        _sweep(blobs, leftovers)
    freed = sum(blob.stored_bytes for digest in garbage for blob in stored.get(digest, ()))
    return GarbageReport(blobs=len(garbage), bytes=freed, leftovers=len(leftovers), dry_run=dry_run)


def _plan(
    database: Database, store: str, stored: dict[str, list[StoredBlob]], before: datetime, *, dry_run: bool
) -> list[str]:
    """Return digests that look like garbage; blobs without a row become known first, or are only counted."""
    with database.read() as tx:
        known = references.known_digests(tx, store=store)
    strangers = [blob for digest, files in stored.items() if digest not in known for blob in files[:1]]
    for start in range(0, 0 if dry_run else len(strangers), _ADOPT_AT_ONCE):
        with database.write(Durability.FACT) as tx:
            references.adopt_blobs(tx, store=store, blobs=strangers[start : start + _ADOPT_AT_ONCE])
    with database.read() as tx:
        found = references.find_garbage(tx, store=store, put_before=before)
    return found + [blob.digest for blob in strangers if dry_run and blob.modified_at < before]


def _remove(blobs: BlobStore, database: Database, store: str, digest: str, before: datetime) -> bool:
    with database.write(Durability.FACT) as tx:
        removed = references.remove_garbage(tx, store=store, digest=digest, put_before=before)
        if removed:
            blobs.delete(digest)  # while the row is locked: a put of the same content waits, then writes it anew
    return bool(removed)


def _sweep(blobs: BlobStore, leftovers: list[Entry]) -> None:
    for entry in leftovers:
        blobs.storage.delete(entry.name)


def _by_digest(blobs: BlobStore) -> dict[str, list[StoredBlob]]:
    stored: dict[str, list[StoredBlob]] = {}
    for blob in blobs.list_blobs():
        stored.setdefault(blob.digest, []).append(blob)
    return stored


def _refuse_shared(blobs: BlobStore, database: Database, store: str) -> None:
    marks = list(blobs.storage.list(CLIENTS))
    with database.read() as tx:  # after the marks: a database's row is there before its mark is
        mine = references.find_client(tx, store=store)
    for entry in marks:
        if entry.name != f"{CLIENTS}/{mine}":
            with blobs.storage.open(entry.name) as file:
                other = json.loads(file.read())
            raise StoreShared(
                f"The artifact store at {blobs.storage.root} is also used by the database {other['database']} (since "
                f"{other['since']}), whose references are not known here, so nothing was collected. Give each database "
                f"a store of its own; or, if that database is gone for good, delete {entry.name} in the store."
            )
