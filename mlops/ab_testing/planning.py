"""How large a test must be, how long it takes, and what it can find: asked of a design, before anything is logged.

Numbers count interactions. Sequential designs are charged for looking: their size is that at whose end they have found
the effect with the power asked for; large effects end them earlier.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from pydantic import Field

from mlops.ab_testing import exact_planning
from mlops.ab_testing.entities import CONTROL, ABTestConfig, MetricKind
from mlops.ab_testing.measures import CONFUSION, measure_of
from mlops.ab_testing.method import BLOCKWISE, LEAST_CELL, choose
from mlops.ab_testing.values import NumberMap, Shares
from mlops.errors import InvalidInput
from mlops.records import FrozenDict, Record

__all__ = ["Plan", "PlanRequest", "least_total", "plan", "request_of"]

_NAN = math.nan
_LARGEST = 1e60  # squares of what is planned stay doubles
_FINEST = 1e-6  # standard deviations; finding a smaller effect takes more than 10 million million interactions
_SUM_TOLERANCE = 1e-9


class PlanRequest(Record):
    """What is asked of a plan: all numbers finite, and of a size that statistics can be made of.

    Attributes:
        kind: What is compared: `proportion`, `mean` or `quantile`.
        baseline: Rate or mean of control now.
        deviation: Standard deviation of one value, for means and quantiles.
        effect: The least difference worth finding; None asks only what a size can find.
        better: Whether more or less is better.
        quantile: Which quantile; values are taken for lognormal with this mean and deviation.
        allocation: Share of each variant; they sum to 1.
        mode: How looks are accounted for.
        sequence: How rates are compared at any look; None: as the design that has the size gets it.
        size: Interactions of all variants whose detectable effect is asked for.
        traffic_per_day: Interactions of all variants per day.
        interactions_per_user: For clustered units.
        intra_class_correlation: For clustered units.
    """

    kind: MetricKind = MetricKind.PROPORTION
    baseline: float = Field(ge=-_LARGEST, le=_LARGEST)
    deviation: float | None = Field(None, ge=1 / _LARGEST, le=_LARGEST)
    effect: float | None = Field(None, gt=0, le=_LARGEST)
    better: Literal["max", "min"] = "max"
    quantile: float = Field(0.95, gt=0, lt=1)
    allocation: Shares = FrozenDict({CONTROL: 0.5, "treatment_1": 0.5})
    mode: Literal["always_valid", "planned_looks", "fixed"] = "always_valid"
    sequence: Literal["asymptotic", "e_process"] | None = None
    looks: int = Field(5, ge=1, le=100)
    confidence_level: float = Field(0.95, gt=0.5, lt=1)
    power: float = Field(0.8, gt=0, lt=1)
    size: int | None = Field(None, ge=1, le=10**15)
    traffic_per_day: float | None = Field(None, ge=1e-6, le=1e15)
    interactions_per_user: float = Field(1.0, ge=1, le=1e9)
    intra_class_correlation: float = Field(0.0, ge=0, le=1)


class Plan(Record):
    """The answer.

    Attributes:
        total: Interactions of all variants that find the effect with the power; None where no effect was named.
        per_variant: The same by variant.
        one_look_total: What a test with one look at the end would need.
        days: Until `total` at the traffic; NaN where one of them is not known.
        size: The size that the next two are about.
        detectable_effect: The least improvement that this size finds with the power; NaN where it finds none.
        power_at_size: Chance that this size finds the effect; NaN without an effect.
        design_effect: By what factor clusters enlarge the sample.
        sequence: How the plan's rates are compared at any look; empty for other kinds and other modes.
    """

    total: int | None = None
    per_variant: NumberMap = FrozenDict()
    one_look_total: int | None = None
    days: float = _NAN
    size: int | None = None
    detectable_effect: float = _NAN
    power_at_size: float = _NAN
    design_effect: float = 1.0
    sequence: Literal["", "asymptotic", "e_process"] = ""
    words: str = ""


def request_of(config: ABTestConfig, *, size: int | None = None) -> PlanRequest | None:
    """Return what to ask for a design; None where it names no baseline of its primary metric.

    Args:
        config: The design.
        size: Interactions of all variants; its maximum, when left out.
    """
    measure = measure_of(config, config.primary_metric)
    is_rate = measure.kind is MetricKind.PROPORTION
    baseline = config.baseline_rate if is_rate else config.baseline_mean
    if baseline is None or measure.kind is MetricKind.RATIO or (not is_rate and config.baseline_std is None):
        return None
    return PlanRequest(
        kind=measure.kind,
        baseline=baseline,
        deviation=config.baseline_std,
        effect=config.minimum_detectable_effect,
        better=measure.direction or "max",
        quantile=measure.quantile,
        allocation=config.traffic_allocation,
        mode=config.sequential,
        sequence=_sequence_of(config),
        looks=config.looks,
        confidence_level=config.confidence_level,
        power=config.statistical_power,
        size=size or config.maximum_sample_size,
        traffic_per_day=config.expected_traffic_per_day,
        interactions_per_user=(config.interactions_per_user or 1.0) if config.cluster else 1.0,
        intra_class_correlation=(config.intra_class_correlation or 0.0) if config.cluster else 0.0,
    )


def _sequence_of(config: ABTestConfig) -> Literal["asymptotic", "e_process"] | None:
    """Return how a design compares rates whatever its size; None where the size decides."""
    primary = choose(config).primary
    if primary.kind is not MetricKind.PROPORTION or primary.unit != "value" or primary.source in CONFUSION:
        return "asymptotic"
    return "e_process" if config.test_type in BLOCKWISE else None


def plan(request: PlanRequest) -> Plan:
    """Return size, days and detectable effect.

    Raises:
        InvalidInput: The numbers cannot be: a rate outside of 0 to 1 with its effect, no deviation of a mean, shares
            that do not sum to 1; or neither an effect nor a size is named, so that nothing is asked.

    Example:
        >>> found = plan(PlanRequest(baseline=0.90, effect=0.02, mode="fixed", traffic_per_day=500))
        >>> found.total, round(found.days, 1)
        (6426, 12.9)
    """
    one_look = least_total(request)
    if request.effect is None and request.size is None:
        raise InvalidInput("Nothing is asked: name the effect to find, or a size to tell what it can find.")
    total = None if one_look is None else _sequential_total(request)
    power = _power(request, request.size) if request.size and request.effect is not None else _NAN
    answer = Plan(
        total=total,
        one_look_total=one_look,
        per_variant={} if total is None else _split(request, total),
        days=total / request.traffic_per_day if total and request.traffic_per_day else _NAN,
        size=request.size,
        detectable_effect=_detectable(request, request.size) if request.size else _NAN,
        power_at_size=power,
        design_effect=_design_effect(request),
        sequence=_sequence(request, total or request.size or 0),
    )
    return answer.changed(words=_words(request, answer))


def _sequence(request: PlanRequest, size: int) -> Literal["", "asymptotic", "e_process"]:
    """Return how rates are compared in a design of this size: by the rule of `method.choose`."""
    if request.mode != "always_valid" or request.kind is not MetricKind.PROPORTION:
        return ""
    if request.sequence is not None or _design_effect(request) > 1:
        return request.sequence or "asymptotic"
    return "asymptotic" if size >= _least_asymptotic(request) else "e_process"


def _least_asymptotic(request: PlanRequest) -> int:
    """Return from how many interactions on a design has the asymptotic sequence."""
    distance = min(request.baseline, 1 - request.baseline)
    return math.ceil(round(LEAST_CELL / (min(request.allocation.values()) * distance), 6))


def _sequential_total(request: PlanRequest) -> int | None:
    """Return the interactions of all variants that find the effect by the method that a design of that size has."""
    total = _total(request, _alpha(request))
    if _sequence(request, total) != "e_process":
        return total
    exact = exact_planning.exact_total(_stream(request), request.power, guess=total)
    if request.sequence is not None:
        return exact
    least = _least_asymptotic(request)
    return least if exact is None else min(exact, least)


def _stream(request: PlanRequest) -> exact_planning.Stream:
    control, treatment = _arms(request).values()
    effect = _signed(request) or (1e-9 if request.better == "max" else -1e-9)
    return exact_planning.Stream(
        (request.baseline, request.baseline + effect), (control, treatment), _shared_alpha(request)
    )


def least_total(request: PlanRequest) -> int | None:
    """Return the interactions of all variants that find the effect when they are looked at once; None without one.

    No other design needs less.

    Raises:
        InvalidInput: As for `plan`.
    """
    _check(request)
    return None if request.effect is None else _total(request, _shared_alpha(request))


def _check(request: PlanRequest) -> None:
    if request.kind is MetricKind.RATIO:
        raise InvalidInput("A ratio of two metrics cannot be planned; plan for the mean of one of them.")
    if request.kind is MetricKind.PROPORTION:
        reached = request.baseline + _signed(request)
        if not (0 < request.baseline < 1 and 0 < reached < 1):
            raise InvalidInput(
                f"A rate of {request.baseline:g} that becomes {reached:g} cannot be planned; both must lie between 0 "
                "and 1. Effects are differences of rates: two points are 0.02."
            )
    elif request.deviation is None:
        raise InvalidInput(f"deviation is None; a {request.kind.value} is planned with one above 0.")
    if request.kind is MetricKind.QUANTILE and not request.baseline > 0:
        raise InvalidInput(f"baseline is {request.baseline!r}; quantiles are planned for values above 0.")
    _check_effect(request)
    if len(_arms(request)) < 2 or min(_arms(request).values()) <= 0:
        raise InvalidInput(
            f"allocation {dict(request.allocation)} needs {CONTROL!r} and a treatment, with shares above 0."
        )
    total = math.fsum(request.allocation.values())
    if not abs(total - 1) <= _SUM_TOLERANCE:
        raise InvalidInput(f"allocation sums to {total:g}; shares must sum to 1.")


def _check_effect(request: PlanRequest) -> None:
    """Refuse an effect that no number of interactions a computer can count would find."""
    rate = request.baseline
    spread = math.sqrt(rate * (1 - rate)) if request.kind is MetricKind.PROPORTION else request.deviation or 0.0
    if request.effect is not None and request.effect < _FINEST * spread:
        raise InvalidInput(
            f"An effect of {request.effect:g} where single values deviate by {spread:.3g} is too small to plan for; "
            f"the least is {_FINEST * spread:.3g}."
        )


def _signed(request: PlanRequest) -> float:
    effect = request.effect or 0.0
    return effect if request.better == "max" else -effect


def _arms(request: PlanRequest) -> Mapping[str, float]:
    """Return the shares of control and of the treatment with the least traffic."""
    treatments = {name: share for name, share in request.allocation.items() if name != CONTROL}
    smallest = min(treatments, key=lambda name: treatments[name], default="")
    return {name: request.allocation[name] for name in (CONTROL, smallest) if name in request.allocation}


def _shared_alpha(request: PlanRequest) -> float:
    """Return the error of one treatment: all of them share it, as Holm's first step does."""
    return (1 - request.confidence_level) / (len(request.allocation) - 1)


def _alpha(request: PlanRequest) -> float:
    """Return the level at which a test with one look would need as much as this design does for its power."""
    return _equivalent_level(request.mode, request.looks, _shared_alpha(request), request.power)


@lru_cache(maxsize=256)
def _equivalent_level(mode: str, looks: int, alpha: float, power: float) -> float:
    from scipy import special

    from mlops.stats import group_sequential, sequential_power
    from mlops.stats.tails import normal_p_value

    if mode == "fixed":
        return alpha
    if mode == "planned_looks":
        shares = [(look + 1) / looks for look in range(looks)]
        boundaries = group_sequential.efficacy_boundaries(shares, alpha=alpha)
        drift = group_sequential.drift_for_power(shares, boundaries, -boundaries, power=power)
    else:
        drift = sequential_power.drift_of_sequence(power, alpha=alpha, looks=_LOOKS)
    return float(normal_p_value(drift - special.ndtri(power)))


_LOOKS = 50  # to compute with: more of them find a little more


def _design_effect(request: PlanRequest) -> float:
    from mlops.stats.clustered import design_effect

    return float(design_effect(request.interactions_per_user, request.intra_class_correlation))


def _deviation(request: PlanRequest) -> float:
    """Return the standard deviation that plans the metric as a mean."""
    deviation = request.deviation or _NAN
    if request.kind is MetricKind.MEAN:
        return deviation
    from mlops.stats.lognormal import density_at_quantile
    from mlops.stats.quantiles import quantile_spread

    return float(quantile_spread(request.quantile, density_at_quantile(request.baseline, deviation, request.quantile)))


def _total(request: PlanRequest, alpha: float) -> int:
    """Return the interactions of all variants that find the effect."""
    from mlops.stats import power

    control, treatment = _arms(request).values()
    promised = power.Hypothesis(alpha=alpha, design_effect=_design_effect(request))
    ratio = treatment / control
    if request.kind is MetricKind.PROPORTION:
        rates = request.baseline, request.baseline + _signed(request)
        sizes = power.proportion_sample_size(*rates, power=request.power, ratio=ratio, hypothesis=promised)
    else:
        effect = _signed(request)
        sizes = power.mean_sample_size(
            effect, _deviation(request), power=request.power, ratio=ratio, hypothesis=promised
        )
    return math.ceil(max(sizes.control / control, sizes.treatment / treatment))


def _power(request: PlanRequest, size: int) -> float:
    from mlops.stats import power

    if _sequence(request, size) == "e_process":
        return exact_planning.exact_power(_stream(request), size)
    n1, n2 = (size * share for share in _arms(request).values())
    promised = power.Hypothesis(alpha=_alpha(request), design_effect=_design_effect(request))
    if request.kind is MetricKind.PROPORTION:
        rates = request.baseline, request.baseline + _signed(request)
        return power.proportion_power(*rates, n1, n2, hypothesis=promised)
    if min(n1, n2) / promised.design_effect < 2:
        return 0.0
    return power.mean_power(_signed(request), _deviation(request), n1, n2, hypothesis=promised)


def _detectable(request: PlanRequest, size: int) -> float:
    from mlops.stats import power

    if _sequence(request, size) == "e_process":
        return exact_planning.exact_detectable(_stream(request), size, request.power)
    n1, n2 = (size * share for share in _arms(request).values())
    promised = power.Hypothesis(alpha=_alpha(request), design_effect=_design_effect(request))
    direction: Literal["increase", "decrease"] = "increase" if request.better == "max" else "decrease"
    if min(n1, n2) / promised.design_effect < 2:
        return _NAN
    if request.kind is MetricKind.PROPORTION:
        return abs(
            power.proportion_detectable_difference(
                request.baseline, n1, n2, power=request.power, direction=direction, hypothesis=promised
            )
        )
    return abs(
        power.mean_detectable_difference(
            _deviation(request), n1, n2, power=request.power, direction=direction, hypothesis=promised
        )
    )


def _split(request: PlanRequest, total: int) -> dict[str, float]:
    return {name: float(math.ceil(total * share)) for name, share in request.allocation.items()}


_METHODS = {
    "": "",
    "asymptotic": ", at any look by the asymptotic confidence sequence",
    "e_process": ", at any look by the two-sample e-process (simulated)",
}


def _words(request: PlanRequest, answer: Plan) -> str:
    sentences = []
    if answer.total is not None:
        sentences.append(
            f"{answer.total:,} interactions find a difference of {request.effect:g} with a power of "
            f"{100 * request.power:g} % at {100 * request.confidence_level:g} % confidence{_METHODS[answer.sequence]}."
        )
    if not math.isnan(answer.days):
        sentences.append(f"At {request.traffic_per_day:,g} a day that takes {answer.days:,.1f} days.")
    if answer.size is not None and not math.isnan(answer.detectable_effect):
        sentences.append(f"{answer.size:,} interactions find a difference of {answer.detectable_effect:.3g}.")
    return " ".join(sentences)
