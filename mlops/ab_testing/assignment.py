"""Which variant a unit gets: a pure function of the test's salt, the unit and the shares, alike on every machine.

A unit's place between 0 and 2^64 is 64 bits of BLAKE2b over salt, a zero byte and the unit; the shares, in the order of
the variants, cut that range into parts. What was assigned before, audience and time are not decided here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b

from mlops.ab_testing.entities import CONTROL
from mlops.errors import InvalidInput

__all__ = ["Allocation", "place_of", "ranked_first", "stepped"]

_RANGE = 1 << 64
_CLOSE = 1e-9  # how far from 1 the sum of shares may be, such as 0.1 + 0.2 + 0.7


def place_of(salt: str, unit: str) -> int:
    """Return the place of a unit, 0 to 2^64 - 1.

    Example:
        >>> place_of("pepper", "user_1") == place_of("pepper", "user_1") != place_of("salt", "user_1")
        True
    """
    return int.from_bytes(blake2b(f"{salt}\0{unit}".encode(), digest_size=8).digest(), "big")


class Allocation:
    """The shares of one phase, ready to assign units.

    Args:
        salt: The test's.
        shares: By variant, 0 to 1, summing to 1.
        variants: All variants in order; one without a share gets nobody.

    Raises:
        InvalidInput: The shares do not sum to 1, or name other variants.

    Example:
        >>> half = Allocation("pepper", {"control": 0.5, "treatment_1": 0.5}, ("control", "treatment_1"))
        >>> half.choose("user_1") == half.choose("user_1")
        True
    """

    __slots__ = ("_bounds", "_prefix", "_variants")

    def __init__(self, salt: str, shares: Mapping[str, float], variants: Sequence[str]) -> None:
        check_shares(shares, variants)
        self._prefix = f"{salt}\0"
        self._variants = tuple(name for name in variants if shares.get(name, 0) > 0)
        self._bounds = _bounds([shares[name] for name in self._variants])

    def choose(self, unit: str) -> str:
        """Return the variant of a unit."""
        place = int.from_bytes(blake2b((self._prefix + unit).encode(), digest_size=8).digest(), "big")
        return self._variants[bisect_right(self._bounds, place)]


def check_shares(shares: Mapping[str, float], variants: Sequence[str]) -> None:
    """Refuse shares that cannot divide the traffic among these variants.

    Raises:
        InvalidInput: They do not sum to 1, or name other variants.
    """
    strangers = sorted(set(shares) - set(variants))
    if strangers:
        raise InvalidInput(f"traffic_allocation names {strangers[0]!r}; the variants are {', '.join(variants)}.")
    total = sum(shares.values())
    if abs(total - 1) > _CLOSE:
        raise InvalidInput(f"traffic_allocation sums to {total:g}; shares must sum to 1.")


def _bounds(shares: Sequence[float]) -> tuple[int, ...]:
    """Return where the part of each variant but the last one ends."""
    total, bounds = sum(map(Fraction, shares)), []
    reached = Fraction(0)
    for share in shares[:-1]:
        reached += Fraction(share)
        bounds.append(int(reached / total * _RANGE))
    return tuple(bounds)


def stepped(shares: Mapping[str, float], share: float) -> dict[str, float]:
    """Return the allocation of a rollout's step: so much for all treatments together, the rest for control.

    Example:
        >>> stepped({"control": 0.5, "treatment_1": 0.3, "treatment_2": 0.2}, 0.1)
        {'control': 0.9, 'treatment_1': 0.06, 'treatment_2': 0.04}
    """
    treatments = {name: part for name, part in shares.items() if name != CONTROL}
    whole = sum(treatments.values())
    even = 1 / len(treatments) if treatments else 0.0
    parts = {name: round(share * (part / whole if whole else even), 12) for name, part in treatments.items()}
    return {CONTROL: round(1 - sum(parts.values()), 12), **parts}


def ranked_first(unit: str, salt: str, others: Iterable[str]) -> int:
    """Return how many other tests a unit would rather take part in, by each test's salt: alike in every process."""
    own = place_of(salt, f"rank\0{unit}")
    return sum(place_of(other, f"rank\0{unit}") < own for other in others)
