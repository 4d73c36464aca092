"""The audit log and its head; the outbox of events and how far its consumers have read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _text() -> TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _moment() -> TypeEngine[str]:
    return sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")


def _integer_key() -> TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables of both."""
    _audit()
    _events()


def _audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("sequence", _integer_key(), autoincrement=False, nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.Column("action", _text(), nullable=False),
        sa.Column("subject_kind", _text(), nullable=False),
        sa.Column("subject_id", _text(), nullable=False),
        sa.Column("project", _text(), nullable=False),
        sa.Column("details", _text(), nullable=False),
        sa.Column("previous_hash", _text(), nullable=False),
        sa.Column("hash", _text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit_entries"),
    )
    op.create_index("idx_audit_entries_at", "audit_entries", ["at"])
    op.create_index("idx_audit_entries_actor", "audit_entries", ["actor", "sequence"])
    op.create_index("idx_audit_entries_subject", "audit_entries", ["subject_kind", "subject_id", "sequence"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", _text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("position", _integer_key(), autoincrement=True, nullable=False),
        sa.Column("era", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("topic", _text(), nullable=False),
        sa.Column("subject_kind", _text(), nullable=False),
        sa.Column("subject_id", _text(), nullable=False),
        sa.Column("project", _text(), nullable=False),
        sa.Column("payload", _text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_events"),
    )
    op.create_index("idx_events_order", "events", ["era", "transaction_id", "position"])
    op.create_table(
        "event_consumers",
        sa.Column("consumer", _text(), nullable=False),
        sa.Column("era", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", name="pk_event_consumers"),
    )
