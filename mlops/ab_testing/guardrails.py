"""What a variant must not do, and whether it has done so: bounds that hold however often they are checked.

A design names guardrails; thresholds of errors and latency are guardrails too, and a canary or a rollout always has
one: that it is no worse than control. The probability that any of them stops a harmless test is shared out among them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from mlops.ab_testing.entities import ABTestConfig, Guardrail, TestType
from mlops.ab_testing.measures import Measure, measure_of

__all__ = ["Watch", "watches"]

_GUARDED = frozenset({TestType.CANARY, TestType.GRADUAL_ROLLOUT})


class Watch(NamedTuple):
    """One guardrail in force.

    Attributes:
        measure: What is watched.
        limit: An absolute bound; None compares with control.
        margin: How much worse than control a variant may be.
        action: What a violation does.
    """

    measure: Measure
    limit: float | None
    margin: float
    action: Literal["stop", "pause"]


def watches(config: ABTestConfig) -> tuple[Watch, ...]:
    """Return the guardrails of a design: named, from thresholds, and those that its type brings."""
    named = [_watch(config, rail) for rail in config.guardrail_metrics]
    if config.error_rate_threshold is not None:
        named.append(Watch(measure_of(config, "error_rate"), config.error_rate_threshold, 0.0, "stop"))
    if config.latency_threshold_ms is not None:
        named.append(Watch(measure_of(config, "p95_latency_ms"), config.latency_threshold_ms, 0.0, "stop"))
    for measure in _brought(config):
        if not any(watch.measure.source == measure.source and watch.limit is None for watch in named):
            named.append(Watch(measure, None, 0.0, "stop"))
    return tuple(dict.fromkeys(named))


def _watch(config: ABTestConfig, rail: Guardrail) -> Watch:
    return Watch(measure_of(config, rail.metric), rail.limit, rail.margin or 0.0, rail.action)


def _brought(config: ABTestConfig) -> tuple[Measure, ...]:
    if config.test_type not in _GUARDED:
        return ()
    return tuple(measure_of(config, name) for name in (config.primary_metric, "error_rate"))
