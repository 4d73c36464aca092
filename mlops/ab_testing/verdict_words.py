"""A comparison in a sentence that needs no statistician: what was seen, in which direction, and how sure.

Nothing here decides anything: `verdicts` says which sentence is true.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from mlops.ab_testing.analysis import MetricMethod
from mlops.ab_testing.entities import MetricKind
from mlops.ab_testing.measures import Measure, amount, number

__all__ = ["Case", "claimed", "distinct", "is_told", "observed", "rounded"]

_ONE_POINT = 0.01
_DIGITS = frozenset("123456789")


class Case(NamedTuple):
    """One comparison: difference and limits turned so that more is better, where it is known what is better."""

    name: str
    metric: MetricMethod
    measure: Measure
    difference: float
    lower: float
    upper: float
    beside: float
    is_significant: bool
    look: int
    is_final: bool

    @property
    def limits(self) -> tuple[float, float]:
        """Both limits of the difference."""
        return self.lower, self.upper


def claimed(case: Case) -> str:
    """Say what was found, such as `treatment_1 is better on accuracy by 1.9 points (0.4 to 3.4)`."""
    sign = -1.0 if case.difference < 0 else 1.0
    size = amount(case.measure, rounded(case.measure, sign * case.difference, case.limits), beside=case.beside)
    return f"{case.name} is {_rank(case)} on {case.metric.name} by {size}{_limits_of_claim(case, sign)}"


def _limits_of_claim(case: Case, sign: float) -> str:
    """Return the limits of what was found; none reads as 0, which would take the claim back."""
    low, high = sorted((sign * case.lower, sign * case.upper))
    least = distinct(case.measure, low, beside=case.beside) if low > 0 else "above 0"
    if _has_limits(case):
        return f" ({least} to {distinct(case.measure, high, beside=case.beside)})"
    return f" ({least} or more)" if 0 < low < high == math.inf else ""


def distinct(measure: Measure, limit: float, *, beside: float) -> str:
    """Return the number of a limit with as many digits as tell it from 0.

    Example:
        >>> from mlops.ab_testing.measures import KNOWN
        >>> distinct(KNOWN["mean_value"], 0.0141, beside=100.0), distinct(KNOWN["mean_value"], 3.025, beside=100.0)
        ('0.014', '3.0')
    """
    shown = number(measure, limit, beside=beside)
    return shown if is_told(shown) or not limit else f"{limit:.2g}"


def observed(case: Case) -> str:
    """Say what has been seen without claiming it.

    Such as `treatment_1 so far on accuracy: 1.9 points better (0.4 worse to 3.4 better)`.
    """
    measure, beside, limits = case.measure, case.beside, case.limits
    size = amount(measure, rounded(measure, abs(case.difference), limits), beside=beside)
    side, when = _side(case, case.difference) if is_told(size) else "apart", "at the end" if case.is_final else "so far"
    seen = f"{case.name} {when} on {case.metric.name}: {size} {side}"
    if not _has_limits(case):
        return seen
    low = number(measure, rounded(measure, abs(case.lower), limits), beside=beside)
    high = number(measure, rounded(measure, abs(case.upper), limits), beside=beside)
    return f"{seen} ({low} {_side(case, case.lower)} to {high} {_side(case, case.upper)})"


def _side(case: Case, difference: float) -> str:
    if case.measure.direction is None:
        return "less" if difference < 0 else "more"
    return "worse" if difference < 0 else "better"


def _rank(case: Case) -> str:
    if case.measure.direction is None:
        return "lower" if case.difference < 0 else "higher"
    return _side(case, case.difference)


def rounded(measure: Measure, size: float, limits: tuple[float, float]) -> float:
    """Return a difference of rates without the digits that its interval makes meaningless; others as they are.

    Example:
        >>> from mlops.ab_testing.measures import KNOWN
        >>> rounded(KNOWN["accuracy"], 0.00042, (-0.02, 0.03)), rounded(KNOWN["accuracy"], 0.00042, (-0.001, 0.002))
        (0.0, 0.00042)
    """
    if measure.kind is not MetricKind.PROPORTION or not _ONE_POINT <= limits[1] - limits[0] < math.inf:
        return size
    return round(size, 3)


def is_told(size: str) -> bool:
    """Tell whether a size in words is more than nothing.

    Example:
        >>> is_told("0.0 points"), is_told("0.042 points")
        (False, True)
    """
    return not _DIGITS.isdisjoint(size)


def _has_limits(case: Case) -> bool:
    """Tell whether limits say anything: before a burn-in ends they are those of the scale."""
    is_whole_scale = case.measure.kind is MetricKind.PROPORTION and case.upper - case.lower >= 2
    return math.isfinite(case.lower) and math.isfinite(case.upper) and not is_whole_scale
