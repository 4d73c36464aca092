"""How the metrics of a test are compared, as records that are stored when it starts: names, units, tests, looks.

`method.choose` makes them of a design. Nothing here chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mlops.ab_testing import blocks
from mlops.ab_testing.entities import MetricKind
from mlops.ab_testing.measures import CONFUSION, KNOWN, Measure, shown_name
from mlops.ab_testing.values import NumberMap
from mlops.comparison import Direction
from mlops.records import Json, Record

__all__ = [
    "TESTS",
    "Cut",
    "Method",
    "MetricMethod",
    "Role",
    "Sequence",
    "Test",
    "Unit",
    "in_words",
    "within_phases",
]

Role = Literal["primary", "secondary", "guardrail", "other"]
Unit = Literal["value", "cluster", "stratum", "covariate", "pair"]
Test = Literal[
    "pooled_z_newcombe",
    "welch",
    "quantile_limits",
    "delta_method",
    "mantel_haenszel",
    "stratified_means",
    "stratified_delta_method",
    "cuped_welch",
    "stratified_cuped",
    "paired_differences",
    "none",
]
Sequence = Literal["asymptotic", "e_process", "quantile_sequence", "none"]
Cut = Literal["none", "arrival", "looks"]

TESTS: Mapping[tuple[Unit, MetricKind], Test] = {
    ("value", MetricKind.PROPORTION): "pooled_z_newcombe",
    ("value", MetricKind.MEAN): "welch",
    ("value", MetricKind.QUANTILE): "quantile_limits",
    ("value", MetricKind.RATIO): "delta_method",
    ("cluster", MetricKind.PROPORTION): "delta_method",
    ("cluster", MetricKind.MEAN): "delta_method",
    ("cluster", MetricKind.RATIO): "delta_method",
    ("stratum", MetricKind.PROPORTION): "mantel_haenszel",
    ("stratum", MetricKind.MEAN): "stratified_means",
    ("covariate", MetricKind.MEAN): "cuped_welch",
    ("covariate", MetricKind.PROPORTION): "cuped_welch",
    ("pair", MetricKind.PROPORTION): "paired_differences",
    ("pair", MetricKind.MEAN): "paired_differences",
}
"""The test for one look, by what is independent and what is compared."""

_WORDS: Mapping[str, str] = {
    "pooled_z_newcombe": "pooled z test (Fisher's exact test where sparse) with Newcombe's interval",
    "welch": "Welch's t test",
    "quantile_limits": "difference of quantiles by distribution-free limits",
    "delta_method": "delta method over units",
    "mantel_haenszel": "Cochran–Mantel–Haenszel test with the Mantel–Haenszel difference",
    "stratified_means": "difference of means within strata, weighted",
    "stratified_delta_method": "delta method over units within phases, weighted",
    "cuped_welch": "Welch's t test after CUPED adjustment",
    "stratified_cuped": "difference of means within phases after CUPED adjustment, weighted",
    "none": "no test",
    "asymptotic": "asymptotic confidence sequence",
    "e_process": "two-sample e-process",
    "quantile_sequence": "confidence sequence of quantiles",
}


class MetricMethod(Record):
    """How one metric is compared.

    Attributes:
        name: The metric's name in the design.
        source: The logged number that it is read from.
        kind: What of it is compared.
        direction: Whether more or less is better; None when nobody said.
        quantile: Which quantile, for kind `quantile`.
        is_complement: Whether it is one minus the mean of the source.
        role: What it is for.
        unit: What counts as one independent piece of evidence.
        test: For one look at the end.
        sequence: For looks at any time.
        blocks: How arrival order is cut: not at all, by the fixed schedule, or at the planned looks.
        reason: Why, in words.
    """

    name: str
    source: str
    kind: MetricKind
    direction: Direction | None = None
    quantile: float = 0.95
    is_complement: bool = False
    role: Role = "other"
    unit: Unit = "value"
    test: Test
    sequence: Sequence
    blocks: Cut = "none"
    reason: str = ""

    @property
    def measure(self) -> Measure:
        """What the name means."""
        return Measure(self.name, self.source, self.kind, self.direction, self.quantile, self.is_complement)


class Method(Record):
    """How a test is analysed; fixed when it starts.

    Attributes:
        mode: How looks are accounted for.
        confidence_level: One minus the probability of a false alarm.
        metrics: How each named metric is compared: the primary one first.
        planned_size: Interactions of all variants that sequences are tuned for, and that planned looks divide.
        sizes: For each variant the number of independent units at which its sequences are narrowest.
        looks: Shares of the planned size at which it is looked; empty unless looks are planned.
        boundaries: What |z| must reach at each look.
        futility: The z below which a look may stop for futility, non-binding.
        positive_label: The class that precision, recall and F1 are about; None for the average of all classes.
        reasons: Why, in sentences.
    """

    mode: Literal["always_valid", "planned_looks", "fixed"]
    confidence_level: float
    metrics: tuple[MetricMethod, ...]
    planned_size: int
    sizes: NumberMap
    looks: tuple[float, ...] = ()
    boundaries: tuple[float, ...] = ()
    futility: tuple[float, ...] = ()
    positive_label: Json = None
    reasons: tuple[str, ...] = ()

    @property
    def alpha(self) -> float:
        """One minus the confidence."""
        return round(1 - self.confidence_level, 12)

    @property
    def primary(self) -> MetricMethod:
        """How the primary metric is compared."""
        return self.metrics[0]

    def of(self, source: str) -> tuple[MetricMethod, ...]:
        """Return how a logged number is compared: every named metric that is read from it, or its usual comparison."""
        return tuple(each for each in self.metrics if each.source == source) or (self._usual(source),)

    def _usual(self, source: str) -> MetricMethod:
        measure = KNOWN.get(shown_name(source), Measure(source, source, MetricKind.MEAN, None))
        unit = self.primary.unit
        test = TESTS.get((unit, measure.kind), "none")
        sequence: Sequence = "none" if test == "none" else "asymptotic"
        return MetricMethod(**measure._asdict(), unit=unit, test=test, sequence=sequence, reason="not named")

    def block_of(self, source: str, index: int) -> int | None:
        """Return the block of the value of a logged number that came as number `index`, from 0; None without blocks."""
        kinds = {each.blocks for each in self.of(source)}
        if "looks" in kinds:
            return blocks.planned_block_of(index, looks=len(self.looks), maximum=self.planned_size)
        return blocks.block_of(index) if "arrival" in kinds else None


def within_phases(metric: MetricMethod) -> MetricMethod:
    """Return how a metric is compared once the shares of newcomers have changed: within phases, and added up.

    A rate that drifts for everybody would else look like an advantage of the arm that was large later. Strata are those
    of phases already, and quantiles are compared in one mixture of phases by the same test.
    """
    test = _WITHIN_PHASES.get(metric.test)
    if test is None:
        return metric
    is_of_values = metric.test in {"pooled_z_newcombe", "welch"} and metric.source not in CONFUSION
    return MetricMethod.trusted(dict(metric) | {"test": test, "unit": "stratum" if is_of_values else metric.unit})


_WITHIN_PHASES: Mapping[Test, Test] = {
    "pooled_z_newcombe": "mantel_haenszel",
    "welch": "stratified_means",
    "delta_method": "stratified_delta_method",
    "cuped_welch": "stratified_cuped",
}


def in_words(metric: MetricMethod) -> str:
    """Return how a metric is compared, and why.

    Example:
        >>> in_words(MetricMethod(name="value", source="value", kind="mean", test="welch", sequence="asymptotic",
        ...                       reason="an average over many independent units"))
        "value: Welch's t test; asymptotic confidence sequence (an average over many independent units)"
    """
    test = _paired(metric) if metric.test == "paired_differences" else _WORDS[metric.test]
    parts = [test] * (metric.test != "none") + [_WORDS[metric.sequence]] * (metric.sequence != "none")
    parts = parts or [_WORDS["none"]]
    return f"{metric.name}: {'; '.join(parts)}" + (f" ({metric.reason})" if metric.reason else "")


def _paired(metric: MetricMethod) -> str:
    return "McNemar's test" if metric.kind is MetricKind.PROPORTION else "t test of paired differences"
