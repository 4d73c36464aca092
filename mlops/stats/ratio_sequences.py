"""Confidence sequences of ratios to control: relative lifts that hold at every look, for proportions and for means.

They invert the same tests as the differences in `confidence_sequences`: a ratio of 1 is excluded when a difference of 0
is. Ratios of rare events are in `e_process`.
"""

from __future__ import annotations

import numpy as np

from mlops.stats import normal_mixture
from mlops.stats.arguments import Floats, check_positive
from mlops.stats.arms import Counts, effective_size
from mlops.stats.confidence_sequences import (
    AlwaysValid,
    difference_of_means,
    p_value_of_proportions,
    rarest_cell,
)
from mlops.stats.inversion import limits
from mlops.stats.moments import Sample
from mlops.stats.restricted_proportions import rates_at_ratio

__all__ = ["ratio_of_means", "ratio_of_proportions"]

_LEAST = 1e-10  # a share of ratio / (1 + ratio) that is nearer to 0 or 1 counts as that


def ratio_of_proportions(
    control: Counts, treatment: Counts, *, target: float, alpha: float = 0.05, least: float = 5.0
) -> AlwaysValid:
    """Return the confidence sequence of the proportion of treatment over that of control.

    Null hypothesis of the p-value: the proportions are equal. The interval is the set of ratios that a score test does
    not reject at any look. Assumptions, arguments and burn-in as in `confidence_sequences.difference_of_proportions`;
    before the burn-in ends the bounds are 0 and infinity.

    References:
        Waudby-Smith et al. (2024), doi:10.1214/24-AOS2408; Farrington, Manning (1990), doi:10.1002/sim.4780091208

    Example:
        >>> found = ratio_of_proportions(Counts(5000, 4500), Counts(5000, 4650), target=2500)
        >>> round(float(found.estimate), 3), round(float(found.lower), 3), round(float(found.upper), 3)
        (1.033, 1.014, 1.053)
    """
    p = p_value_of_proportions(control, treatment, target=target, alpha=alpha, least=least)
    ratio = normal_mixture.ratio_at(effective_size(control.n, treatment.n) / target, alpha=alpha)
    known = rarest_cell(control, treatment) >= least
    critical = np.where(known, normal_mixture.critical_value(ratio, alpha), np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = treatment.rate / control.rate
    lower, upper = _score_interval(control, treatment, critical)
    return AlwaysValid(estimate, lower, upper, p)


def _score_interval(control: Counts, treatment: Counts, critical: Floats) -> tuple[Floats, Floats]:
    """Return the least and greatest ratio whose score is within `critical`, found on share = ratio / (1 + ratio)."""
    rates = control.rate + treatment.rate
    share = np.divide(treatment.rate, rates, out=np.full(critical.shape, 0.5), where=rates > 0)
    ends = np.stack([np.zeros(critical.shape), np.ones(critical.shape)])
    width = np.where(np.isinf(critical), 0.0, critical)

    def excess(shares: Floats) -> Floats:
        distance = np.abs((1 - shares) * treatment.rate - shares * control.rate)
        return distance - width * _standard_error(control, treatment, shares)

    found = np.where(np.isinf(critical), ends, limits(excess, np.stack([share, share]), ends))
    with np.errstate(divide="ignore"):
        bounds = np.where(found > 1 - _LEAST, np.inf, found / (1 - found))
    return np.where(found < _LEAST, 0.0, bounds)[0], bounds[1]


def _standard_error(control: Counts, treatment: Counts, share: Floats) -> Floats:
    n1, n2 = (np.maximum(np.asarray(arm.n, dtype=float), 1) for arm in (control, treatment))
    kept = np.clip(share, _LEAST, 1 - _LEAST)
    rate1, rate2 = rates_at_ratio(Counts(n1, control.events), Counts(n2, treatment.events), kept / (1 - kept))
    return np.asarray(np.sqrt((1 - share) ** 2 * rate2 * (1 - rate2) / n2 + share**2 * rate1 * (1 - rate1) / n1))


def ratio_of_means(
    control: Sample, treatment: Sample, *, target: float, alpha: float = 0.05, burn_in: int = 50
) -> AlwaysValid:
    """Return the confidence sequence of the mean of treatment over that of control, by Fieller's method.

    Null hypothesis of the p-value: the means are equal. For metrics whose mean is above 0, such as latencies; while the
    mean of control cannot be told from 0 the bounds are infinite. Assumptions, arguments and burn-in as in
    `confidence_sequences.difference_of_means`.

    References:
        Fieller (1954), Some problems in interval estimation, JRSS B 16(2). doi:10.1111/j.2517-6161.1954.tb00159.x

    Example:
        >>> from mlops.stats.arms import Moments
        >>> found = ratio_of_means(Moments(500, 500.0, 1000.0), Moments(500, 650.0, 1345.0), target=250)
        >>> round(float(found.estimate), 2), bool(found.lower > 1)
        (1.3, True)
    """
    difference = difference_of_means(control, treatment, target=target, alpha=alpha, burn_in=burn_in)
    ratio = normal_mixture.ratio_at(
        effective_size(control.n, treatment.n) / check_positive(target, "target"), alpha=alpha
    )
    square = np.where(np.isfinite(difference.lower), normal_mixture.critical_value(ratio, alpha), np.nan) ** 2
    arms = (control, treatment)
    mean1, mean2 = (np.asarray(arm.mean, dtype=float) for arm in arms)
    spreads = [np.asarray(arm.variance) / np.maximum(np.asarray(arm.n, dtype=float), 1) for arm in arms]
    leading, constant = mean1**2 - square * spreads[0], mean2**2 - square * spreads[1]
    middle = mean1 * mean2
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(np.maximum(middle**2 - leading * constant, 0.0))
        known = leading > 0
        lower = np.where(known, (middle - root) / leading, -np.inf)
        upper = np.where(known, (middle + root) / leading, np.inf)
        return AlwaysValid(mean2 / mean1, lower, upper, difference.p_value)
