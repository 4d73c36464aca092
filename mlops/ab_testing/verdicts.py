"""What a comparison may be said to show, in one word and in a sentence that needs no statistician.

Which p-value and which limits decide depends on how looks are accounted for: those that hold at every look, those of
the planned looks, or those of one look once the test is over. Nothing else may say "significant".
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlops.ab_testing.analysis import Method, MetricMethod
from mlops.ab_testing.comparisons import Looks, Table
from mlops.ab_testing.entities import MetricKind, Verdict
from mlops.ab_testing.measures import Measure, amount, number
from mlops.stats import multiple_testing
from mlops.stats.arguments import Floats

__all__ = ["Finding", "Judge", "Rulings", "Situation", "find", "rule"]


class Rulings(NamedTuple):
    """What decides, by metric and treatment.

    Attributes:
        p_value: After Holm over treatments (primary) or Benjamini–Hochberg over metrics and treatments (others); NaN
            where boundaries decide.
        difference: Treatment minus control, at the look that decides.
        lower: Limit of the difference that decides.
        upper: Likewise.
        is_significant: Whether there is a difference.
        look: The planned look that decides, from 1; 0 without one.
    """

    p_value: Floats
    difference: Floats
    lower: Floats
    upper: Floats
    is_significant: NDArray[np.bool_]
    look: NDArray[np.int64]


class Situation(NamedTuple):
    """What of the whole test bears on every verdict.

    Attributes:
        is_mismatch: Whether units arrived in other shares than designed.
        is_over: Whether the end that a fixed design waits for has come.
        smallest_effect: The minimum detectable effect of the primary metric; None when none is named.
        confidence_level: Of the test.
        planned_size: Interactions at the end.
    """

    is_mismatch: bool
    is_over: bool
    smallest_effect: float | None
    confidence_level: float
    planned_size: int


class Finding(NamedTuple):
    """The verdict on one comparison."""

    verdict: Verdict
    words: str


def rule(method: Method, table: Table, looks: Looks, situation: Situation) -> Rulings:
    """Return what decides each comparison.

    Args:
        method: As it was fixed at the start.
        table: The comparisons.
        looks: What planned looks showed; without rows where none are planned.
        situation: Of the whole test.
    """
    found = table.found
    is_fixed = method.mode == "fixed"
    p_value = _adjusted(table, found.p_value if is_fixed else found.always_p)
    lower, upper = (found.lower, found.upper) if is_fixed else (found.always_lower, found.always_upper)
    is_named = np.array([[metric.role != "other"] for metric in table.metrics])
    is_significant = (p_value <= method.alpha) & is_named & (situation.is_over or not is_fixed)
    none = np.zeros(p_value.shape, dtype=np.int64)
    answer = Rulings(p_value, found.difference.copy(), lower.copy(), upper.copy(), is_significant, none)
    if method.mode == "planned_looks":
        _put_looks(answer, method, looks)
    return answer if not situation.is_mismatch else answer._replace(is_significant=np.zeros_like(is_significant))


def _adjusted(table: Table, p_values: Floats) -> Floats:
    """Return p-values adjusted within their family: the treatments' of the primary metric, all others together."""
    answer = np.array(p_values, dtype=float)
    answer[0] = multiple_testing.holm(p_values[0])
    others = [row for row, metric in enumerate(table.metrics) if row and metric.role != "other"]
    if others:
        answer[others] = multiple_testing.benjamini_hochberg(p_values[others].ravel()).reshape(len(others), -1)
    return answer


def _put_looks(answer: Rulings, method: Method, looks: Looks) -> None:
    """Let the first planned look that crossed its boundary decide on the primary metric, else the last."""
    answer.p_value[0], answer.lower[0], answer.upper[0], answer.is_significant[0] = np.nan, np.nan, np.nan, False
    if not len(looks.z):
        return
    crossed = np.abs(looks.z) >= np.array(method.boundaries[: len(looks.z)])[:, None]
    is_any = crossed.any(axis=0)
    chosen = np.where(is_any, crossed.argmax(axis=0), len(looks.z) - 1)
    columns = np.arange(chosen.size)
    answer.is_significant[0], answer.look[0] = is_any, chosen + 1
    for into, seen in ((answer.difference, looks.difference), (answer.lower, looks.lower), (answer.upper, looks.upper)):
        into[0] = seen[chosen, columns]


class Judge(NamedTuple):
    """Everything that verdicts are made of: the method, the comparisons, what decides them, and the whole test."""

    method: Method
    table: Table
    rulings: Rulings
    situation: Situation


class _Case(NamedTuple):
    """One comparison: difference and limits turned so that more is better, where it is known what is better."""

    name: str
    metric: MetricMethod
    measure: Measure
    difference: float
    lower: float
    upper: float
    beside: float


def find(judge: Judge, place: tuple[int, int], name: str) -> Finding:
    """Return the verdict on one metric and treatment.

    Args:
        judge: What it is made of.
        place: Row of the metric and column of the treatment.
        name: Of the treatment.
    """
    method, situation = judge.method, judge.situation
    metric = judge.table.metrics[place[0]]
    if metric.role == "other":
        return Finding(Verdict.UNDECIDED, f"the design does not name {metric.name}, so it is a hint and no result")
    case = _case(judge, place, name)
    if math.isnan(case.difference):
        return Finding(Verdict.UNDECIDED, f"{name} and control have no values of {metric.name} to be compared yet")
    if situation.is_mismatch:
        return Finding(Verdict.INVALID, f"{_open(case)}; not to be believed, as units did not arrive as designed")
    how = _how(method, int(judge.rulings.look[place]))
    if judge.rulings.is_significant[place]:
        return _significant(case, f"significant at {100 * situation.confidence_level:g} %, {how}")
    smallest = situation.smallest_effect
    if metric.role == "primary" and smallest is not None and _is_decided(judge) and _is_within(case, smallest):
        least = amount(case.measure, smallest, beside=case.beside)
        return Finding(Verdict.NO_DIFFERENCE, f"{_open(case)}; a difference as large as {least} is ruled out, {how}")
    return Finding(Verdict.UNDECIDED, f"{_open(case)}; {_undecided(judge, metric, how)}")


def _is_decided(judge: Judge) -> bool:
    return judge.method.mode != "fixed" or judge.situation.is_over


def _case(judge: Judge, place: tuple[int, int], name: str) -> _Case:
    metric, rulings = judge.table.metrics[place[0]], judge.rulings
    difference, lower, upper = (part.item(place) for part in (rulings.difference, rulings.lower, rulings.upper))
    if metric.direction == "min":
        difference, lower, upper = 0.0 - difference, 0.0 - upper, 0.0 - lower
    beside = np.asarray(judge.table.values.mean, dtype=float).item(place[0], 0)
    return _Case(name, metric, metric.measure, difference, lower, upper, beside)


def _is_within(case: _Case, smallest: float) -> bool:
    return -smallest < case.lower <= case.upper < smallest


def _significant(case: _Case, how: str) -> Finding:
    if case.measure.direction is None:
        return Finding(Verdict.UNDECIDED, f"{_seen(case)}, {how}; nobody said which way is better")
    verdict = Verdict.BETTER if case.difference > 0 else Verdict.WORSE
    return Finding(verdict, f"{_seen(case)}, {how}")


def _seen(case: _Case) -> str:
    """Say what was found, such as `treatment_1 is better by 1.9 points (0.4 to 3.4)`."""
    sign = -1.0 if case.difference < 0 else 1.0
    size = amount(case.measure, sign * case.difference, beside=case.beside)
    low, high = sorted((sign * case.lower, sign * case.upper))
    limits = f" ({_size(case, low)} to {_size(case, high)})" if _has_limits(case) else ""
    return f"{case.name} is {_side(case, case.difference)}{_on(case)} by {size}{limits}"


def _open(case: _Case) -> str:
    """Say what has been seen without claiming it: `treatment_1 so far: 1.9 points better (0.4 worse to 3.4 better)`."""
    size = amount(case.measure, abs(case.difference), beside=case.beside)
    limits = " to ".join(f"{_size(case, abs(limit))} {_side(case, limit)}" for limit in (case.lower, case.upper))
    shown = f" ({limits})" if _has_limits(case) else ""
    return f"{case.name} so far{_on(case)}: {size} {_side(case, case.difference)}{shown}"


def _side(case: _Case, difference: float) -> str:
    if case.measure.direction is None:
        return "less" if difference < 0 else "more"
    return "worse" if difference < 0 else "better"


def _on(case: _Case) -> str:
    return "" if case.metric.role == "primary" else f" on {case.metric.name}"


def _size(case: _Case, size: float) -> str:
    return number(case.measure, size, beside=case.beside)


def _has_limits(case: _Case) -> bool:
    """Tell whether limits say anything: before a burn-in ends they are those of the scale."""
    is_whole_scale = case.measure.kind is MetricKind.PROPORTION and case.upper - case.lower >= 2
    return math.isfinite(case.lower) and math.isfinite(case.upper) and not is_whole_scale


def _how(method: Method, look: int) -> str:
    if look:
        return f"at planned look {look} of {len(method.looks)}"
    return "at one look" if method.mode == "fixed" else "always-valid"


def _undecided(judge: Judge, metric: MetricMethod, how: str) -> str:
    method, situation = judge.method, judge.situation
    if not _is_decided(judge):
        return f"judged once, after {situation.planned_size:,} interactions"
    if method.mode == "planned_looks" and metric.role == "primary" and "look" not in how:
        return f"its first planned look is after {method.planned_size * method.looks[0]:,.0f} values"
    return f"not significant at {100 * situation.confidence_level:g} %, {how}"
