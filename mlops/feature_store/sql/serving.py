"""Which version of a view serves: asked with every request for online features."""

from __future__ import annotations

import sqlalchemy as sa

from mlops.database import Database, DriverStatement
from mlops.feature_store.references import ViewReference
from mlops.feature_store.sql.tables import views

__all__ = ["serving_version"]

_LIVE = views.c.deleted_at.is_(None)
_NAMED = (views.c.project == sa.bindparam("project"), views.c.name == sa.bindparam("name"))
_ONE = sa.literal_column("1", sa.Integer)
_SERVING = DriverStatement(sa.select(views.c.view_id).where(*_NAMED, views.c.is_serving == _ONE), ("project", "name"))
_PINNED = DriverStatement(
    sa.select(views.c.view_id).where(*_NAMED, views.c.version == sa.bindparam("version"), _LIVE),
    ("project", "name", "version"),
)


def serving_version(database: Database, project: str, view: ViewReference) -> str | None:
    """Return the id of the version that serves, or of the one named; None when there is none."""
    is_pinned = view.version is not None
    rows = database.fetch(_PINNED, (project, *view)) if is_pinned else database.fetch(_SERVING, (project, view.name))
    return rows[0][0] if rows else None
