"""What a comparison may be said to show, in one word and in a sentence that needs no statistician.

Which p-value and which limits decide depends on how looks are accounted for: those that hold at every look, those of
the planned looks, or those of one look once the test is over. Nothing else may say "significant".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlops.ab_testing.analysis import Method, MetricMethod
from mlops.ab_testing.comparisons import Looks, Table
from mlops.ab_testing.entities import Verdict
from mlops.ab_testing.measures import amount
from mlops.ab_testing.verdict_words import Case, claimed, observed
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
        is_final: Whether nothing more will come: the planned end has come, or somebody stopped the test.
        is_loss: Whether the mismatch is that units of one arm log less often.
        pooled: Metrics that are compared over all phases together although shares changed, which may mislead.
    """

    is_mismatch: bool
    is_over: bool
    smallest_effect: float | None
    confidence_level: float
    planned_size: int
    is_final: bool = False
    is_loss: bool = False
    pooled: frozenset[str] = frozenset()


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
    alone = found.p_value if is_fixed else found.always_p
    p_value = _adjusted(table, alone)
    lower, upper = (found.lower, found.upper) if is_fixed else (found.always_lower, found.always_upper)
    may_claim = np.array([[metric.role != "other" and metric.name not in situation.pooled] for metric in table.metrics])
    is_significant = (p_value <= method.alpha) & may_claim & (situation.is_over or not is_fixed)
    none = np.zeros(p_value.shape, dtype=np.int64)
    answer = Rulings(p_value, found.difference.copy(), lower.copy(), upper.copy(), is_significant, none)
    is_quiet = np.concatenate([p_value[:1], alone[1:]]) > method.alpha
    if method.mode == "planned_looks":
        _put_looks(answer, method, looks)
        is_quiet[0] = ~answer.is_significant[0]
    _agree(answer, is_quiet)
    return answer._replace(is_significant=answer.is_significant & may_claim & (not situation.is_mismatch))


def _adjusted(table: Table, p_values: Floats) -> Floats:
    """Return p-values adjusted within their family: the treatments' of the primary metric, all others together."""
    answer = np.array(p_values, dtype=float)
    answer[0] = multiple_testing.holm(p_values[0])
    others = [row for row, metric in enumerate(table.metrics) if row and metric.role != "other"]
    if others:
        answer[others] = multiple_testing.benjamini_hochberg(p_values[others].ravel()).reshape(len(others), -1)
    return answer


def _agree(answer: Rulings, is_quiet: NDArray[np.bool_]) -> None:
    """Let limits leave 0 out just where the test finds a difference: they may come from another formula than p-values.

    So do those of few pairs, of sparse rates, and of a later step of Holm's procedure, where limits that end at 0 are
    compatible with it (Strassburger and Bretz 2008, Compatible simultaneous lower confidence bounds for the Holm
    procedure, Statistics in Medicine 27, doi:10.1002/sim.3338). Moved inwards they lose what the test refuses alone.

    Args:
        answer: What decides; its limits are moved.
        is_quiet: Where the comparison alone finds no difference.
    """
    is_above, is_below = (answer.is_significant & (sign * answer.difference > 0) for sign in (1, -1))
    for limit, is_claimed, inner, outer in (
        (answer.lower, is_above, np.maximum, np.minimum),
        (answer.upper, is_below, np.minimum, np.maximum),
    ):
        limit[is_claimed] = inner(limit[is_claimed], 0.0)
        limit[is_quiet] = outer(limit[is_quiet], 0.0)


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


def find(judge: Judge, row: int, names: Sequence[str]) -> tuple[Finding, ...]:
    """Return the verdicts on one metric, one for each treatment.

    Args:
        judge: What they are made of.
        row: Of the metric.
        names: Of the treatments.
    """
    metric = judge.table.metrics[row]
    if metric.role == "other":
        words = f"the design does not name {metric.name}, so it is a hint and no result"
        return (Finding(Verdict.UNDECIDED, words),) * len(names)
    return tuple(_found(judge, case) for case in _cases(judge, row, names))


def _cases(judge: Judge, row: int, names: Sequence[str]) -> Iterator[Case]:
    metric, rulings = judge.table.metrics[row], judge.rulings
    measure, is_final = metric.measure, judge.situation.is_final
    beside = float(np.asarray(judge.table.values.mean)[row, 0])
    columns = [part[row].tolist() for part in rulings[1:]]
    for name, difference, lower, upper, is_significant, look in zip(names, *columns, strict=True):
        limits = (difference, lower, upper)
        if metric.direction == "min":
            limits = (0.0 - difference, 0.0 - upper, 0.0 - lower)
        yield Case(name, metric, measure, *limits, beside, is_significant, look, is_final)


def _found(judge: Judge, case: Case) -> Finding:
    situation, metric = judge.situation, case.metric
    if metric.test == "none":
        return Finding(Verdict.UNDECIDED, f"this design does not compare {metric.name} with control")
    if math.isnan(case.difference):
        yet = "" if case.is_final else " yet"
        return Finding(
            Verdict.UNDECIDED, f"{case.name} and control have no values of {metric.name} to be compared{yet}"
        )
    if situation.is_mismatch:
        why = "units of one arm log less often" if situation.is_loss else "units did not arrive as designed"
        return Finding(Verdict.INVALID, f"{observed(case)}; not to be believed, as {why}")
    how = _how(judge.method, case.look)
    if case.is_significant:
        return _significant(case, f"significant at {100 * situation.confidence_level:g} %, {how}")
    smallest = situation.smallest_effect
    is_claimable = _is_decided(judge) and metric.name not in situation.pooled
    if metric.role == "primary" and smallest is not None and is_claimable and _is_within(case, smallest):
        least = amount(case.measure, smallest, beside=case.beside)
        return Finding(Verdict.NO_DIFFERENCE, f"{observed(case)}; a difference as large as {least} is ruled out, {how}")
    return Finding(Verdict.UNDECIDED, f"{observed(case)}; {_undecided(judge, case, how)}")


def _is_decided(judge: Judge) -> bool:
    return judge.method.mode != "fixed" or judge.situation.is_over


def _is_within(case: Case, smallest: float) -> bool:
    return -smallest < case.lower <= case.upper < smallest


def _significant(case: Case, how: str) -> Finding:
    if case.measure.direction is None:
        return Finding(Verdict.UNDECIDED, f"{claimed(case)}, {how}; nobody said which way is better")
    verdict = Verdict.BETTER if case.difference > 0 else Verdict.WORSE
    return Finding(verdict, f"{claimed(case)}, {how}")


def _how(method: Method, look: int) -> str:
    if look:
        return f"at planned look {look} of {len(method.looks)}"
    return "at one look" if method.mode == "fixed" else "at any look"


def _undecided(judge: Judge, case: Case, how: str) -> str:
    method, situation, metric = judge.method, judge.situation, case.metric
    if metric.name in situation.pooled:
        return "nothing is claimed, as shares changed and it is compared over all phases together"
    if not _is_decided(judge):
        size = f"{situation.planned_size:,} interactions"
        return (
            f"the test ended before the {size} that it is judged after"
            if situation.is_final
            else f"judged once, after {size}"
        )
    if method.mode == "planned_looks" and metric.role == "primary" and not case.look:
        first = f"{method.planned_size * method.looks[0]:,.0f} values"
        ended = f"the test ended before its first planned look at {first}"
        return ended if situation.is_final else f"its first planned look is after {first}"
    sure = f"{100 * situation.confidence_level:g} %"
    is_one_alone = case.lower > 0 or case.upper < 0
    others = " once the other comparisons are counted" if is_one_alone and _is_of_many(judge, metric) else ""
    return f"no difference detected at {sure}{others}, {how}"


def _is_of_many(judge: Judge, metric: MetricMethod) -> bool:
    """Tell whether p-values of a metric are adjusted for others, those of its family."""
    treatments = judge.rulings.difference.shape[1]
    family = sum(one.role not in {"primary", "other"} for one in judge.table.metrics)
    return bool(treatments * (1 if metric.role == "primary" else family) > 1)
