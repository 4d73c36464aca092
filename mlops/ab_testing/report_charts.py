"""The charts of a report's page as SVG within it: lifts, their development, shares of traffic and labels.

Places along an axis are percentages, so that charts fill any width and their texts stay as large as the page's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from mlops.ab_testing.entities import CONTROL, VariantComparison
from mlops.ab_testing.measures import Measure
from mlops.ab_testing.report_data import ABTestReport, StratumComparison, TimelinePoint
from mlops.ab_testing.report_scale import Scale, development, shown_points, tick_text, time_scale
from mlops.ab_testing.report_words import Limits, deciding_difference, deciding_limits, stratum_limits, told_limits

__all__ = ["colour_of", "development_chart", "lift_axis", "lift_row", "share_bar", "stacked_bar", "stratum_row"]

_SERIES = 8
_ROW, _LOW_ROW = 46, 30
_PLOT, _FOOT, _GUTTER = 240, 26, 52
_CLOSE = 3 * 86_400  # seconds below which ticks tell the hour


def colour_of(variants: Sequence[str], variant: str) -> str:
    """Return the class that gives a variant its colour: control is grey."""
    return "s0" if variant == CONTROL else f"s{(list(variants).index(variant) - 1) % _SERIES + 1}"


def lift_row(report: ABTestReport, comparison: VariantComparison, scale: Scale, colour: str) -> str:
    """Return one treatment's line of a forest plot: the interval for every look, that of one look, the difference.

    Fixed designs show that of one look only. Differences smaller than the minimum detectable effect are shaded.
    """
    once, decides = Limits(comparison.lower, comparison.upper), deciding_limits(report, comparison)
    return _line(report, deciding_difference(report, comparison), (once, decides), scale, (colour, _ROW))


def stratum_row(report: ABTestReport, found: StratumComparison, scale: Scale, colour: str) -> str:
    """Return the line of one treatment in one stratum, as `lift_row` does; what lies beyond the axis is cut off."""
    once, decides = Limits(found.lower, found.upper), stratum_limits(report, found)
    return _line(report, found.difference, (once, decides), scale, (colour, _LOW_ROW))


def _line(
    report: ABTestReport, difference: float, limits: tuple[Limits, Limits], scale: Scale, look: tuple[str, int]
) -> str:
    """Return a line of a forest plot.

    Args:
        report: Whose mode and least effect it shows.
        difference: Treatment minus control.
        limits: Of one look, and those that decide.
        scale: The range of the axis.
        look: The class of its colour, and its height.
    """
    (once, decides), (colour, height) = limits, look
    middle = height / 2
    parts = [_grid(scale, height, report.minimum_detectable_effect)]
    if decides.is_known and report.method.mode != "fixed":
        left, right = map(scale.place, decides)
        parts.append(f'<line class="whisker" x1="{left:.2f}%" x2="{right:.2f}%" y1="{middle}" y2="{middle}"/>')
        parts += [
            f'<line class="whisker" x1="{x:.2f}%" x2="{x:.2f}%" y1="{middle - 7:g}" y2="{middle + 7:g}"/>'
            for limit, x in zip(decides, (left, right), strict=True)
            if scale.shows(limit)
        ]
    if once.is_known:
        left, right = map(scale.place, once)
        parts.append(f'<rect class="once" x="{left:.2f}%" y="{middle - 5:g}" width="{right - left:.2f}%" height="10"/>')
    if scale.shows(difference):
        parts.append(f'<circle class="point" cx="{scale.place(difference):.2f}%" cy="{middle}" r="5"/>')
    return f'<svg class="plot {colour}" width="100%" height="{height}" aria-hidden="true">{"".join(parts)}</svg>'


def _grid(scale: Scale, height: int, smallest: float | None) -> str:
    parts = []
    if smallest is not None:
        left, right = scale.place(-smallest), scale.place(smallest)
        parts.append(f'<rect class="band" x="{left:.2f}%" y="0" width="{right - left:.2f}%" height="{height}"/>')
    for tick in scale.ticks():
        kind = "grid" if tick else "zero"
        parts.append(
            f'<line class="{kind}" x1="{scale.place(tick):.2f}%" x2="{scale.place(tick):.2f}%" y1="0" y2="{height}"/>'
        )
    return "".join(parts)


def lift_axis(measure: Measure, scale: Scale) -> str:
    """Return the axis below a forest plot."""
    ticks = scale.ticks()
    texts = "".join(
        f'<text x="{scale.place(tick):.2f}%" y="13" text-anchor="middle">{tick_text(measure, tick, ticks)}</text>'
        for tick in ticks
    )
    return f'<svg class="plot axis" width="100%" height="18" aria-hidden="true">{texts}</svg>'


def development_chart(report: ABTestReport, measure: Measure, variant: str, colour: str) -> str:
    """Return how the difference of a treatment to control developed, in its interval that holds at every look."""
    scale, times = development(report), time_scale(report)
    points = shown_points(report, variant)
    known = [point for point in points if told_limits(measure, point.lower, point.upper).is_known]
    inner = f"{_ribbon(known, scale, times)}{_curve(points, scale, times)}"
    last = points[-1]
    x, y = times.place(last.at.timestamp()), _height(scale, last.difference)
    mark = f'<circle class="point" cx="{x:.2f}%" cy="{y / 100 * _PLOT:.1f}" r="4.5"/>'
    plot = (
        f'<svg x="0" y="0" width="100%" height="{_PLOT}" viewBox="0 0 100 100" preserveAspectRatio="none">{inner}</svg>'
    )
    texts, lines = _levels(measure, scale)
    band = _band(scale, report.minimum_detectable_effect)
    return (
        f'<div class="chart"><svg class="plot" width="{_GUTTER}" height="{_PLOT}" aria-hidden="true">{texts}</svg>'
        f'<svg class="plot {colour}" width="100%" height="{_PLOT + _FOOT}" role="img" '
        f'aria-label="Development of the difference">{band}{lines}{plot}{mark}{_dates(times)}</svg></div>'
    )


def _band(scale: Scale, smallest: float | None) -> str:
    """Return the shade over differences that are too small to matter, as far as the picture shows them."""
    if smallest is None:
        return ""
    top, bottom = (min(100.0, max(0.0, _height(scale, each))) / 100 * _PLOT for each in (smallest, -smallest))
    return f'<rect class="band" x="0" y="{top:.1f}" width="100%" height="{bottom - top:.1f}"/>'


def _height(scale: Scale, value: float) -> float:
    """Return how far down a value stands, in percent; outside where it is outside."""
    return 100 * (scale.high - value) / (scale.high - scale.low)


def _ribbon(known: Sequence[TimelinePoint], scale: Scale, times: Scale) -> str:
    if len(known) < 2:
        return ""
    above = [(times.place(one.at.timestamp()), _height(scale, one.upper)) for one in known]
    below = [(times.place(one.at.timestamp()), _height(scale, one.lower)) for one in reversed(known)]
    corners = " ".join(f"{x:.2f},{_near(y):.2f}" for x, y in above + below)
    return f'<polygon class="ribbon" points="{corners}"/>'


def _curve(points: Sequence[TimelinePoint], scale: Scale, times: Scale) -> str:
    corners = " ".join(
        f"{times.place(one.at.timestamp()):.2f},{_near(_height(scale, one.difference)):.2f}" for one in points
    )
    return f'<polyline class="curve" points="{corners}"/>'


def _near(height: float) -> float:
    """Keep what lies far outside of the picture where browsers still can compute with it."""
    return min(max(height, -1000.0), 1000.0)


def _levels(measure: Measure, scale: Scale) -> tuple[str, str]:
    """Return the texts of the axis, for its left side, and the lines across the picture."""
    ticks = scale.ticks(5)
    texts, lines = [], []
    for tick in ticks:
        y = _height(scale, tick) / 100 * _PLOT
        lines.append(f'<line class="{"grid" if tick else "zero"}" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>')
        text = tick_text(measure, tick, ticks)
        texts.append(f'<text x="{_GUTTER - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    return "".join(texts), "".join(lines)


def _dates(times: Scale) -> str:
    marks = ((0.0, "start"), (0.5, "middle"), (1.0, "end"))
    texts = []
    for part, anchor in marks:
        moment = datetime.fromtimestamp(times.low + part * (times.high - times.low), UTC)
        text = f"{moment:%Y-%m-%d %H:%M}" if times.high - times.low < _CLOSE else f"{moment:%Y-%m-%d}"
        texts.append(f'<text x="{100 * part:.0f}%" y="{_PLOT + 19}" text-anchor="{anchor}">{text}</text>')
    return "".join(texts)


def share_bar(share: float, colour: str, *, expected: float | None = None) -> str:
    """Return a share of 1 as a bar; where another was expected, a tick stands there."""
    width = 0.0 if not share > 0 else max(0.5, min(100.0, 100 * share))
    tick = ""
    if expected is not None and math.isfinite(expected):
        x = min(99.6, 100 * expected)
        tick = f'<line class="expected" x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="14"/>'
    return (
        f'<svg class="bar {colour}" width="100%" height="14" aria-hidden="true">'
        f'<rect class="track" y="3" width="100%" height="8"/><rect class="fill" y="3" width="{width:.2f}%" '
        f'height="8"/>{tick}</svg>'
    )


def stacked_bar(shares: Mapping[str, float], variants: Sequence[str]) -> str:
    """Return an allocation as one bar, variants from left to right."""
    at, parts = 0.0, []
    for variant in variants:
        share, colour = shares.get(variant, 0.0), colour_of(variants, variant)
        parts.append(f'<rect class="fill {colour}" x="{100 * at:.2f}%" y="3" width="{100 * share:.2f}%" height="8"/>')
        at += share
    return f'<svg class="bar" width="100%" height="14" aria-hidden="true">{"".join(parts)}</svg>'
