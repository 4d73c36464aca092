"""What the page and the picture of a report say alike: the headline, names of models, values and differences in words.

Nothing here decides anything: verdicts and sentences are those of the report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from mlops.ab_testing.entities import CONTROL, MetricKind, VariantComparison, VariantResult, Verdict
from mlops.ab_testing.measures import KNOWN, LABELLED, Measure, amount, number, shown, unit_of
from mlops.ab_testing.report_data import ABTestReport, GuardrailStatus, StratumComparison
from mlops.ab_testing.verdict_words import distinct, is_told, rounded
from mlops.formatting import ABSENT

__all__ = [
    "Limits",
    "Tone",
    "axis_unit",
    "beside",
    "change",
    "deciding_difference",
    "deciding_limits",
    "deciding_p_value",
    "ends_of",
    "headline",
    "headline_tone",
    "interval",
    "is_measured",
    "leading",
    "made_of",
    "measure_named",
    "model_name",
    "needs_labels",
    "p_value",
    "percent",
    "role_of",
    "sentences",
    "single_p_value",
    "stratum_limits",
    "titled",
    "told_limits",
    "tone_of",
    "treatments_of",
    "value",
    "value_of",
    "variants_of",
    "violations",
]

Tone = Literal["good", "bad", "warn", "quiet"]
"""What a colour says."""

_TONES: dict[Verdict, Tone] = {
    Verdict.BETTER: "good",
    Verdict.WORSE: "bad",
    Verdict.INVALID: "warn",
    Verdict.NO_DIFFERENCE: "quiet",
    Verdict.UNDECIDED: "quiet",
}
_SMALLEST_P = 1e-4


class Limits(NamedTuple):
    """An interval of a difference."""

    lower: float
    upper: float

    @property
    def is_known(self) -> bool:
        """Whether both limits are numbers."""
        return math.isfinite(self.lower) and math.isfinite(self.upper)

    @property
    def width(self) -> float:
        """The distance of the limits."""
        return self.upper - self.lower


def headline(report: ABTestReport) -> str:
    """Return what a report says in the fewest words, for the top of a page."""
    if _is_spoilt(report):
        return _violation(report, violations(report))
    metric = report.primary_metric
    match report.verdict:
        case Verdict.BETTER:
            return f"{_named(report, report.winner)} is better on {metric}"
        case Verdict.WORSE:
            return f"Control stays: {_all_treatments(report)} worse on {metric}"
        case Verdict.NO_DIFFERENCE:
            return f"No difference on {metric} that matters"
        case Verdict.INVALID:
            return "These results cannot be believed"
    return _undecided(report)


def _undecided(report: ABTestReport) -> str:
    if report.is_final and _is_hopeless(report):
        return f"No improvement on {report.primary_metric} that matters"
    return _UNDECIDED[is_measured(report), report.is_final]


def _is_hopeless(report: ABTestReport) -> bool:
    """Tell whether every treatment's interval rules out an improvement as large as the least that matters."""
    smallest, direction = report.minimum_detectable_effect, measure_named(report, report.primary_metric).direction
    found = [result.comparison for result in report.results.values() if result.comparison is not None]
    if smallest is None or direction is None or not found:
        return False
    limits = [deciding_limits(report, each) for each in found]
    return all((one.upper if direction == "max" else -one.lower) < smallest for one in limits)


_UNDECIDED = {
    (True, False): "Not decided yet",
    (True, True): "No difference detected",
    (False, False): "Nothing to compare yet",
    (False, True): "Nothing was compared",
}
"""By whether the primary metric was measured, and whether the test is over."""


def headline_tone(report: ABTestReport) -> Tone:
    """Return the colour of the headline."""
    return "bad" if _is_spoilt(report) else tone_of(report.verdict)


def _is_spoilt(report: ABTestReport) -> bool:
    """Tell whether violated guardrails are the news: unless a treatment wins that violates none."""
    broken = {rail.variant for rail in violations(report)}
    is_clean_win = report.verdict is Verdict.BETTER and report.winner not in broken
    return bool(broken) and not is_clean_win and report.verdict is not Verdict.INVALID


def violations(report: ABTestReport) -> tuple[GuardrailStatus, ...]:
    """Return the guardrails that are violated."""
    return tuple(rail for rail in report.guardrails if rail.is_violated)


def _violation(report: ABTestReport, broken: Sequence[GuardrailStatus]) -> str:
    """Say who violates what; a treatment that is better all the same is said to be."""
    names = list(dict.fromkeys(rail.variant for rail in broken))
    who = names[0] if len(names) == 1 else f"{len(names)} treatments"
    rails = list(dict.fromkeys(rail.metric for rail in broken))
    what = f"a guardrail: {rails[0]}" if len(rails) == 1 else f"{len(rails)} guardrails: {', '.join(rails)}"
    verb = "violates" if len(names) == 1 else "violate"
    better = [name for name in names if _is_better(report.results.get(name))]
    if better and len(names) == 1:
        verb = f"is better on {report.primary_metric}, but violates"
    return f"{who} {verb} {what}"


def _is_better(result: VariantResult | None) -> bool:
    return result is not None and result.comparison is not None and result.comparison.verdict is Verdict.BETTER


def _named(report: ABTestReport, variant: str) -> str:
    model = model_name(report.results[variant]) if variant in report.results else ""
    return f"{variant} ({model})" if model else variant


def _all_treatments(report: ABTestReport) -> str:
    treatments = treatments_of(report)
    return f"{treatments[0]} is" if len(treatments) == 1 else "all treatments are"


def ends_of(measure: Measure) -> tuple[str, str]:
    """Return what lies to the left and to the right of no difference."""
    return {"max": ("worse", "better"), "min": ("better", "worse"), None: ("less", "more")}[measure.direction]


def sentences(report: ABTestReport) -> list[str]:
    """Return what was found of each treatment, a sentence each."""
    compared = (report.results[name].comparison for name in variants_of(report))
    return [titled(found.words) for found in compared if found is not None]


def is_measured(report: ABTestReport) -> bool:
    """Tell whether any treatment has a difference of the primary metric."""
    compared = (result.comparison for result in report.results.values())
    return any(found is not None and math.isfinite(found.difference) for found in compared)


def leading(report: ABTestReport) -> str:
    """Return the treatment that the verdict is about, or else the one that is most likely the best."""
    treatments = treatments_of(report)
    if report.winner in treatments:
        return report.winner
    chances = {name: report.results[name].probability_best for name in treatments}
    return max(treatments, key=lambda name: (math.isfinite(chances[name]), chances[name]), default="")


def needs_labels(report: ABTestReport) -> bool:
    """Tell whether labels matter: a metric of the design waits for them, or some have come."""
    return any(metric.source in LABELLED for metric in report.method.metrics) or any(
        result.labelled for result in report.results.values()
    )


def tone_of(verdict: Verdict) -> Tone:
    """Return the colour of a verdict."""
    return _TONES[verdict]


def treatments_of(report: ABTestReport) -> list[str]:
    """Return the names of the treatments, by their number."""
    return [name for name in variants_of(report) if name != CONTROL]


def variants_of(report: ABTestReport) -> list[str]:
    """Return the names of the variants, control first, then treatments by their number."""
    return sorted(report.results, key=lambda name: (name != CONTROL, len(name), name))


def titled(words: str) -> str:
    """Return a sentence with a capital at its beginning, unless it begins with the name of a variant.

    Example:
        >>> titled("units arrived"), titled("treatment_1 is better")
        ('Units arrived', 'treatment_1 is better')
    """
    first = words.partition(" ")[0]
    return words if first == CONTROL or "_" in first else words[:1].upper() + words[1:]


def model_name(result: VariantResult) -> str:
    """Return the model of a variant with its version."""
    return f"{result.model_id} {result.model_version}".strip()


def measure_named(report: ABTestReport, name: str) -> Measure:
    """Return what the name of a compared metric stands for."""
    for metric in report.method.metrics:
        if metric.name == name:
            return metric.measure
    return KNOWN.get(name, Measure(name, name, MetricKind.MEAN, None))


def role_of(report: ABTestReport, name: str) -> str:
    """Return what a metric is for: `primary`, `secondary`, `guardrail`, or `other`, which nobody named."""
    return next((metric.role for metric in report.method.metrics if metric.name == name), "other")


def value_of(result: VariantResult, measure: Measure) -> float:
    """Return a metric of a variant; NaN where it was not measured."""
    known = getattr(result, measure.name, None) if measure.name in VariantResult.model_fields else None
    if isinstance(known, float):
        return known
    summary = result.metrics.get(measure.source)
    if summary is None:
        return math.nan
    if measure.kind is MetricKind.QUANTILE:
        return float(summary.quantiles.get(f"p{100 * measure.quantile:g}", math.nan))
    return 1 - summary.mean if measure.is_complement else summary.mean


def value(result: VariantResult, measure: Measure) -> str:
    """Return a metric of a variant in words."""
    found = value_of(result, measure)
    return ABSENT if math.isnan(found) else shown(measure, found)


def made_of(result: VariantResult, measure: Measure) -> str:
    """Return how many values a metric is made of, of a rate with its events; empty where that is not counted.

    Example:
        >>> recall = VariantResult(variant_id="control", model_id="m", model_version="1", sample_size=900,
        ...                        metrics={"recall": {"count": 250, "mean": 0.8, "std": 0.4, "total": 200}})
        >>> made_of(recall, KNOWN["recall"])
        '200 of 250'
    """
    summary = result.metrics.get(measure.source)
    if summary is None or not summary.count or measure.kind is MetricKind.RATIO:
        return ""
    if measure.kind is not MetricKind.PROPORTION:
        return f"{summary.count:,} values"
    events = summary.count - summary.total if measure.is_complement else summary.total
    return f"{round(events):,} of {summary.count:,}"


def beside(report: ABTestReport, measure: Measure) -> float:
    """Return control's value of a metric, which decides how many digits differences have."""
    found = value_of(report.results[CONTROL], measure) if CONTROL in report.results else math.nan
    return found if math.isfinite(found) else 1.0


def change(measure: Measure, difference: float, *, beside: float, limits: Limits | None = None) -> str:
    """Return a difference in words with its sign.

    Args:
        measure: What differs.
        difference: Treatment minus control.
        beside: Control's value, see `beside`.
        limits: Its interval, which decides how many digits of a rate mean anything.

    Example:
        >>> change(KNOWN["accuracy"], 0.019, beside=0.9), change(KNOWN["accuracy"], -0.019, beside=0.9)
        ('+1.9 points', '−1.9 points')
    """
    if not math.isfinite(difference):
        return ABSENT
    size = abs(difference if limits is None else rounded(measure, difference, limits))
    return _signed(difference, amount(measure, size, beside=beside))


def interval(measure: Measure, limits: Limits, *, beside: float) -> str:
    """Return an interval in words, of one without an end the limit that leaves 0 out; empty where it is not known.

    Example:
        >>> interval(KNOWN["accuracy"], Limits(-0.004, 0.042), beside=0.9)
        '−0.4 to +4.2'
        >>> interval(KNOWN["p95_latency_ms"], Limits(14.0, math.inf), beside=160.0)
        '+14.0 or more'
    """
    if not limits.is_known:
        return _one_sided(measure, limits, beside=beside)
    write = distinct if limits.lower > 0 or limits.upper < 0 else number  # what leaves 0 out shall not read as 0
    low, high = (
        _signed(limit, write(measure, abs(rounded(measure, limit, limits)), beside=beside)) for limit in limits
    )
    return f"{low} to {high}"


def _one_sided(measure: Measure, limits: Limits, *, beside: float) -> str:
    if not (limits.lower > 0 or limits.upper < 0):
        return ""
    limit, more = (limits.lower, "more") if limits.lower > 0 else (limits.upper, "less")
    return f"{_signed(limit, distinct(measure, abs(limit), beside=beside))} or {more}"


def _signed(difference: float, size: str) -> str:
    """Put a sign before a size, unless that is nothing."""
    if not is_told(size):
        return size
    return f"{'−' if difference < 0 else '+'}{size}"


def deciding_difference(report: ABTestReport, comparison: VariantComparison) -> float:
    """Return the difference that a design goes by: at the planned look that decides, else of all values."""
    at_look = comparison.look_difference
    return at_look if _is_by_looks(report, comparison) and math.isfinite(at_look) else comparison.difference


def deciding_limits(report: ABTestReport, comparison: VariantComparison) -> Limits:
    """Return the interval that a design goes by: of one look or of planned looks, else the one for every look."""
    if report.method.mode == "fixed":
        return Limits(comparison.lower, comparison.upper)
    if _is_by_looks(report, comparison):
        return Limits(comparison.look_lower, comparison.look_upper)
    return told_limits(
        measure_named(report, comparison.metric), comparison.always_valid_lower, comparison.always_valid_upper
    )


def stratum_limits(report: ABTestReport, found: StratumComparison) -> Limits:
    """Return the interval of a stratum of the kind that the design goes by: of one look, or for every look."""
    if report.method.mode == "fixed":
        return Limits(found.lower, found.upper)
    measure = measure_named(report, found.metric)
    return told_limits(measure, found.always_valid_lower, found.always_valid_upper)


def _is_by_looks(report: ABTestReport, comparison: VariantComparison) -> bool:
    return report.method.mode == "planned_looks" and comparison.metric == report.primary_metric


def told_limits(measure: Measure, lower: float, upper: float) -> Limits:
    """Return an interval, or an unknown one where it tells nothing because every difference of rates is in it.

    Example:
        >>> told_limits(KNOWN["accuracy"], -1.0, 1.0).is_known
        False
    """
    if measure.kind is MetricKind.PROPORTION and lower <= -1 and upper >= 1:
        return Limits(math.nan, math.nan)
    return Limits(lower, upper)


def deciding_p_value(report: ABTestReport, comparison: VariantComparison) -> float:
    """Return the p-value that a design goes by: adjusted where several are compared, for one look or for every look.

    NaN of planned looks, which go by boundaries.
    """
    if math.isfinite(comparison.adjusted_p_value):
        return comparison.adjusted_p_value
    return single_p_value(report, comparison)


def single_p_value(report: ABTestReport, comparison: VariantComparison) -> float:
    """Return the p-value of one comparison alone, for one look or for every look; NaN of planned looks."""
    if _is_by_looks(report, comparison):
        return math.nan
    return comparison.p_value if report.method.mode == "fixed" else comparison.always_valid_p_value


def p_value(probability: float) -> str:
    """Return a p-value with two digits.

    Example:
        >>> p_value(0.0321), p_value(3e-9), p_value(0.5), p_value(float("nan"))
        ('0.032', '< 0.0001', '0.50', '–')
    """
    if math.isnan(probability):
        return ABSENT
    if probability < _SMALLEST_P:
        return f"< {_SMALLEST_P:g}"
    return f"{probability:.2f}" if probability >= 0.095 else f"{probability:.2g}"


def percent(share: float) -> str:
    """Return a share in percent, never rounded to nothing or to all.

    Example:
        >>> percent(0.5), percent(0.0004), percent(0.9999), percent(1.0), percent(float("nan"))
        ('50 %', '< 0.1 %', '> 99.9 %', '100 %', '–')
    """
    if math.isnan(share):
        return ABSENT
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.0f} %" if math.isclose(100 * share, round(100 * share)) else f"{100 * share:.1f} %"


def axis_unit(measure: Measure) -> str:
    """Return the unit of an axis of differences."""
    return unit_of(measure, 0.0).strip()
