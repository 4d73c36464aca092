"""What reports say of single strata: the primary metric in each of the largest ones, as a description."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlops.ab_testing.entities import MetricKind
from mlops.ab_testing.measures import Measure, shown
from mlops.ab_testing.report_charts import colour_of, lift_axis, stratum_row
from mlops.ab_testing.report_data import ABTestReport, StratumComparison
from mlops.ab_testing.report_scale import Scale, strata_scale
from mlops.ab_testing.report_words import (
    axis_unit,
    beside,
    change,
    ends_of,
    interval,
    measure_named,
    stratum_limits,
    variants_of,
)
from mlops.formatting import ABSENT
from mlops.html_pages import text

__all__ = ["NOT_TESTED", "largest_strata", "more_strata", "strata_section", "stratum_change", "stratum_value"]

NOT_TESTED = (
    "A description: strata are not tested singly, and nothing is decided by one of them. Among many, some differ by "
    "chance."
)
_MOST_STRATA = 20


def largest_strata(report: ABTestReport) -> list[StratumComparison]:
    """Return the primary metric in the strata with the most values, by stratum and treatment."""
    found = _of_primary(report)
    names = list(dict.fromkeys(each.stratum for each in found))[:_MOST_STRATA]
    return [each for each in found if each.stratum in names]


def more_strata(report: ABTestReport) -> str:
    """Say how many strata are not shown; empty when all are."""
    found = _of_primary(report)
    values = {each.stratum: each.control_count for each in found}
    for each in found:
        values[each.stratum] += each.count
    rest = list(values.values())[_MOST_STRATA:]
    if not rest:
        return ""
    strata = "stratum" if len(rest) == 1 else "strata"
    return f"{len(rest):,} smaller {strata} with {sum(rest):,} values together: see the JSON report."


def _of_primary(report: ABTestReport) -> list[StratumComparison]:
    return [each for each in report.strata if each.metric == report.primary_metric]


def stratum_value(measure: Measure, value: float) -> str:
    """Return the value of an arm in a stratum in words."""
    return ABSENT if math.isnan(value) else shown(measure, value)


def stratum_change(report: ABTestReport, found: StratumComparison) -> tuple[str, str]:
    """Return the difference in a stratum and its interval in words, or why there is none."""
    measure, limits = measure_named(report, found.metric), stratum_limits(report, found)
    near = beside(report, measure)
    size = change(measure, found.difference, beside=near, limits=limits)
    return size, interval(measure, limits, beside=near) or _unknown(found)


def _unknown(found: StratumComparison) -> str:
    if found.count and found.control_count:
        return "too few values for every look" if math.isfinite(found.lower) else "too few values"
    return f"no value in {found.variant}" if found.control_count else "no value in control"


def strata_section(report: ABTestReport) -> str:
    """Return the forest plot of the primary metric by stratum; nothing of tests without strata."""
    strata = largest_strata(report)
    if not strata:
        return ""
    measure, scale = measure_named(report, report.primary_metric), strata_scale(report, strata)
    rows = "".join(
        _row(report, each, measure, scale, is_first=not place or strata[place - 1].stratum != each.stratum)
        for place, each in enumerate(strata)
    )
    ends, has_variants = ends_of(measure), len(report.results) > 2
    axis = (
        f'<tr>{"<td></td>" * (4 if has_variants else 3)}<td class="mini">{lift_axis(measure, scale)}'
        f'<div class="ends"><span>← {ends[0]}</span><span>{ends[1]} →</span></div></td><td></td></tr>'
    )
    unit = f" in {axis_unit(measure)}" if axis_unit(measure) else ""
    about = f"difference of {text(measure.name)} to control{unit}, in each alone"
    return (
        f'<section class="wide long"><h2>By stratum<small>{about}</small></h2><div class="scroll"><table>'
        f'<thead><tr><th>Stratum</th><th class="num">Control</th>{_arm_heads(has_variants=has_variants)}'
        '<th></th><th class="num">Difference</th></tr></thead>'
        f"<tbody>{rows}{axis}</tbody></table></div>{_notes(report, strata, scale)}</section>\n"
    )


def _arm_heads(*, has_variants: bool) -> str:
    """Return the headings of a treatment: its name is told only where there are several."""
    return '<th>Variant</th><th class="num">Value</th>' if has_variants else '<th class="num">Treatment</th>'


def _row(report: ABTestReport, found: StratumComparison, measure: Measure, scale: Scale, *, is_first: bool) -> str:
    control = _measured(measure, found.control, found.control_count) if is_first else ""
    size, limits = stratum_change(report, found)
    variant = f"<td>{text(found.variant)}</td>" if len(report.results) > 2 else ""
    plot = stratum_row(report, found, scale, colour_of(variants_of(report), found.variant))
    return (
        f'<tr><td class="name">{text(found.stratum, 80) if is_first else ""}</td><td class="num">{control}</td>'
        f'{variant}<td class="num">{_measured(measure, found.value, found.count)}</td>'
        f'<td class="mini">{plot}</td><td class="num">{size}<br><small>{limits}</small></td></tr>'
    )


def _measured(measure: Measure, value: float, count: int) -> str:
    made_of = f"{count:,} values"
    if measure.kind is MetricKind.PROPORTION and count:
        made_of = f"{round(value * count):,} of {count:,}"
    return f"{stratum_value(measure, value)}<br><small>{made_of}</small>"


def _notes(report: ABTestReport, strata: Sequence[StratumComparison], scale: Scale) -> str:
    limits = [limit for each in strata for limit in (each.lower, each.upper, *stratum_limits(report, each))]
    known = [limit for limit in limits if math.isfinite(limit)]
    is_cut = any(not scale.shows(limit) for limit in known)
    words = (
        NOT_TESTED,
        _legend(report) if known else "",
        "What reaches the edge goes on beyond it." if is_cut else "",
        more_strata(report),
    )
    return f'<p class="note">{text(" ".join(filter(None, words)), 500)}</p>'


def _legend(report: ABTestReport) -> str:
    sure = f"{100 * report.confidence_level:g} %"
    if report.method.mode == "fixed":
        return f"Block: {sure} interval of one look."
    return f"Line: {sure} interval that holds at every look. Block: that of one look."
