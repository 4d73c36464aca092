"""Power of looking all the time: against simulated walks, and against the test that looks once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlops.stats.normal_mixture import critical_value, ratio_at
from mlops.stats.sequential_power import drift_of_sequence, power_of_sequence


def test_simulated_walks_cross_as_often_as_computed() -> None:
    """A hundred looks at a drift of 3, within three Monte-Carlo errors."""
    rng, shares = np.random.default_rng(3), np.arange(1, 101) / 100
    z = np.cumsum(rng.normal(3 / 100, 0.1, (20_000, 100)), axis=1) / np.sqrt(shares)
    found = (z >= critical_value(ratio_at(shares / 0.5))).any(axis=1).mean()
    power = power_of_sequence(3.0)
    assert found == pytest.approx(power, abs=3 * np.sqrt(power * (1 - power) / 20_000))


@settings(max_examples=10)
@given(drift=st.floats(0.1, 6), alpha=st.sampled_from([0.01, 0.05, 0.2]))
def test_looking_all_the_time_has_less_power_than_looking_once(drift: float, alpha: float) -> None:
    """And the more drift, the more power."""
    power = power_of_sequence(drift, alpha=alpha, looks=20)
    assert power < stats.norm.sf(stats.norm.isf(alpha / 2) - drift)
    assert power < power_of_sequence(drift + 0.5, alpha=alpha, looks=20)


def test_the_drift_has_its_power() -> None:
    """Inverse of each other."""
    drift = drift_of_sequence(0.8, looks=20)
    assert power_of_sequence(drift, looks=20) == pytest.approx(0.8, abs=1e-4)
