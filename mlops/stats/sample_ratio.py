"""Whether units fell to the arms in the shares that were planned: the chi-squared test at the end of a test.

A mismatch means that something lost or doubled units of one arm, and no other number of the test can be trusted. The
test holds for one look; to look all along use `sequential_srm`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mlops.errors import InvalidInput
from mlops.stats.results import Significance

__all__ = ["sample_ratio_test"]


def sample_ratio_test(counts: ArrayLike, shares: ArrayLike) -> Significance:
    """Return Pearson's chi-squared test that units were assigned with the given shares.

    Null hypothesis: each unit fell to arm i with probability shares[i], independently. Count units, not interactions.
    Assumes some five expected units per arm. Levels of 0.01 and below are customary, as millions of units make
    harmless deviations significant too.

    Args:
        counts: Units per arm, along the last axis.
        shares: Planned shares or weights per arm, above 0; they are scaled to a sum of 1.

    Returns:
        NaN where there are no units.

    Raises:
        InvalidInput: Lengths that differ, fewer than two arms, a negative count, or a share not above 0.

    References:
        Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments, KDD.
        doi:10.1145/3292500.3330722

    Example:
        >>> found = sample_ratio_test([821588, 815482], [0.5, 0.5])
        >>> bool(found.p_value < 1e-5)
        True
    """
    observed, planned = np.asarray(counts, dtype=float), np.asarray(shares, dtype=float)
    if planned.ndim != 1 or len(planned) < 2 or observed.shape[-1:] != planned.shape:
        raise InvalidInput(f"counts {counts!r} and shares {shares!r} must be of the same two or more arms.")
    if not (np.all(observed >= 0) and np.isfinite(observed).all() and np.all(planned > 0)):
        raise InvalidInput(f"counts {counts!r} must be 0 or more, and shares {shares!r} above 0.")
    expected = observed.sum(axis=-1, keepdims=True) * (planned / planned.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = ((observed - expected) ** 2 / expected).sum(axis=-1)
    return Significance(statistic, np.asarray(special.chdtrc(len(planned) - 1, statistic)))
