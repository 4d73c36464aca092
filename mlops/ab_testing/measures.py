"""What a metric's name means: which logged number it is read from, what of it is compared, and which way is better.

Names that the manager logs itself are in one table; every other name is a number of the interactions' `response_data`,
compared by its mean unless the design says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mlops.ab_testing.entities import ABTestConfig, MetricDefinition, MetricKind
from mlops.comparison import Direction, best_direction
from mlops.formatting import format_change, format_metric

__all__ = [
    "CONFUSION",
    "KNOWN",
    "LABELLED",
    "Measure",
    "amount",
    "measure_of",
    "number",
    "shown",
    "shown_name",
    "unit_of",
]


class Measure(NamedTuple):
    """One way to look at a logged number.

    Attributes:
        name: What it is called in designs and results.
        source: The logged number, as aggregates name it.
        kind: What of it is compared.
        direction: Whether more or less is better; None when nobody said.
        quantile: Which quantile, for kind `quantile`.
        is_complement: Whether it is one minus the mean of the source.
    """

    name: str
    source: str
    kind: MetricKind
    direction: Direction | None
    quantile: float = 0.95
    is_complement: bool = False


_RATE, _MEAN, _QUANTILE = MetricKind.PROPORTION, MetricKind.MEAN, MetricKind.QUANTILE

KNOWN: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("accuracy", "accuracy", _RATE, "max"),
        Measure("precision", "precision", _RATE, "max"),
        Measure("recall", "recall", _RATE, "max"),
        Measure("f1_score", "f1_score", _RATE, "max"),
        Measure("error_rate", "success", _RATE, "min", is_complement=True),
        Measure("success", "success", _RATE, "max"),
        Measure("success_rate", "success", _RATE, "max"),
        Measure("conversion", "conversion", _RATE, "max"),
        Measure("conversion_rate", "conversion", _RATE, "max"),
        Measure("value", "value", _MEAN, "max"),
        Measure("mean_value", "value", _MEAN, "max"),
        Measure("latency_ms", "latency_ms", _MEAN, "min"),
        Measure("mean_latency_ms", "latency_ms", _MEAN, "min"),
        Measure("p50_latency_ms", "latency_ms", _QUANTILE, "min", 0.5),
        Measure("p95_latency_ms", "latency_ms", _QUANTILE, "min", 0.95),
        Measure("p99_latency_ms", "latency_ms", _QUANTILE, "min", 0.99),
        Measure("absolute_error", "absolute_error", _MEAN, "min"),
        Measure("mean_absolute_error", "absolute_error", _MEAN, "min"),
        Measure("squared_error", "squared_error", _MEAN, "min"),
        Measure("mean_squared_error", "squared_error", _MEAN, "min"),
    )
}
"""Metrics that every test has, by name."""

CONFUSION = frozenset({"precision", "recall", "f1_score"})
"""Those that are read from the table of truths and predictions."""

LABELLED = frozenset({"accuracy", "absolute_error", "squared_error"}) | CONFUSION
"""Sources that are known only once a label has come."""

_SHOWN = {
    "success": "error_rate",
    "conversion": "conversion_rate",
    "value": "mean_value",
    "latency_ms": "mean_latency_ms",
}


def measure_of(config: ABTestConfig, name: str) -> Measure:
    """Return what a name of the design stands for; what the design says of it comes before what the name says.

    Example:
        >>> from mlops.ab_testing.measures import KNOWN
        >>> KNOWN["error_rate"].source, KNOWN["error_rate"].direction
        ('success', 'min')
    """
    known = KNOWN.get(name, Measure(name, name, _MEAN, best_direction(name)))
    definition = config.metrics.get(name)
    return known if definition is None else _defined(known, definition)


def _defined(known: Measure, definition: MetricDefinition) -> Measure:
    kind = definition.kind or (MetricKind.RATIO if definition.denominator else known.kind)
    level = known.quantile if definition.quantile is None else definition.quantile
    return known._replace(kind=kind, direction=definition.direction or known.direction, quantile=level)


def shown_name(source: str) -> str:
    """Return the name under which results show a logged number that the design does not name."""
    return _SHOWN.get(source, source)


def amount(measure: Measure, difference: float, *, beside: float) -> str:
    """Return the size of a difference in words: rates in percentage points, times in their unit.

    Args:
        measure: What differs.
        difference: Its difference; the sign is kept.
        beside: The value that it is a difference from, which decides on the digits.

    Example:
        >>> amount(KNOWN["accuracy"], 0.019, beside=0.93), amount(KNOWN["mean_latency_ms"], 12.34, beside=140.0)
        ('1.9 points', '12.3 ms')
    """
    return f"{number(measure, difference, beside=beside)}{unit_of(measure, difference)}"


def number(measure: Measure, difference: float, *, beside: float) -> str:
    """Return the number of `amount` without its unit.

    Example:
        >>> number(KNOWN["error_rate"], -0.00042, beside=0.02)
        '-0.042'
    """
    if measure.kind is MetricKind.PROPORTION:
        points = 100 * difference
        return f"{points:.1f}" if abs(points) >= 0.095 or points == 0 else f"{points:.2g}"
    return format_change(difference, beside) if abs(difference) < abs(beside) else format_metric(difference)


def unit_of(measure: Measure, difference: float) -> str:
    """Return the unit of `amount`, with a space before it; empty where there is none."""
    if measure.kind is MetricKind.PROPORTION:
        return " point" if f"{abs(100 * difference):.1f}" == "1.0" else " points"
    return " ms" if measure.source.endswith("_ms") else ""


def shown(measure: Measure, value: float) -> str:
    """Return a metric's value in words: rates in percent, times in their unit.

    Example:
        >>> shown(KNOWN["error_rate"], 0.0713), shown(KNOWN["p95_latency_ms"], 250.0)
        ('7.1 %', '250.0 ms')
    """
    if measure.kind is MetricKind.PROPORTION:
        return f"{100 * value:.1f} %"
    return f"{format_metric(value)}{unit_of(measure, value)}"
