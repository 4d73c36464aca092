"""P-values adjusted for how many hypotheses were looked at: Holm for any error at all, Benjamini–Hochberg for a share.

An adjusted p-value is compared with the level itself. NaN, a test that was not made, stays NaN and does not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mlops.errors import InvalidInput
from mlops.stats.arguments import Floats

__all__ = ["benjamini_hochberg", "holm"]


def holm(p_values: ArrayLike) -> Floats:
    """Return Holm's adjusted p-values: rejecting those at most α errs at all with probability at most α.

    Holds under any dependence of the tests. With many hypotheses it finds little; then ask whether a false share, not
    any error, is what must be bounded.

    Args:
        p_values: One per hypothesis, 0 to 1 or NaN.

    Returns:
        As many, in the same order.

    Raises:
        InvalidInput: A p-value is outside of 0 to 1.

    References:
        Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6,
        65-70. https://www.jstor.org/stable/4615733

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    values, order = _sorted(p_values)
    ranks = np.arange(len(order), 0, -1)
    return _restored(values, order, np.maximum.accumulate(values[order] * ranks))


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Return Benjamini and Hochberg's adjusted p-values: of those at most α, a share of at most α is false, on average.

    Holds for independent tests and positively dependent ones, as metrics of one test mostly are.

    Args:
        p_values: One per hypothesis, 0 to 1 or NaN.

    Returns:
        As many, in the same order.

    Raises:
        InvalidInput: A p-value is outside of 0 to 1.

    References:
        Benjamini, Hochberg (1995), Controlling the false discovery rate, Journal of the Royal Statistical Society B 57.
        doi:10.1111/j.2517-6161.1995.tb02031.x

    Example:
        >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.04, 0.04]
    """
    values, order = _sorted(p_values)
    scaled = values[order] * len(order) / np.arange(1, len(order) + 1)
    return _restored(values, order, np.minimum.accumulate(scaled[::-1])[::-1])


def _sorted(p_values: ArrayLike) -> tuple[Floats, np.ndarray]:
    values = np.asarray(p_values, dtype=float)
    if values.ndim != 1 or np.any((values < 0) | (values > 1)):
        raise InvalidInput(f"p_values are {p_values!r}; they must be one row of numbers between 0 and 1, or NaN.")
    return values, np.argsort(values, kind="stable")[: np.count_nonzero(~np.isnan(values))]


def _restored(values: Floats, order: np.ndarray, adjusted: Floats) -> Floats:
    answer = np.full(values.shape, np.nan)
    answer[order] = np.minimum(adjusted, 1.0)
    return answer
