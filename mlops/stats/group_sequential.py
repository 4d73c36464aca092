"""Planned looks: boundaries, power and intervals of group sequential tests, by recursive numerical integration.

The statistics z₁ … z_K at shares t₁ < … < t_K of the planned information are those of a Brownian motion: z_k has mean
drift·√t_k and variance 1. `drift` is therefore the expected z at the end. Looks may be had at other shares than planned
(the spending function is asked for the error due), but not because of what an earlier look showed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mlops.errors import InvalidInput
from mlops.stats.arguments import Floats, check_fraction
from mlops.stats.spending import Spending, obrien_fleming

__all__ = [
    "Crossing",
    "Futility",
    "crossing_probabilities",
    "drift_for_power",
    "efficacy_boundaries",
    "futility_boundaries",
    "repeated_interval",
]

_DENSITY = 18  # grid points per unit; Jennison and Turnbull's r, which gives six digits
_HALVINGS = 45  # of intervals of z: to 1e-12
_HIGHEST = 40.0  # standard errors; no probability beyond it


class Crossing(NamedTuple):
    """The probability of first crossing a boundary, look by look."""

    upper: Floats
    lower: Floats


class Futility(NamedTuple):
    """Lower boundaries, and the drift at which the test that obeys them has its power."""

    boundaries: Floats
    drift: float


class _Continuing(NamedTuple):
    """Where tests that go on stand: values of z at the look before, their probabilities, its share of information."""

    points: Floats
    masses: Floats
    fraction: float


_BEGIN = _Continuing(np.zeros(1), np.ones(1), 0.0)


def efficacy_boundaries(
    fractions: ArrayLike, *, alpha: float = 0.05, sides: int = 2, spending: Spending = obrien_fleming
) -> Floats:
    """Return the z that each look must reach to stop for an effect.

    Null hypothesis: no drift. The chance that any look reaches its boundary is what the spending function gives for the
    last share: alpha at 1. Two-sided boundaries are symmetric and spend alpha/2 on each side. Assumes statistics that
    are close to normal, with increments independent of the past. Misleads when looks are timed by results.

    Args:
        fractions: Information so far over planned, at each look, ascending; above 1 counts as 1 for spending.
        alpha: The error, both sides together.
        sides: 2, or 1 for boundaries against positive drift only.
        spending: From `spending`.

    Returns:
        One boundary a look, in standard errors; infinite where nothing may be spent.

    Raises:
        InvalidInput: The fractions do not ascend from above 0.

    References:
        Lan, DeMets (1983), doi:10.1093/biomet/70.3.659; Armitage, McPherson, Rowe (1969), Repeated significance tests
        on accumulating data, JRSS A 132(2), doi:10.2307/2343787; Jennison, Turnbull (2000), Group Sequential Methods,
        sections 7.2 and 19.2.

    Example:
        >>> efficacy_boundaries([0.2, 0.4, 0.6, 0.8, 1.0]).round(3)
        array([4.877, 3.357, 2.68 , 2.29 , 2.031])
    """
    shares = _checked(fractions)
    spent = spending(shares, alpha / sides)
    continuing, found = _BEGIN, []
    for share, due in zip(shares, np.diff(spent, prepend=0.0), strict=True):
        boundary = _upper_boundary(continuing, share, due)
        found.append(boundary)
        continuing = _advance(continuing, share, -boundary if sides == 2 else -_HIGHEST, boundary, 0.0)
    return np.array([bound if bound < _HIGHEST else np.inf for bound in found])


def futility_boundaries(
    fractions: ArrayLike, upper: ArrayLike, *, power: float = 0.8, spending: Spending = obrien_fleming
) -> Futility:
    """Return the z below which each look may stop for futility, without touching the efficacy boundaries.

    They are not binding: the efficacy boundaries were computed as if they were not there, so a test that goes on in
    spite of them keeps its error. They cost power, and the drift that is needed for it is returned.

    Args:
        fractions: As for the efficacy boundaries; the last is the end.
        upper: One-sided efficacy boundaries.
        power: Chance of crossing an efficacy boundary at the drift returned, when futility is obeyed.
        spending: Of the error 1 - power.

    References:
        Pampallona, Tsiatis, Kim (2001), Interim monitoring of group sequential trials using spending functions for the
        type I and type II error probabilities, Drug Information Journal 35. doi:10.1177/009286150103500408

    Example:
        >>> shares = [0.5, 1.0]
        >>> found = futility_boundaries(shares, efficacy_boundaries(shares, alpha=0.025, sides=1), power=0.9)
        >>> found.boundaries.round(2), round(found.drift, 2)
        (array([0.27, 1.97]), 3.28)
    """
    shares, above = _checked(fractions), np.asarray(upper, dtype=float)
    dues = np.diff(spending(shares, 1 - check_fraction(power, "power")), prepend=0.0)
    low, high = 0.0, 20.0
    for _ in range(_HALVINGS):
        drift = (low + high) / 2
        is_enough = _lower_boundaries(shares, above, dues, drift)[-1] >= above[-1]
        low, high = (low, drift) if is_enough else (drift, high)
    boundaries = _lower_boundaries(shares, above, dues, high)
    return Futility(np.append(boundaries[:-1], above[-1]), high)


def _lower_boundaries(shares: Floats, upper: Floats, dues: Floats, drift: float) -> Floats:
    continuing, found = _BEGIN, []
    for share, above, due in zip(shares, upper, dues, strict=True):
        boundary = _lower_boundary(continuing, share, due, drift)
        found.append(boundary)
        continuing = _advance(continuing, share, min(boundary, above), above, drift)
    return np.array(found)


def crossing_probabilities(
    fractions: ArrayLike, upper: ArrayLike, lower: ArrayLike | None = None, *, drift: float = 0.0
) -> Crossing:
    """Return the probability of first crossing each boundary at each look.

    Args:
        fractions: Information so far over planned, ascending.
        upper: Upper boundaries of z; infinite ones are never crossed.
        lower: Lower boundaries of z; none when left out.
        drift: Expected z at a share of 1, such as effect over its standard error at the end.

    Returns:
        One probability a look and side; their sum over `upper` is the power, or with no drift the error.

    References:
        Armitage, McPherson, Rowe (1969), doi:10.2307/2343787; Jennison, Turnbull (2000), section 19.2.

    Example:
        >>> five = [0.2, 0.4, 0.6, 0.8, 1.0]
        >>> round(float(2 * crossing_probabilities(five, [1.96] * 5, [-1.96] * 5).upper.sum()), 3)
        0.142
    """
    shares = _checked(fractions)
    above = np.minimum(np.asarray(upper, dtype=float), _HIGHEST)
    below = np.full(above.shape, -_HIGHEST) if lower is None else np.maximum(np.asarray(lower, float), -_HIGHEST)
    continuing, up, down = _BEGIN, [], []
    for share, high, low in zip(shares, above, below, strict=True):
        up.append(_tail_above(continuing, share, high, drift))
        down.append(_tail_below(continuing, share, low, drift))
        continuing = _advance(continuing, share, low, high, drift)
    return Crossing(np.array(up), np.array(down))


def drift_for_power(
    fractions: ArrayLike, upper: ArrayLike, lower: ArrayLike | None = None, *, power: float = 0.8
) -> float:
    """Return the expected z at the end at which an upper boundary is crossed with probability `power`.

    Its square, over that of a test with one look, is the factor by which the planned looks enlarge the sample.

    Example:
        >>> five = [0.2, 0.4, 0.6, 0.8, 1.0]
        >>> bounds = efficacy_boundaries(five)
        >>> round(drift_for_power(five, bounds, -bounds, power=0.9), 3)
        3.279
    """
    wanted, low, high = check_fraction(power, "power"), 0.0, 20.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_enough = crossing_probabilities(fractions, upper, lower, drift=middle).upper.sum() >= wanted
        low, high = (low, middle) if is_enough else (middle, high)
    return high


def repeated_interval(estimate: ArrayLike, standard_error: ArrayLike, boundary: ArrayLike) -> tuple[Floats, Floats]:
    """Return the interval at a look that holds at all planned looks together: the estimate ± boundary standard errors.

    Args:
        estimate: At that look.
        standard_error: Of it.
        boundary: The look's two-sided efficacy boundary.

    References:
        Jennison, Turnbull (1989), Interim analyses: the repeated confidence interval approach, JRSS B 51(3).
        doi:10.1111/j.2517-6161.1989.tb01433.x

    Example:
        >>> repeated_interval(1.0, 0.5, 3.0)
        (array(-0.5), array(2.5))
    """
    centre, margin = np.asarray(estimate, dtype=float), np.multiply(standard_error, boundary)
    return np.asarray(centre - margin), np.asarray(centre + margin)


def _checked(fractions: ArrayLike) -> Floats:
    shares = np.atleast_1d(np.asarray(fractions, dtype=float))
    if not (shares.ndim == 1 and shares.size and shares[0] > 0 and np.all(np.diff(shares) > 0)):
        raise InvalidInput(f"fractions {shares.tolist()} must ascend from above 0, one for each look.")
    return shares


def _upper_boundary(continuing: _Continuing, share: float, due: float) -> float:
    low, high = -_HIGHEST, _HIGHEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_too_much = _tail_above(continuing, share, middle, 0.0) > due
        low, high = (middle, high) if is_too_much else (low, middle)
    return high


def _lower_boundary(continuing: _Continuing, share: float, due: float, drift: float) -> float:
    low, high = -_HIGHEST, _HIGHEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_too_much = _tail_below(continuing, share, middle, drift) > due
        low, high = (low, middle) if is_too_much else (middle, high)
    return low


def _tail_above(continuing: _Continuing, share: float, boundary: float, drift: float) -> float:
    return float(continuing.masses @ special.ndtr(-_increment(continuing, share, boundary, drift)))


def _tail_below(continuing: _Continuing, share: float, boundary: float, drift: float) -> float:
    return float(continuing.masses @ special.ndtr(_increment(continuing, share, boundary, drift)))


def _increment(continuing: _Continuing, share: float, z: ArrayLike, drift: float) -> Floats:
    """Return the standardised step that leads from each point of the look before to z."""
    step = share - continuing.fraction
    moved = np.asarray(z, dtype=float) * np.sqrt(share) - continuing.points * np.sqrt(continuing.fraction)
    return np.asarray((moved - drift * step) / np.sqrt(step))


def _advance(continuing: _Continuing, share: float, lower: float, upper: float, drift: float) -> _Continuing:
    """Return where tests stand that go on between the boundaries of this look."""
    points, weights = _grid(lower, upper, drift * np.sqrt(share))
    steps = _increment(continuing, share, points[:, None], drift)
    scale = np.sqrt(share / (share - continuing.fraction) / (2 * np.pi))
    density = scale * np.exp(-0.5 * steps**2) @ continuing.masses
    return _Continuing(points, weights * density, share)


def _grid(lower: float, upper: float, mean: float) -> tuple[Floats, Floats]:
    """Return points and Simpson weights between the boundaries (Jennison and Turnbull 2000, section 19.3)."""
    outer = 3 + 4 * np.log(_DENSITY / np.arange(1, _DENSITY))
    inner = np.linspace(-3, 3, 4 * _DENSITY + 1)
    knots = mean + np.concatenate([-outer, inner, outer[::-1]])
    knots = np.concatenate([[lower], knots[(knots > lower) & (knots < upper)], [upper]])
    points = np.empty(2 * knots.size - 1)
    points[::2], points[1::2] = knots, (knots[1:] + knots[:-1]) / 2
    widths = np.diff(knots)
    weights = np.zeros(points.size)
    weights[1::2] = 4 * widths / 6
    weights[:-2:2] += widths / 6
    weights[2::2] += widths / 6
    return points, weights
