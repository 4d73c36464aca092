"""Experiments, their parameters, tags, metrics, environments and artifacts, and the artifact store's own rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text() -> TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _moment() -> TypeEngine[str]:
    return sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Create the first tables."""
    _experiments()
    _experiment_facets()
    _experiment_metrics()
    _experiment_files()
    _artifact_store()


def _experiments() -> None:
    op.create_table(
        "experiments",
        sa.Column("experiment_id", _text(), nullable=False),
        sa.Column("project", _text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("description", _text(), nullable=False),
        sa.Column("status", _text(), nullable=False),
        sa.Column("model_type", _text(), nullable=False),
        sa.Column("framework", _text(), nullable=False),
        sa.Column("algorithm", _text(), nullable=False),
        sa.Column("dataset_name", _text(), nullable=False),
        sa.Column("dataset_version", _text(), nullable=False),
        sa.Column("parent_experiment_id", _text(), nullable=True),
        sa.Column("created_by", _text(), nullable=False),
        sa.Column("notes", _text(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("ended_at", _moment(), nullable=True),
        sa.Column("deleted_at", _moment(), nullable=True),
        sa.Column("error", _text(), nullable=True),
        sa.Column("hyperparameters", _text(), nullable=False),
        sa.Column("tags", _text(), nullable=False),
        sa.Column("datasets", _text(), nullable=False),
        sa.Column("environment_digest", _text(), nullable=True),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", name="pk_experiments"),
    )
    op.create_index("idx_experiments_created_at", "experiments", ["created_at"])
    op.create_index("idx_experiments_project_created_at", "experiments", ["project", "created_at"])
    op.create_index("idx_experiments_parent", "experiments", ["parent_experiment_id"])


def _experiment_facets() -> None:
    op.create_table(
        "experiment_params",
        sa.Column("experiment_id", _text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("text", _text(), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("experiment_id", "name", name="pk_experiment_params"),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_experiment_params_text", "experiment_params", ["name", "text", "experiment_id"])
    op.create_index("idx_experiment_params_number", "experiment_params", ["name", "number", "experiment_id"])
    op.create_table(
        "experiment_tags",
        sa.Column("experiment_id", _text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("text", _text(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "name", name="pk_experiment_tags"),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_experiment_tags_text", "experiment_tags", ["name", "text", "experiment_id"])
    if op.get_context().dialect.name == "postgresql":  # names and texts go together; unaware of it, its plans are poor
        for table in ("experiment_params", "experiment_tags"):
            op.execute(f"CREATE STATISTICS stx_{table}_name_text (dependencies, mcv) ON name, text FROM {table}")


def _experiment_metrics() -> None:
    identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up by itself only in an INTEGER key
    op.create_table(
        "experiment_metrics",
        sa.Column("id", identity, autoincrement=True, nullable=False),
        sa.Column("experiment_id", _text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("logged_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_experiment_metrics"),
    )
    op.create_index("idx_metrics_experiment_id_step", "experiment_metrics", ["experiment_id", "step"])
    op.create_table(
        "experiment_metric_summaries",
        sa.Column("experiment_id", _text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("last_value", sa.Double(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("min_value", sa.Double(), nullable=True),
        sa.Column("max_value", sa.Double(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "name", name="pk_experiment_metric_summaries"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "idx_experiment_metric_summaries_last", "experiment_metric_summaries", ["name", "last_value", "experiment_id"]
    )


def _experiment_files() -> None:
    op.create_table(
        "experiment_artifacts",
        sa.Column("artifact_id", _text(), nullable=False),
        sa.Column("experiment_id", _text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("artifact_type", _text(), nullable=False),
        sa.Column("description", _text(), nullable=False),
        sa.Column("codec", _text(), nullable=False),
        sa.Column("digest", _text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("details", _text(), nullable=False),
        sa.PrimaryKeyConstraint("artifact_id", name="pk_experiment_artifacts"),
    )
    op.create_index("idx_experiment_artifacts_name", "experiment_artifacts", ["experiment_id", "name"])
    op.create_table(
        "experiment_environments",
        sa.Column("digest", _text(), nullable=False),
        sa.Column("document", _text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_experiment_environments"),
    )


def _artifact_store() -> None:
    op.create_table(
        "artifact_stores",
        sa.Column("store", _text(), nullable=False),
        sa.Column("client_id", _text(), nullable=False),
        sa.Column("root", _text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", name="pk_artifact_stores"),
    )
    op.create_table(
        "artifact_blobs",
        sa.Column("store", _text(), nullable=False),
        sa.Column("digest", _text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("put_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "digest", name="pk_artifact_blobs"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "artifact_references",
        sa.Column("store", _text(), nullable=False),
        sa.Column("digest", _text(), nullable=False),
        sa.Column("owner_kind", _text(), nullable=False),
        sa.Column("owner_id", _text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.PrimaryKeyConstraint("store", "digest", "owner_kind", "owner_id", "name", name="pk_artifact_references"),
        sqlite_with_rowid=False,
    )
    op.create_index("idx_artifact_references_owner", "artifact_references", ["owner_kind", "owner_id"])
