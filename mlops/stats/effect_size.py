"""Effects without units, to say whether a significant difference matters: Cohen's h, Cohen's d, Hedges' g.

Cohen's words for them (0.2 small, 0.5 medium, 0.8 large) are for fields that have no better yardstick of their own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mlops.errors import InvalidInput
from mlops.stats.arguments import Floats
from mlops.stats.moments import Sample

__all__ = ["cohen_d", "cohen_h", "hedges_g"]


def cohen_h(control: ArrayLike, treatment: ArrayLike) -> Floats:
    """Return the difference of two rates after the arcsine transformation, treatment minus control, from -π to π.

    Raises:
        InvalidInput: A rate is outside of 0 to 1.

    References:
        Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., section 6.2.
        doi:10.4324/9780203771587

    Example:
        >>> round(float(cohen_h(0.5, 0.65)), 4)
        0.3047
    """
    rates = np.asarray(control, dtype=float), np.asarray(treatment, dtype=float)
    if any(np.any((rate < 0) | (rate > 1)) for rate in rates):
        raise InvalidInput(f"rates are {control!r} and {treatment!r}; they must lie between 0 and 1.")
    one, two = (2 * np.arcsin(np.sqrt(rate)) for rate in rates)
    return np.asarray(two - one)


def cohen_d(control: Sample, treatment: Sample) -> Floats:
    """Return the difference of means, treatment minus control, in pooled standard deviations.

    Assumes similar variances. In small samples it is too large on average: see `hedges_g`. NaN with fewer than three
    values in both arms together, an empty arm, or no variation.

    References:
        Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., section 2.5.
        doi:10.4324/9780203771587

    Example:
        >>> from mlops.stats.moments import Summary
        >>> float(cohen_d(Summary(20, 10.0, 4.0), Summary(20, 11.0, 4.0)))
        0.5
    """
    n1, n2 = np.asarray(control.n, dtype=float), np.asarray(treatment.n, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = _squares(n1, control.variance) + _squares(n2, treatment.variance)
        deviation = np.sqrt(squares / (n1 + n2 - 2))
        return np.where(deviation > 0, (np.asarray(treatment.mean) - np.asarray(control.mean)) / deviation, np.nan)


def hedges_g(control: Sample, treatment: Sample) -> Floats:
    """Return Cohen's d with the exact correction of its bias in small samples.

    References:
        Hedges (1981), Distribution theory for Glass's estimator of effect size and related estimators, Journal of
        Educational Statistics 6. doi:10.3102/10769986006002107

    Example:
        >>> from mlops.stats.moments import Summary
        >>> round(float(hedges_g(Summary(20, 10.0, 4.0), Summary(20, 11.0, 4.0))), 4)
        0.4901
    """
    degrees = np.asarray(control.n, dtype=float) + np.asarray(treatment.n, dtype=float) - 2
    enough = np.where(degrees > 1, degrees, np.nan)
    correction = np.exp(special.gammaln(enough / 2) - special.gammaln((enough - 1) / 2)) / np.sqrt(enough / 2)
    return np.asarray(correction * cohen_d(control, treatment))


def _squares(n: Floats, variance: ArrayLike) -> Floats:
    return np.where(n > 1, (n - 1) * np.asarray(variance, dtype=float), 0.0)
