"""Posterior probabilities against closed forms: exact sums, order statistics, and normal distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from mlops.errors import InvalidInput
from mlops.stats.bayes import (
    best_of_means,
    best_of_rates,
    probability_mean_is_better,
)


def exact_probability(n: tuple[int, int], events: tuple[int, int]) -> float:
    """P(second rate > first) under uniform priors, by the finite sum of Miller (2014) and Cook (2005)."""
    a1, b1 = events[0] + 1, n[0] - events[0] + 1
    a2, b2 = events[1] + 1, n[1] - events[1] + 1
    i = np.arange(a2)
    terms = special.betaln(a1 + i, b1 + b2) - np.log(b2 + i) - special.betaln(1 + i, b2) - special.betaln(a1, b1)
    return float(np.exp(terms).sum())


@pytest.mark.parametrize(
    ("n", "events"),
    [
        ((1000, 1000), (100, 120)),
        ((10, 10), (0, 0)),
        ((5, 50000), (1, 9000)),
        ((100000, 100000), (200, 260)),
        ((20, 8), (20, 8)),
        ((0, 30), (0, 3)),
    ],
)
def test_two_rates_are_compared_exactly(n, events):
    """The integral is the finite sum, to the nine digits that logarithms of factorials leave of that."""
    assert best_of_rates(n, events).probability[1] == pytest.approx(exact_probability(n, events), abs=1e-9)


def test_a_narrow_posterior_beside_a_wide_one():
    """Beta(4, 1) lies below a rate known to be 0.999 with probability 0.999⁴, to what that rate is known."""
    found = best_of_rates((3, 10**9), (3, 999 * 10**6)).probability[1]
    assert found == pytest.approx(0.999**4, abs=1e-7)


def test_the_best_of_equal_arms():
    """Of k uniform posteriors each is the best with 1 / k, and loses k / (k + 1) - 1 / 2 on average."""
    for k in (2, 3, 10):
        found = best_of_rates([0] * k, [0] * k)
        assert found.probability.tolist() == pytest.approx([1 / k] * k, abs=1e-12)
        assert found.expected_loss.tolist() == pytest.approx([k / (k + 1) - 0.5] * k, abs=1e-10)


def test_the_loss_of_two_rates_in_closed_form():
    """E(max - θ) follows from the same probability with one event more (Stucchio 2015)."""
    found = best_of_rates([200, 300], [20, 45])
    means = 21 / 202, 46 / 302
    gain = means[0] * (1 - exact_probability((201, 300), (21, 45))) + means[1] * exact_probability((200, 301), (20, 46))
    assert found.expected_loss.tolist() == pytest.approx([gain - means[0], gain - means[1]], abs=1e-12)


def test_four_arms_agree_with_sampling():
    """Two hundred thousand seeded draws give the same probabilities and losses."""
    n, events = np.array([100, 200, 300, 400]), np.array([10, 25, 30, 50])
    draws = np.random.default_rng(1).beta(events + 1, n - events + 1, (200_000, 4))
    found = best_of_rates(n, events)
    shares = np.bincount(draws.argmax(axis=1), minlength=4) / 200_000
    assert found.probability.tolist() == pytest.approx(shares.tolist(), abs=0.004)
    losses = (draws.max(axis=1, keepdims=True) - draws).mean(axis=0)
    assert found.expected_loss.tolist() == pytest.approx(losses.tolist(), abs=3e-4)


def test_two_normal_means_in_closed_form():
    """P(best) is Φ(z), and the loss that of a normal maximum."""
    found = best_of_means([10.0, 10.5], [0.3, 0.4])
    assert float(found.probability[1]) == pytest.approx(stats.norm.cdf(1), abs=1e-12)
    loss = 0.5 * (stats.norm.pdf(1) - stats.norm.sf(1))
    assert float(found.expected_loss[1]) == pytest.approx(loss, abs=1e-12)
    assert float(probability_mean_is_better(0.5, 0.5)) == pytest.approx(stats.norm.cdf(1))
    assert float(probability_mean_is_better(0.5, 0.5, better="less")) == pytest.approx(stats.norm.sf(1))


def test_fewer_can_be_better():
    """Asking for less mirrors the question."""
    more, less = (best_of_rates([500, 500], [20, 35], better=word) for word in ("more", "less"))
    assert more.probability.tolist() == pytest.approx(less.probability[::-1].tolist(), abs=1e-12)
    assert best_of_means([1.0, 2.0], [0.1, 0.1], better="less").probability[0] == pytest.approx(1, abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1)), min_size=1, max_size=5))
def test_probabilities_sum_to_1_and_follow_their_arms(arms):
    """Any arms have probabilities that sum to 1, losses of 0 or more, and turn round with the arms."""
    n = [size for size, _ in arms]
    events = [round(size * rate) for size, rate in arms]
    found, turned = best_of_rates(n, events), best_of_rates(n[::-1], events[::-1])
    assert found.probability.sum() == pytest.approx(1)
    assert np.all(found.expected_loss >= 0)
    assert found.probability.tolist() == pytest.approx(turned.probability[::-1].tolist(), abs=1e-9)


@given(st.integers(1, 10**5), st.integers(1, 10**5), st.floats(0, 1), st.floats(0, 1))
def test_swapping_two_rates_gives_the_rest(n1, n2, rate1, rate2):
    """P(treatment better) and P(control better) sum to 1."""
    n, events = (n1, n2), (round(n1 * rate1), round(n2 * rate2))
    found = best_of_rates(n, events).probability[1]
    assert found + best_of_rates(n[::-1], events[::-1]).probability[1] == pytest.approx(1)
    assert found == pytest.approx(exact_probability(n, events), abs=1e-7)


def test_unknown_means_have_no_ranking():
    """One NaN makes the question meaningless."""
    assert np.isnan(best_of_means([1.0, math.nan], [0.1, 0.1]).probability).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: best_of_rates([10], [11]),
        lambda: best_of_rates([], []),
        lambda: best_of_rates([10, 10], [1]),
        lambda: best_of_rates([10], [1], prior=(0.0, 1.0)),
        lambda: best_of_rates([10], [1], better="most"),
        lambda: best_of_means([1.0], [0.0]),
        lambda: best_of_means([1.0], [1.0, 2.0]),
    ],
)
def test_what_cannot_be_is_refused(call):
    """Each wrong argument has its own words."""
    with pytest.raises(InvalidInput):
        call()
