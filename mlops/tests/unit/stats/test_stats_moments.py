"""Sums that merge and subtract exactly, whatever the order."""

from __future__ import annotations

import json
import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.stats.moments import ExactMoments, ExactPairMoments, summarise

FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.lists(FINITE, max_size=30)
PAIRS = st.lists(st.tuples(FINITE, FINITE), max_size=30)


@given(VALUES, VALUES, VALUES)
def test_merging_in_any_order_is_one_pass(one, two, three):
    """Parts of any values add up to the same bits in every order."""
    parts = [ExactMoments.of(each) for each in (one, two, three)]
    together = ExactMoments.of(one + two + three)
    assert parts[0] + parts[1] + parts[2] == parts[2] + (parts[0] + parts[1]) == together


@given(VALUES, VALUES)
def test_subtracting_what_was_added_restores_it(one, two):
    """A revision leaves no trace."""
    first, second = ExactMoments.of(one), ExactMoments.of(two)
    assert first + second - second == first


@given(PAIRS, PAIRS)
def test_pairs_add_and_subtract_exactly(one, two):
    """Moments of pairs merge and are taken away without a trace, too."""
    first, second = ExactPairMoments.of(one), ExactPairMoments.of(two)
    assert first + second == ExactPairMoments.of(one + two)
    assert first + second - second == first


@given(st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40)), max_size=30))
def test_differences_within_pairs_are_exact(pairs):
    """Moments of y - x come from those of the pairs, as if the differences had been counted themselves."""
    assert ExactPairMoments.of(pairs).differences == ExactMoments.of(y - x for x, y in pairs)


@given(VALUES)
def test_documents_come_back_as_they_were(values):
    """JSON text keeps every bit."""
    moments = ExactMoments.of(values)
    pairs = ExactPairMoments.of((value, value) for value in values)
    assert ExactMoments.from_document(json.loads(json.dumps(moments.to_document()))) == moments
    assert ExactPairMoments.from_document(json.loads(json.dumps(pairs.to_document()))) == pairs


@given(st.lists(st.floats(-1e100, 1e100), min_size=2, max_size=30))
def test_moments_are_rounded_once(values):
    """Mean and variance are the nearest doubles of the exact ones."""
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    moments = ExactMoments.of(values)
    assert moments.mean == float(mean)
    assert moments.variance == float(sum((value - mean) ** 2 for value in exact) / (len(exact) - 1))
    assert moments.sum == math.fsum(values)


def test_a_large_mean_does_not_drown_the_variance():
    """NIST's NumAcc4 (1001 values around 10^7 + 0.2, standard deviation exactly 0.1) comes out to the digit it has."""
    values = [10_000_000.2] + [10_000_000.1, 10_000_000.3] * 500
    assert math.sqrt(ExactMoments.of(values).variance) == pytest.approx(0.1, rel=1e-8)


def test_pair_moments_are_numpys():
    """Means, variances and the covariance agree with numpy's."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(5, 2, 100), rng.normal(1, 3, 100)
    found = ExactPairMoments.of(zip(x.tolist(), y.tolist(), strict=True))
    expected = np.cov(x, y)
    assert [found.variance_x, found.variance_y, found.covariance] == pytest.approx(
        [expected[0, 0], expected[1, 1], expected[0, 1]]
    )
    assert (found.mean_x, found.mean_y) == pytest.approx((x.mean(), y.mean()))
    assert found.differences.variance == pytest.approx(statistics.variance((y - x).tolist()))


def test_nothing_has_no_moments():
    """Of no values everything is NaN, of one value the variance."""
    assert math.isnan(ExactMoments().mean)
    assert math.isnan(ExactMoments.of([1.0]).variance)
    assert math.isnan(ExactPairMoments().covariance)
    assert summarise([]).n.shape == (0,)


def test_huge_values_overflow_to_infinity():
    """A variance beyond doubles is infinite, not an error."""
    assert ExactMoments.of([1e300, -1e300]).variance == math.inf
    assert ExactMoments.of([1.7e308] * 9).sum == math.inf


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_cannot_be_summed_are_refused(value):
    """NaN and infinities are counted apart, by the caller."""
    with pytest.raises(InvalidInput, match="finite"):
        ExactMoments.of([1.0, value])
    with pytest.raises(InvalidInput, match="finite"):
        ExactPairMoments.of([(1.0, value)])


def test_taking_away_more_than_there_is_is_refused():
    """A count below zero is somebody's mistake."""
    with pytest.raises(InvalidInput, match="take 2 values away from 1"):
        ExactMoments.of([1.0]) - ExactMoments.of([1.0, 2.0])


@pytest.mark.parametrize(
    "document", [{}, {"n": "1p0"}, {"n": "x", "total": "1p0", "squares": "1p0"}, {"n": 1, "total": 2, "squares": 3}]
)
def test_other_documents_are_refused(document):
    """The error names the fields that are wanted."""
    with pytest.raises(InvalidInput, match="n, total, squares"):
        ExactMoments.from_document(document)
