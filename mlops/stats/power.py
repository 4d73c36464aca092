"""How many units a comparison of two arms needs, what power it has, and what difference it can detect.

Rates, means and quantiles (a mean's formulas with `quantiles.quantile_spread` as standard deviation); superiority, and
non-inferiority by a margin; unequal arms; clustered units by a design effect. Power counts rejections on the side of
the true effect only, as planning does. For comparisons of several arms or metrics hand in a divided alpha.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from scipy import special

from mlops.errors import InvalidInput
from mlops.stats.arguments import Alternative, check_alternative, check_fraction, check_positive
from mlops.stats.arms import Counts
from mlops.stats.restricted_proportions import rates_at_difference

__all__ = [
    "Hypothesis",
    "SampleSize",
    "mean_detectable_difference",
    "mean_power",
    "mean_sample_size",
    "proportion_detectable_difference",
    "proportion_power",
    "proportion_sample_size",
]

_MOST = 10**12  # units; whoever needs more has asked for the impossible
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a test decides, and at what level.

    Attributes:
        alpha: Probability of a false positive, both sides together when two-sided.
        alternative: `two-sided`, `greater` (treatment above control by more than the margin) or `less`.
        margin: The difference, treatment minus control, of the null hypothesis: 0 for superiority; for
            non-inferiority -0.02 with `greater` where more is better, 0.02 with `less` where less is better.
        design_effect: By how much clusters inflate variances, see `clustered.design_effect`.

    Raises:
        InvalidInput: A number is out of its range.
    """

    alpha: float = 0.05
    alternative: Alternative = "two-sided"
    margin: float = 0.0
    design_effect: float = 1.0

    def __post_init__(self) -> None:
        check_fraction(self.alpha, "alpha")
        check_alternative(self.alternative)
        check_positive(self.design_effect, "design_effect")
        if not math.isfinite(self.margin):
            raise InvalidInput(f"margin is {self.margin!r}; it must be a finite difference.")

    @property
    def tail(self) -> float:
        """The probability of a false positive on the side of the effect."""
        return self.alpha / 2 if self.alternative == "two-sided" else self.alpha

    def distance(self, difference: float) -> float:
        """Return how far a true difference lies from the null hypothesis, towards the alternative."""
        signed = difference - self.margin
        return {"two-sided": abs(signed), "greater": signed, "less": -signed}[self.alternative]


class SampleSize(NamedTuple):
    """Units per arm."""

    control: int
    treatment: int

    @property
    def total(self) -> int:
        """Units of both arms."""
        return self.control + self.treatment


_SUPERIORITY = Hypothesis()


def proportion_sample_size(
    control: float, treatment: float, *, power: float = 0.8, ratio: float = 1.0, hypothesis: Hypothesis = _SUPERIORITY
) -> SampleSize:
    """Return how many units find two rates different, or one not inferior, with the given power.

    For the test of Farrington and Manning, which at margin 0 is the pooled z test. Asymptotic: with expected events
    or non-events below some ten per arm the true power can be several points off.

    Args:
        control: True rate of control, strictly between 0 and 1.
        treatment: True rate of treatment, strictly between 0 and 1.
        power: Probability of a significant result if these are the rates.
        ratio: Units of treatment per unit of control.
        hypothesis: What is tested, and at what level.

    Raises:
        InvalidInput: A number is out of its range, or no sample size reaches the power because the true difference
            lies on the null hypothesis or on its wrong side.

    References:
        Farrington, Manning (1990), Statistics in Medicine 9. doi:10.1002/sim.4780091208
        Fleiss, Levin, Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., section 4.3.
        doi:10.1002/0471445428

    Example:
        >>> proportion_sample_size(0.5, 0.75, power=0.9)
        SampleSize(control=77, treatment=77)
    """
    check_fraction(power, "power")
    check_positive(ratio, "ratio")
    _check_rates(control, treatment)
    distance = _distance(hypothesis, treatment - control)
    under_null, in_truth = _deviations(control, treatment, 1.0, ratio, hypothesis)
    root = (-special.ndtri(hypothesis.tail) * under_null + special.ndtri(power) * in_truth) / distance
    return _sizes(max(root, 0.0) ** 2 * hypothesis.design_effect, ratio)


def proportion_power(
    control: float, treatment: float, n_control: float, n_treatment: float, *, hypothesis: Hypothesis = _SUPERIORITY
) -> float:
    """Return the probability of a significant result with so many units, if these are the rates.

    References and assumptions as for `proportion_sample_size`.

    Raises:
        InvalidInput: A number is out of its range.

    Example:
        >>> round(proportion_power(0.5, 0.75, 50, 50), 4)
        0.7402
    """
    _check_rates(control, treatment)
    check_positive(n_control, "n_control")
    check_positive(n_treatment, "n_treatment")
    under_null, in_truth = _deviations(control, treatment, n_control, n_treatment, hypothesis)
    inflation = math.sqrt(hypothesis.design_effect)
    distance = hypothesis.distance(treatment - control) / inflation
    return float(special.ndtr((distance + special.ndtri(hypothesis.tail) * under_null) / in_truth))


def proportion_detectable_difference(
    control: float,
    n_control: float,
    n_treatment: float,
    *,
    power: float = 0.8,
    direction: Literal["increase", "decrease"] = "increase",
    hypothesis: Hypothesis = _SUPERIORITY,
) -> float:
    """Return the smallest difference of rates, treatment minus control, found with the given power.

    Args:
        control: True rate of control.
        n_control: Units of control.
        n_treatment: Units of treatment.
        power: Probability of a significant result at that difference.
        direction: Whether treatment's rate is to be above or below control's.
        hypothesis: What is tested, and at what level.

    Returns:
        NaN where not even a rate of 1, or of 0, would be found.

    Raises:
        InvalidInput: A number is out of its range.

    Example:
        >>> round(proportion_detectable_difference(0.5, 50, 50, power=0.74016), 3)
        0.25
    """
    check_fraction(power, "power")
    end = {"increase": 1 - control - 1e-9, "decrease": 1e-9 - control}[_direction(direction)]
    return _smallest(
        lambda share: (
            proportion_power(control, control + share * end, n_control, n_treatment, hypothesis=hypothesis) >= power
        ),
        end,
    )


def mean_sample_size(
    difference: float,
    deviation: float,
    *,
    treatment_deviation: float | None = None,
    power: float = 0.8,
    ratio: float = 1.0,
    hypothesis: Hypothesis = _SUPERIORITY,
) -> SampleSize:
    """Return how many units find two means different, or one not inferior, with the given power, by the t test.

    Assumes means close to normal. For a quantile hand in `quantiles.quantile_spread` as deviation; for few units it
    is then too optimistic.

    Args:
        difference: True difference of means, treatment minus control.
        deviation: Standard deviation of the values of control.
        treatment_deviation: Of the values of treatment; that of control when None.
        power: Probability of a significant result at that difference.
        ratio: Units of treatment per unit of control.
        hypothesis: What is tested, and at what level.

    Raises:
        InvalidInput: A number is out of its range, or no sample size reaches the power.

    References:
        Chow, Shao, Wang, Lokhnygina (2017), Sample Size Calculations in Clinical Research, 3rd ed., section 3.2.
        doi:10.1201/9781315183084

    Example:
        >>> mean_sample_size(1.0, 1.0, power=0.9)
        SampleSize(control=23, treatment=23)
    """
    check_fraction(power, "power")
    check_positive(ratio, "ratio")
    distance = _distance(hypothesis, difference)
    other = deviation if treatment_deviation is None else treatment_deviation
    variance = check_positive(deviation, "deviation") ** 2 + check_positive(other, "treatment_deviation") ** 2 / ratio
    root = (special.ndtri(power) - special.ndtri(hypothesis.tail)) / distance
    first = max(root, 0.0) ** 2 * variance

    def is_enough(n: float) -> bool:
        found = _t_power(distance, (deviation, other), (n, n * ratio), hypothesis.tail)
        return found >= power

    return _sizes(_first_enough(is_enough, first, smallest=2.0 / min(1.0, ratio)) * hypothesis.design_effect, ratio)


def mean_power(
    difference: float,
    deviation: float,
    n_control: float,
    n_treatment: float,
    *,
    treatment_deviation: float | None = None,
    hypothesis: Hypothesis = _SUPERIORITY,
) -> float:
    """Return the probability of a significant t test with so many units, if the means differ by so much.

    Arguments, assumptions and references as for `mean_sample_size`.

    Raises:
        InvalidInput: A number is out of its range, or an arm has fewer than two units after the design effect.

    Example:
        >>> round(mean_power(1.0, 1.0, 20, 20), 4)
        0.869
    """
    other = deviation if treatment_deviation is None else treatment_deviation
    check_positive(deviation, "deviation")
    check_positive(other, "treatment_deviation")
    sizes = n_control / hypothesis.design_effect, n_treatment / hypothesis.design_effect
    if min(sizes) < 2:
        raise InvalidInput(f"{n_control} and {n_treatment} units are too few; a t test needs two independent per arm.")
    return _t_power(hypothesis.distance(difference), (deviation, other), sizes, hypothesis.tail)


def mean_detectable_difference(
    deviation: float,
    n_control: float,
    n_treatment: float,
    *,
    treatment_deviation: float | None = None,
    power: float = 0.8,
    direction: Literal["increase", "decrease"] = "increase",
    hypothesis: Hypothesis = _SUPERIORITY,
) -> float:
    """Return the smallest difference of means, treatment minus control, found with the given power.

    Raises:
        InvalidInput: A number is out of its range.

    Example:
        >>> round(mean_detectable_difference(1.0, 20, 20, power=0.8689528), 4)
        1.0
    """
    check_fraction(power, "power")
    sign = {"increase": 1.0, "decrease": -1.0}[_direction(direction)]
    other = deviation if treatment_deviation is None else treatment_deviation
    error = math.sqrt((deviation**2 / n_control + other**2 / n_treatment) * hypothesis.design_effect)
    end = sign * (abs(hypothesis.margin) + 1000 * error)

    def is_found(share: float) -> bool:
        found = mean_power(
            share * end, deviation, n_control, n_treatment, treatment_deviation=other, hypothesis=hypothesis
        )
        return found >= power

    return _smallest(is_found, end)


def _check_rates(control: float, treatment: float) -> None:
    check_fraction(control, "control rate")
    check_fraction(treatment, "treatment rate")


def _direction(direction: str) -> str:
    if direction not in {"increase", "decrease"}:
        raise InvalidInput(f"direction is {direction!r}; it must be 'increase' or 'decrease'.")
    return direction


def _distance(hypothesis: Hypothesis, difference: float) -> float:
    distance = hypothesis.distance(difference)
    if not distance > 0:
        raise InvalidInput(
            f"A true difference of {difference:g} is not part of the alternative {hypothesis.alternative!r} with "
            f"margin {hypothesis.margin:g}; no sample size can show it. Plan for a difference beyond the margin."
        )
    return distance


def _deviations(control: float, treatment: float, n1: float, n2: float, hypothesis: Hypothesis) -> tuple[float, float]:
    """Return the standard error of the difference under the null hypothesis and in truth."""
    rates = rates_at_difference(Counts(n1, n1 * control), Counts(n2, n2 * treatment), hypothesis.margin)
    null1, null2 = (float(rate) for rate in rates)
    under_null = math.sqrt(null1 * (1 - null1) / n1 + null2 * (1 - null2) / n2)
    return under_null, math.sqrt(control * (1 - control) / n1 + treatment * (1 - treatment) / n2)


def _t_power(distance: float, deviations: tuple[float, float], sizes: tuple[float, float], tail: float) -> float:
    errors = [deviation**2 / n for deviation, n in zip(deviations, sizes, strict=True)]
    total = sum(errors)
    if deviations[0] == deviations[1]:
        degrees = sum(sizes) - 2
    else:
        degrees = total**2 / sum(error**2 / (n - 1) for error, n in zip(errors, sizes, strict=True))
    shift = distance / math.sqrt(total)
    critical = -float(special.stdtrit(degrees, tail))
    if degrees > 1e5 or shift > 30:  # noncentral t is a shifted normal here, to 1e-6
        return float(special.ndtr(shift - critical))
    return float(1 - special.nctdtr(degrees, shift, critical))


def _first_enough(is_enough: Callable[[float], bool], guess: float, *, smallest: float) -> float:
    """Return the smallest whole number that is enough, above a guess that is nearly right."""
    n = max(math.ceil(guess), math.ceil(smallest))
    step = 1 if n < 10**5 else n // 10**5
    while not is_enough(n):
        n += step
    return n


def _sizes(control: float, ratio: float) -> SampleSize:
    if not control * max(1.0, ratio) <= _MOST:
        raise InvalidInput(f"This takes more than {_MOST:g} units; ask for a larger difference or less power.")
    return SampleSize(max(1, _ceil(control)), max(1, _ceil(control * ratio)))


def _ceil(size: float) -> int:
    """Round up, but not for a rounding error."""
    return math.ceil(size * (1 - 1e-12))


def _smallest(is_found: Callable[[float], bool], end: float) -> float:
    """Return the smallest difference between 0 and the end that is found, NaN if the end is not."""
    if not is_found(1.0):
        return math.nan
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_found(middle) else (middle, high)
    return high * end
