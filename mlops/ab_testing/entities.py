"""The nouns of A/B testing: the design of a test, what is logged in it, and what it found.

All are frozen records. Nothing here reads a clock, a disk or a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field
from pydantic.config import JsonDict

from mlops.ab_testing.findings import AggregateReport, MetricSummary, VariantComparison, VariantResult, Verdict
from mlops.ab_testing.values import Finite, Shares, Terms
from mlops.comparison import Direction
from mlops.records import FrozenDict, FrozenMap, Json, Record
from mlops.values import Name, OptionalName, TagMap, Term, Words

__all__ = [
    "CONTROL",
    "SERVER_FIELDS",
    "ABTestConfig",
    "ABTestInteraction",
    "ABTestMove",
    "AggregateReport",
    "Guardrail",
    "InteractionOutcome",
    "MetricDefinition",
    "MetricKind",
    "MetricSummary",
    "ModelReference",
    "Phase",
    "RolloutStep",
    "TestStatus",
    "TestType",
    "VariantComparison",
    "VariantResult",
    "Verdict",
]

CONTROL = "control"
"""The name of the variant that all others are compared with."""

_SERVER: JsonDict = {"readOnly": True}


class TestType(StrEnum):
    """What kind of comparison a test is."""

    __test__ = False  # pytest takes classes named like this for tests

    CHAMPION_CHALLENGER = "champion_challenger"
    MULTIVARIATE = "multivariate"
    GRADUAL_ROLLOUT = "gradual_rollout"
    CANARY = "canary"
    SHADOW = "shadow"


class TestStatus(StrEnum):
    """Where a test stands."""

    __test__ = False

    PLANNING = "planning"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class MetricKind(StrEnum):
    """What of a metric is compared."""

    PROPORTION = "proportion"
    MEAN = "mean"
    QUANTILE = "quantile"
    RATIO = "ratio"


class ModelReference(Record):
    """One version of a registered model."""

    model_id: Name
    version: Words


class MetricDefinition(Record):
    """What a metric is, where its name and values do not tell.

    Attributes:
        kind: What of it is compared; None takes what its name says, the mean where that says nothing. Of a proportion
            only the values 0 and 1 can be logged.
        direction: Whether `max` or `min` is better; None lets its name tell.
        quantile: Which quantile, for kind `quantile`, between 0 and 1; None takes what its name says, else 0.95.
        numerator: For kind `ratio`, the metric above.
        denominator: For kind `ratio`, the metric below.
        lower: The least value that it can have, where known; an interaction with less is refused.
        upper: The greatest; likewise.
    """

    kind: MetricKind | None = None
    direction: Direction | None = None
    quantile: float | None = Field(None, gt=0, lt=1)
    numerator: OptionalName = ""
    denominator: OptionalName = ""
    lower: Finite | None = None
    upper: Finite | None = None


class Guardrail(Record):
    """A bound that a variant must not cross; crossing it stops or pauses the test.

    Without `limit` and `margin` a variant must not be worse than control.

    Attributes:
        metric: The metric watched.
        limit: An absolute bound: the metric must not be beyond it, on the side that is worse.
        margin: How much worse than control a variant may be, in the metric's unit.
        action: What a violation does.
    """

    metric: Name
    limit: Finite | None = None
    margin: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    action: Literal["stop", "pause"] = "stop"


class RolloutStep(Record):
    """One step of a gradual rollout.

    At the end of a last step with share 1 the rollout is complete and the test is stopped, unless its results are
    judged at planned looks or at the end only.

    Attributes:
        share: The share of the traffic that all treatments have together in this step, divided as in the allocation.
        minimum_interactions: Interactions of the treatments in this step before the next one.
        minimum_hours: Hours in this step before the next one.
    """

    share: float = Field(gt=0, le=1)
    minimum_interactions: int = Field(0, ge=0)
    minimum_hours: float = Field(0.0, ge=0, allow_inf_nan=False)


class Phase(Record):
    """A time with one allocation of newcomers.

    Attributes:
        number: From 1, in order.
        allocation: Share of each variant.
        step: Index of the rollout's step, from 0; None where the test has no steps.
    """

    number: int = Field(ge=1)
    allocation: Shares
    opened_at: AwareDatetime
    step: int | None = None
    reason: Words = ""


def _guardrails(value: object) -> object:
    """Let a bare name stand for the guardrail that a variant must not be worse than control."""
    if isinstance(value, list | tuple):
        return tuple({"metric": item} if isinstance(item, str) else item for item in value)
    return value


class ABTestConfig(Record):
    """The design of a test, and what became of it.

    Variants are named `control`, `treatment_1`, `treatment_2` and so on, in the order of `treatment_models`. Fields of
    `SERVER_FIELDS` are decided by the manager: leave them alone when creating.

    Attributes:
        test_id: Empty to be given one.
        traffic_allocation: Share of each variant; they sum to 1.
        primary_metric: What decides the test: `accuracy`, `precision`, `recall`, `f1_score`, `error_rate`,
            `conversion_rate`, `mean_value`, `mean_latency_ms`, `p95_latency_ms`, `absolute_error`, `squared_error`, or
            a number in the interactions' `response_data`.
        guardrail_metrics: Bounds that no variant may cross; a name alone means no worse than control.
        error_rate_threshold: A guardrail: greatest share of interactions without success, 0 to 1.
        latency_threshold_ms: A guardrail: greatest 95th percentile of latency.
        minimum_detectable_effect: The least difference worth finding, in the primary metric's unit; None: the method's.
        confidence_level: One minus the probability of a false alarm.
        statistical_power: Probability of finding the minimum detectable effect where it is there.
        planned_duration_days: After so many days the test is completed.
        minimum_sample_size: Interactions of each variant before success may end the test early.
        maximum_sample_size: Interactions of all variants together after which the test is completed.
        user_filters: Who takes part: conditions on fields of the request's context, see `targeting`.
        max_concurrent_tests: A user of this test takes part in at most so many tests of the project; None: any number.
        unit: What is independent of one another: users, or interactions.
        cluster: Whether many interactions of one user are analysed as a cluster.
        strata: Fields of `request_data` such as `site` or `instrument` by which the analysis is stratified.
        sequential: How looks are accounted for: at any time, at planned looks, or one at the end.
        looks: Number of planned looks.
        steps: Steps of a gradual rollout.
        paused_keeps_known: Whether users who have a variant keep it while the test is paused.
        expected_traffic_per_day: Interactions of all variants per day, for planning.
        baseline_rate: Share of the primary metric in control, for planning.
        baseline_mean: Mean of the primary metric in control, for planning.
        baseline_std: Its standard deviation, for planning.
        interactions_per_user: How many interactions one user has, for planning of clustered tests.
        intra_class_correlation: Correlation of interactions of one user, for planning of clustered tests.
        metrics: What metrics are, by name, where their name does not tell.
        task: What the models answer: a class or a number.
        positive_label: The class that precision and recall are about; None: the average of all classes, 100 at most.
        cuped: Name of the field of `request_data` with the unit's value before the test; empty for none.
        starts_at: Nobody is assigned before.
        ends_at: Nobody is assigned from then on, and a running test is completed; in the future when it is created.
        status: Where it stands.
        salt: What makes its assignment independent of other tests'.
        method: How its results are computed, fixed at the start; see `method`.
        phases: Times with one allocation each.
        stop_reason: Why it ended, or was paused.
    """

    test_id: Annotated[str, Field(max_length=250)] = ""
    name: Words = ""
    description: Words = ""
    hypothesis: Words = ""
    test_type: TestType = TestType.CHAMPION_CHALLENGER
    control_model_id: Name
    control_model_version: Words
    treatment_models: tuple[ModelReference, ...]
    traffic_allocation: Shares
    primary_metric: Name
    secondary_metrics: Terms = ()
    guardrail_metrics: Annotated[tuple[Guardrail, ...], BeforeValidator(_guardrails)] = ()
    error_rate_threshold: float | None = Field(None, ge=0, le=1)
    latency_threshold_ms: float | None = Field(None, gt=0, allow_inf_nan=False)
    minimum_detectable_effect: float | None = Field(None, gt=0, allow_inf_nan=False)
    confidence_level: float = Field(0.95, gt=0, lt=1)
    statistical_power: float = Field(0.8, gt=0, lt=1)
    planned_duration_days: float | None = Field(None, gt=0, allow_inf_nan=False)
    minimum_sample_size: int | None = Field(None, ge=1)
    maximum_sample_size: int | None = Field(None, ge=1)
    user_filters: FrozenMap = FrozenDict()
    max_concurrent_tests: int | None = Field(None, ge=1)
    unit: Literal["user", "interaction"] = "user"
    cluster: bool = False
    strata: Terms = ()
    sequential: Literal["always_valid", "planned_looks", "fixed"] = "always_valid"
    looks: int = Field(5, ge=1, le=100)
    steps: tuple[RolloutStep, ...] = ()
    paused_keeps_known: bool = True
    expected_traffic_per_day: float | None = Field(None, gt=0, allow_inf_nan=False)
    baseline_rate: float | None = Field(None, ge=0, le=1)
    baseline_mean: Finite | None = None
    baseline_std: float | None = Field(None, gt=0, allow_inf_nan=False)
    interactions_per_user: float | None = Field(None, ge=1, allow_inf_nan=False)
    intra_class_correlation: float | None = Field(None, ge=0, le=1)
    metrics: Mapping[str, MetricDefinition] = Field(default_factory=dict)
    task: Literal["classification", "regression"] = "classification"
    positive_label: Json = None
    cuped: OptionalName = ""
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    project: OptionalName = ""
    tags: TagMap = FrozenDict()
    owner: Words = ""
    notes: Words = ""

    status: TestStatus = Field(TestStatus.PLANNING, json_schema_extra=_SERVER)
    salt: str = Field("", json_schema_extra=_SERVER)
    method: FrozenMap = Field(FrozenDict(), json_schema_extra=_SERVER)
    phases: tuple[Phase, ...] = Field((), json_schema_extra=_SERVER)
    created_by: Words = Field("", json_schema_extra=_SERVER)
    created_at: AwareDatetime | None = Field(None, json_schema_extra=_SERVER)
    started_at: AwareDatetime | None = Field(None, json_schema_extra=_SERVER)
    ended_at: AwareDatetime | None = Field(None, json_schema_extra=_SERVER)
    stop_reason: Words = Field("", json_schema_extra=_SERVER)

    @property
    def treatments(self) -> tuple[str, ...]:
        """The names of the treatments in order."""
        return tuple(f"treatment_{number}" for number in range(1, len(self.treatment_models) + 1))

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of all variants, control first.

        Example:
            >>> ABTestConfig(control_model_id="m", control_model_version="1.0.0", primary_metric="accuracy",
            ...              treatment_models=[{"model_id": "m", "version": "1.1.0"}],
            ...              traffic_allocation={"control": 0.5, "treatment_1": 0.5}).variants
            ('control', 'treatment_1')
        """
        return (CONTROL, *self.treatments)

    @property
    def phase(self) -> Phase | None:
        """The phase that is open now, or was last; None before the start."""
        return self.phases[-1] if self.phases else None

    @property
    def models(self) -> dict[str, ModelReference]:
        """The model that each variant serves, control first."""
        control = ModelReference(model_id=self.control_model_id, version=self.control_model_version)
        return dict(zip(self.variants, (control, *self.treatment_models), strict=True))

    def model_of(self, variant: str) -> ModelReference:
        """Return the model that a variant serves.

        Raises:
            LookupError: There is no such variant.
        """
        return self.models[variant]


SERVER_FIELDS: frozenset[str] = frozenset(
    name for name, field in ABTestConfig.model_fields.items() if field.json_schema_extra is _SERVER
)
"""Fields of `ABTestConfig` that the manager decides."""


class ABTestInteraction(Record):
    """One request that a variant answered.

    Attributes:
        interaction_id: Unique within the test; logging it again changes nothing.
        variant_id: The variant that `assign_variant` returned.
        request_data: What was asked; fields named as strata or as the covariate are read from it.
        response_data: What was answered. `prediction` is the answer that a label is compared with, a number where the
            task is regression; None there is an answer too, which no label equals. Every other number, nested ones with
            dots between the names, is a metric.
        latency_ms: Milliseconds that the answer took.
        success: Whether the request was served without error.
        conversion: Whether it came to what was wanted.
        value: What it was worth.
        timestamp: When, up to ten years ago; None means when it is logged.
        request_id: Of shadow tests: the same for the answers of all variants to one request, which are compared with
            one another; `log_interactions` stores them together or not at all.
    """

    interaction_id: Term
    test_id: Term
    variant_id: Term
    user_id: Term
    request_data: FrozenMap = FrozenDict()
    response_data: FrozenMap = FrozenDict()
    latency_ms: float | None = Field(None, ge=0, allow_inf_nan=False)
    success: bool | None = None
    conversion: bool | None = None
    value: Finite | None = None
    timestamp: AwareDatetime | None = None
    request_id: Annotated[str, Field(max_length=250, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class InteractionOutcome(Record):
    """The truth about one interaction, as it was told last.

    Attributes:
        test_id: Empty while a label that named no test waits for its interaction.
        label: What the prediction should have been.
        revision: 1 for the first label, one more for each other label.
        is_parked: Whether its interaction has not arrived yet.
    """

    interaction_id: Term
    test_id: str
    label: Json
    revision: int = Field(1, ge=1)
    is_parked: bool = False
    recorded_at: AwareDatetime


class ABTestMove(Record):
    """One thing that happened to a test: who, when, why.

    Attributes:
        sequence: Number among all moves of the test, from 1.
        action: `create`, `start`, `pause`, `resume`, `change_allocation`, `advance`, `force_variant`, `stop`, `cancel`.
        details: What else is to be known, such as the new allocation.
    """

    test_id: str
    sequence: int = Field(ge=1)
    action: str
    from_status: TestStatus | None = None
    to_status: TestStatus
    actor: str = ""
    reason: str = ""
    at: AwareDatetime
    details: FrozenMap = FrozenDict()
