"""The nouns of what a test found: a variant's result, its comparisons with control, and whether its statistics hold.

All are frozen records; NaN stands where nothing was measured. `entities` has the nouns of a test and hands these on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from mlops.ab_testing.values import NumberMap
from mlops.records import FrozenDict, Record

__all__ = ["AggregateReport", "MetricSummary", "VariantComparison", "VariantResult", "Verdict"]

_NAN = math.nan


class Verdict(StrEnum):
    """What the comparison of a variant with control says, in one word."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no_difference"
    UNDECIDED = "undecided"
    INVALID = "invalid"


class MetricSummary(Record):
    """One metric of one variant; NaN where nothing was measured.

    Attributes:
        count: Values measured.
        std: Sample standard deviation.
        quantiles: By name such as `p50`, of metrics with a sketch.
    """

    count: int = 0
    mean: float = _NAN
    std: float = _NAN
    total: float = 0.0
    minimum: float = _NAN
    maximum: float = _NAN
    quantiles: NumberMap = FrozenDict()


class VariantComparison(Record):
    """One metric of a variant against control; NaN where it cannot be told.

    Of the primary metric of several treatments, which share the error, limits are at the level that each of them has:
    one minus the confidence over their number, as in the first step of Holm's procedure. Limits end at 0 where a later
    step finds a difference.

    Attributes:
        metric: What is compared.
        method: The name of the method, such as `pooled_z_newcombe`.
        difference: Variant minus control; within strata and phases, or adjusted for a covariate, where the method is,
            so that it need not be the difference of the plain values.
        ratio: Variant over control.
        lower: Of the difference, at the test's confidence, for one look.
        upper: Likewise.
        p_value: Of one look.
        adjusted_p_value: After Holm (variants) or Benjamini–Hochberg (secondary metrics).
        always_valid_p_value: However often one looked.
        always_valid_lower: Of the difference, however often one looked.
        always_valid_upper: Likewise.
        look_difference: Of planned looks, of the primary metric: variant minus control at the look that decides.
        look_lower: Of that difference, over all planned looks together.
        look_upper: Likewise.
        effect_size: In standard deviations, or Cohen's h.
        probability_best: That this variant is the best of all, under the posterior.
        verdict: What it says.
        words: The verdict in a sentence.
    """

    metric: str
    method: str = ""
    difference: float = _NAN
    ratio: float = _NAN
    lower: float = _NAN
    upper: float = _NAN
    ratio_lower: float = _NAN
    ratio_upper: float = _NAN
    p_value: float = _NAN
    adjusted_p_value: float = _NAN
    always_valid_p_value: float = _NAN
    always_valid_lower: float = _NAN
    always_valid_upper: float = _NAN
    look_difference: float = _NAN
    look_lower: float = _NAN
    look_upper: float = _NAN
    effect_size: float = _NAN
    probability_best: float = _NAN
    is_significant: bool = False
    verdict: Verdict = Verdict.UNDECIDED
    words: str = ""


class VariantResult(Record):
    """What was found of one variant; NaN where nothing was measured.

    Rates, means and quantiles are the plain ones of all its interactions; comparisons may be within strata or phases.

    Attributes:
        sample_size: Interactions.
        users: Users assigned.
        labelled: Interactions whose label is known.
        label_coverage: Share of these.
        accuracy: Share of predictions equal to their label; NaN until labels come.
        metrics: All metrics by name.
        comparison: The primary metric against control; None of control.
        comparisons: All compared metrics against control by name.
    """

    variant_id: str
    model_id: str = ""
    model_version: str = ""
    sample_size: int = 0
    users: int = 0
    labelled: int = 0
    label_coverage: float = _NAN
    accuracy: float = _NAN
    precision: float = _NAN
    recall: float = _NAN
    f1_score: float = _NAN
    mean_absolute_error: float = _NAN
    mean_squared_error: float = _NAN
    error_rate: float = _NAN
    mean_latency_ms: float = _NAN
    p50_latency_ms: float = _NAN
    p95_latency_ms: float = _NAN
    p99_latency_ms: float = _NAN
    conversion_rate: float = _NAN
    mean_value: float = _NAN
    probability_best: float = _NAN
    metrics: Mapping[str, MetricSummary] = Field(default_factory=dict)
    comparison: VariantComparison | None = None
    comparisons: Mapping[str, VariantComparison] = Field(default_factory=dict)


class AggregateReport(Record):
    """Whether a test's statistics are those that its log makes.

    Attributes:
        interactions: Rows of the log.
        labels: Labels that met their interactions.
        differences: One sentence for each statistic that is not what the log says.
        is_equal: Whether there are none.
    """

    test_id: str
    interactions: int
    labels: int
    differences: tuple[str, ...] = ()
    is_equal: bool
