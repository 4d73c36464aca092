"""How a database is used; the defaults of `mlops.config`'s section `database`."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DatabaseSettings"]


@dataclass(frozen=True)
class DatabaseSettings:
    """Limits of one database in one process.

    Attributes:
        pool_size: Connections kept open (readers on SQLite).
        max_connections: Connections open at most.
        lock_timeout_s: Seconds a write waits for other writers, or a caller for a connection.
    """

    pool_size: int = 5
    max_connections: int = 20
    lock_timeout_s: float = 60.0

    @property
    def overflow(self) -> int:
        """Connections beyond `pool_size` that may be opened for a while."""
        return max(0, self.max_connections - self.pool_size)
