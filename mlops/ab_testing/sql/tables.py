"""The tables of A/B tests; migrations 0007 and 0008 make them."""

from __future__ import annotations

import sqlalchemy as sa

from mlops.database import Text, UtcDateTime, metadata

__all__ = ["blocks", "cells", "counts", "exposures", "interactions", "moments", "moves", "outcomes", "tests", "units"]


def _text(name: str, *, is_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, Text, nullable=False, primary_key=is_key)


def _number(name: str, *, is_key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, primary_key=is_key, autoincrement=False)


def _keys(*names: str) -> list[sa.Column[str]]:
    return [_text(name, is_key=True) for name in names]


tests = sa.Table(
    "ab_tests",
    metadata,
    _text("test_id", is_key=True),
    *map(_text, ("project", "name", "status", "test_type", "control_model_id", "primary_metric", "owner")),
    _text("created_by"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    _number("revision"),
    _text("document"),  # JSON of the config
    _text("forced"),  # JSON
    sa.Column("report", Text),  # JSON, once it is over
    sa.Index("idx_ab_tests_project_created_at", "project", "created_at"),
    sa.Index("idx_ab_tests_revision", "revision", unique=True),
)

moves = sa.Table(
    "ab_moves",
    metadata,
    _text("test_id", is_key=True),
    _number("sequence", is_key=True),
    _text("document"),  # JSON
    sqlite_with_rowid=False,
)

exposures = sa.Table(
    "ab_exposures",
    metadata,
    *_keys("test_id", "user_id"),
    _text("variant"),
    _number("phase"),
    _number("is_active"),  # whether an interaction was logged
    _number("at"),  # µs since 1970
    sqlite_with_rowid=False,
)

interactions = sa.Table(
    "ab_interactions",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    *map(_text, ("test_id", "interaction_id", "variant", "user_id")),
    _number("phase"),  # of the user's first exposure
    _number("logged_phase"),
    _number("at"),  # µs since 1970
    _number("is_forced"),
    sa.Column("request_id", Text),
    _text("document"),  # JSON
    sa.Index("idx_ab_interactions_id", "interaction_id", "test_id", unique=True),
    sa.Index("idx_ab_interactions_test", "test_id", "seq"),
    sa.Index(
        "idx_ab_interactions_request",
        "test_id",
        "request_id",
        sqlite_where=sa.text("request_id IS NOT NULL"),
        postgresql_where=sa.text("request_id IS NOT NULL"),
    ),
)

outcomes = sa.Table(
    "ab_outcomes",
    metadata,
    *_keys("interaction_id", "test_id"),
    *map(_text, ("label", "first_label")),  # JSON
    _number("revision"),
    sa.Column("arrival", sa.BigInteger),  # NULL: its interaction has not arrived
    _number("told_at"),  # µs since 1970
    sa.Index("idx_ab_outcomes_arrival", "test_id", "arrival"),
    sqlite_with_rowid=False,
)

counts = sa.Table(
    "ab_counts", metadata, *_keys("test_id", "kind", "name", "variant"), _number("count"), sqlite_with_rowid=False
)

cells = sa.Table(
    "ab_aggregates",
    metadata,
    *_keys("test_id", "day", "variant", "metric"),
    _number("phase", is_key=True),
    _text("stratum", is_key=True),
    _number("n"),
    *map(_text, ("total", "squares")),  # exact, as stats.moments writes them
    sa.Column("sketch", Text),  # JSON
    sqlite_with_rowid=False,
)

moments = sa.Table(
    "ab_moments",
    metadata,
    *_keys("test_id", "kind", "variant", "metric"),
    _number("phase", is_key=True),
    _text("document"),
    sqlite_with_rowid=False,
)

blocks = sa.Table(
    "ab_blocks",
    metadata,
    *_keys("test_id", "metric"),
    _number("block", is_key=True),
    _text("variant", is_key=True),
    _number("n"),
    *map(_text, ("total", "squares")),
    sqlite_with_rowid=False,
)

units = sa.Table(
    "ab_units", metadata, *_keys("test_id", "user_id", "variant"), _text("document"), sqlite_with_rowid=False
)
