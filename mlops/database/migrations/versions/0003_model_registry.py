"""Model versions with what a search names of them, their moves, their aliases, and the environments they came from."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXTS_BEFORE = ("name", "description", "model_type", "framework", "algorithm", "status", "canonical_digest", "digest")
_NUMBERS = ("accuracy", "precision", "recall", "f1_score", "confidence_score")
_TEXTS_AFTER = ("notes", "dataset_name", "dataset_version", "training_data_hash")


def _text_type() -> TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _text_type(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[str]:
    type_ = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
    return sa.Column(name, type_, nullable=nullable)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    """Create the tables."""
    _versions()
    _named_values("model_registry_params", _text("text"), sa.Column("number", sa.Double()))
    _named_values("model_registry_tags", _text("text"))
    _named_values("model_registry_metrics", sa.Column("value", sa.Double()))
    _moves()
    op.create_table(
        "model_aliases",
        _text("project"),
        _text("model_id"),
        _text("alias"),
        _text("version"),
        sa.PrimaryKeyConstraint("project", "model_id", "alias", name="pk_model_aliases"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "model_environments",
        _text("digest"),
        _text("document"),
        sa.PrimaryKeyConstraint("digest", name="pk_model_environments"),
    )


def _versions() -> None:
    op.create_table(
        "model_registry",
        *map(_text, ("project", "model_id", "version", "version_id")),
        *map(_integer, ("major", "minor", "patch")),
        *map(_text, ("prerelease", *_TEXTS_BEFORE, "codec")),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        _moment("promoted_at", nullable=True),
        _text("created_by"),
        _integer("is_protected"),
        *(sa.Column(name, sa.Double()) for name in _NUMBERS),
        *map(_text, _TEXTS_AFTER),
        *(_text(name, nullable=True) for name in ("experiment_id", "pipeline_run_id", "environment_digest")),
        *map(_text, ("signature", "document")),
        _integer("schema_version"),
        _moment("deleted_at", nullable=True),
        sa.PrimaryKeyConstraint("project", "model_id", "version", name="pk_model_registry"),
    )
    _index("model_registry", "model_id", ["model_id"])
    _index("model_registry", "version_id", ["version_id"], unique=True)
    number = ["project", "model_id", "major", "minor", "patch", "prerelease"]
    _index("model_registry", "number", number, unique=True)
    content = ["project", "model_id", "canonical_digest"]
    _index("model_registry", "content", content, unique=True, where="deleted_at IS NULL")
    serving = "status = 'production' AND deleted_at IS NULL"
    _index("model_registry", "production", ["project", "model_id"], unique=True, where=serving)
    _index("model_registry", "created_at", ["created_at"])
    _index("model_registry", "project_created_at", ["project", "created_at"])
    _index("model_registry", "project_status", ["project", "status"])
    _index("model_registry", "environment", ["environment_digest"])


def _named_values(table: str, *values: sa.Column[Any]) -> None:
    op.create_table(
        table,
        _text("version_id"),
        _text("name"),
        *values,
        sa.PrimaryKeyConstraint("version_id", "name", name=f"pk_{table}"),
        sqlite_with_rowid=False,
    )
    for value in values:
        _index(table, value.name, ["name", value.name, "version_id"])


def _moves() -> None:
    op.create_table(
        "model_moves",
        *map(_text, ("move_id", "project", "model_id")),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        _text("version"),
        _text("from_status", nullable=True),
        _text("to_status", nullable=True),
        *map(_text, ("kind", "actor", "reason")),
        _moment("at"),
        _text("replaced_version", nullable=True),
        sa.PrimaryKeyConstraint("move_id", name="pk_model_moves"),
    )
    _index("model_moves", "sequence", ["project", "model_id", "sequence"], unique=True)
    _index("model_moves", "at", ["project", "model_id", "at"])


def _index(table: str, name: str, columns: list[str], *, unique: bool = False, where: str = "") -> None:
    condition: dict[str, Any] = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)} if where else {}
    op.create_index(f"idx_{table}_{name}", table, columns, unique=unique, **condition)
