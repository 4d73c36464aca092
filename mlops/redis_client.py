"""The one place that opens a connection to Redis or Valkey, and says nothing of what its URL holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops.errors import InvalidInput, require

if TYPE_CHECKING:
    import redis

__all__ = ["redis_client"]


def redis_client(url: str, *, timeout_s: float, **options: Any) -> redis.Redis:
    """Return a client of a server; nothing is sent before its first command.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        timeout_s: Seconds to wait for a connection, and for an answer.
        options: Further ones of `redis.Redis.from_url`.

    Raises:
        InvalidInput: The URL is none of a Redis server. The error does not repeat it: it may hold a password.
        MissingDependency: The extra `redis` is not installed.
    """
    library: Any = require("redis", package="redis", extra="redis", purpose="database.redis_url")
    try:
        client: redis.Redis = library.Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, **options
        )
    except ValueError:
        raise InvalidInput(
            "database.redis_url cannot be the URL of a Redis server. Write redis://host:6379/0 or "
            "redis://user:password@host:6379/0, rediss:// for TLS, unix:// for a socket; # and / of a password are %23 "
            "and %2F."
        ) from None
    return client
