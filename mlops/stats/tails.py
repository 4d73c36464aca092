"""Tails of the normal, Student's t and binomial distributions: critical values, and p-values for each alternative."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mlops.stats.arguments import Alternative, Floats, check_alternative, check_fraction
from mlops.stats.results import Comparison

__all__ = [
    "binomial_cdf",
    "binomial_sf",
    "critical_t",
    "critical_z",
    "normal_p_value",
    "student_p_value",
    "wald_comparison",
]


def critical_z(confidence: float = 0.95) -> float:
    """Return how many standard errors a two-sided interval reaches to each side.

    Raises:
        InvalidInput: The confidence does not lie between 0 and 1.

    Example:
        >>> round(critical_z(0.95), 6)
        1.959964
    """
    return -float(special.ndtri((1 - check_fraction(confidence, "confidence")) / 2))


def critical_t(degrees: ArrayLike, confidence: float = 0.95) -> Floats:
    """Return how many estimated standard errors a two-sided interval reaches; infinite degrees are a normal's.

    Example:
        >>> round(float(critical_t(10)), 4)
        2.2281
    """
    degrees = np.asarray(degrees, dtype=float)
    finite = -special.stdtrit(degrees, (1 - check_fraction(confidence, "confidence")) / 2)
    return np.where(np.isposinf(degrees), critical_z(confidence), finite)


def normal_p_value(z: ArrayLike, alternative: Alternative = "two-sided") -> Floats:
    """Return the p-value of a standard normal statistic; NaN stays NaN.

    Example:
        >>> round(float(normal_p_value(1.96)), 4)
        0.05
    """
    check_alternative(alternative)
    z = np.asarray(z, dtype=float)
    if alternative == "two-sided":
        return np.asarray(2 * special.ndtr(-np.abs(z)))
    return np.asarray(special.ndtr(-z if alternative == "greater" else z))


def student_p_value(t: ArrayLike, degrees: ArrayLike, alternative: Alternative = "two-sided") -> Floats:
    """Return the p-value of a t statistic; infinite degrees of freedom are a normal's, NaN stays NaN."""
    check_alternative(alternative)
    t, degrees = np.broadcast_arrays(np.asarray(t, dtype=float), np.asarray(degrees, dtype=float))
    tail = {"two-sided": -np.abs(t), "greater": -t, "less": t}[alternative]
    answer = np.where(np.isposinf(degrees), special.ndtr(tail), special.stdtr(degrees, tail))
    return np.asarray(2 * answer if alternative == "two-sided" else answer)


def binomial_cdf(k: ArrayLike, n: ArrayLike, probability: ArrayLike) -> Floats:
    """Return the probability of at most k events in n; 0 below 0 events.

    Example:
        >>> float(binomial_cdf(1, 8, 0.5))
        0.03515625
    """
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    inner = special.betaincc(np.maximum(k, 0.0) + 1, np.maximum(n - k, 1.0), probability)
    return np.where(k < 0, 0.0, np.where(k >= n, 1.0, inner))


def binomial_sf(k: ArrayLike, n: ArrayLike, probability: ArrayLike) -> Floats:
    """Return the probability of more than k events in n; 1 below 0 events."""
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    inner = special.betainc(np.maximum(k, 0.0) + 1, np.maximum(n - k, 1.0), probability)
    return np.where(k < 0, 1.0, np.where(k >= n, 0.0, inner))


def wald_comparison(
    estimate: ArrayLike,
    standard_error: ArrayLike,
    *,
    null: float = 0.0,
    degrees: ArrayLike = np.inf,
    confidence: float = 0.95,
    alternative: Alternative = "two-sided",
) -> Comparison:
    """Return the interval and the test of an estimate that is normal, or t, around the truth.

    Where the standard error is 0, limits, statistic and p-value are NaN: what does not vary cannot be judged.
    """
    estimate, error, degrees = np.broadcast_arrays(
        np.asarray(estimate, dtype=float), np.asarray(standard_error, dtype=float), np.asarray(degrees, dtype=float)
    )
    with np.errstate(all="ignore"):
        statistic = np.where(error > 0, (estimate - null) / error, np.nan)
        reach = np.where(error > 0, critical_t(degrees, confidence) * error, np.nan)
    p_value = student_p_value(statistic, degrees, alternative)
    return Comparison(estimate, estimate - reach, estimate + reach, p_value, statistic, error, degrees)
