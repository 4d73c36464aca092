"""The tables of the model registry; migration 0003 makes them."""

from __future__ import annotations

import sqlalchemy as sa

from mlops.database import Text, UtcDateTime, metadata

__all__ = ["aliases", "environments", "metrics", "models", "moves", "params", "tags"]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, Text, nullable=False)


_LIVE = sa.text("deleted_at IS NULL")
_SERVING = sa.text("status = 'production' AND deleted_at IS NULL")

models = sa.Table(
    "model_registry",
    metadata,
    sa.Column("project", Text, primary_key=True),
    sa.Column("model_id", Text, primary_key=True),
    sa.Column("version", Text, primary_key=True),
    _text("version_id"),
    sa.Column("major", sa.Integer, nullable=False),
    sa.Column("minor", sa.Integer, nullable=False),
    sa.Column("patch", sa.Integer, nullable=False),
    _text("prerelease"),  # as `SemanticVersion.prerelease_key`, whose byte order is the order of versions
    _text("name"),
    _text("description"),
    _text("model_type"),
    _text("framework"),
    _text("algorithm"),
    _text("status"),
    _text("canonical_digest"),
    _text("digest"),
    _text("codec"),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("promoted_at", UtcDateTime),
    _text("created_by"),
    sa.Column("is_protected", sa.Integer, nullable=False),  # 0 or 1
    sa.Column("accuracy", sa.Double),  # NULL is not measured, or NaN: the document tells which
    sa.Column("precision", sa.Double),
    sa.Column("recall", sa.Double),
    sa.Column("f1_score", sa.Double),
    sa.Column("confidence_score", sa.Double),
    _text("notes"),
    _text("dataset_name"),
    _text("dataset_version"),
    _text("training_data_hash"),
    sa.Column("experiment_id", Text),
    sa.Column("pipeline_run_id", Text),
    sa.Column("environment_digest", Text),
    _text("signature"),  # JSON
    _text("document"),  # JSON: all that has no column of its own
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("deleted_at", UtcDateTime),
    sa.Index("idx_model_registry_model_id", "model_id"),
    sa.Index("idx_model_registry_version_id", "version_id", unique=True),
    sa.Index("idx_model_registry_number", "project", "model_id", "major", "minor", "patch", "prerelease", unique=True),
    sa.Index(
        "idx_model_registry_content",
        "project", "model_id", "canonical_digest",
        unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE,
    ),
    sa.Index(
        "idx_model_registry_production",
        "project", "model_id",
        unique=True, sqlite_where=_SERVING, postgresql_where=_SERVING,
    ),
    sa.Index("idx_model_registry_created_at", "created_at"),
    sa.Index("idx_model_registry_project_created_at", "project", "created_at"),
    sa.Index("idx_model_registry_project_status", "project", "status"),
    sa.Index("idx_model_registry_environment", "environment_digest"),
)  # fmt: skip

params = sa.Table(
    "model_registry_params",
    metadata,
    sa.Column("version_id", Text, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    _text("text"),
    sa.Column("number", sa.Double),
    sa.Index("idx_model_registry_params_text", "name", "text", "version_id"),
    sa.Index("idx_model_registry_params_number", "name", "number", "version_id"),
    sqlite_with_rowid=False,
)

tags = sa.Table(
    "model_registry_tags",
    metadata,
    sa.Column("version_id", Text, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    _text("text"),
    sa.Index("idx_model_registry_tags_text", "name", "text", "version_id"),
    sqlite_with_rowid=False,
)

metrics = sa.Table(
    "model_registry_metrics",
    metadata,
    sa.Column("version_id", Text, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    sa.Column("value", sa.Double),  # NULL is NaN
    sa.Index("idx_model_registry_metrics_value", "name", "value", "version_id"),
    sqlite_with_rowid=False,
)

moves = sa.Table(
    "model_moves",
    metadata,
    sa.Column("move_id", Text, primary_key=True),
    _text("project"),
    _text("model_id"),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    _text("version"),
    sa.Column("from_status", Text),
    sa.Column("to_status", Text),
    _text("kind"),
    _text("actor"),
    _text("reason"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("replaced_version", Text),
    sa.Index("idx_model_moves_sequence", "project", "model_id", "sequence", unique=True),
    sa.Index("idx_model_moves_at", "project", "model_id", "at"),
)

aliases = sa.Table(
    "model_aliases",
    metadata,
    sa.Column("project", Text, primary_key=True),
    sa.Column("model_id", Text, primary_key=True),
    sa.Column("alias", Text, primary_key=True),
    _text("version"),
    sqlite_with_rowid=False,
)

environments = sa.Table(
    "model_environments",
    metadata,
    sa.Column("digest", Text, primary_key=True),
    _text("document"),  # JSON
)
