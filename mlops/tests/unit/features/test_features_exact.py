"""Exact sums and tables of values: what makes fitting independent of order and parts."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlops.features
from mlops.features.exact import ExactSums
from mlops.features.joints import mutual_information
from mlops.features.quantiles import ValueTable

ANY = st.lists(
    st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1.7e308, -1.7e308, 5e-324, 2.0**400, 2.0**-400, 1 / 3, -0.0]),
    max_size=50,
)


@given(values=ANY)
def test_sums_are_those_of_fractions(values: list[float]) -> None:
    """Whatever the magnitudes, nothing is rounded."""
    found = ExactSums.of(np.array(values, dtype=np.float64))
    fractions = [Fraction(value) for value in values]
    assert found.count == len(values)
    assert found.mean * len(values) == sum(fractions)
    mean = sum(fractions) / max(len(values), 1)
    assert found.deviations == sum((value - mean) ** 2 for value in fractions)


@given(values=ANY, more=ANY)
def test_sums_can_be_added_and_taken_apart(values: list[float], more: list[float]) -> None:
    """Moments of parts add up to those of the whole, and a part can be taken out again."""
    one, other = (ExactSums.of(np.array(each, dtype=np.float64)) for each in (values, more))
    assert one + other == other + one == ExactSums.of(np.array([*more, *values], dtype=np.float64))
    assert one + other - other == one


def test_sums_of_many_blocks_are_exact() -> None:
    """A cancellation that loses every digit of doubles loses none here."""
    large = np.random.default_rng(2).normal(0, 1e17, 50_000)
    values = np.random.default_rng(3).permutation(np.concatenate([large, -large, np.full(9, 0.1)]))
    assert float(ExactSums.of(values).mean * len(values)) == math.fsum([0.1] * 9)


def test_one_number_many_times() -> None:
    """Filling is adding one number so many times."""
    values = np.array([1.5, -2.25])
    repeated = np.concatenate([values, np.full(1000, 0.1)])
    assert ExactSums.of(values).with_value(0.1, 1000) == ExactSums.of(repeated)
    table = ValueTable.of(values).with_value(0.1, 1000)
    assert (table.count, table.quantile(0.5)) == (1002, 0.1)


@given(
    values=st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=80), share=st.sampled_from([0, 0.25, 0.5, 0.75, 1])
)
def test_quantiles_are_those_of_numpy(values: list[float], share: float) -> None:
    """With few different numbers a quantile is numpy's, to the last bit or so."""
    found = ValueTable.of(np.array(values)).quantile(share)
    assert found == pytest.approx(float(np.quantile(values, share)), rel=1e-12, abs=1e-300)


@given(values=ANY, more=ANY)
def test_tables_depend_on_the_numbers_only(values: list[float], more: list[float]) -> None:
    """Tables of parts add up to the table of the whole."""
    parts = ValueTable.of(np.array(values, dtype=np.float64)) + ValueTable.of(np.array(more, dtype=np.float64))
    whole = ValueTable.of(np.array([*more, *values], dtype=np.float64))
    assert parts.keys.tolist() == whole.keys.tolist()
    assert parts.counts.tolist() == whole.counts.tolist()


@pytest.mark.parametrize("spread", [1.0, 1e-3, 1e3])
def test_large_tables_are_cut_alike_however_they_came(spread: float) -> None:
    """Beyond 131,072 different numbers the last digits go, the same ones for any parts, and quantiles stay close."""
    values = 50 + spread * np.random.default_rng(7).normal(size=400_000)
    whole = ValueTable.of(values)
    parts = ValueTable.of(values[:100]) + ValueTable.of(values[300_000:]) + ValueTable.of(values[100:300_000])
    assert 0 < len(whole.keys) <= 1 << 17
    assert (parts.cut, parts.keys.tolist()) == (whole.cut, whole.keys.tolist())
    assert parts.counts.tolist() == whole.counts.tolist()
    digits = 52 - whole.cut
    for share in (0.25, 0.5, 0.75):
        assert whole.quantile(share) == pytest.approx(np.quantile(values, share), rel=2.0 ** -(digits + 1), abs=1e-9)


@given(values=st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=200), bins=st.integers(2, 40))
def test_edges_cut_into_no_more_than_so_many_ranges(values: list[float], bins: int) -> None:
    """Edges ascend; few different numbers have a range each."""
    table = ValueTable.of(np.array(values))
    edges = table.edges(bins)
    assert len(edges) < bins
    assert (np.diff(edges) > 0).all()
    if len(set(values)) <= bins:
        assert len(set(np.searchsorted(edges, values, side="right"))) == len(set(values))


def test_independent_sides_tell_nothing() -> None:
    """The mutual information of a table that is a product is 0, of a diagonal one its entropy."""
    assert mutual_information(np.outer([1, 2, 3], [4, 5])) == pytest.approx(0, abs=1e-12)
    assert mutual_information(np.diag([5, 5, 5])) == pytest.approx(math.log(3))
    assert mutual_information(np.zeros((2, 2), dtype=np.int64)) == 0


def test_naming_the_package_loads_nothing_heavy() -> None:
    """Plans and states come without Polars; every name of the front door can be had."""
    code = "import sys, mlops.features as f; print(*sorted({'polars', 'numpy', 'sklearn', 'onnx'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []
    assert all(getattr(mlops.features, name) is not None for name in mlops.features.__all__)
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        mlops.features.fitt  # noqa: B018
