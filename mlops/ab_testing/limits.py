"""Which values a design lets its metrics have: 0 and 1 for proportions, and what lies between its bounds.

Checked when an interaction is logged. What is computed from labels has no limits: errors have bounds of their own.
"""

from __future__ import annotations

from typing import NamedTuple

from mlops.ab_testing.entities import ABTestConfig, MetricKind
from mlops.ab_testing.errors import InteractionRefused
from mlops.ab_testing.interactions import Values
from mlops.ab_testing.measures import LABELLED, measure_of

__all__ = ["Limit", "check_values", "limits_of"]


class Limit(NamedTuple):
    """What the values of one metric may be.

    Attributes:
        name: The metric, as the design names it.
        source: The logged number that it is read from.
        lower: Its least value; None without.
        upper: Its greatest; None without.
        is_rate: Whether only 0 and 1 are values.
        is_complement: Whether it is one minus the logged number.
    """

    name: str
    source: str
    lower: float | None
    upper: float | None
    is_rate: bool
    is_complement: bool


def limits_of(config: ABTestConfig) -> tuple[Limit, ...]:
    """Return what a design says of the values of its metrics; nothing of those that may have any."""
    found = []
    for name, one in config.metrics.items():
        measure, is_rate = measure_of(config, name), one.kind is MetricKind.PROPORTION
        if measure.source not in LABELLED and (is_rate or one.lower is not None or one.upper is not None):
            found.append(Limit(name, measure.source, one.lower, one.upper, is_rate, measure.is_complement))
    return tuple(found)


def check_values(limits: tuple[Limit, ...], interaction_id: str, values: Values) -> None:
    """Let values pass that the design allows.

    Raises:
        InteractionRefused: A proportion is neither 0 nor 1, or a value is beyond its bounds.
    """
    for limit in limits:
        logged = values.get(limit.source)
        if logged is None:
            continue
        value = 1 - logged if limit.is_complement else logged
        if limit.is_rate and value not in (0.0, 1.0):
            reason = "it is a proportion, whose values are 0 and 1. Log True or False, or design it with kind 'mean'."
        elif not _is_between(value, limit):
            reason = f"the design allows {_range(limit)}. Log what was measured, or leave it out."
        else:
            continue
        raise InteractionRefused(interaction_id, f"{limit.name!r} is {value!r}; {reason}")


def _is_between(value: float, limit: Limit) -> bool:
    return (limit.lower is None or value >= limit.lower) and (limit.upper is None or value <= limit.upper)


def _range(limit: Limit) -> str:
    if limit.upper is None:
        return f"{limit.lower!r} and above"
    return f"{limit.upper!r} and below" if limit.lower is None else f"{limit.lower!r} to {limit.upper!r}"
