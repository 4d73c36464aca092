"""From a test to its interval: where, between an accepted value and an end, a test begins to reject."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlops.stats.arguments import Floats

__all__ = ["limits"]

_STEPS = 60  # at most; four to six are usual
_CLOSE = 1e-13  # a step shorter than this, relative to where it begins, is the last
_BESIDE = 1e-12  # from where the search begins: equal rates of 0 have no spread, and what is beside them has


def limits(excess: Callable[[Floats], Floats], inside: Floats, ends: Floats) -> Floats:
    """Return the values at which a continuous excess passes 0, for many intervals at once.

    By secants, kept between what is known to be accepted and what is known to be rejected: where a secant leads out of
    there, the middle is tried. The first guess is as far from the inside as the excess is below 0, which is right for
    tests that reject a distance beyond some reach when that reach is the same everywhere.

    Args:
        excess: By how much the test rejects a value; at most 0 where it accepts. Asked for several values of each
            interval at once, along one more axis in front.
        inside: Values that are accepted.
        ends: How far a limit can be; where the end itself is accepted, it is the limit.

    References:
        Brent (1973), Algorithms for Minimization without Derivatives, chapter 4. ISBN 0-13-022335-2

    Example:
        >>> limits(lambda x: x**2 - 2, np.zeros(2), np.array([-5.0, 5.0])).round(6)
        array([-1.414214,  1.414214])
    """
    inside = inside + np.clip(ends - inside, -_BESIDE, _BESIDE)
    value, beyond = excess(np.stack([inside, ends]))
    accepted, rejected, point, is_found = inside, ends, inside, beyond <= 0
    after = np.where(is_found, ends, _kept(inside + np.copysign(value, ends - inside), accepted, rejected))
    for _ in range(_STEPS):
        before, value_before, point = point, value, after
        value = excess(point)
        accepted, rejected = np.where(value <= 0, point, accepted), np.where(value <= 0, rejected, point)
        with np.errstate(divide="ignore", invalid="ignore"):
            secant = point - value * (point - before) / (value - value_before)
        after = np.where(is_found, point, _kept(secant, accepted, rejected))
        is_found = is_found | (np.abs(after - point) <= _CLOSE * np.maximum(np.abs(point), 1.0))
        if is_found.all():
            break
    return after


def _kept(found: Floats, one: Floats, other: Floats) -> Floats:
    """Return what was found where it lies between two values, else the middle of them."""
    return np.where((found - one) * (other - found) >= 0, found, (one + other) / 2)
