"""Whether a database is there at all; opening a SQLite file that is not would create it."""

from __future__ import annotations

from mlops.cli.errors import DatabaseNotFound

__all__ = ["existing_database"]


def existing_database(named: str | None, *, hint: str) -> str:
    """Return the URL of the database that is named, or else configured, if it exists or a server keeps it.

    Args:
        hint: What to do when it does not exist.

    Raises:
        DatabaseNotFound: It is a SQLite file that does not exist.
    """
    from mlops.config import ConfigManager
    from mlops.database.location import locate

    url = named or ConfigManager().load_config().database.url
    place = locate(url)
    if place.path is not None and not place.path.exists():
        raise DatabaseNotFound(place.masked, hint=hint)
    return url
