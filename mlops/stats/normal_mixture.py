"""Robbins' normal mixture: the boundary that a standardised sum of many terms crosses, ever, with probability alpha.

It answers in standard errors; `confidence_sequences` turns that into intervals of means and proportions. `ratio` is
tρ² of the literature: the information gathered, times the mixture's variance. A boundary is narrowest, relative to a
fixed-sample interval, at the information that it is tuned for, and holds at every other.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mlops.stats.arguments import Floats, check_fraction

__all__ = ["critical_value", "one_sided_critical_value", "one_sided_p_value", "p_value", "ratio_at"]


def ratio_at(fraction: ArrayLike, *, alpha: float = 0.05, sides: int = 2) -> Floats:
    """Return the ratio tρ² at a fraction of the information that the boundary is tuned for.

    Args:
        fraction: Information gathered over information tuned for, above 0 and as large as it gets.
        alpha: The level to tune at. It is part of the design: p-values at other levels use the same ratio.
        sides: 2 for intervals, 1 for one bound.

    Raises:
        InvalidInput: The level is not one.

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Time-uniform central limit theory and asymptotic
        confidence sequences, Annals of Statistics 52(6), appendix on tuning. doi:10.1214/24-AOS2408

    Example:
        >>> round(float(ratio_at(1.0)), 3)
        8.212
    """
    level = check_fraction(alpha, "alpha", below=1.0 if sides == 2 else 0.5) * (1.0 if sides == 2 else 2.0)
    best = -float(special.lambertw(-(level**2) * math.exp(-1), -1).real) - 1
    return np.asarray(fraction, dtype=float) * best


def critical_value(ratio: ArrayLike, alpha: float = 0.05) -> Floats:
    """Return how many standard errors away from the truth an estimate may be, at all times at once.

    Null hypothesis: the sum is a Brownian motion in its information, without drift; P(|z| ever crosses) ≤ alpha.

    Args:
        ratio: tρ², see `ratio_at`; at 0 the answer is infinite.
        alpha: Probability of ever crossing, both sides together.

    References:
        Robbins (1970), Statistical methods related to the law of the iterated logarithm, Annals of Mathematical
        Statistics 41(5). doi:10.1214/aoms/1177696786

    Example:
        >>> round(float(critical_value(ratio_at(1.0))), 3)
        3.035
    """
    level = check_fraction(alpha, "alpha")
    ratio = np.asarray(ratio, dtype=float)
    with np.errstate(divide="ignore"):
        return np.asarray(np.sqrt((1 + 1 / ratio) * (np.log1p(ratio) - 2 * math.log(level))))


def one_sided_critical_value(ratio: ArrayLike, alpha: float = 0.05) -> Floats:
    """Return how many standard errors above the truth an estimate may be, at all times at once.

    References:
        Waudby-Smith et al. (2024), proposition on one-sided sequences. doi:10.1214/24-AOS2408
    """
    level = check_fraction(alpha, "alpha", below=0.5)
    ratio = np.asarray(ratio, dtype=float)
    with np.errstate(divide="ignore"):
        return np.asarray(np.sqrt(2 * (1 + 1 / ratio) * np.log1p(np.sqrt(1 + ratio) / (2 * level))))


def p_value(z: ArrayLike, ratio: ArrayLike) -> Floats:
    """Return the smallest level at which `critical_value` is crossed by |z|; 1 where z is NaN."""
    ratio = np.asarray(ratio, dtype=float)
    log_e = 0.5 * np.square(z) * ratio / (1 + ratio) - 0.5 * np.log1p(ratio)
    return np.where(np.isnan(log_e), 1.0, np.exp(-np.maximum(log_e, 0.0)))


def one_sided_p_value(z: ArrayLike, ratio: ArrayLike) -> Floats:
    """Return the smallest level at which `one_sided_critical_value` is crossed by z; 1 where z is NaN."""
    ratio = np.asarray(ratio, dtype=float)
    exponent = 0.5 * np.square(np.maximum(z, 0.0)) * ratio / (1 + ratio)
    with np.errstate(divide="ignore", over="ignore"):
        answer = np.sqrt(1 + ratio) / (2 * np.expm1(exponent))
    return np.where(np.isnan(answer), 1.0, np.minimum(answer, 1.0))
