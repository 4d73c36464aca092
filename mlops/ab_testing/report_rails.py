"""What reports say of guardrails: how each stands, and what its bound is."""

from __future__ import annotations

import math

from mlops.ab_testing.measures import amount, shown
from mlops.ab_testing.report_data import ABTestReport, GuardrailStatus
from mlops.ab_testing.report_words import Tone, measure_named
from mlops.formatting import ABSENT

__all__ = ["bound_of", "rail_state", "rail_value"]


def rail_state(report: ABTestReport, rail: GuardrailStatus) -> tuple[str, Tone]:
    """Return how a guardrail stands, and its colour: one that is passed without proof is not yet violated."""
    if rail.is_violated:
        return "violated", "bad"
    if math.isnan(rail.value):
        return "no data", "quiet"
    return ("at risk", "warn") if _is_beyond(report, rail) else ("kept", "good")


def _is_beyond(report: ABTestReport, rail: GuardrailStatus) -> bool:
    """Tell whether a value is beyond its bound; without a margin chance alone puts every other one there."""
    if rail.limit is None and not rail.margin:
        return False
    sign = -1.0 if measure_named(report, rail.metric).direction == "max" else 1.0
    bound = rail.limit if rail.limit is not None else rail.control + sign * rail.margin
    return sign * (rail.value - bound) > 0


def bound_of(report: ABTestReport, rail: GuardrailStatus) -> str:
    """Return the bound of a guardrail in words.

    Such as `≤ 5.0 %`, or `≤ control + 1.0 point`.
    """
    measure = measure_named(report, rail.metric)
    side = "≤" if measure.direction != "max" else "≥"
    if rail.limit is not None:
        return f"{side} {shown(measure, rail.limit)}"
    if not rail.margin:
        return f"{side} control"
    sign = "+" if measure.direction != "max" else "−"
    return f"{side} control {sign} {amount(measure, rail.margin, beside=rail.control)}"


def rail_value(report: ABTestReport, rail: GuardrailStatus) -> str:
    """Return what a guardrail's metric is now, in words."""
    return ABSENT if math.isnan(rail.value) else shown(measure_named(report, rail.metric), rail.value)
