"""Whether a design can answer its question: every reason against it at once, each with what to do.

Pure. What a field alone may be is checked by the record; here fields are held against each other.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterator

from mlops.ab_testing.classes import LONGEST_CLASS
from mlops.ab_testing.entities import CONTROL, ABTestConfig, Guardrail, MetricKind, ModelReference, TestType
from mlops.ab_testing.errors import InvalidDesign
from mlops.ab_testing.guardrails import watches
from mlops.ab_testing.measures import CONFUSION, KNOWN, LABELLED, measure_of
from mlops.ab_testing.method import choose, planned_size
from mlops.ab_testing.outcomes import as_text
from mlops.ab_testing.planning import least_total, request_of
from mlops.errors import InvalidInput, did_you_mean
from mlops.values import short_repr

__all__ = ["check_design"]

_PAIR_ONLY = {TestType.CHAMPION_CHALLENGER: "multivariate", TestType.CANARY: "multivariate"}
_ERRORS = frozenset({"absolute_error", "squared_error"})
_SUM_TOLERANCE = 1e-9

_CALLED = {
    "sensitivity": "It is called 'recall', of the positive_label.",
    "specificity": "It is called 'recall', with the label of the healthy as positive_label.",
    "ppv": "It is called 'precision', of the positive_label.",
    "f1": "It is called 'f1_score'.",
    "mae": "It is called 'absolute_error'.",
    "mse": "It is called 'squared_error'.",
    "rmse": "Compare its square, 'squared_error'.",
}
"""What metrics that the manager computes itself are called here, by the other names that people have for them."""

Reasons = Iterator[str]


def check_design(config: ABTestConfig, *, versions: Collection[tuple[str, str]] | None = None) -> None:
    """Let a design pass that can answer its question.

    Args:
        config: The design.
        versions: Model id and version of those models of the design that are registered; None without a registry.

    Raises:
        InvalidDesign: It cannot; `reasons` has every fault.

    Example:
        >>> check_design(ABTestConfig(control_model_id="m", control_model_version="1.0.0", primary_metric="accuracy",
        ...                           treatment_models=[{"model_id": "m", "version": "1.0.0"}],
        ...                           traffic_allocation={"control": 0.5, "treatment_1": 0.5}))
        Traceback (most recent call last):
        mlops.ab_testing.errors.InvalidDesign: ... treatment_1 is m 1.0.0, the same as control...
    """
    reasons = [reason for check in _CHECKS for reason in check(config)]
    if versions is not None:
        reasons.extend(_unregistered(config, versions))
    if not reasons:  # what follows needs a design that is sound in itself
        reasons.extend(_incomparable(config))
        reasons.extend(_out_of_reach(config))
    if reasons:
        raise InvalidDesign(reasons)


def _allocation(config: ABTestConfig) -> Reasons:
    shares = config.traffic_allocation
    unknown = [name for name in shares if name not in config.variants]
    missing = [name for name in config.variants if name not in shares]
    if unknown:
        hint = did_you_mean(unknown[0], config.variants) or f"The variants are {', '.join(config.variants)}."
        yield f"traffic_allocation names {unknown[0]!r}, which is no variant. {hint}"
    if missing:
        yield f"traffic_allocation has no share for {', '.join(missing)}; give every variant one."
    total = math.fsum(shares.values())
    if not abs(total - 1) <= _SUM_TOLERANCE:
        yield f"traffic_allocation sums to {total:g}; shares must sum to 1."
    for name, share in shares.items():
        if not share > 0 and config.test_type is not TestType.SHADOW:
            yield f"traffic_allocation gives {name} the share {share:g}; without traffic nothing is learnt of it."


def _models(config: ABTestConfig) -> Reasons:
    if not config.treatment_models:
        yield "treatment_models is empty; name at least one model version to compare with control."
    seen = {_key(config.model_of(CONTROL)): CONTROL}
    for name, model in zip(config.treatments, config.treatment_models, strict=True):
        other = seen.setdefault(_key(model), name)
        if other != name:
            yield (
                f"{name} is {model.model_id} {model.version}, the same as {other}; "
                "compare different versions, or see what noise alone does with mlops.stats."
            )
    if config.test_type in _PAIR_ONLY and len(config.treatment_models) > 1:
        yield (
            f"A {config.test_type.value} test compares one treatment with control, and {len(config.treatment_models)} "
            f"are named; use test_type {_PAIR_ONLY[config.test_type]!r}."
        )


def _key(model: ModelReference) -> tuple[str, str]:
    return model.model_id, model.version


def _unregistered(config: ABTestConfig, versions: Collection[tuple[str, str]]) -> Reasons:
    for name in config.variants:
        model = config.model_of(name)
        if _key(model) not in versions:
            yield (
                f"{name} is {model.model_id} {model.version}, which is not registered; register it first, or name a "
                "version that is."
            )


def _metrics(config: ABTestConfig) -> Reasons:
    named = [config.primary_metric, *config.secondary_metrics, *(rail.metric for rail in config.guardrail_metrics)]
    for name in dict.fromkeys(named):
        yield from _metric(config, name)
    if config.primary_metric in config.secondary_metrics:
        yield f"{config.primary_metric!r} is both the primary and a secondary metric; list it once."


def _metric(config: ABTestConfig, name: str) -> Reasons:
    hint = "" if name in KNOWN or name in config.metrics else _CALLED.get(name.lower()) or did_you_mean(name, KNOWN)
    if hint:
        yield f"Metric {name!r} is not known. {hint} A number of response_data with this name is declared in `metrics`."
        return
    measure = measure_of(config, name)
    judges = name == config.primary_metric or any(rail.metric == name for rail in config.guardrail_metrics)
    if judges and measure.direction is None:
        yield (
            f"Nobody can tell whether more or less of {name!r} is better; say so: "
            f"metrics={{{name!r}: {{'direction': 'max'}}}}, or 'min'."
        )
    if config.task == "regression" and (measure.source == "accuracy" or measure.source in CONFUSION):
        yield f"{name!r} is of classifiers, and the task is regression; use absolute_error or squared_error."
    if config.task == "classification" and measure.source in _ERRORS:
        yield f"{name!r} is of regression models; set task='regression', or use accuracy."


def _definitions(config: ABTestConfig) -> Reasons:
    for name, one in config.metrics.items():
        is_ratio = one.kind is MetricKind.RATIO
        if is_ratio != bool(one.numerator and one.denominator):
            yield f"metrics[{name!r}]: kind 'ratio' and a numerator with a denominator belong together."
        if one.lower is not None and one.upper is not None and not one.lower < one.upper:
            yield f"metrics[{name!r}]: lower is {one.lower:g} and upper {one.upper:g}; lower must be below upper."
        source = measure_of(config, name).source
        if (one.lower is not None or one.upper is not None) and (is_ratio or source in LABELLED):
            yield f"metrics[{name!r}]: lower and upper bound what is logged, and this is computed; leave them out."
        if one.kind is MetricKind.PROPORTION and source in _ERRORS:
            yield f"metrics[{name!r}]: the errors of a regression are no proportion; leave out its kind."


def _label(config: ABTestConfig) -> Reasons:
    if config.positive_label is not None and len(as_text(config.positive_label).encode()) > LONGEST_CLASS:
        shown = short_repr(config.positive_label)
        yield f"positive_label is {shown}; as JSON it has at most {LONGEST_CLASS} bytes, use a code for it."


def _guardrails(config: ABTestConfig) -> Reasons:
    for rail in config.guardrail_metrics:
        yield from _guardrail(config, rail)


def _guardrail(config: ABTestConfig, rail: Guardrail) -> Reasons:
    measure = measure_of(config, rail.metric)
    if rail.limit is not None and rail.margin is not None:
        yield f"Guardrail {rail.metric!r} has a limit, which is absolute, and a margin to control; keep one."
    if rail.limit is not None and measure.kind is MetricKind.PROPORTION and not 0 <= rail.limit <= 1:
        yield f"Guardrail {rail.metric!r} has the limit {rail.limit:g}; a rate lies between 0 and 1, 5 % is 0.05."
    if rail.limit is not None and measure.kind is MetricKind.QUANTILE and measure.direction == "max":
        yield f"Guardrail {rail.metric!r} limits a quantile from below, which is not watched; use a margin to control."


def _analysis(config: ABTestConfig) -> Reasons:
    chosen = [
        words
        for is_on, words in (
            (config.test_type is TestType.SHADOW, "test_type 'shadow'"),
            (config.cluster, "cluster=True"),
            (bool(config.strata), "strata"),
            (bool(config.cuped), "cuped"),
        )
        if is_on
    ]
    if len(chosen) > 1:
        yield f"{' and '.join(chosen)} ask for different analyses of the same values; keep one."
    if config.cluster and config.unit == "interaction":
        yield "cluster=True groups the interactions of a user, and unit='interaction' says that they are independent."


def _looks(config: ABTestConfig) -> Reasons:
    is_planned = config.sequential == "planned_looks"
    if is_planned and config.maximum_sample_size is None:
        yield "Planned looks divide the maximum_sample_size, and none is set; set it, see plan()."
    if is_planned and (config.cluster or config.strata or config.cuped or config.test_type is TestType.SHADOW):
        yield "Planned looks know no clusters, strata, covariates or shadows; use sequential='always_valid'."
    kind = measure_of(config, config.primary_metric).kind
    if is_planned and (kind in {MetricKind.QUANTILE, MetricKind.RATIO} or config.primary_metric in CONFUSION):
        yield f"{config.primary_metric!r} has no planned looks; use sequential='always_valid'."
    if config.looks != ABTestConfig.model_fields["looks"].default and not is_planned:
        yield f"looks={config.looks} is for sequential='planned_looks', and sequential is {config.sequential!r}."
    if config.sequential == "fixed" and config.maximum_sample_size is None and config.planned_duration_days is None:
        yield "sequential='fixed' is judged at the end; set maximum_sample_size or planned_duration_days."
    if is_planned and config.maximum_sample_size is not None and config.maximum_sample_size < 10 * config.looks:
        yield f"maximum_sample_size {config.maximum_sample_size} is too small for {config.looks} looks."


def _sizes(config: ABTestConfig) -> Reasons:
    least, most = config.minimum_sample_size, config.maximum_sample_size
    if least is not None and most is not None and least * len(config.variants) > most:
        yield (
            f"minimum_sample_size {least:,} of each of {len(config.variants)} variants is more than the "
            f"maximum_sample_size {most:,} of all together."
        )
    if config.confidence_level <= 0.5:
        yield f"confidence_level is {config.confidence_level:g}; it must be above 0.5, 95 % is 0.95."
    is_rate = measure_of(config, config.primary_metric).kind is MetricKind.PROPORTION
    effect = config.minimum_detectable_effect or 0.0
    if is_rate and effect >= 1:
        yield f"minimum_detectable_effect is {effect:g}; of a rate it is below 1, two points are 0.02."
    if config.starts_at is not None and config.ends_at is not None and config.starts_at >= config.ends_at:
        yield f"starts_at {config.starts_at} is not before ends_at {config.ends_at}."
    if config.created_at is not None and config.ends_at is not None and config.ends_at <= config.created_at:
        yield f"ends_at {config.ends_at} is in the past; name a moment to come, or leave it out."


def _steps(config: ABTestConfig) -> Reasons:
    shares = [step.share for step in config.steps]
    if shares and config.test_type is not TestType.GRADUAL_ROLLOUT:
        yield f"steps are for test_type 'gradual_rollout', and this is {config.test_type.value!r}."
    if any(after <= before for before, after in itertools.pairwise(shares)):
        yield f"steps have the shares {shares}; every step must be above the one before."


_CHECKS: tuple[Callable[[ABTestConfig], Reasons], ...] = (
    _models,
    _allocation,
    _metrics,
    _definitions,
    _label,
    _guardrails,
    _analysis,
    _looks,
    _sizes,
    _steps,
)


def _incomparable(config: ABTestConfig) -> Reasons:
    method = choose(config)
    if method.primary.test == "none":
        needs = (
            "name the positive_label" if method.primary.source in CONFUSION else "drop cluster, strata, cuped, shadow"
        )
        yield f"{config.primary_metric!r} cannot be compared in this design; {needs}, or choose another primary metric."
    for watch in watches(config):
        metric = next(each for each in method.metrics if each.name == watch.measure.name)
        if watch.limit is None and metric.test == "none":
            yield f"Guardrail {metric.name!r} cannot be compared with control in this design; give it a limit."


def _out_of_reach(config: ABTestConfig) -> Reasons:
    """Refuse a power that the sample at the end cannot reach even if it were looked at only once."""
    try:
        request = request_of(config)
        if request is None or request.effect is None:
            return
        needed = least_total(request) or 0
    except InvalidInput as error:
        yield str(error)
        return
    end = _end(config)
    if end is not None and needed > end[0]:
        counted = _COUNTED.get(measure_of(config, config.primary_metric).source, "interactions")
        yield (
            f"With {end[1]} a difference of {request.effect:g} is not found with a power of {100 * request.power:g} %; "
            f"that takes {needed:,} {counted} at least. Plan for more of them, look for a larger "
            "difference, or accept less power."
        )


_COUNTED = {"recall": "truly positive interactions", "precision": "positive predictions"}
"""What a metric has a value for, where that is not every interaction."""


def _end(config: ABTestConfig) -> tuple[int, str] | None:
    """Return how many interactions there will be at the end, and what says so; None where nobody knows."""
    size, days, traffic = config.maximum_sample_size, config.planned_duration_days, config.expected_traffic_per_day
    if size is not None:
        return size, f"maximum_sample_size {size:,}"
    if days is None or traffic is None:
        return None
    return planned_size(config), f"{traffic:,g} interactions a day for {days:g} days"
