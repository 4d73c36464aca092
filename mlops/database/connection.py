"""The two calls for somebody who wonders whether the database works: try it, and show how it is configured."""

from __future__ import annotations

from typing import Any

from mlops.config import ConfigManager, MLOpsConfig
from mlops.database import schema
from mlops.database.registry import Database, open_database
from mlops.database.settings import DatabaseSettings

__all__ = ["configured_database", "get_connection_info", "test_connection"]


def configured_database(url: str | None = None, config: MLOpsConfig | None = None) -> Database:
    """Open the database at `url`, or the configured one, with the configured limits.

    Args:
        config: The configuration; None loads it from the environment and the configuration file.
    """
    section = (config or ConfigManager().load_config()).database
    settings = DatabaseSettings(section.pool_size, section.max_connections, section.lock_timeout_s)
    return open_database(url or section.url, settings)


def test_connection(url: str | None = None) -> bool:  # noqa: PT028 (a name of the guide, not a test)
    """Open the database, write nothing, print one line about it, and return True.

    Args:
        url: The database to try; the configured one when left out.

    Raises:
        DatabaseUnavailable: It cannot be reached; the message says why.
        UnsupportedLocation: The URL cannot be a database of this package.
    """
    info = get_connection_info(url)
    print(f"Connected to {info['url']} ({info['server_version']}, schema {info['schema_version']})")  # noqa: T201
    return True


def get_connection_info(url: str | None = None) -> dict[str, Any]:
    """Return dialect, URL with its password masked, server and schema version, and the state of the pool."""
    with configured_database(url) as database:
        return {**database.describe(), "schema_version": schema.current(database)}
