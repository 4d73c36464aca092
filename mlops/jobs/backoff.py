"""How long to pause before the next attempt; pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from mlops.errors import InvalidInput

__all__ = ["Backoff"]

_YEAR_S = 31_536_000


@dataclass(frozen=True)
class Backoff:
    """Pauses that double, with a random part so that jobs which failed together do not come back together.

    Attributes:
        first_s: Longest pause after the first failed attempt, in seconds.
        longest_s: Longest pause at all, in seconds, up to a year.

    Raises:
        InvalidInput: A pause is negative, longer than a year, or the first is longer than the longest.

    Example:
        >>> Backoff(first_s=2).pause_s(3, Random(1)) <= 8
        True
    """

    first_s: float = 2.0
    longest_s: float = 300.0

    def __post_init__(self) -> None:
        if not 0 <= self.first_s <= self.longest_s <= _YEAR_S:
            raise InvalidInput(f"{self!r} cannot be: allowed is 0 ≤ first_s ≤ longest_s ≤ {_YEAR_S} (a year).")

    def pause_s(self, attempt: int, chance: Random) -> float:
        """Return the seconds to pause after attempt number `attempt` has failed: between half of the longest and it."""
        longest = min(self.longest_s, self.first_s * 2.0 ** min(attempt - 1, 60))
        return longest * chance.uniform(0.5, 1.0)
