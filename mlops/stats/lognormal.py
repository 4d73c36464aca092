"""The lognormal law by its mean and standard deviation, which latencies and concentrations are close to.

Reference: Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions, vol. 1, 2nd ed. (1994), chapter 14.
"""

from __future__ import annotations

import math

from scipy import special

__all__ = ["density_at_quantile"]


def density_at_quantile(mean: float, deviation: float, level: float) -> float:
    """Return the density of a lognormal law at one of its quantiles.

    Args:
        mean: Mean of the law, above 0.
        deviation: Standard deviation of the law, above 0.
        level: Which quantile, between 0 and 1.

    Example:
        >>> round(density_at_quantile(100.0, 50.0, 0.95), 5)
        0.00112
    """
    spread = math.sqrt(math.log1p((deviation / mean) ** 2))
    z = float(special.ndtri(level))
    at = math.exp(math.log(mean) - spread**2 / 2 + spread * z)
    return math.exp(-0.5 * z**2) / (math.sqrt(2 * math.pi) * spread * at)
