"""The log's two tables: its entries, and the one row that says where it ends."""

from __future__ import annotations

import sqlalchemy as sa

from mlops.database import Text, UtcDateTime, metadata

__all__ = ["HEAD_ID", "audit_entries", "audit_head"]

HEAD_ID = 1

audit_entries = sa.Table(
    "audit_entries",
    metadata,
    # INTEGER on SQLite: only such a key cannot hold anything but integers there.
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", Text, nullable=False),
    sa.Column("action", Text, nullable=False),
    sa.Column("subject_kind", Text, nullable=False),
    sa.Column("subject_id", Text, nullable=False),
    sa.Column("project", Text, nullable=False),
    sa.Column("details", Text, nullable=False),  # JSON
    sa.Column("previous_hash", Text, nullable=False),
    sa.Column("hash", Text, nullable=False),
    sa.Index("idx_audit_entries_at", "at"),
    sa.Index("idx_audit_entries_actor", "actor", "sequence"),
    sa.Index("idx_audit_entries_subject", "subject_kind", "subject_id", "sequence"),
)

audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # always HEAD_ID
    sa.Column("sequence", sa.BigInteger, nullable=False),  # of the last entry; 0 before the first
    sa.Column("hash", Text, nullable=False),  # of the last entry
)
