"""The report of a test as one HTML page to show in a meeting: no script, no address outside, all text escaped.

What people decide by comes first: the verdict in words, the lift, how it developed; then what speaks for and against
believing it. The tables below are in `report_tables`.
"""

from __future__ import annotations

import math
from datetime import UTC
from html import escape

from mlops.ab_testing.entities import CONTROL, TestType, VariantComparison
from mlops.ab_testing.measures import Measure
from mlops.ab_testing.report_charts import colour_of, development_chart, lift_axis, lift_row
from mlops.ab_testing.report_data import ABTestReport
from mlops.ab_testing.report_scale import lift_scale, shown_points
from mlops.ab_testing.report_style import STYLE, content_policy
from mlops.ab_testing.report_tables import (
    coverage_section,
    guardrail_section,
    method_section,
    metric_section,
    phase_section,
    text,
    traffic_section,
)
from mlops.ab_testing.report_words import (
    Limits,
    axis_unit,
    beside,
    change,
    deciding_limits,
    headline,
    interval,
    measure_named,
    model_name,
    p_value,
    percent,
    titled,
    told_limits,
    tone_of,
    value,
    variants_of,
)
from mlops.formatting import format_duration, format_moment

__all__ = ["to_html"]

_MOST_PICTURES = 4
_EVERY_LOOK = "The shaded interval holds at every look at once, so that looking often misleads nobody."
_TOO_FEW = "There are too few values for an interval that holds at every look."


def to_html(report: ABTestReport) -> str:
    """Return a report as an HTML page, light or dark as the reader's system is, and fit to be printed.

    Args:
        report: As `get_report` or `get_final_report` returns it.
    """
    sections = (
        _verdict(report),
        _cautions(report),
        _lifts(report),
        _development(report),
        traffic_section(report),
        coverage_section(report),
        guardrail_section(report),
        metric_section(report),
        method_section(report),
        phase_section(report),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(content_policy())}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(report.name or report.test_id)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'{_header(report)}\n<div class="grid">\n{"".join(sections)}</div>\n'
        f"<footer>Made {format_moment(report.at)} by TracSeq MLOps. Test {text(report.test_id)}.</footer>\n"
        "</main>\n</body>\n</html>\n"
    )


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
    tone = tone_of(report.verdict)
    parts = [
        f'<div class="said {tone}">{text(headline(report))}</div>',
        _conclusion(report),
        f'<p class="quiet">Hypothesis: {text(report.hypothesis)}</p>' if report.hypothesis else "",
        f'<p class="quiet">{_standing(report)}</p>' if _standing(report) else "",
        _tiles(report),
    ]
    return f'<section class="wide">{"".join(parts)}</section>\n'


def _conclusion(report: ABTestReport) -> str:
    """Return what was found of each treatment, a line each."""
    compared = [report.results[name].comparison for name in variants_of(report)]
    words = [found.words for found in compared if found is not None]
    if len(words) < 2:
        return f"<p>{text(titled(report.conclusion))}</p>" if report.conclusion else ""
    return f"<ul>{''.join(f'<li>{text(line)}</li>' for line in words)}</ul>"


def _standing(report: ABTestReport) -> str:
    """Say why the test ended or was paused, or what the rules for stopping say now."""
    if report.stop_reason:
        return f"{report.status.value.capitalize()}: {text(report.stop_reason)}"
    if report.is_final or report.decision.action == "continue" or not report.decision.reason:
        return ""
    return text(report.decision.reason)


def _tiles(report: ABTestReport) -> str:
    """Return the numbers of the treatment that the verdict is about, or that leads, and of control."""
    leading = report.winner if report.winner in report.results and report.winner != CONTROL else _leading(report)
    result, control = report.results.get(leading), report.results.get(CONTROL)
    if result is None or control is None or result.comparison is None:
        return ""
    measure = measure_named(report, report.primary_metric)
    found, near = result.comparison, beside(report, measure)
    limits = interval(measure, deciding_limits(report, found), beside=near)
    is_fixed = report.method.mode == "fixed"
    tiles = [
        (CONTROL, value(control, measure), model_name(control)),
        (leading, value(result, measure), model_name(result)),
        ("difference", change(measure, found.difference, beside=near), limits),
        ("p-value", p_value(found.p_value if is_fixed else found.always_valid_p_value), _looks(report)),
    ]
    if math.isfinite(result.probability_best):
        tiles.append(("chance to be best", percent(result.probability_best), "under a flat prior"))
    shown = "".join(
        f'<div class="tile"><span>{text(name, 40)}</span><b>{text(number)}</b><small>{text(note, 60)}</small></div>'
        for name, number, note in tiles
    )
    return f'<div class="tiles">{shown}</div>'


def _leading(report: ABTestReport) -> str:
    treatments = [name for name in variants_of(report) if name != CONTROL]
    chances = {name: report.results[name].probability_best for name in treatments}
    return max(treatments, key=lambda name: (math.isfinite(chances[name]), chances[name]), default="")


def _looks(report: ABTestReport) -> str:
    return {"always_valid": "at any look", "planned_looks": "at any look", "fixed": "at one look"}[report.method.mode]


def _cautions(report: ABTestReport) -> str:
    if not report.cautions:
        return ""
    items = "".join(
        f'<p><span class="dot warn"></span><span>{text(words, 900)}</span></p>' for words in report.cautions
    )
    return f'<section class="wide cautions"><h2>Before you believe it</h2>{items}</section>\n'


def _lifts(report: ABTestReport) -> str:
    """Return the forest plot of the primary metric."""
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
    ends = {"max": ("worse", "better"), "min": ("better", "worse"), None: ("less", "more")}[measure.direction]
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
        "planned_looks": f"Line: {sure} interval that holds at every look. Block: that of one. Planned looks decide.",
        "fixed": f"Block: {sure} interval of one look, at the end.",
    }[report.method.mode]
    return words + (" Shaded: differences too small to matter." if report.minimum_detectable_effect else "")


def _lift(report: ABTestReport, name: str, measure: Measure, plot: str) -> str:
    result, found = report.results[name], report.results[name].comparison
    assert found is not None
    limits = interval(measure, deciding_limits(report, found), beside=beside(report, measure))
    return (
        f'<div class="row"><div class="who"><b>{text(name)}</b><span>{text(model_name(result), 60)}</span></div>'
        f'<div class="plotted">{plot}</div>'
        f'<div class="lift"><b class="{tone_of(found.verdict)}">'
        f"{change(measure, found.difference, beside=beside(report, measure))}</b>"
        f"<span>{limits or _unknown(found)}</span></div></div>"
    )


def _unknown(found: VariantComparison) -> str:
    is_known = Limits(found.lower, found.upper).is_known
    return "too few values for an interval at every look" if is_known else "not measured yet"


def _development(report: ABTestReport) -> str:
    measure, variants = measure_named(report, report.primary_metric), variants_of(report)
    treatments = [name for name in variants if name != CONTROL and len(shown_points(report, name)) > 1]
    if not treatments:
        return ""
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
    return (
        f'<section class="wide"><h2>How it developed<small>difference of {text(measure.name)} to control{unit}, '
        f"by the day of the interaction</small></h2>{grid}"
        f'<p class="note">{words}{rest}'
        "</p></section>\n"
    )
