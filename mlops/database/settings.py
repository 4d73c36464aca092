"""How a database is used; the defaults of `mlops.config`'s section `database`."""

from __future__ import annotations

from dataclasses import dataclass

from mlops.errors import InvalidInput

__all__ = ["DatabaseSettings"]

_DAY_S = 86_400


@dataclass(frozen=True)
class DatabaseSettings:
    """Limits of one database in one process.

    Attributes:
        pool_size: Connections kept open (readers on SQLite).
        max_connections: Connections open at most.
        lock_timeout_s: Seconds a write waits for other writers, or a caller for a connection; up to a day.

    Raises:
        InvalidInput: `max_connections` is less than `pool_size`, a limit is not positive, or the wait beyond a day.
    """

    pool_size: int = 5
    max_connections: int = 20
    lock_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        if not 1 <= self.pool_size <= self.max_connections:
            raise InvalidInput(
                f"{self!r} cannot be: allowed is 1 ≤ pool_size ≤ max_connections. "
                "Raise max_connections or lower pool_size."
            )
        if not 0 < self.lock_timeout_s <= _DAY_S:
            raise InvalidInput(
                f"lock_timeout_s is {self.lock_timeout_s}; allowed are seconds above 0, up to {_DAY_S} (a day)."
            )

    @property
    def overflow(self) -> int:
        """Connections beyond `pool_size` that may be opened for a while."""
        return self.max_connections - self.pool_size
