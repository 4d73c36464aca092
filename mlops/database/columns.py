"""The one MetaData of the package and its column types; tables are declared beside the store that owns them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from mlops.database.errors import NaiveTime

__all__ = ["Text", "UtcDateTime", "metadata", "read_moment", "write_moment"]

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text that is compared and sorted by code point on both databases."""


def write_moment(moment: datetime) -> str:
    """Return an aware datetime as fixed-width UTC text, which sorts as time does: `2026-11-23T03:36:00.000000Z`.

    Raises:
        NaiveTime: It has no time zone.
    """
    if moment.tzinfo is None:
        raise NaiveTime(moment)
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def read_moment(text: str) -> datetime:
    """Read what `write_moment` wrote."""
    return datetime.fromisoformat(text)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime: `timestamptz` on PostgreSQL, fixed-width ISO text on SQLite."""

    impl = sa.String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type on this database."""
        return sa.DateTime(timezone=True) if dialect.name == "postgresql" else sa.String(27)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times; hand aware ones over as the database keeps them."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise NaiveTime(value)
        return value if dialect.name == "postgresql" else write_moment(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (the signature is SQLAlchemy's)
        """Return aware UTC datetimes."""
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else read_moment(value)
