"""Whether a database is there at all; opening a SQLite file that is not would create it."""

from __future__ import annotations

from mlops.cli.errors import DatabaseNotFound

__all__ = ["require_database"]


def require_database(url: str, *, hint: str) -> None:
    """Let a database pass that exists, or that a server keeps.

    Args:
        hint: What to do when it does not exist.

    Raises:
        DatabaseNotFound: It is a SQLite file that does not exist.
    """
    from mlops.database.location import locate

    place = locate(url)
    if place.path is not None and not place.path.exists():
        raise DatabaseNotFound(place.masked, hint=hint)
