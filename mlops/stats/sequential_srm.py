"""Sample-ratio mismatch: whether units arrive in the arms in the designed shares, at every look.

A mismatch means that assignment or logging is broken; then no comparison of the arms can be believed. The test for one
look at the end is `sample_ratio`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mlops.errors import InvalidInput
from mlops.stats.arguments import Floats, check_positive

__all__ = ["log_bayes_factor", "p_value"]


def log_bayes_factor(counts: ArrayLike, shares: ArrayLike, *, concentration: float = 1000.0) -> Floats:
    """Return the logarithm of the Bayes factor against the designed shares: a martingale under them.

    Null hypothesis: each unit falls into an arm with the designed share, independently. Under any other constant
    shares the factor grows without bound. Counts are of units at their first exposure, not of interactions: many
    interactions of one unit are not independent. After a change of weights, add the logarithms of the phases.

    Args:
        counts: Units per arm so far, in the last axis.
        shares: The designed share of each arm, which sum to 1.
        concentration: Strength of the Dirichlet prior around the shares. 1000 expects deviations of a percentage point
            or two; larger values are quicker to see smaller ones.

    Raises:
        InvalidInput: The shares do not sum to 1, are not above 0, or are not as many as the arms.

    References:
        Lindon, Malek (2022), Anytime-valid inference for multinomial count data, NeurIPS 35. arXiv:2011.03567

    Example:
        >>> bool(log_bayes_factor([8300, 7700], [0.5, 0.5]) > np.log(100))
        True
    """
    counts, shares = _checked(counts, shares)
    prior = check_positive(concentration, "concentration") * shares
    total = counts.sum(axis=-1)
    evidence = (special.gammaln(prior + counts) - special.gammaln(prior)).sum(axis=-1)
    scale = special.gammaln(concentration) - special.gammaln(concentration + total)
    return np.asarray(evidence + scale - (counts * np.log(shares)).sum(axis=-1))


def p_value(counts: ArrayLike, shares: ArrayLike, *, concentration: float = 1000.0) -> Floats:
    """Return the always-valid p-value of the designed shares now; the least of all looks so far is one too.

    Arguments, null hypothesis and reference as in `log_bayes_factor`.

    Example:
        >>> float(p_value([5010, 4990], [0.5, 0.5]))
        1.0
    """
    return np.exp(-np.maximum(log_bayes_factor(counts, shares, concentration=concentration), 0.0))


def _checked(counts: ArrayLike, shares: ArrayLike) -> tuple[Floats, Floats]:
    counts, shares = np.asarray(counts, dtype=float), np.asarray(shares, dtype=float)
    if shares.ndim != 1 or shares.size < 2 or counts.shape[-1:] != shares.shape:
        raise InvalidInput(f"{shares.size} shares for counts of shape {counts.shape}; give one share for each arm.")
    if not (np.all(shares > 0) and abs(shares.sum() - 1) < 1e-9):
        raise InvalidInput(f"shares {shares.tolist()} sum to {shares.sum():g}; they must be above 0 and sum to 1.")
    return counts, shares
