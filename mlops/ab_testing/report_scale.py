"""Axes of a report's charts: which range they show, where their ticks are, and what these say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mlops.ab_testing.entities import CONTROL, MetricKind
from mlops.ab_testing.measures import Measure
from mlops.ab_testing.report_data import ABTestReport, StratumComparison, TimelinePoint
from mlops.ab_testing.report_words import (
    Limits,
    deciding_difference,
    deciding_limits,
    measure_named,
    stratum_limits,
    told_limits,
)

__all__ = ["Scale", "development", "is_curve", "lift_scale", "shown_points", "strata_scale", "tick_text", "time_scale"]

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_ROOM = 0.06  # of the range, left free on either side
_WIDEST = 3.0  # times the last interval: wider ones are cut off by the edge of the picture
_WIDEST_STRATUM = 6.0  # times the narrowest interval, likewise
_MOST_POINTS = 200


class Scale(NamedTuple):
    """A range of values that an axis shows."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Return where a value stands in percent of the axis, the nearest end for those outside.

        Example:
            >>> Scale(0, 4).place(1), Scale(0, 4).place(9)
            (25.0, 100.0)
        """
        part = (value - self.low) / (self.high - self.low)
        return 100 * min(1.0, max(0.0, part))

    def shows(self, value: float) -> bool:
        """Tell whether a value lies within.

        Example:
            >>> Scale(0, 4).shows(4), Scale(0, 4).shows(9), Scale(0, 4).shows(math.nan)
            (True, False, False)
        """
        return self.low <= value <= self.high

    def ticks(self, most: int = 6) -> list[float]:
        """Return round values within, at most so many.

        Example:
            >>> Scale(-0.031, 0.058).ticks()
            [-0.02, 0.0, 0.02, 0.04]
        """
        step = self._step(most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(index * step, 12) + 0.0 for index in range(first, last + 1)]

    def _step(self, most: int) -> float:
        rough = (self.high - self.low) / most
        unit = 10.0 ** math.floor(math.log10(rough))
        return next(step * unit for step in _STEPS if step * unit >= rough * (1 - 1e-9))


def lift_scale(report: ABTestReport) -> Scale:
    """Return the range that shows every interval of the primary metric, no difference, and the least that matters."""
    smallest = report.minimum_detectable_effect or 0.0
    values = [0.0, -smallest, smallest]
    for one in (each.comparison for name, each in report.results.items() if name != CONTROL):
        if one is not None:
            values += [deciding_difference(report, one), one.lower, one.upper, *deciding_limits(report, one)]
    return _around(values)


def strata_scale(report: ABTestReport, strata: Sequence[StratumComparison]) -> Scale:
    """Return the range that shows the intervals of strata but for the widest: few values would hide what many say."""
    values = [0.0]
    for limits in (
        [Limits(each.lower, each.upper) for each in strata],
        [stratum_limits(report, each) for each in strata],
    ):
        narrowest = min((each.width for each in limits if each.is_known and each.width), default=math.inf)
        for each, (lower, upper) in zip(strata, limits, strict=True):
            if upper - lower <= _WIDEST_STRATUM * narrowest:
                values += [lower, upper, each.difference]
    return _around(values)


def development(report: ABTestReport) -> Scale:
    """Return the range of the primary metric's development: what the last intervals need, and not much more."""
    measure = measure_named(report, report.primary_metric)
    last = [point for point in report.timeline if point.at == report.timeline[-1].at]
    told = [(point, told_limits(measure, point.lower, point.upper)) for point in report.timeline]
    widest = max((limits.width for point, limits in told if point in last and limits.is_known), default=math.inf)
    values = [0.0, *(point.difference for point in last)]
    for point, limits in told:
        if limits.is_known and limits.width <= _WIDEST * widest:
            values += [*limits, point.difference]
    if math.isinf(widest):  # then the interval of one look tells what range matters
        found = [each.comparison for each in report.results.values() if each.comparison is not None]
        values += [limit for one in found for limit in (one.lower, one.upper)]
    return _around(values)


def time_scale(report: ABTestReport) -> Scale:
    """Return the range of the moments at which a report's development is known, in seconds since 1970."""
    moments = [point.at.timestamp() for point in report.timeline]
    return Scale(min(moments), max(moments)) if len(set(moments)) > 1 else Scale(moments[0] - 1, moments[0] + 1)


def shown_points(report: ABTestReport, variant: str) -> list[TimelinePoint]:
    """Return what of a treatment's development can be drawn, evenly spaced where there is much of it."""
    points = [point for point in report.timeline if point.variant == variant and math.isfinite(point.difference)]
    if len(points) <= _MOST_POINTS:
        return points
    gap = (len(points) - 1) / (_MOST_POINTS - 1)
    return [points[round(index * gap)] for index in range(_MOST_POINTS)]


def is_curve(points: Sequence[TimelinePoint]) -> bool:
    """Tell whether points show a development: two of them are a line that says nothing."""
    return len(points) > 2


def _around(values: Iterable[float]) -> Scale:
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    if not high - low > 0:
        return Scale(low - 1.0, high + 1.0)
    room = _ROOM * (high - low)
    return Scale(low - room, high + room)


def tick_text(measure: Measure, tick: float, ticks: Sequence[float]) -> str:
    """Return what a tick says: its sign, percentage points for rates, as many decimals as all ticks need.

    Example:
        >>> from mlops.ab_testing.measures import KNOWN
        >>> [tick_text(KNOWN["accuracy"], tick, [-0.025, 0.0, 0.025]) for tick in (-0.025, 0.0, 0.025)]
        ['−2.5', '0', '+2.5']
    """
    unit = 100.0 if measure.kind is MetricKind.PROPORTION else 1.0
    if tick == 0:
        return "0"
    decimals = next((places for places in range(8) if all(_is_round(unit * each, places) for each in ticks)), 8)
    size = abs(unit * tick)
    text = f"{size:.1e}" if size >= 1e7 or size < 1e-6 else f"{size:,.{decimals}f}"
    return f"{'−' if tick < 0 else '+'}{text}"


def _is_round(value: float, places: int) -> bool:
    return math.isclose(value, round(value, places), rel_tol=1e-9, abs_tol=1e-12)
