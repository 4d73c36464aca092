"""The tables of experiments; migration 0001 makes them."""

from __future__ import annotations

import sqlalchemy as sa

from mlops.database import Text, UtcDateTime, metadata

__all__ = [
    "artifacts",
    "environments",
    "experiments",
    "metrics",
    "params",
    "summaries",
    "tags",
]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, Text, nullable=False)


experiments = sa.Table(
    "experiments",
    metadata,
    sa.Column("experiment_id", Text, primary_key=True),
    _text("project"),
    _text("name"),
    _text("description"),
    _text("status"),
    _text("model_type"),
    _text("framework"),
    _text("algorithm"),
    _text("dataset_name"),
    _text("dataset_version"),
    sa.Column("parent_experiment_id", Text),
    _text("created_by"),
    _text("notes"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("deleted_at", UtcDateTime),
    sa.Column("error", Text),
    _text("hyperparameters"),  # JSON
    _text("tags"),  # JSON
    _text("datasets"),  # JSON
    sa.Column("environment_digest", Text),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Index("idx_experiments_created_at", "created_at"),
    sa.Index("idx_experiments_project_created_at", "project", "created_at"),
    sa.Index("idx_experiments_parent", "parent_experiment_id"),
)

params = sa.Table(
    "experiment_params",
    metadata,
    sa.Column("experiment_id", Text, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    _text("text"),
    sa.Column("number", sa.Double),
    sa.Index("idx_experiment_params_text", "name", "text", "experiment_id"),
    sa.Index("idx_experiment_params_number", "name", "number", "experiment_id"),
    sqlite_with_rowid=False,
)

tags = sa.Table(
    "experiment_tags",
    metadata,
    sa.Column("experiment_id", Text, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    _text("text"),
    sa.Index("idx_experiment_tags_text", "name", "text", "experiment_id"),
    sqlite_with_rowid=False,
)

metrics = sa.Table(
    "experiment_metrics",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    _text("experiment_id"),
    _text("name"),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.BigInteger),
    sa.Column("value", sa.Double),  # NULL is NaN: SQLite has none
    sa.Column("logged_at", sa.BigInteger, nullable=False),  # µs since 1970
    sa.Index("idx_metrics_experiment_id_step", "experiment_id", "step"),
)

summaries = sa.Table(
    "experiment_metric_summaries",
    metadata,
    sa.Column("experiment_id", Text, primary_key=True),
    sa.Column("name", Text, primary_key=True),
    sa.Column("last_value", sa.Double),  # NULL is NaN
    sa.Column("last_step", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.Column("min_value", sa.Double),  # NULL when every value is NaN
    sa.Column("max_value", sa.Double),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Index("idx_experiment_metric_summaries_last", "name", "last_value", "experiment_id"),
    sqlite_with_rowid=False,
)

artifacts = sa.Table(
    "experiment_artifacts",
    metadata,
    sa.Column("artifact_id", Text, primary_key=True),
    _text("experiment_id"),
    _text("name"),
    _text("artifact_type"),
    _text("description"),
    _text("codec"),
    _text("digest"),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    _text("details"),  # JSON
    sa.Index("idx_experiment_artifacts_name", "experiment_id", "name"),
)

environments = sa.Table(
    "experiment_environments",
    metadata,
    sa.Column("digest", Text, primary_key=True),
    _text("document"),  # JSON
)
