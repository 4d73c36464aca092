"""Entities, feature views, materialisations, online values and training sets."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _text_type() -> TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _text_type(), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[str]:
    type_ = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
    return sa.Column(name, type_, nullable=nullable)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "feature_entities",
        *map(_text, ("project", "name", "document")),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("project", "name", name="pk_feature_entities"),
    )
    _views()
    _online_values()
    _what_became_of_views()
    _training_sets()


def _views() -> None:
    op.create_table(
        "feature_views",
        *map(_text, ("view_id", "project", "name", "kind")),
        sa.Column("version", sa.Integer(), nullable=False),
        *map(_text, ("digest", "document")),
        sa.Column("is_serving", sa.Integer(), nullable=False),
        _text("watermark", nullable=True),
        _moment("created_at"),
        _moment("deleted_at", nullable=True),
        sa.PrimaryKeyConstraint("view_id", name="pk_feature_views"),
    )
    _index("feature_views", "version", ["project", "name", "version"], unique=True)
    _index("feature_views", "serving", ["project", "name"], unique=True, where="is_serving = 1")


def _online_values() -> None:
    op.create_table(
        "feature_online",
        *map(_text, ("view_id", "entity_key")),
        *map(_number, ("event_at", "created_at")),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("view_id", "entity_key", name="pk_feature_online"),
        sqlite_with_rowid=False,
    )


def _what_became_of_views() -> None:
    op.create_table(
        "feature_materializations",
        *map(_text, ("run_id", "project", "view", "view_id", "status", "document")),
        _moment("started_at"),
        sa.PrimaryKeyConstraint("run_id", name="pk_feature_materializations"),
    )
    _index("feature_materializations", "view", ["project", "view", "started_at"])
    op.create_table(
        "feature_statistics",
        *map(_text, ("view_id", "feature", "day", "document")),
        sa.PrimaryKeyConstraint("view_id", "feature", "day", name="pk_feature_statistics"),
        sqlite_with_rowid=False,
    )


def _training_sets() -> None:
    op.create_table(
        "feature_training_sets",
        *map(_text, ("training_set_id", "project", "name", "digest", "document")),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("training_set_id", name="pk_feature_training_sets"),
    )
    _index("feature_training_sets", "name", ["project", "name", "created_at"])
    op.create_table(
        "feature_training_set_views",
        *map(_text, ("training_set_id", "view_id")),
        sa.PrimaryKeyConstraint("training_set_id", "view_id", name="pk_feature_training_set_views"),
        sqlite_with_rowid=False,
    )
    _index("feature_training_set_views", "view", ["view_id"])


def _index(table: str, name: str, columns: list[str], *, unique: bool = False, where: str = "") -> None:
    condition: dict[str, Any] = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)} if where else {}
    op.create_index(f"idx_{table}_{name}", table, columns, unique=unique, **condition)
