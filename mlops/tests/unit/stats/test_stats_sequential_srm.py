"""Sample-ratio mismatch: published examples, exact validity, laws."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlops.errors import InvalidInput
from mlops.stats.sequential_srm import log_bayes_factor, p_value

COUNTS = st.lists(st.integers(0, 100_000), min_size=3, max_size=3)
SHARES = [0.5, 0.3, 0.2]


@pytest.mark.parametrize("concentration", [0.5, 10.0, 1000.0])
def test_the_bayes_factor_is_worth_one_under_the_design(concentration: float) -> None:
    """Summed over all counts of twelve units in three arms."""
    total = 0.0
    for a, b in itertools.product(range(13), repeat=2):
        if a + b <= 12:
            counts = [a, b, 12 - a - b]
            factor = float(np.exp(log_bayes_factor(counts, SHARES, concentration=concentration)))
            total += factor * float(stats.multinomial.pmf(counts, 12, SHARES))
    assert total == pytest.approx(1)


def test_two_arms_are_the_beta_binomial() -> None:
    """Lindon and Malek (2022), section 2, with a uniform prior: B(1 + x, 1 + n - x) · 2ⁿ."""
    expected = float(np.log(stats.betabinom.pmf(70, 100, 1, 1) / stats.binom.pmf(70, 100, 0.5)))
    assert log_bayes_factor([70, 30], [0.5, 0.5], concentration=2.0) == pytest.approx(expected)


@given(counts=COUNTS)
def test_the_order_of_arms_does_not_matter(counts: list[int]) -> None:
    """Nor that of the units: only counts come in."""
    turned = log_bayes_factor(counts[::-1], SHARES[::-1])
    assert log_bayes_factor(counts, SHARES) == pytest.approx(turned, abs=1e-6)


def test_no_units_no_mismatch() -> None:
    """The p-value is 1."""
    assert p_value([0, 0], [0.5, 0.5]) == 1.0


def test_a_mismatch_is_found_and_a_match_is_not() -> None:
    """52/48 of 16,000 against 50/50, and 50/50 itself; many at once."""
    found = p_value([[8320, 7680], [8010, 7990]], [0.5, 0.5])
    assert found[0] < 0.01
    assert found[1] == 1.0


@pytest.mark.parametrize(
    ("counts", "shares"), [([1, 2], [0.5, 0.6]), ([1, 2], [1.0, 0.0]), ([1, 2, 3], [0.5, 0.5]), ([1], [1.0])]
)
def test_shares_that_are_none_are_refused(counts: list[int], shares: list[float]) -> None:
    """They are as many as the arms, above 0, and sum to 1."""
    with pytest.raises(InvalidInput, match="share"):
        p_value(counts, shares)
