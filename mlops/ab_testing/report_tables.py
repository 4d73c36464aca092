"""The parts of a report's page that let a reader check it: traffic, labels, guardrails, all metrics, method, phases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mlops.ab_testing.entities import CONTROL, Phase, TestType, VariantComparison, VariantResult, Verdict
from mlops.ab_testing.measures import KNOWN, Measure, shown
from mlops.ab_testing.report_charts import colour_of, share_bar, stacked_bar
from mlops.ab_testing.report_data import ABTestReport, GuardrailStatus, LabelCoverage
from mlops.ab_testing.report_rails import bound_of, rail_state, rail_value
from mlops.ab_testing.report_words import (
    beside,
    change,
    deciding_difference,
    deciding_limits,
    interval,
    made_of,
    measure_named,
    model_name,
    needs_labels,
    p_value,
    percent,
    role_of,
    single_p_value,
    tone_of,
    value,
    variants_of,
)
from mlops.formatting import ABSENT, format_moment
from mlops.html_pages import text

__all__ = [
    "coverage_section",
    "guardrail_section",
    "is_anything_measured",
    "method_section",
    "metric_section",
    "phase_section",
    "traffic_section",
]

_MOST_METRICS = 60
_MOST_PHASES = 40
_MOST_GUARDRAILS = 60
_NUMBERS = frozenset({"Adjusted", "Bound", "Control", "Difference", "Value", "Violated at", "p-value"})
_ROLES = ("primary", "secondary", "guardrail", "other")
_VERDICTS = {
    Verdict.BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.NO_DIFFERENCE: "no difference",
    Verdict.UNDECIDED: "undecided",
    Verdict.INVALID: "invalid",
}


def traffic_section(report: ABTestReport) -> str:
    """Return how many units came to each variant, and whether that is as designed."""
    variants, ratio = variants_of(report), report.sample_ratio
    models = "".join(
        f'<span class="quiet">{text(name)}</span><span>{text(model_name(report.results[name]), 80)}</span>'
        f'<span class="num quiet">{report.results[name].sample_size:,} interactions</span>'
        for name in variants
    )
    asked = f'<h3>Models</h3><div class="shares">{models}</div></section>\n'
    if report.test_type is TestType.SHADOW:
        return f"<section><h2>Traffic<small>control serves; treatments answer the same requests</small></h2>{asked}"
    rows = "".join(_traffic(report, name, colour_of(variants, name)) for name in variants)
    known = f'<p class="note">p {p_value(ratio.always_valid_p_value)} at any look, {p_value(ratio.p_value)} at one.</p>'
    verb = "did not arrive" if ratio.is_mismatch else "arrived"
    words = ratio.words and f"Units {verb} in the designed shares."
    return (
        f"<section><h2>Traffic<small>units by variant; the tick is the designed share</small></h2>"
        f'<div class="shares">{rows}</div><p>{_state(words, is_bad=ratio.is_mismatch)}</p>'
        f"{known if ratio.words else ''}{asked}"
    )


def _traffic(report: ABTestReport, name: str, colour: str) -> str:
    ratio = report.sample_ratio
    total, units = sum(ratio.units.values()), ratio.units.get(name, 0.0)
    expected = ratio.expected[name] / total if total and name in ratio.expected else math.nan
    seen = units / total if total else math.nan
    return (
        f'<span><span class="key {colour}"></span>{text(name)}</span>{share_bar(seen, colour, expected=expected)}'
        f'<span class="num">{units:,.0f} · {percent(seen)}</span>'
    )


def _state(words: str, *, is_bad: bool) -> str:
    if not words:
        return '<span class="quiet">Nothing to judge yet.</span>'
    return f'<span class="{"bad" if is_bad else "good"}"><span class="dot"></span></span>{text(words)}'


def coverage_section(report: ABTestReport) -> str:
    """Return for how many predictions the truth is known in each arm; nothing where no metric asks for it."""
    if not needs_labels(report):
        return ""
    variants, coverage = variants_of(report), report.label_coverage
    rows = "".join(
        f'<span><span class="key {colour_of(variants, name)}"></span>{text(name)}</span>'
        f"{share_bar(coverage.shares.get(name, math.nan), colour_of(variants, name))}"
        f'<span class="num">{report.results[name].labelled:,} · {percent(coverage.shares.get(name, math.nan))}</span>'
        for name in variants
    )
    note = (
        f'<p class="note">p {p_value(coverage.p_value)} of equal coverage, at any look.</p>' if coverage.words else ""
    )
    return (
        "<section><h2>Labels<small>predictions whose truth is known</small></h2>"
        f'<div class="shares">{rows}</div><p>{_coverage(coverage)}</p>{note}'
        "</section>\n"
    )


def _coverage(coverage: LabelCoverage) -> str:
    found = "Known more often in one variant than in another."
    words = found if coverage.is_imbalanced else "No imbalance between variants detected."
    return _state(coverage.words and words, is_bad=coverage.is_imbalanced)


def guardrail_section(report: ABTestReport) -> str:
    """Return every guardrail with its bound; nothing where the design has none."""
    if not report.guardrails:
        return ""
    rails = sorted(report.guardrails, key=lambda rail: not rail.is_violated)[:_MOST_GUARDRAILS]
    rows = "".join(_guardrail(report, rail) for rail in rails)
    heads = "".join(
        f"<th{_number_class(name)}>{name}</th>"
        for name in ("State", "Metric", "Variant", "Value", "Control", "Bound", "p-value", "Violated at", "If violated")
    )
    return (
        f'<section class="wide"><h2>Guardrails<small>one-sided, at every look{_more(report)}</small></h2>'
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
        f"{_risk(report)}</section>\n"
    )


def _more(report: ABTestReport) -> str:
    rest = len(report.guardrails) - _MOST_GUARDRAILS
    return f"; {rest:,} more are in the JSON report" if rest > 0 else ""


def _number_class(head: str) -> str:
    return ' class="num"' if head in _NUMBERS else ""


def _guardrail(report: ABTestReport, rail: GuardrailStatus) -> str:
    measure, (state, tone) = measure_named(report, rail.metric), rail_state(report, rail)
    control = ABSENT if math.isnan(rail.control) else shown(measure, rail.control)
    cells = (rail_value(report, rail), control, bound_of(report, rail), p_value(rail.p_value), f"≤ {rail.level:.2g}")
    numbers = "".join(f'<td class="num">{cell}</td>' for cell in cells)
    return (
        f'<tr><td class="state {tone}"><span class="dot"></span>{state}</td><td class="name">{text(rail.metric)}</td>'
        f"<td>{text(rail.variant)}</td>{numbers}<td>{rail.action}</td></tr>"
    )


def _risk(report: ABTestReport) -> str:
    if all(rail_state(report, rail)[0] != "at risk" for rail in report.guardrails):
        return ""
    return '<p class="note">At risk: beyond its bound, by no more than chance can explain.</p>'


def metric_section(report: ABTestReport) -> str:
    """Return every metric of every treatment against control, what the design names first."""
    names = _metric_names(report)
    if not names or not is_anything_measured(report):
        return ""
    treatments = [name for name in variants_of(report) if name != CONTROL]
    rows = "".join(_metric_rows(report, metric, treatments) for metric in names[:_MOST_METRICS])
    rest = len(names) - _MOST_METRICS
    more = f"; {rest:,} more are in the JSON report" if rest > 0 else ""
    names_of_columns = ("Metric", "Control", "Variant", "Value", "Difference", "p-value", "Adjusted", "Verdict")
    heads = "".join(f"<th{_number_class(name)}>{name}</th>" for name in names_of_columns)
    return (
        f'<section class="wide long"><h2>All metrics<small>adjusted over treatments (Holm) and over other metrics '
        f'(Benjamini–Hochberg){more}</small></h2><div class="scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{_hint(report, names)}{_adjusted(report)}</section>\n"
    )


def _metric_names(report: ABTestReport) -> list[str]:
    names: dict[str, None] = {}
    for variant in variants_of(report):
        names.update(dict.fromkeys(report.results[variant].comparisons))
    return sorted(names, key=lambda name: (_ROLES.index(role_of(report, name)), name not in KNOWN))


def _hint(report: ABTestReport, names: Sequence[str]) -> str:
    if all(role_of(report, name) != "other" for name in names):
        return ""
    return '<p class="note">Metrics that the design does not name are hints: nothing is concluded from them.</p>'


def is_anything_measured(report: ABTestReport) -> bool:
    """Tell whether any variant has a value of any metric."""
    return any(summary.count for result in report.results.values() for summary in result.metrics.values())


def _adjusted(report: ABTestReport) -> str:
    """Say why a difference is not that of the two values beside it."""
    units = {metric.unit for metric in report.method.metrics}
    words = [words for unit, words in _ADJUSTMENTS.items() if unit in units]
    return f'<p class="note">{" ".join(words)}</p>' if words else ""


_ADJUSTMENTS: Mapping[str, str] = {
    "stratum": "Differences are averages over strata, so they need not be those of the values beside them.",
    "covariate": "Differences are adjusted for what was known before, so they need not be those of the values.",
}


def _metric_rows(report: ABTestReport, metric: str, treatments: Sequence[str]) -> str:
    measure, role = measure_named(report, metric), role_of(report, metric)
    rows = []
    for place, name in enumerate(treatments):
        found = report.results[name].comparisons.get(metric)
        if found is None:
            continue
        title = f"{text(metric, 80)}<small>{role if role != 'other' else 'not named'}</small>" if place == 0 else ""
        control = _measured(report.results[CONTROL], measure) if place == 0 else ""
        rows.append(
            f'<tr class="{role}"><td class="name">{title}</td><td class="num">{control}</td><td>{text(name)}</td>'
            f'<td class="num">{_measured(report.results[name], measure)}</td>'
            f"{_compared(report, measure, found, role)}</tr>"
        )
    return "".join(rows)


def _measured(result: VariantResult, measure: Measure) -> str:
    """Return a value and what it is made of: of how many, since not every interaction has one."""
    return f"{value(result, measure)}<br><small>{made_of(result, measure)}</small>"


def _compared(report: ABTestReport, measure: Measure, found: VariantComparison, role: str) -> str:
    near, known = beside(report, measure), deciding_limits(report, found)
    limits = interval(measure, known, beside=near)
    p = single_p_value(report, found)
    verdict = "hint" if role == "other" else _VERDICTS[found.verdict]
    tone = "quiet" if role == "other" else tone_of(found.verdict)
    size = change(measure, deciding_difference(report, found), beside=near, limits=known)
    return (
        f'<td class="num">{size}<br><small>{limits}</small></td>'
        f'<td class="num">{p_value(p)}</td><td class="num">{p_value(found.adjusted_p_value)}</td>'
        f'<td class="state {tone}"><span class="dot"></span>{verdict}</td>'
    )


def method_section(report: ABTestReport, *, is_wide: bool) -> str:
    """Return how the test is analysed, and why."""
    width = ' class="wide"' if is_wide else ""
    items = "".join(f"<li>{text(words)}</li>" for words in report.methods)
    fixed = "fixed when the test started" if report.started_at else "will be fixed when the test starts"
    return f"<section{width}><h2>Method<small>{fixed}</small></h2><ul>{items}</ul></section>\n"


def phase_section(report: ABTestReport) -> str:
    """Return the times of constant weights in order; nothing of a shadow, in which all variants answer everything."""
    if report.test_type is TestType.SHADOW:
        return ""
    variants = variants_of(report)
    phases = report.phases[-_MOST_PHASES:]
    if phases:
        body = "".join(_phase(phase, variants) for phase in phases)
    else:
        words = _shares_in_words(report.traffic_allocation, variants)
        body = f'<p class="quiet">Not started. Designed: {words}.</p>{stacked_bar(report.traffic_allocation, variants)}'
    return f"<section><h2>Phases<small>newcomers by variant; nobody is moved</small></h2>{body}</section>\n"


def _phase(phase: Phase, variants: Sequence[str]) -> str:
    shares = _shares_in_words(phase.allocation, variants)
    reason = f" · {text(phase.reason, 200)}" if phase.reason else ""
    return (
        f'<h3>{phase.number} · {format_moment(phase.opened_at)}<small class="quiet">{reason}</small></h3>'
        f'{stacked_bar(phase.allocation, variants)}<p class="note">{shares}</p>'
    )


def _shares_in_words(allocation: Mapping[str, float], variants: Sequence[str]) -> str:
    shares = {name: allocation[name] for name in variants if name in allocation}
    return ", ".join(f"{text(name)} {percent(share)}" for name, share in shares.items())
