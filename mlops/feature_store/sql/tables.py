"""The tables of the feature store; migration 0006 makes them."""

from __future__ import annotations

import sqlalchemy as sa

from mlops.database import Text, UtcDateTime, metadata

__all__ = ["entities", "online", "runs", "statistics", "training_set_views", "training_sets", "views"]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, Text, nullable=False)


_SERVING = sa.text("is_serving = 1")

entities = sa.Table(
    "feature_entities",
    metadata,
    sa.Column("project", Text, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    _text("document"),  # JSON
    sa.Column("updated_at", UtcDateTime, nullable=False),
)

views = sa.Table(
    "feature_views",
    metadata,
    sa.Column("view_id", Text, primary_key=True),
    _text("project"),
    _text("name"),
    _text("kind"),
    sa.Column("version", sa.Integer, nullable=False),
    _text("digest"),
    _text("document"),  # JSON
    sa.Column("is_serving", sa.Integer, nullable=False),  # 0 or 1
    sa.Column("watermark", Text),  # JSON
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("deleted_at", UtcDateTime),
    sa.Index("idx_feature_views_version", "project", "name", "version", unique=True),
    sa.Index(
        "idx_feature_views_serving", "project", "name",
        unique=True, sqlite_where=_SERVING, postgresql_where=_SERVING,
    ),
)  # fmt: skip

online = sa.Table(
    "feature_online",
    metadata,
    sa.Column("view_id", Text, primary_key=True),
    sa.Column("entity_key", Text, primary_key=True),
    sa.Column("event_at", sa.BigInteger, nullable=False),  # microseconds since 1970
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),  # as `rows.RowCodec` writes it
    sqlite_with_rowid=False,
)

runs = sa.Table(
    "feature_materializations",
    metadata,
    sa.Column("run_id", Text, primary_key=True),
    _text("project"),
    _text("view"),
    _text("view_id"),
    _text("status"),
    _text("document"),  # JSON
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Index("idx_feature_materializations_view", "project", "view", "started_at"),
)

statistics = sa.Table(
    "feature_statistics",
    metadata,
    sa.Column("view_id", Text, primary_key=True),
    sa.Column("feature", Text, primary_key=True),
    sa.Column("day", Text, primary_key=True),
    _text("document"),  # JSON
    sqlite_with_rowid=False,
)

training_sets = sa.Table(
    "feature_training_sets",
    metadata,
    sa.Column("training_set_id", Text, primary_key=True),
    _text("project"),
    _text("name"),
    _text("digest"),
    _text("document"),  # JSON
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("idx_feature_training_sets_name", "project", "name", "created_at"),
)

training_set_views = sa.Table(
    "feature_training_set_views",
    metadata,
    sa.Column("training_set_id", Text, primary_key=True),
    sa.Column("view_id", Text, primary_key=True),
    sa.Index("idx_feature_training_set_views_view", "view_id"),
    sqlite_with_rowid=False,
)
