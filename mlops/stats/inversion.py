"""From a test to its interval: where, between an accepted value and an end, a test begins to reject."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlops.stats.arguments import Floats

__all__ = ["limits"]

_STEPS = 60  # of regula falsi at most; ten to fifteen are usual
_CLOSE = 1e-13  # a step shorter than this, relative to where it leads, is the last
_BESIDE = 1e-12  # from where the search begins: equal rates of 0 have no spread, and what is beside them has


def limits(excess: Callable[[Floats], Floats], inside: Floats, ends: Floats) -> Floats:
    """Return the values at which a continuous excess passes 0, for many intervals at once.

    By regula falsi with the Illinois rule: it needs no derivative, and a dozen steps where halving needs forty.

    Args:
        excess: By how much the test rejects a value; at most 0 where it accepts.
        inside: Values that are accepted.
        ends: How far a limit can be; where the end itself is accepted, it is the limit.

    References:
        Dowell, Jarratt (1971), A modified regula falsi method for computing the root of an equation, BIT 11.
        doi:10.1007/BF01934364

    Example:
        >>> limits(lambda x: x**2 - 2, np.zeros(2), np.array([-5.0, 5.0])).round(6)
        array([-1.414214,  1.414214])
    """
    inner, outer = inside + np.clip(ends - inside, -_BESIDE, _BESIDE), ends
    below, above = np.minimum(excess(inner), 0.0), excess(outer)
    found, is_end, was_inner = ends, above <= 0, np.zeros(ends.shape, dtype=bool)
    for _ in range(_STEPS):
        before = found
        gap = above - below
        found = np.where(gap > 0, inner - below * (outer - inner) / np.where(gap > 0, gap, 1.0), outer)
        value = excess(found)
        is_inner = value <= 0
        above = np.where(is_inner, np.where(was_inner, above / 2, above), value)
        below = np.where(is_inner, value, np.where(was_inner, below, below / 2))
        inner, outer = np.where(is_inner, found, inner), np.where(is_inner, outer, found)
        was_inner = is_inner
        if np.all(is_end | (np.abs(found - before) <= _CLOSE * np.maximum(np.abs(found), 1.0))):
            break
    return np.where(is_end, ends, found)
