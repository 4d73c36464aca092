"""Which statistics a test is analysed by: a pure function of its design, stored before the first interaction.

Nothing that is logged can change the method afterwards; the report names it and says why it was chosen. Which formula
goes with which design stands in the tables here and in `analysis`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlops.ab_testing.analysis import TESTS, Cut, Method, MetricMethod, Role, Sequence, Test, Unit, in_words
from mlops.ab_testing.entities import ABTestConfig, MetricKind, TestType
from mlops.ab_testing.guardrails import watches
from mlops.ab_testing.measures import CONFUSION, Measure, measure_of

__all__ = ["BLOCKWISE", "LEAST_CELL", "Method", "MetricMethod", "choose", "in_words", "planned_size"]

LEAST_CELL = 25.0
"""The rule of rates: asymptotic sequences when the rarer outcome is expected so often in the smallest arm by the end,
the two-sample e-process below. Both keep the error anywhere near it, also when the rate is half or twice what was
told; from here on the asymptotic one finds more (`python -m benchmarks.validity --only grid --only cell`)."""

_ASSUMED_DISTANCE = 0.04  # from 0 and 1, of a rate that the design does not tell: loses least over rates of 0.5 to 30 %
BLOCKWISE = frozenset({TestType.CANARY, TestType.GRADUAL_ROLLOUT})
"""Types of tests whose rates are compared block by block, however large they are."""

_FUTILITY_POWER = 0.99
"""Looks stop for futility only where an effect that the sample finds with this power has become unlikely, for whoever
stops gives up power: at .80 four points of it, at .99 half a point."""

_DEFAULT_SIZE = 10_000
_TUNED_AT = 0.5  # share of the planned sample at which sequences are narrowest


def choose(config: ABTestConfig) -> Method:
    """Return the method of a test.

    Args:
        config: A design that `design.check_design` let pass.
    """
    size = planned_size(config)
    metrics = tuple(_metric(config, name, role) for name, role in _roles(config).items())
    looks, boundaries, futility = _looks(config)
    return Method(
        mode=config.sequential,
        confidence_level=config.confidence_level,
        metrics=metrics,
        planned_size=size,
        sizes={name: _tuned_size(config, size, name) for name in config.variants},
        looks=looks,
        boundaries=boundaries,
        futility=futility,
        positive_label=config.positive_label,
        reasons=(_MODE_REASONS[config.sequential], *_unit_reasons(config)),
    )


_MODE_REASONS: Mapping[str, str] = {
    "always_valid": "It may be looked at as often as one likes: p-values and intervals hold at every look at once.",
    "planned_looks": "Looks are planned: each spends its share of the error (Lan–DeMets, O'Brien–Fleming).",
    "fixed": "It is judged once, at the end: what is seen before has no say.",
}


def planned_size(config: ABTestConfig) -> int:
    """Return how many interactions the test is expected to have: its maximum, else traffic times days, else 10,000."""
    if config.maximum_sample_size is not None:
        return config.maximum_sample_size
    if config.expected_traffic_per_day is not None and config.planned_duration_days is not None:
        return max(1, round(config.expected_traffic_per_day * config.planned_duration_days))
    return _DEFAULT_SIZE


def _roles(config: ABTestConfig) -> dict[str, Role]:
    roles: dict[str, Role] = {config.primary_metric: "primary"}
    for name in config.secondary_metrics:
        roles.setdefault(name, "secondary")
    for watch in watches(config):
        roles.setdefault(watch.measure.name, "guardrail")
    return roles


def _unit(config: ABTestConfig) -> Unit:
    if config.test_type is TestType.SHADOW:
        return "pair"
    if config.cluster:
        return "cluster"
    if config.strata:
        return "stratum"
    return "covariate" if config.cuped else "value"


def _metric(config: ABTestConfig, name: str, role: Role) -> MetricMethod:
    measure = measure_of(config, name)
    unit = _unit_of(config, measure)
    test = _test(config, measure, unit)
    sequence, reason = _sequence(config, measure, unit, test)
    cut: Cut = "arrival" if sequence == "e_process" else "none"
    if role == "primary" and config.sequential == "planned_looks":
        cut, sequence = "looks", "asymptotic"
    return MetricMethod(
        **measure._asdict(), role=role, unit=unit, test=test, sequence=sequence, blocks=cut, reason=reason
    )


def _unit_of(config: ABTestConfig, measure: Measure) -> Unit:
    """Return the unit of a metric: quantiles and tables of predictions know neither strata nor covariates."""
    unit = _unit(config)
    is_plain = measure.kind in {MetricKind.QUANTILE, MetricKind.RATIO} or measure.source in CONFUSION
    return "value" if is_plain and unit in {"stratum", "covariate"} else unit


def _test(config: ABTestConfig, measure: Measure, unit: Unit) -> Test:
    if measure.source in CONFUSION:
        if unit != "value" or config.positive_label is None:
            return "none"
        return "delta_method" if measure.name == "f1_score" else "pooled_z_newcombe"
    return TESTS.get((unit, measure.kind), "none")


def _sequence(config: ABTestConfig, measure: Measure, unit: Unit, test: Test) -> tuple[Sequence, str]:
    if test == "none":
        return "none", "its values cannot be compared in this design"
    if measure.kind is MetricKind.QUANTILE:
        return "quantile_sequence", "a quantile, of values of any law"
    is_rate = measure.kind is MetricKind.PROPORTION
    if not is_rate or unit != "value" or measure.source in CONFUSION:
        return "asymptotic", _PAIRED if is_rate and unit == "pair" else "an average over many independent units"
    if config.test_type in BLOCKWISE:
        return "e_process", "harm must show early, and shares may change: arms are compared block by block"
    cell = round(planned_size(config) * min(config.traffic_allocation.values()) * _distance(config, measure), 9)
    expected = f"the rarer outcome is expected {_rounded(cell)} times in the smallest arm"
    if cell >= LEAST_CELL:
        return "asymptotic", f"{expected}, which is enough for the normal law"
    return "e_process", f"{expected}, too seldom for the normal law: exact at every look"


_PAIRED = "its p-value is exact, from the requests on which the models differ"


def _rounded(cell: float) -> str:
    return f"{cell:,.0f}" if cell >= 10 else f"{cell:.2g}"


def _distance(config: ABTestConfig, measure: Measure) -> float:
    """Return how far the rate is expected to be from 0 and 1."""
    if config.baseline_rate is not None and measure.source == measure_of(config, config.primary_metric).source:
        return min(config.baseline_rate, 1 - config.baseline_rate)
    return _ASSUMED_DISTANCE


def _tuned_size(config: ABTestConfig, size: int, variant: str) -> float:
    """Return the number of independent units of a variant that sequences are tuned for."""
    is_shadow = config.test_type is TestType.SHADOW  # every variant answers every request
    share = 1 / len(config.variants) if is_shadow else config.traffic_allocation[variant]
    units = size / (config.interactions_per_user or 1.0) if config.cluster else float(size)
    return max(2.0, _TUNED_AT * units * share)


def _looks(config: ABTestConfig) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Return shares, efficacy and futility boundaries of the planned looks."""
    if config.sequential != "planned_looks":
        return (), (), ()
    from mlops.stats.group_sequential import efficacy_boundaries, futility_boundaries

    shares = tuple((look + 1) / config.looks for look in range(config.looks))
    alpha = (1 - config.confidence_level) / len(config.treatments)  # every treatment has looks of its own
    upper = efficacy_boundaries(shares, alpha=alpha, sides=2)
    lower = futility_boundaries(shares, upper, power=_FUTILITY_POWER).boundaries
    return shares, tuple(upper.tolist()), tuple(lower.tolist())


def _unit_reasons(config: ABTestConfig) -> tuple[str, ...]:
    return _UNIT_REASONS[_unit(config)]


_UNIT_REASONS: Mapping[Unit, tuple[str, ...]] = {
    "value": (),
    "cluster": ("Units give many interactions that resemble each other; they are analysed unit by unit.",),
    "stratum": ("Arms are compared within strata and added up, so that a mixture of strata cannot mislead.",),
    "covariate": ("What was known of units before the test is taken out of the noise (CUPED).",),
    "pair": ("All variants answered the same requests; they are compared request by request.",),
}
