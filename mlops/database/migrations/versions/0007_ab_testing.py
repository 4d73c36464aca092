"""A/B tests with their phases, exposures, interactions, outcomes and the statistics that results are made of."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _text_type() -> TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _text_type(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, autoincrement=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[str]:
    type_ = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
    return sa.Column(name, type_, nullable=nullable)


def upgrade() -> None:
    """Create the tables."""
    _tests()
    _log()
    _statistics()


def _tests() -> None:
    columns = ("test_id", "project", "name", "status", "test_type", "control_model_id", "primary_metric", "owner")
    op.create_table(
        "ab_tests",
        *map(_text, (*columns, "created_by")),
        _moment("created_at"),
        _moment("started_at", nullable=True),
        _moment("ended_at", nullable=True),
        _number("revision"),
        *map(_text, ("document", "forced")),
        _text("report", nullable=True),
        sa.PrimaryKeyConstraint("test_id", name="pk_ab_tests"),
    )
    op.create_index("idx_ab_tests_project_created_at", "ab_tests", ["project", "created_at"])
    op.create_index("idx_ab_tests_revision", "ab_tests", ["revision"], unique=True)
    _keyed("ab_moves", _text("test_id"), _number("sequence"), more=[_text("document")])


def _log() -> None:
    _keyed(
        "ab_exposures",
        *map(_text, ("test_id", "user_id")),
        more=[_text("variant"), *map(_number, ("phase", "is_active", "at"))],
    )
    op.create_table(
        "ab_interactions",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        *map(_text, ("test_id", "interaction_id", "variant", "user_id")),
        *map(_number, ("phase", "logged_phase", "at", "is_forced")),
        _text("request_id", nullable=True),
        _text("document"),
        sa.PrimaryKeyConstraint("seq", name="pk_ab_interactions"),
    )
    op.create_index("idx_ab_interactions_id", "ab_interactions", ["interaction_id", "test_id"], unique=True)
    op.create_index("idx_ab_interactions_test", "ab_interactions", ["test_id", "seq"])
    has_request: dict[str, Any] = dict.fromkeys(("sqlite_where", "postgresql_where"), sa.text("request_id IS NOT NULL"))
    op.create_index("idx_ab_interactions_request", "ab_interactions", ["test_id", "request_id"], **has_request)
    _keyed(
        "ab_outcomes",
        *map(_text, ("interaction_id", "test_id")),
        more=[
            *map(_text, ("label", "first_label")),
            _number("revision"),
            _number("arrival", nullable=True),
            _number("told_at"),
        ],
    )
    op.create_index("idx_ab_outcomes_arrival", "ab_outcomes", ["test_id", "arrival"])


def _statistics() -> None:
    _keyed("ab_counts", *map(_text, ("test_id", "kind", "name", "variant")), more=[_number("count")])
    sums: list[sa.Column[Any]] = [_number("n"), *map(_text, ("total", "squares"))]
    _keyed(
        "ab_aggregates",
        *map(_text, ("test_id", "day", "variant", "metric")),
        _number("phase"),
        _text("stratum"),
        more=[*sums, _text("sketch", nullable=True)],
    )
    _keyed("ab_moments", *map(_text, ("test_id", "kind", "variant", "metric")), more=[_text("document")])
    _keyed(
        "ab_blocks",
        *map(_text, ("test_id", "metric")),
        _number("block"),
        _text("variant"),
        more=[_number("n"), *map(_text, ("total", "squares"))],
    )
    _keyed("ab_units", *map(_text, ("test_id", "user_id", "variant")), more=[_text("document")])


def _keyed(table: str, *key: sa.Column[Any], more: list[sa.Column[Any]]) -> None:
    """Create a table that is its own index."""
    names = [column.name for column in key]
    primary = sa.PrimaryKeyConstraint(*names, name=f"pk_{table}")
    op.create_table(table, *key, *more, primary, sqlite_with_rowid=False)
