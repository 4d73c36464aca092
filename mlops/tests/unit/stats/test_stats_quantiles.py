"""Sketches and quantiles: exact merging, bounded error, and ranks from the book's binomial."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlops.errors import InvalidInput
from mlops.stats.quantiles import quantile_difference, quantile_interval, quantile_ranks, quantile_spread
from mlops.stats.sketch import QuantileSketch

VALUES = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=40)


@given(VALUES, VALUES, VALUES)
def test_merging_in_any_order_is_one_pass(one, two, three):
    """Sketches of parts add up to the sketch of all, in every order."""
    parts = [QuantileSketch.of(each) for each in (one, two, three)]
    together = QuantileSketch.of(one + two + three)
    assert parts[0] + parts[1] + parts[2] == parts[2] + (parts[0] + parts[1]) == together


@given(VALUES, VALUES)
def test_subtracting_what_was_added_restores_it(one, two):
    """A revision leaves no trace, not even an empty bucket."""
    first, second = QuantileSketch.of(one), QuantileSketch.of(two)
    assert first + second - second == first


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=40), st.floats(0, 1), st.integers(1, 20))
def test_a_quantile_is_within_its_relative_error(values, q, digits):
    """The value read is the order statistic, off by at most the error promised; numbers below 1e-307 count as 0."""
    sketch = QuantileSketch.of(values, digits=digits)
    true = sorted(values)[max(1, math.ceil(q * len(values))) - 1]
    assert sketch.quantile(q) == pytest.approx(true, rel=sketch.relative_error * (1 + 1e-9), abs=1e-307)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=40), st.floats(0, 1))
def test_an_interpolated_quantile_stays_in_its_bucket(values, q):
    """Between the limits of its rank, and in the middle of them where it is alone."""
    sketch = QuantileSketch.of(values)
    lower, upper = sketch.limits(max(1, math.ceil(q * len(values))))
    assert lower <= sketch.interpolated(q) <= upper
    assert QuantileSketch.of(values[:1]).interpolated(q) == QuantileSketch.of(values[:1]).quantile(q)


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
def test_differences_of_many_latencies_are_nearer_than_buckets(q):
    """Two arms a hundredth apart: the difference is right to a tenth of a bucket's width."""
    one = np.random.default_rng(3).gamma(4, 20, 200_000)
    found = quantile_difference(QuantileSketch.of(one), QuantileSketch.of(1.01 * one), q)
    assert float(found.estimate) == pytest.approx(0.01 * float(np.quantile(one, q)), abs=np.quantile(one, q) / 640)


@given(VALUES)
def test_documents_come_back_as_they_were(values):
    """JSON keeps every bucket."""
    sketch = QuantileSketch.of(values, digits=9)
    assert QuantileSketch.from_document(json.loads(json.dumps(sketch.to_document()))) == sketch


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40))
def test_ranks_lie_between_their_limits(values):
    """Every number lies within the limits of its rank, and no fewer than its rank are at most as large."""
    sketch = QuantileSketch.of(values)
    for rank, value in enumerate(sorted(values), start=1):
        lower, upper = sketch.limits(rank)
        assert lower <= value <= upper or abs(value) < 1e-300
        assert sketch.count_at_most(value) >= rank


def test_a_sketch_of_latencies_stays_small():
    """A hundred thousand lognormal latencies take under 700 buckets, their p95 is right to 0.8 %."""
    values = np.random.default_rng(1).lognormal(3, 1, 100_000)
    sketch = QuantileSketch.of(values)
    assert len(sketch.buckets) < 700
    assert sketch.quantile(0.95) == pytest.approx(np.quantile(values, 0.95, method="inverted_cdf"), rel=1 / 128)


def test_nothing_has_no_quantile():
    """Of no values a quantile is NaN, and so are its limits."""
    assert math.isnan(QuantileSketch().quantile(0.5))
    assert QuantileSketch().n == QuantileSketch().count_at_most(5.0) == 0
    assert np.isnan(quantile_interval(QuantileSketch(), 0.5)).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: QuantileSketch.of([math.nan]),
        lambda: QuantileSketch.of([math.inf]),
        lambda: QuantileSketch.of([1.0], digits=0),
        lambda: QuantileSketch.of([1.0]) - QuantileSketch.of([2.0]),
        lambda: QuantileSketch.of([1.0]) + QuantileSketch.of([1.0], digits=7),
        lambda: QuantileSketch.of([1.0]).quantile(1.1),
        lambda: QuantileSketch.of([1.0]).limits(2),
        lambda: QuantileSketch.from_document({"digits": 6}),
        lambda: quantile_ranks(5, 1.0),
        lambda: quantile_ranks(-5, 0.5),
        lambda: quantile_spread(0.5, 0.0),
    ],
)
def test_what_cannot_be_is_refused(call):
    """Each wrong argument has its own words."""
    with pytest.raises(InvalidInput):
        call()


@pytest.mark.parametrize(
    ("n", "q", "ranks"),
    [
        # Campbell and Gardner (1988), BMJ 296:1454, ranks of 95 % limits of a median, exact ones
        (6, 0.5, (1, 6)),
        (10, 0.5, (2, 9)),
        (15, 0.5, (4, 12)),
        (20, 0.5, (6, 15)),
        (25, 0.5, (8, 18)),
        (50, 0.5, (18, 33)),
        (100, 0.5, (40, 61)),
        # too few to have a limit
        (5, 0.5, (0, 6)),
        (71, 0.95, (63, 72)),
        (72, 0.95, (64, 72)),
        (0, 0.5, (0, 1)),
    ],
)
def test_ranks_are_those_of_the_table(n, q, ranks):
    """Published ranks of order statistics come out of the binomial."""
    assert quantile_ranks(n, q) == ranks


@given(st.integers(1, 3000), st.floats(0.01, 0.99), st.sampled_from([0.8, 0.95, 0.99]))
def test_ranks_are_the_narrowest_with_both_tails_small(n, q, confidence):
    """Each tail misses at most half of what the confidence leaves, and one rank further in misses more."""
    lower, upper = quantile_ranks(n, q, confidence=confidence)
    tail = (1 - confidence) / 2 * (1 + 1e-9)
    below, above = stats.binom(n, q).cdf, stats.binom(n, q).sf
    assert below(lower - 1) <= tail < below(lower) * (1 + 1e-6)
    assert above(upper - 1) <= tail < above(upper - 2) * (1 + 1e-6)


def test_intervals_of_a_quantile_cover():
    """Of 400 samples of 500 lognormal values, the 95 % interval of the p90 holds the truth in 95 % or a little more."""
    rng = np.random.default_rng(2)
    truth = math.exp(stats.norm.ppf(0.9))
    found = [quantile_interval(QuantileSketch.of(rng.lognormal(0, 1, 500), digits=12), 0.9) for _ in range(400)]
    covered = np.mean([float(each.lower) <= truth <= float(each.upper) for each in found])
    assert 0.95 - 3 * 0.011 <= covered <= 1


def test_equal_quantiles_are_told_from_different_ones():
    """A p95 that is 30 % higher is found with 5,000 values an arm; the p-value agrees with the interval."""
    rng = np.random.default_rng(4)
    one, two = (QuantileSketch.of(rng.lognormal(mean, 1, 5000)) for mean in (3.0, 3.26))
    found = quantile_difference(one, two, 0.95)
    assert float(found.lower) > 0
    assert float(found.p_value) < 0.05
    assert float(quantile_difference(one, one, 0.95).p_value) == 1.0


def test_a_difference_without_limits_has_no_p_value():
    """Thirty values have no upper limit of their p95."""
    few = QuantileSketch.of(range(1, 31))
    found = quantile_difference(few, few, 0.95)
    assert (float(found.lower), float(found.upper)) == (-math.inf, math.inf)
    assert np.isnan(found.p_value)


def test_the_median_of_a_normal_varies_more_than_its_mean():
    """Serfling (1980): the standard error of a normal median is √(π / 2) times that of the mean."""
    assert float(quantile_spread(0.5, stats.norm.pdf(0))) == pytest.approx(math.sqrt(math.pi / 2))
