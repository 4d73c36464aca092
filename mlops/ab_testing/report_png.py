"""The essentials of a report as one picture: verdict, lifts, their development, traffic, labels, guardrails."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlops.ab_testing.entities import CONTROL, TestType, VariantComparison
from mlops.ab_testing.measures import Measure
from mlops.ab_testing.report_data import ABTestReport
from mlops.ab_testing.report_rails import bound_of, rail_state, rail_value
from mlops.ab_testing.report_scale import Scale, development, is_curve, lift_scale, shown_points, tick_text
from mlops.ab_testing.report_theme import Theme, new_figure, panel, theme_named
from mlops.ab_testing.report_words import (
    Limits,
    axis_unit,
    beside,
    change,
    deciding_difference,
    deciding_limits,
    ends_of,
    headline,
    headline_tone,
    interval,
    is_measured,
    leading,
    measure_named,
    model_name,
    needs_labels,
    percent,
    titled,
    told_limits,
    treatments_of,
    violations,
)
from mlops.figures import ThemeName, figure_bytes, literal
from mlops.formatting import format_moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["draw", "to_picture"]

_MOST_ARMS = 10
_MOST_SHADES = 2  # more of them hide each other
_MOST_RAILS = 5
_FEET = 3.25  # width of the foot, in shares of its parts
_LETTER = 5.2  # points, of the small texts
_WIDTH = 9.6  # inches
_LEFT = 0.018  # of the figure's width, free at both sides


def to_picture(report: ABTestReport, file_format: str = "png", *, theme: ThemeName = "light") -> bytes:
    """Return the picture of a report as a file's bytes; the same report gives the same bytes.

    Args:
        report: As `get_report` or `get_final_report` returns it.
        file_format: `png`, `svg` or `pdf`.
        theme: `light` or `dark`.

    Raises:
        InvalidInput: There is no such format or theme.
    """
    return figure_bytes(draw(report, theme=theme), file_format)


def draw(report: ABTestReport, *, theme: ThemeName = "light") -> Figure:
    """Return the picture of a report as a matplotlib figure; what nothing is known of is left out.

    Raises:
        InvalidInput: There is no such theme.
    """
    colours = theme_named(theme)
    bands = _bands(report)
    heights = [height for height, _ in bands]
    figure = new_figure(colours, _WIDTH, sum(heights))
    parts: Any = figure.subfigures(len(bands), 1, height_ratios=heights, squeeze=False)
    for part, (_, paint) in zip(parts[:, 0], bands, strict=True):
        paint(part, report, colours)
    return figure


Paint = Callable[["SubFigure", ABTestReport, Theme], None]


def _bands(report: ABTestReport) -> list[tuple[float, Paint]]:
    """Return the parts of the picture from top to bottom, with their heights in inches."""
    arms = len(_treatments(report))
    bands: list[tuple[float, Paint]] = [(0.85, _title)]
    if is_measured(report):
        bands.append((1.1 + 0.32 * arms, _draw_lifts))
    if _curves(report):
        bands.append((2.9, _draw_development))
    if _feet(report):
        bands.append((1.1 + 0.2 * arms, _draw_foot))
    return bands


def _draw_foot(part: SubFigure, report: ABTestReport, theme: Theme) -> None:
    feet = _feet(report)
    widths = [width for width, _ in feet]
    free = _FEET - sum(widths)
    if feet[-1][1] is _draw_guardrails:
        widths[-1] += free  # they are words
    else:
        widths.append(free)
    places: Any = part.subfigures(1, len(widths), width_ratios=widths, squeeze=False)
    for place, (_, paint) in zip(places[0], feet, strict=False):
        paint(place, report, theme)


def _feet(report: ABTestReport) -> list[tuple[float, Paint]]:
    """Return the parts at the foot that there is something to show in, with their shares of the width."""
    found: list[tuple[bool, float, Paint]] = [
        (report.test_type is not TestType.SHADOW, 0.95, _draw_traffic),
        (needs_labels(report), 0.85, _draw_labels),
        (bool(report.guardrails), 1.45, _draw_guardrails),
    ]
    return [(width, paint) for is_there, width, paint in found if is_there]


def _treatments(report: ABTestReport) -> list[str]:
    return treatments_of(report)[:_MOST_ARMS]


def _curves(report: ABTestReport) -> list[str]:
    return [name for name in _treatments(report) if is_curve(shown_points(report, name))]


def _title(part: SubFigure, report: ABTestReport, theme: Theme) -> None:
    name = literal(report.name or report.test_id, 80)
    facts = f"{report.interactions:,} interactions · {report.status.value} · {format_moment(report.at)}"
    part.text(_LEFT, 0.86, name, fontsize=9.5, color=theme.muted, va="top")
    part.text(1 - _LEFT, 0.86, facts, fontsize=9.5, color=theme.muted, va="top", ha="right")
    colour = theme.tones[headline_tone(report)]
    part.text(_LEFT, 0.6, literal(headline(report), 80), fontsize=15, fontweight="bold", color=colour, va="top")
    part.text(_LEFT, 0.18, literal(_said(report), 140), fontsize=9.5, color=theme.text, va="top")


def _said(report: ABTestReport) -> str:
    """Return the sentence below the headline: of what is violated, or of the treatment that it is about."""
    broken = violations(report)
    if broken and headline_tone(report) == "bad":
        return titled(broken[0].words)
    found = report.results[leading(report)].comparison if leading(report) in report.results else None
    return titled(found.words if found is not None else report.conclusion)


def _draw_lifts(part: SubFigure, report: ABTestReport, theme: Theme) -> None:
    """Draw the forest plot of the primary metric."""
    measure, scale, names = measure_named(report, report.primary_metric), lift_scale(report), _treatments(report)
    unit = axis_unit(measure)
    axes = panel(part, theme, f"Difference of {literal(measure.name)} to control{f' in {unit}' if unit else ''}")
    _show_range(axes, measure, scale)
    _show_ends(axes, measure, theme)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), [f"{name}  {literal(model_name(report.results[name]), 28)}" for name in names])
    if report.minimum_detectable_effect is not None:
        axes.axvspan(-report.minimum_detectable_effect, report.minimum_detectable_effect, color=theme.band, zorder=0)
    axes.axvline(0, color=theme.muted, linewidth=1.1, zorder=1)
    _write_right(axes, theme, [_lift(report, measure, report.results[name].comparison) for name in names])
    for row, name in enumerate(names):
        found = report.results[name].comparison
        if found is not None:
            _draw_lift(axes, row, (Limits(found.lower, found.upper), _always(report, found)), theme.colour(row + 1))
            axes.plot(
                [deciding_difference(report, found)], [row], "o", color=theme.colour(row + 1), markersize=6, zorder=4
            )


def _write_right(axes: Axes, theme: Theme, words: Sequence[str]) -> None:
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(words)), words)
    right.tick_params(length=0, labelsize=8.5, labelcolor=theme.text)
    right.spines["right"].set_visible(False)


def _show_range(axes: Axes, measure: Measure, scale: Scale) -> None:
    ticks = scale.ticks()
    axes.set_xlim(scale.low, scale.high)
    axes.set_xticks(ticks, [tick_text(measure, tick, ticks) for tick in ticks])


def _show_ends(axes: Axes, measure: Measure, theme: Theme) -> None:
    """Write which side is better below the axis."""
    low, high = ends_of(measure)
    for x, words, side in ((0.0, f"← {low}", "left"), (1.0, f"{high} →", "right")):
        axes.annotate(
            words, (x, 0), (0, -26), xycoords="axes fraction", textcoords="offset points", ha=side, va="center",
            fontsize=8.5, color=theme.muted,
        )  # fmt: skip


def _always(report: ABTestReport, found: VariantComparison) -> Limits:
    return Limits(math.nan, math.nan) if report.method.mode == "fixed" else deciding_limits(report, found)


def _lift(report: ABTestReport, measure: Measure, found: VariantComparison | None) -> str:
    if found is None:
        return ""
    near, known = beside(report, measure), deciding_limits(report, found)
    limits = interval(measure, known, beside=near)
    size = change(measure, deciding_difference(report, found), beside=near, limits=known)
    return f"{size}  ({limits})" if limits else size


def _draw_lift(axes: Axes, row: int, limits: tuple[Limits, Limits], colour: str) -> None:
    once, always = limits
    if once.is_known:
        axes.plot(once, [row, row], color=colour, linewidth=7, alpha=0.35, solid_capstyle="butt", zorder=2)
    if always.is_known:
        axes.plot(always, [row, row], color=colour, linewidth=1.8, marker="|", markersize=9, zorder=3)


def _draw_development(part: SubFigure, report: ABTestReport, theme: Theme) -> None:
    """Draw how the differences developed, each in its interval that holds at every look."""
    from matplotlib import dates

    measure, names = measure_named(report, report.primary_metric), _treatments(report)
    curves = _curves(report)
    shaded = curves if len(curves) <= _MOST_SHADES else [name for name in curves if name == leading(report)]
    axes = panel(part, theme, f"How it developed{_shades(report, measure, shaded, of=len(curves))}")
    scale = development(report)
    ticks = scale.ticks(5)
    axes.set_ylim(scale.low, scale.high)
    axes.set_yticks(ticks, [tick_text(measure, tick, ticks) for tick in ticks])
    axes.grid(visible=True, axis="y", color=theme.hairline, linewidth=0.8)
    axes.axhline(0, color=theme.muted, linewidth=1.1)
    if report.minimum_detectable_effect is not None:
        axes.axhspan(-report.minimum_detectable_effect, report.minimum_detectable_effect, color=theme.band, zorder=0)
    for name in curves:
        _draw_curve(axes, report, name, theme.colour(names.index(name) + 1), is_shaded=name in shaded)
    locator = dates.AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    axes.xaxis.get_offset_text().set(fontsize=8.5, color=theme.muted)
    axes.margins(x=0.01)


def _shades(report: ABTestReport, measure: Measure, shaded: Sequence[str], *, of: int) -> str:
    """Say what the coloured areas are."""
    if not shaded or not any(told_limits(measure, one.lower, one.upper).is_known for one in report.timeline):
        return ""
    whose = "the interval that holds" if of <= _MOST_SHADES else f"the interval of {shaded[0]} that holds"
    return f", with {whose} at every look"


def _draw_curve(axes: Axes, report: ABTestReport, name: str, colour: str, *, is_shaded: bool) -> None:
    measure, points = measure_named(report, report.primary_metric), shown_points(report, name)
    known = [one for one in points if told_limits(measure, one.lower, one.upper).is_known]
    if is_shaded:
        limits = [one.lower for one in known], [one.upper for one in known]
        axes.fill_between(_moments([one.at for one in known]), *limits, color=colour, alpha=0.16, linewidth=0)
    axes.plot(_moments([one.at for one in points]), [one.difference for one in points], color=colour, linewidth=1.9)
    axes.plot(_moments([points[-1].at]), [points[-1].difference], "o", color=colour, markersize=5)


def _moments(moments: list[datetime]) -> list[float]:
    from matplotlib.dates import date2num

    return [float(date2num(moment)) for moment in moments]  # type: ignore[no-untyped-call]


def _draw_traffic(part: SubFigure, report: ABTestReport, theme: Theme) -> None:
    ratio = report.sample_ratio
    total = sum(ratio.units.values())
    axes = panel(part, theme, "Traffic: not as designed" if ratio.is_mismatch else "Traffic", is_bad=ratio.is_mismatch)
    shares = {name: ratio.units.get(name, 0.0) / total if total else math.nan for name in _variants(report)}
    _draw_shares(axes, shares, theme)
    for row, name in enumerate(shares):
        if total and name in ratio.expected:
            axes.plot([ratio.expected[name] / total] * 2, [row - 0.38, row + 0.38], color=theme.text, linewidth=1.6)


def _draw_labels(part: SubFigure, report: ABTestReport, theme: Theme) -> None:
    coverage = report.label_coverage
    is_bad = coverage.is_imbalanced
    axes = panel(part, theme, "Labels known: unequal" if is_bad else "Labels known", is_bad=is_bad)
    shares = {name: coverage.shares.get(name, math.nan) for name in _variants(report)}
    _draw_shares(axes, shares, theme)


def _variants(report: ABTestReport) -> list[str]:
    return [CONTROL, *_treatments(report)]


def _draw_shares(axes: Axes, shares: dict[str, float], theme: Theme) -> None:
    known = [share if math.isfinite(share) else 0.0 for share in shares.values()]
    rows = range(len(known))
    axes.barh(rows, [1.0] * len(known), height=0.46, color=theme.band)
    axes.barh(rows, known, height=0.46, color=[theme.colour(row) for row in rows])
    axes.set_yticks(rows, list(shares))
    axes.set_ylim(len(known) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    _write_right(axes, theme, [percent(share) for share in shares.values()])


def _draw_guardrails(part: SubFigure, report: ABTestReport, theme: Theme) -> None:
    rails = sorted(report.guardrails, key=lambda rail: not rail.is_violated)
    axes = panel(part, theme, "Guardrails", is_bad=any(rail.is_violated for rail in rails))
    axes.set_xticks([])
    axes.set_yticks([])
    several = len(_treatments(report)) > 1
    room = _WIDTH * 72 * part.bbox_relative.width - 76  # points beside the state
    for row, rail in enumerate(rails[:_MOST_RAILS]):
        down = -6 - 15 * row
        state, tone = rail_state(report, rail)
        words = f"{rail.metric}{f' of {rail.variant}' if several else ''}"
        bound = f"{rail_value(report, rail)}  ({bound_of(report, rail)})"
        written: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "center"}
        axes.annotate(f"● {state}", (0, 1), (0, down), color=theme.tones[tone], fontsize=8.5, **written)
        space = room - len(bound) * _LETTER
        axes.annotate(
            literal(words, max(8, int(space / _LETTER))), (0, 1), (56, down), color=theme.text, fontsize=8.5, **written
        )
        axes.annotate(bound, (1, 1), (0, down), color=theme.muted, fontsize=8.5, ha="right", **written)
    if len(rails) > _MOST_RAILS:
        more = f"and {len(rails) - _MOST_RAILS} more"
        axes.text(0.0, -0.05, more, color=theme.muted, fontsize=8.5, va="bottom", transform=axes.transAxes)
