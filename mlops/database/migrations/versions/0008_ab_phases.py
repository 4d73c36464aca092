"""Sums of pairs, tables of predictions and counts of labels of A/B tests by the phase of a unit's first exposure.

Where all values of a test are of one phase, so is all that was summed. Where they are of several, what was summed over
them stands under phase 0: it is right in total, and only the log tells its parts (`mlops ab verify --rebuild`).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEY = ("test_id", "kind", "variant", "metric")


def upgrade() -> None:
    """Give the sums a phase."""
    _key_moments()
    counts = sa.table("ab_counts", sa.column("test_id"), sa.column("kind"), sa.column("name", sa.Text()))
    phase = sa.cast(_phase_of(counts.c.test_id), sa.Text())
    op.execute(counts.update().where(counts.c.kind.in_(["predictions", "labels"])).values(name=phase))
    opened = sa.func.substr(counts.c.name, 1, sa.func.length(counts.c.name) - 1, type_=sa.Text())
    op.execute(counts.update().where(counts.c.kind == "confusion").values(name=opened + "," + phase + "]"))


def _key_moments() -> None:
    op.execute("CREATE TABLE ab_moments_0007 AS SELECT * FROM ab_moments")
    op.drop_table("ab_moments")
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    after = op.create_table(
        "ab_moments",
        *(sa.Column(name, text, nullable=False) for name in _KEY),
        sa.Column("phase", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("document", text, nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, "phase", name="pk_ab_moments"),
        sqlite_with_rowid=False,
    )
    before = sa.table("ab_moments_0007", *map(sa.column, (*_KEY, "document")))
    phase = sa.case((before.c.kind == "pair", 0), else_=_phase_of(before.c.test_id))
    kept = sa.select(*(before.c[name] for name in _KEY), phase, before.c.document)
    op.execute(after.insert().from_select([*_KEY, "phase", "document"], kept))
    op.drop_table("ab_moments_0007")


def _phase_of(test_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
    """Return the one phase that all values of a test are of; of several it is 0."""
    cells = sa.table("ab_aggregates", *map(sa.column, ("test_id", "day", "phase")))
    first, last = sa.func.min(cells.c.phase), sa.func.max(cells.c.phase)
    one = sa.case((first == last, first), else_=0)
    return sa.select(one).where(cells.c.test_id == test_id, cells.c.day == "").scalar_subquery()
