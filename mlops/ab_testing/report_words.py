"""What the page and the picture of a report say alike: the headline, names of models, values and differences in words.

Nothing here decides anything: verdicts and sentences are those of the report.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from mlops.ab_testing.entities import CONTROL, MetricKind, VariantComparison, VariantResult, Verdict
from mlops.ab_testing.measures import KNOWN, Measure, amount, number, shown, unit_of
from mlops.ab_testing.report_data import ABTestReport
from mlops.formatting import ABSENT

__all__ = [
    "Limits",
    "Tone",
    "axis_unit",
    "beside",
    "change",
    "deciding_limits",
    "headline",
    "interval",
    "measure_named",
    "model_name",
    "p_value",
    "percent",
    "role_of",
    "titled",
    "told_limits",
    "tone_of",
    "value",
    "value_of",
    "variants_of",
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
    match report.verdict:
        case Verdict.BETTER:
            return f"{report.winner} is better"
        case Verdict.WORSE:
            return "Control stays: it is better"
        case Verdict.INVALID:
            return "These results cannot be believed"
        case Verdict.NO_DIFFERENCE:
            return "No difference that matters"
    return "No winner" if report.is_final else "Not decided yet"


def tone_of(verdict: Verdict) -> Tone:
    """Return the colour of a verdict."""
    return _TONES[verdict]


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


def beside(report: ABTestReport, measure: Measure) -> float:
    """Return control's value of a metric, which decides how many digits differences have."""
    found = value_of(report.results[CONTROL], measure) if CONTROL in report.results else math.nan
    return found if math.isfinite(found) else 1.0


def change(measure: Measure, difference: float, *, beside: float) -> str:
    """Return a difference in words with its sign.

    Example:
        >>> change(KNOWN["accuracy"], 0.019, beside=0.9), change(KNOWN["accuracy"], -0.019, beside=0.9)
        ('+1.9 points', '−1.9 points')
    """
    if not math.isfinite(difference):
        return ABSENT
    return _sign(difference) + amount(measure, abs(difference), beside=beside)


def interval(measure: Measure, limits: Limits, *, beside: float) -> str:
    """Return an interval in words; empty where it is not known.

    Example:
        >>> interval(KNOWN["accuracy"], Limits(-0.004, 0.042), beside=0.9)
        '−0.4 to +4.2'
    """
    if not limits.is_known:
        return ""
    low, high = (f"{_sign(limit)}{number(measure, abs(limit), beside=beside)}" for limit in limits)
    return f"{low} to {high}"


def _sign(difference: float) -> str:
    return "−" if difference < 0 else "+" if difference > 0 else ""


def deciding_limits(report: ABTestReport, comparison: VariantComparison) -> Limits:
    """Return the interval that a design goes by: of one look for fixed designs, else the one for every look."""
    if report.method.mode == "fixed":
        return Limits(comparison.lower, comparison.upper)
    return told_limits(
        measure_named(report, comparison.metric), comparison.always_valid_lower, comparison.always_valid_upper
    )


def told_limits(measure: Measure, lower: float, upper: float) -> Limits:
    """Return an interval, or an unknown one where it tells nothing because every difference of rates is in it.

    Example:
        >>> told_limits(KNOWN["accuracy"], -1.0, 1.0).is_known
        False
    """
    if measure.kind is MetricKind.PROPORTION and lower <= -1 and upper >= 1:
        return Limits(math.nan, math.nan)
    return Limits(lower, upper)


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
    return f"{100 * share:.0f} %" if abs(100 * share - round(100 * share)) < 0.05 else f"{100 * share:.1f} %"


def axis_unit(measure: Measure) -> str:
    """Return the unit of an axis of differences."""
    return unit_of(measure, 0.0).strip()
