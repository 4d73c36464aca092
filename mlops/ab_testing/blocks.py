"""Where the blocks of arrival order end: a schedule fixed before the test, so that no result can move it.

Tests that hold at every look cut their values, counted over all variants together in the order in which they came,
into blocks. A few hundred blocks serve any number of values, so that reading them stays quick.
"""

from __future__ import annotations

import bisect
import itertools
from functools import lru_cache

__all__ = ["GROWTH", "SMALLEST", "block_of", "ends_until", "look_sizes", "planned_block_of"]

SMALLEST = 100
"""Values in each of the first blocks."""

GROWTH = 0.05
"""Later blocks are this share of what came before them: what a block hides delays a stop by at most that."""

_MOST = 10**12


@lru_cache(maxsize=1)
def _ends() -> tuple[int, ...]:
    """Return after how many values each block ends: some 500 numbers."""
    return tuple(
        itertools.takewhile(
            lambda end: end < _MOST,
            itertools.accumulate(itertools.repeat(0), lambda end, _: end + max(SMALLEST, int(end * GROWTH)), initial=0),
        )
    )[1:]


def block_of(index: int) -> int:
    """Return the block, from 0, of the value that came as number `index`, from 0.

    Example:
        >>> block_of(0), block_of(99), block_of(100), block_of(10_000_000)
        (0, 0, 1, 194)
    """
    return bisect.bisect_right(_ends(), index)


def ends_until(most: int) -> tuple[int, ...]:
    """Return after how many values each block ends that ends by then.

    Example:
        >>> ends_until(350)
        (100, 200, 300)
    """
    return _ends()[: bisect.bisect_right(_ends(), most)]


@lru_cache(maxsize=64)
def _planned_ends(looks: int, maximum: int) -> tuple[int, ...]:
    """Return the ends of the schedule with those of the looks among them."""
    return tuple(sorted({*_ends(), *look_sizes(looks, maximum)}))


def look_sizes(looks: int, maximum: int) -> tuple[int, ...]:
    """Return after how many values each planned look is due.

    Example:
        >>> look_sizes(4, 1001)
        (251, 501, 751, 1001)
    """
    return tuple(-(-maximum * look // looks) for look in range(1, looks + 1))


def planned_block_of(index: int, *, looks: int, maximum: int) -> int:
    """Return the block of a value when every planned look ends a block too.

    Args:
        index: Number of the value, from 0.
        looks: How many looks are planned, evenly spaced.
        maximum: Values at the last look.

    Example:
        >>> [planned_block_of(index, looks=4, maximum=1000) for index in (0, 199, 249, 250, 999)]
        [0, 1, 2, 3, 11]
    """
    return bisect.bisect_right(_planned_ends(looks, maximum), index)
