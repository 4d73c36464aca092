"""The report of a test as a record: what was asked, how it was analysed, what was found, and what speaks against it.

It holds everything that a page, a picture or a document shows, so that a stored report reads the same for ever.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import AwareDatetime, Field

from mlops.ab_testing.analysis import Method
from mlops.ab_testing.entities import Phase, TestStatus, TestType, VariantResult, Verdict
from mlops.ab_testing.values import NumberMap
from mlops.records import FrozenDict, Record

__all__ = [
    "ABTestReport",
    "Decision",
    "GuardrailStatus",
    "LabelCoverage",
    "SampleRatio",
    "StratumComparison",
    "TimelinePoint",
]

_NAN = math.nan


class Decision(Record):
    """What should happen to a running test now, and why.

    Attributes:
        action: `continue`, `pause` or `stop`.
        reason: In a sentence, for people.
        cause: In one word, for programs: `guardrail`, `success`, `harm`, `futility`, `maximum_sample`, `duration`,
            `rollout`; empty while it continues.
        variant: The treatment that it is about; empty when about none.
        look: The planned look that it was decided at; None without one.
        may_advance: Of a gradual rollout: whether the next step may be taken.
        advance_reason: Why, or why not.
    """

    action: Literal["continue", "pause", "stop"] = "continue"
    reason: str = ""
    cause: str = ""
    variant: str = ""
    look: int | None = None
    may_advance: bool = False
    advance_reason: str = ""


class SampleRatio(Record):
    """Whether units arrived in the designed shares, and whether those of all arms alike logged what followed.

    Attributes:
        units: First exposures by variant, all phases together.
        expected: How many the designed shares expect.
        always_valid_p_value: However often one looked.
        p_value: Of one look, by the chi-squared test; the least of the phases, adjusted for their number.
        logged: By variant, the share of units that logged any interaction; NaN where there are none.
        logged_p_value: Always-valid, that all variants have the same share; adjusted for the number of treatments.
        is_mismatch: Whether assignment or logging must be taken for broken, so that nothing else can be believed.
        is_loss: Whether that is because units of one arm log less often, though they arrived as designed.
    """

    units: NumberMap = FrozenDict()
    expected: NumberMap = FrozenDict()
    always_valid_p_value: float = _NAN
    p_value: float = _NAN
    logged: NumberMap = FrozenDict()
    logged_p_value: float = _NAN
    is_mismatch: bool = False
    is_loss: bool = False
    words: str = ""


class LabelCoverage(Record):
    """How many of the predictions have a known truth.

    Attributes:
        shares: By variant; NaN where nothing was predicted.
        p_value: Always-valid, that all variants have the same coverage; adjusted for the number of treatments.
        is_imbalanced: Whether labels are known more often in one arm than in another, which biases what they measure.
    """

    shares: NumberMap = FrozenDict()
    p_value: float = _NAN
    is_imbalanced: bool = False
    words: str = ""


class GuardrailStatus(Record):
    """One guardrail of one treatment.

    Attributes:
        metric: What is watched.
        limit: The absolute bound; None where control is the measure.
        margin: How much worse than control it may be.
        value: Of the variant now.
        control: Of control now.
        p_value: Always-valid, one-sided, that the bound is kept.
        level: What the p-value must reach for a violation; the shares of all guardrails add up to the test's error.
        action: What a violation does.
    """

    metric: str
    variant: str
    limit: float | None = None
    margin: float = 0.0
    value: float = _NAN
    control: float = _NAN
    p_value: float = 1.0
    level: float
    action: Literal["stop", "pause"] = "stop"
    is_violated: bool = False
    words: str = ""


class TimelinePoint(Record):
    """The primary metric of one treatment against control, as it stood at one moment.

    Attributes:
        size: Values of the primary metric in all variants by then.
        difference: Treatment minus control.
        lower: Limit that holds at every look.
        upper: Likewise.
        p_value: Always-valid.
    """

    at: AwareDatetime
    variant: str
    size: int
    difference: float = _NAN
    lower: float = _NAN
    upper: float = _NAN
    p_value: float = _NAN


class StratumComparison(Record):
    """One metric of one treatment beside control in one stratum alone: a description, from which nothing is concluded.

    Numbers are NaN where an arm has no value.

    Attributes:
        stratum: Its name: the values of the design's `strata`, such as `Turin · Orbitrap 2`.
        count: Values of the treatment.
        value: Their mean, as the metric has it.
        control_count: Values of control.
        control: Their mean.
        difference: Variant minus control; within phases where there are several.
        lower: Limit of the difference at one look.
        upper: Likewise.
        always_valid_lower: Limit that holds at every look.
        always_valid_upper: Likewise.
    """

    metric: str
    stratum: str
    variant: str
    count: int = 0
    value: float = _NAN
    control_count: int = 0
    control: float = _NAN
    difference: float = _NAN
    lower: float = _NAN
    upper: float = _NAN
    always_valid_lower: float = _NAN
    always_valid_upper: float = _NAN


class ABTestReport(Record):
    """Everything that is to be said of a test at one moment.

    Attributes:
        at: When it was made.
        is_final: Whether the test was over by then.
        stop_reason: Why it ended, or was paused.
        phases: Times with one allocation each.
        method: How it was analysed.
        methods: The method in sentences: what is compared how, and why.
        results: By variant.
        winner: The variant to choose; empty while nothing is decided.
        verdict: Of the test as a whole.
        conclusion: In a sentence, for people.
        decision: What stopping rules say.
        cautions: What a reader must know before believing the numbers.
        timeline: How the primary metric developed.
        timeline_words: Why that cannot be told; empty where it can.
        strata: Every named metric in each stratum of a stratified test, those with the most values first.
    """

    test_id: str
    name: str = ""
    description: str = ""
    hypothesis: str = ""
    test_type: TestType
    status: TestStatus
    at: AwareDatetime
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    is_final: bool = False
    primary_metric: str
    confidence_level: float
    minimum_detectable_effect: float | None = None
    traffic_allocation: NumberMap
    phases: tuple[Phase, ...] = ()
    stop_reason: str = ""
    interactions: int = 0
    method: Method
    methods: tuple[str, ...] = ()
    results: Mapping[str, VariantResult] = Field(default_factory=dict)
    winner: str = ""
    verdict: Verdict = Verdict.UNDECIDED
    conclusion: str = ""
    decision: Decision = Decision()
    sample_ratio: SampleRatio = SampleRatio()
    label_coverage: LabelCoverage = LabelCoverage()
    guardrails: tuple[GuardrailStatus, ...] = ()
    cautions: tuple[str, ...] = ()
    timeline: tuple[TimelinePoint, ...] = ()
    timeline_words: str = ""
    strata: tuple[StratumComparison, ...] = ()
