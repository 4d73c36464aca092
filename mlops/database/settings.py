"""How a database is used; the defaults of `mlops.config`'s section `database`."""

from __future__ import annotations

from dataclasses import dataclass

from mlops.errors import InvalidInput

__all__ = ["DatabaseSettings"]


@dataclass(frozen=True)
class DatabaseSettings:
    """Limits of one database in one process.

    Attributes:
        pool_size: Connections kept open (readers on SQLite).
        max_connections: Connections open at most.
        lock_timeout_s: Seconds a write waits for other writers, or a caller for a connection.

    Raises:
        InvalidInput: `max_connections` is less than `pool_size`, or a limit is not positive.
    """

    pool_size: int = 5
    max_connections: int = 20
    lock_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        if not 1 <= self.pool_size <= self.max_connections or not self.lock_timeout_s > 0:
            raise InvalidInput(
                f"{self!r} cannot be: allowed are 1 ≤ pool_size ≤ max_connections and lock_timeout_s > 0. "
                "Raise max_connections or lower pool_size."
            )

    @property
    def overflow(self) -> int:
        """Connections beyond `pool_size` that may be opened for a while."""
        return self.max_connections - self.pool_size
