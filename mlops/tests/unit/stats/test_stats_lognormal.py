"""The lognormal law against scipy's."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from mlops.stats.lognormal import density_at_quantile


@pytest.mark.parametrize(("mean", "deviation"), [(100.0, 50.0), (0.3, 0.9), (2e4, 10.0)])
@pytest.mark.parametrize("level", [0.05, 0.5, 0.95, 0.999])
def test_the_density_is_scipys(mean: float, deviation: float, level: float) -> None:
    """At every quantile, for narrow and wide laws."""
    spread = math.sqrt(math.log1p((deviation / mean) ** 2))
    law = stats.lognorm(spread, scale=mean * math.exp(-(spread**2) / 2))
    assert density_at_quantile(mean, deviation, level) == pytest.approx(law.pdf(law.ppf(level)), rel=1e-9)
