"""Data schemas, feature configurations, pipeline runs and their outputs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _documents("data_schemas", "schema_id")
    _documents("feature_configs", "config_id")
    op.create_table(
        "pipeline_runs",
        *map(_text, ("run_id", "project", "pipeline_id", "status", "input_digest", "cache_key")),
        _text("job_id", nullable=True),
        _moment("created_at"),
        _text("document"),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_pipeline_runs"),
    )
    for name, columns in {
        "project": ["project", "run_id"],
        "pipeline": ["project", "pipeline_id", "run_id"],
        "cache_key": ["cache_key", "run_id"],
        "created_at": ["created_at"],
    }.items():
        op.create_index(f"idx_pipeline_runs_{name}", "pipeline_runs", columns)


def _documents(table: str, key: str) -> None:
    op.create_table(
        table,
        *map(_text, (key, "project", "name", "version", "digest", "document")),
        _moment("created_at"),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(key, name=f"pk_{table}"),
    )
    op.create_index(f"idx_{table}_version", table, ["project", "name", "version"], unique=True)


def _text_type() -> TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _text_type(), nullable=nullable)


def _moment(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql"), nullable=False)
