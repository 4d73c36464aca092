"""Spending functions of Lan and DeMets: how much of an error may be used up by a share of the planned information."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mlops.stats.arguments import Floats, check_fraction, check_positive

__all__ = ["Spending", "obrien_fleming", "pocock", "power_family"]

Spending = Callable[[ArrayLike, float], Floats]
"""From the shares of the information and the error in all, to the error spent by then; shares above 1 count as 1."""


def obrien_fleming(fraction: ArrayLike, error: float) -> Floats:
    """Return the error spent so far when little is spent early: 2 - 2Φ(z / √t), z the 1 - error/2 quantile.

    References:
        Lan, DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika 70(3).
        doi:10.1093/biomet/70.3.659

    Example:
        >>> obrien_fleming([0.5, 1.0], 0.025).round(5)
        array([0.00153, 0.025  ])
    """
    quantile = special.ndtri(check_fraction(error, "error") / 2)
    with np.errstate(divide="ignore"):
        return np.asarray(2 * special.ndtr(quantile / np.sqrt(_share(fraction))))


def pocock(fraction: ArrayLike, error: float) -> Floats:
    """Return the error spent so far when all looks are alike: error · log(1 + (e - 1)t).

    References:
        Lan, DeMets (1983). doi:10.1093/biomet/70.3.659
    """
    return np.asarray(check_fraction(error, "error") * np.log1p((np.e - 1) * _share(fraction)))


def power_family(exponent: float) -> Spending:
    """Return the spending function error · t^exponent; 1 spends evenly, 3 is close to O'Brien–Fleming.

    References:
        Kim, DeMets (1987), Design and analysis of group sequential tests based on the type I error spending rate
        function, Biometrika 74(1). doi:10.1093/biomet/74.1.149

    Example:
        >>> power_family(2)([0.5, 1.0], 0.05)
        array([0.0125, 0.05  ])
    """
    return functools.partial(_power, exponent=check_positive(exponent, "exponent"))


def _power(fraction: ArrayLike, error: float, *, exponent: float) -> Floats:
    return np.asarray(check_fraction(error, "error") * _share(fraction) ** exponent)


def _share(fraction: ArrayLike) -> Floats:
    return np.asarray(np.clip(np.asarray(fraction, dtype=float), 0.0, 1.0))
