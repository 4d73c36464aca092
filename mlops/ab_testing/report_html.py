"""The report of a test as one HTML page to show in a meeting: no script, no address outside, all text escaped.

What people decide by comes first: the verdict in words, the lift, how it developed; then what speaks for and against
believing it. The tables below are in `report_tables`.
"""

from __future__ import annotations

import math
from datetime import UTC

from mlops.ab_testing.entities import CONTROL, TestType, VariantComparison, Verdict
from mlops.ab_testing.measures import Measure
from mlops.ab_testing.report_charts import colour_of, development_chart, lift_axis, lift_row
from mlops.ab_testing.report_data import ABTestReport
from mlops.ab_testing.report_scale import is_curve, lift_scale, shown_points
from mlops.ab_testing.report_strata import strata_section
from mlops.ab_testing.report_style import STYLE
from mlops.ab_testing.report_tables import (
    coverage_section,
    guardrail_section,
    method_section,
    metric_section,
    phase_section,
    traffic_section,
)
from mlops.ab_testing.report_words import (
    Limits,
    axis_unit,
    beside,
    change,
    deciding_difference,
    deciding_limits,
    deciding_p_value,
    ends_of,
    headline,
    headline_tone,
    interval,
    is_measured,
    leading,
    measure_named,
    model_name,
    p_value,
    percent,
    sentences,
    told_limits,
    tone_of,
    treatments_of,
    value,
    variants_of,
)
from mlops.formatting import format_duration, format_moment
from mlops.html_pages import page, text

__all__ = ["to_html"]

_MOST_PICTURES = 4
_EVERY_LOOK = "Coloured: the interval that holds at every look at once, so that looking often misleads nobody."
_TOO_SMALL = "Grey: differences too small to matter."
_TOO_FEW = "There are too few values for an interval that holds at every look."


def to_html(report: ABTestReport) -> str:
    """Return a report as an HTML page, light or dark as the reader's system is, and fit to be printed.

    Args:
        report: As `get_report` or `get_final_report` returns it.
    """
    coverage, phases = coverage_section(report), phase_section(report)
    sections = (
        _verdict(report),
        _cautions(report),
        _lifts(report),
        _development(report),
        strata_section(report),
        traffic_section(report),
        coverage or phases,  # two beside each other
        guardrail_section(report),
        metric_section(report),
        method_section(report, is_wide=not coverage),
        phases if coverage else "",
    )
    main = (
        f'{_header(report)}\n<div class="grid">\n{"".join(sections)}</div>\n'
        f"<footer>Made {format_moment(report.at)} by TracSeq MLOps. Test {text(report.test_id)}.</footer>\n"
    )
    return page(report.name or report.test_id, main, style=STYLE)


def _header(report: ABTestReport) -> str:
    is_pair = report.test_type is TestType.CHAMPION_CHALLENGER
    kind = "champion/challenger" if is_pair else report.test_type.value.replace("_", " ")
    title = text(report.name or report.test_id)
    facts = [
        report.status.value,
        f"{report.interactions:,} interactions",
        _time(report),
        f"{100 * report.confidence_level:g} % confidence",
        f"primary metric {text(report.primary_metric)}",
    ]
    line = "".join(f"<span>{fact}</span>" for fact in facts if fact)
    about = f'<p class="line">{text(report.description)}</p>' if report.description else ""
    return (
        f'<header><div class="eyebrow">A/B test · {kind}</div><h1>{title}</h1>'
        f'{about}<div class="line">{line}</div></header>'
    )


def _time(report: ABTestReport) -> str:
    if report.started_at is None:
        return "not started"
    end = report.ended_at or report.at
    lasted = format_duration(max(0.0, (end - report.started_at).total_seconds()))
    first, last = (moment.astimezone(UTC).date().isoformat() for moment in (report.started_at, end))
    until = "now" if report.ended_at is None else last
    return f"{first} to {until} ({lasted})"


def _verdict(report: ABTestReport) -> str:
    parts = [
        f'<div class="said {headline_tone(report)}">{text(headline(report))}</div>',
        _conclusion(report),
        f'<p class="quiet">Hypothesis: {text(report.hypothesis)}</p>' if report.hypothesis else "",
        f'<p class="quiet">{_standing(report)}</p>' if _standing(report) else "",
        _tiles(report),
    ]
    return f'<section class="wide">{"".join(parts)}</section>\n'


def _conclusion(report: ABTestReport) -> str:
    """Return what was found of each treatment, a line each."""
    words = sentences(report)
    if len(words) < 2:
        return "".join(f"<p>{text(line)}.</p>" for line in words)
    return f"<ul>{''.join(f'<li>{text(line)}</li>' for line in words)}</ul>"


def _standing(report: ABTestReport) -> str:
    """Say why the test ended or was paused, or what the rules for stopping say now."""
    if report.stop_reason:
        return f"{report.status.value.capitalize()}. {text(_reason(report))}"
    if report.is_final or report.decision.action == "continue" or not report.decision.reason:
        return ""
    return text(report.decision.reason)


def _reason(report: ABTestReport) -> str:
    """Return why the test ended, without the sentences that stand above."""
    reason = report.stop_reason
    for result in report.results.values():
        if result.comparison is not None:
            reason = reason.replace(result.comparison.words, "")
    return reason if reason == report.stop_reason else f"{reason.strip(' ;:.')}."


def _tiles(report: ABTestReport) -> str:
    """Return the numbers of the treatment that the verdict is about, or that leads, and of control."""
    name = leading(report)
    result, control = report.results.get(name), report.results.get(CONTROL)
    if result is None or control is None or result.comparison is None or not is_measured(report):
        return ""
    measure, found = measure_named(report, report.primary_metric), result.comparison
    near, limits = beside(report, measure), deciding_limits(report, found)
    tiles = [
        (CONTROL, value(control, measure), model_name(control)),
        (name, value(result, measure), model_name(result)),
        (
            "difference",
            change(measure, deciding_difference(report, found), beside=near, limits=limits),
            interval(measure, limits, beside=near) or "no interval yet",
        ),
    ]
    if report.verdict is not Verdict.INVALID and report.method.mode != "planned_looks":  # which go by boundaries
        tiles.append(("p-value", p_value(deciding_p_value(report, found)), _looks(report)))
    if report.verdict is not Verdict.INVALID and math.isfinite(result.probability_best):
        tiles.append(("chance to be best", percent(result.probability_best), "flat prior, one look"))
    shown = "".join(
        f'<div class="tile"><span>{text(name, 40)}</span><b>{text(number)}</b><small>{text(note, 60)}</small></div>'
        for name, number, note in tiles
    )
    return f'<div class="tiles">{shown}</div>'


def _looks(report: ABTestReport) -> str:
    looks = "at one look" if report.method.mode == "fixed" else "at any look"
    several = len(treatments_of(report))
    return f"{looks}, of {several} treatments" if several > 1 else looks


def _cautions(report: ABTestReport) -> str:
    if not report.cautions:
        return ""
    items = "".join(
        f'<p><span class="dot warn"></span><span>{text(words, 900)}</span></p>' for words in report.cautions
    )
    return f'<section class="wide cautions"><h2>Before you believe it</h2>{items}</section>\n'


def _lifts(report: ABTestReport) -> str:
    """Return the forest plot of the primary metric."""
    if not is_measured(report):
        return ""
    measure, variants = measure_named(report, report.primary_metric), variants_of(report)
    scale = lift_scale(report)
    rows = "".join(
        _lift(report, name, measure, lift_row(report, found, scale, colour_of(variants, name)))
        for name in variants
        if (found := report.results[name].comparison) is not None
    )
    if not rows:
        return ""
    unit = f"<small>in {axis_unit(measure)}</small>" if axis_unit(measure) else ""
    ends = ends_of(measure)
    axis = (
        f'<div class="row"><i></i><div class="plotted">{lift_axis(measure, scale)}'
        f'<div class="ends"><span>← {ends[0]}</span><span>{ends[1]} →</span></div></div><i></i></div>'
    )
    return (
        f'<section class="wide"><h2>Difference of {text(measure.name)} to control{unit}</h2>'
        f'{rows}{axis}<p class="note">{_legend(report)}</p></section>\n'
    )


def _legend(report: ABTestReport) -> str:
    sure = f"{100 * report.confidence_level:g} %"
    words = {
        "always_valid": f"Line: {sure} interval that holds at every look; it decides. Block: that of one look.",
        "planned_looks": f"Line: {sure} interval of the planned look that decides. Block: that of one look, now.",
        "fixed": f"Block: {sure} interval of one look, at the end.",
    }[report.method.mode]
    several = len(treatments_of(report))
    counted = f" Verdicts count that {several} treatments are compared (Holm)." if several > 1 else ""
    return words + counted + (f" {_TOO_SMALL}" if report.minimum_detectable_effect else "")


def _lift(report: ABTestReport, name: str, measure: Measure, plot: str) -> str:
    result, found = report.results[name], report.results[name].comparison
    assert found is not None
    near, known = beside(report, measure), deciding_limits(report, found)
    return (
        f'<div class="row"><div class="who"><b>{text(name)}</b><span>{text(model_name(result), 60)}</span></div>'
        f'<div class="plotted">{plot}</div>'
        f'<div class="lift"><b class="{tone_of(found.verdict)}">'
        f"{change(measure, deciding_difference(report, found), beside=near, limits=known)}</b>"
        f"<span>{interval(measure, known, beside=near) or _unknown(report, found)}</span></div></div>"
    )


def _unknown(report: ABTestReport, found: VariantComparison) -> str:
    if not Limits(found.lower, found.upper).is_known:
        return "not measured yet"
    if report.method.mode == "planned_looks":
        return "before the first planned look"
    return "too few values for an interval at every look"


def _no_development(report: ABTestReport) -> str:
    if not report.timeline_words or not is_measured(report):
        return ""
    words = text(report.timeline_words)
    return f'<section class="wide"><h2>How it developed</h2><p class="note">{words}</p></section>\n'


def _development(report: ABTestReport) -> str:
    measure, variants = measure_named(report, report.primary_metric), variants_of(report)
    treatments = [name for name in treatments_of(report) if is_curve(shown_points(report, name))]
    if not treatments:
        return _no_development(report)
    pictures = []
    for name in treatments[:_MOST_PICTURES]:
        title = f"<h3>{text(name)}</h3>" if len(treatments) > 1 else ""
        chart = development_chart(report, measure, name, colour_of(variants, name))
        pictures.append(f"<div>{title}{chart}</div>")
    grid = f'<div class="grid">{"".join(pictures)}</div>' if len(pictures) > 1 else pictures[0]
    more = len(treatments) - len(pictures)
    rest = f" {more} more treatments are in the table." if more else ""
    unit = f" in {axis_unit(measure)}" if axis_unit(measure) else ""
    is_known = any(told_limits(measure, one.lower, one.upper).is_known for one in report.timeline)
    words = _EVERY_LOOK if is_known else _TOO_FEW
    if report.minimum_detectable_effect is not None:
        words = f"{words} {_TOO_SMALL}"
    return (
        f'<section class="wide"><h2>How it developed<small>difference of {text(measure.name)} to control{unit}, '
        f"by the day of the interaction</small></h2>{grid}"
        f'<p class="note">{words}{rest}'
        "</p></section>\n"
    )
