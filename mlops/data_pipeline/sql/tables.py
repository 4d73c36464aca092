"""The tables of the data pipeline. What is searched by has a column; the rest is in the record's document."""

from __future__ import annotations

import sqlalchemy as sa

from mlops.database import Text, UtcDateTime, metadata

__all__ = ["feature_configs", "pipeline_runs", "schemas"]


def _documents(table: str, key: str) -> sa.Table:
    return sa.Table(
        table,
        metadata,
        sa.Column(key, Text, primary_key=True),
        *(sa.Column(name, Text, nullable=False) for name in ("project", "name", "version", "digest", "document")),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Index(f"idx_{table}_version", "project", "name", "version", unique=True),
    )


schemas = _documents("data_schemas", "schema_id")
feature_configs = _documents("feature_configs", "config_id")
pipeline_runs = sa.Table(
    "pipeline_runs",
    metadata,
    sa.Column("run_id", Text, primary_key=True),
    sa.Column("project", Text, nullable=False),
    sa.Column("pipeline_id", Text, nullable=False),
    sa.Column("status", Text, nullable=False),
    sa.Column("input_digest", Text, nullable=False),
    sa.Column("cache_key", Text, nullable=False),
    sa.Column("job_id", Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("document", Text, nullable=False),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Index("idx_pipeline_runs_project", "project", "run_id"),
    sa.Index("idx_pipeline_runs_pipeline", "project", "pipeline_id", "run_id"),
    sa.Index("idx_pipeline_runs_cache_key", "cache_key", "run_id"),
    sa.Index("idx_pipeline_runs_created_at", "created_at"),
)
