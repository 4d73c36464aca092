"""Which blobs exist in which store, and who refers to them: rows written in the owner's transaction.

A blob that no row of `artifact_references` names is garbage once it has not been put for longer than the grace
period. A folder refers to its files here too, with itself as the owner.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from mlops.artifacts.blobs import Blob, StoredBlob
from mlops.artifacts.errors import ArtifactNotFound
from mlops.clock import microseconds
from mlops.database import Text, Transaction, metadata

__all__ = [
    "FOLDER",
    "add_folder",
    "add_reference",
    "adopt_blobs",
    "artifact_blobs",
    "artifact_references",
    "artifact_stores",
    "find_client",
    "find_garbage",
    "is_referenced",
    "known_digests",
    "list_references",
    "register_blob",
    "register_client",
    "remove_garbage",
    "remove_references",
]

artifact_stores = sa.Table(
    "artifact_stores",
    metadata,
    sa.Column("store", Text, primary_key=True),  # the id inside the store's own marker file
    sa.Column("client_id", Text, nullable=False),  # this database's mark in the store
    sa.Column("root", Text, nullable=False),  # where it was when it was first used; informative
    sa.Column("created_at", sa.BigInteger, nullable=False),  # µs since 1970
)

artifact_blobs = sa.Table(
    "artifact_blobs",
    metadata,
    sa.Column("store", Text, primary_key=True),
    sa.Column("digest", Text, primary_key=True),  # SHA-256 of the plaintext, 64 hex digits
    sa.Column("size_bytes", sa.BigInteger, nullable=False),  # of the plaintext
    sa.Column("put_at", sa.BigInteger, nullable=False),  # µs since 1970 of the latest put
    sqlite_with_rowid=False,
)

artifact_references = sa.Table(
    "artifact_references",
    metadata,
    sa.Column("store", Text, primary_key=True),
    sa.Column("digest", Text, primary_key=True),
    sa.Column("owner_kind", Text, primary_key=True),
    sa.Column("owner_id", Text, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    sa.Index("idx_artifact_references_owner", "owner_kind", "owner_id"),
    sqlite_with_rowid=False,
)

FOLDER = "artifact_folder"  # the owner_kind by which a folder's manifest refers to its files
_MOST_PER_QUERY = 500


def register_blob(tx: Transaction, *, store: str, blob: Blob, put_at: datetime) -> None:
    """Write down that a blob was put now, which keeps garbage collection off it for the grace period."""
    row = {"store": store, "digest": blob.digest, "size_bytes": blob.size_bytes, "put_at": microseconds(put_at)}
    insert = _insert(tx, artifact_blobs).values(row)
    fresh = {"size_bytes": insert.excluded.size_bytes, "put_at": insert.excluded.put_at}
    tx.execute(insert.on_conflict_do_update(index_elements=["store", "digest"], set_=fresh))


def adopt_blobs(tx: Transaction, *, store: str, blobs: Sequence[StoredBlob]) -> None:
    """Write down blobs that lie in the store and that no row knows, as put when their files were written."""
    rows = [
        {
            "store": store,
            "digest": blob.digest,
            "size_bytes": blob.stored_bytes,
            "put_at": microseconds(blob.modified_at),
        }
        for blob in blobs
    ]
    if rows:
        tx.execute(_insert(tx, artifact_blobs).on_conflict_do_nothing(), rows)


def known_digests(tx: Transaction, *, store: str) -> set[str]:
    """Return the digests of all blobs that have a row."""
    return set(tx.execute(sa.select(artifact_blobs.c.digest).where(artifact_blobs.c.store == store)).scalars())


def add_reference(tx: Transaction, *, store: str, digest: str, owner_kind: str, owner_id: str, name: str = "") -> None:
    """Refer to a blob from an owner's row; the same reference twice is one.

    Args:
        tx: The owner's write transaction: the reference is there when, and only when, the owner's row is.
        store: The store's id, `ArtifactStore.store_id`.
        digest: The blob, or a folder's manifest.
        owner_kind: What the owner is, a noun such as `experiment`.
        owner_id: The owner's id.
        name: What the owner calls it.

    Raises:
        ArtifactNotFound: The blob was never put, or has been collected since; the transaction must not commit.
    """
    _hold_blobs(tx, store, [digest])
    row = {"store": store, "digest": digest, "owner_kind": owner_kind, "owner_id": owner_id, "name": name}
    tx.execute(_insert(tx, artifact_references).values(row).on_conflict_do_nothing())


def add_folder(tx: Transaction, *, store: str, manifest: str, members: Collection[str]) -> None:
    """Let a folder's manifest refer to the blobs of its files."""
    digests = sorted(set(members))
    _hold_blobs(tx, store, digests)
    rows = [
        {"store": store, "digest": digest, "owner_kind": FOLDER, "owner_id": manifest, "name": ""} for digest in digests
    ]
    if rows:
        tx.execute(_insert(tx, artifact_references).on_conflict_do_nothing(), rows)


def remove_references(tx: Transaction, *, owner_kind: str, owner_id: str, name: str | None = None) -> int:
    """Remove an owner's references, or the one of this name, in the owner's transaction; return how many there were."""
    table = artifact_references
    wanted = [table.c.owner_kind == owner_kind, table.c.owner_id == owner_id]
    if name is not None:
        wanted.append(table.c.name == name)
    return tx.execute(sa.delete(table).where(*wanted)).rowcount


def is_referenced(tx: Transaction, *, store: str, digest: str) -> bool:
    """Tell whether anything refers to a blob."""
    table = artifact_references
    found = sa.select(table.c.digest).where(table.c.store == store, table.c.digest == digest).limit(1)
    return tx.execute(found).first() is not None


def list_references(tx: Transaction, *, owner_kind: str, owner_id: str) -> list[tuple[str, str]]:
    """Return an owner's references as (name, digest), in order of the names."""
    table = artifact_references
    query = sa.select(table.c.name, table.c.digest).where(
        table.c.owner_kind == owner_kind, table.c.owner_id == owner_id
    )
    return [(row.name, row.digest) for row in tx.execute(query.order_by(table.c.name, table.c.digest))]


def find_garbage(tx: Transaction, *, store: str, put_before: datetime) -> list[str]:
    """Return digests that nothing refers to and that were last put before a moment; folders come before their files."""
    blobs, references = artifact_blobs, artifact_references
    refers = sa.exists().where(references.c.store == blobs.c.store, references.c.digest == blobs.c.digest)
    old = (blobs.c.store == store, blobs.c.put_at < microseconds(put_before))
    found = list(tx.execute(sa.select(blobs.c.digest).where(*old, ~refers).order_by(blobs.c.digest)).scalars())
    return found + _only_in_folders(tx, old, set(found))


def remove_garbage(tx: Transaction, *, store: str, digest: str, put_before: datetime) -> bool:
    """Remove the row of a blob if it still is garbage; the row stays locked until the transaction ends.

    A put that comes meanwhile waits for the transaction, and then writes row and file anew.
    """
    blobs, references = artifact_blobs, artifact_references
    this = (blobs.c.store == store, blobs.c.digest == digest)
    put_at = tx.execute(sa.select(blobs.c.put_at).where(*this).with_for_update()).scalar()
    if put_at is None or put_at >= microseconds(put_before) or is_referenced(tx, store=store, digest=digest):
        return False
    mine = (references.c.store == store, references.c.owner_kind == FOLDER, references.c.owner_id == digest)
    tx.execute(sa.delete(references).where(*mine))
    tx.execute(sa.delete(blobs).where(*this))
    return True


def register_client(tx: Transaction, *, store: str, root: str, client_id: str, created_at: datetime) -> str:
    """Return the id by which this database is known in a store; `client_id` becomes it on first use."""
    row = {"store": store, "client_id": client_id, "root": root, "created_at": microseconds(created_at)}
    tx.execute(_insert(tx, artifact_stores).values(row).on_conflict_do_nothing())
    found = find_client(tx, store=store)
    assert found is not None
    return found


def find_client(tx: Transaction, *, store: str) -> str | None:
    """Return the id by which this database is known in a store, None when it never used it."""
    query = sa.select(artifact_stores.c.client_id).where(artifact_stores.c.store == store)
    return tx.execute(query).scalar()


def _only_in_folders(tx: Transaction, old: tuple[Any, ...], folders: set[str]) -> list[str]:
    """Return old blobs that only the given folders refer to."""
    blobs, references = artifact_blobs, artifact_references
    query = (
        sa.select(references.c.digest, references.c.owner_kind, references.c.owner_id)
        .join(blobs, sa.and_(blobs.c.store == references.c.store, blobs.c.digest == references.c.digest))
        .where(*old)
        .order_by(references.c.digest)
    )
    free: dict[str, bool] = {}
    for row in tx.execute(query):
        free[row.digest] = free.get(row.digest, True) and row.owner_kind == FOLDER and row.owner_id in folders
    return [digest for digest, is_free in free.items() if is_free]


def _hold_blobs(tx: Transaction, store: str, digests: Sequence[str]) -> None:
    """Keep garbage collection off these blobs until the transaction ends, or say which one is gone."""
    for start in range(0, len(digests), _MOST_PER_QUERY):
        wanted = digests[start : start + _MOST_PER_QUERY]
        query = sa.select(artifact_blobs.c.digest).where(
            artifact_blobs.c.store == store, artifact_blobs.c.digest.in_(wanted)
        )
        held = set(
            tx.execute(query.order_by(artifact_blobs.c.digest).with_for_update(read=True, key_share=True)).scalars()
        )
        for digest in wanted:
            if digest not in held:
                raise ArtifactNotFound(
                    digest, hint="It was never put, or has been collected since. Put it again first."
                )


def _insert(tx: Transaction, table: sa.Table) -> Any:
    if tx.dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # 70 ms that SQLite's users need not spend

    return postgresql.insert(table)
