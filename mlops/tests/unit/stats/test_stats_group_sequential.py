"""Group sequential tests: published tables and outputs of R packages, named at each case."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from mlops.errors import InvalidInput
from mlops.stats.group_sequential import (
    crossing_probabilities,
    drift_for_power,
    efficacy_boundaries,
    futility_boundaries,
    repeated_interval,
)
from mlops.stats.spending import Spending, obrien_fleming, pocock, power_family

FIVE = np.arange(1, 6) / 5


@pytest.mark.parametrize(("looks", "error"), [(1, 0.050), (2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193)])
def test_repeated_tests_at_five_per_cent(looks: int, error: float) -> None:
    """Armitage, McPherson and Rowe (1969), table 2: the error of looking again at 1.96."""
    shares, limits = np.arange(1, looks + 1) / looks, np.full(looks, 1.959964)
    assert 2 * crossing_probabilities(shares, limits, -limits).upper.sum() == pytest.approx(error, abs=0.0006)


@pytest.mark.parametrize(("looks", "constant"), [(2, 2.178), (3, 2.289), (4, 2.361), (5, 2.413), (10, 2.555)])
def test_pocock_s_constants(looks: int, constant: float) -> None:
    """Jennison and Turnbull (2000), table 2.1: C_P(K, .05)."""
    limits = np.full(looks, constant)
    crossing = crossing_probabilities(np.arange(1, looks + 1) / looks, limits, -limits)
    assert crossing.upper.sum() + crossing.lower.sum() == pytest.approx(0.05, abs=0.0001)


@pytest.mark.parametrize(("looks", "constant"), [(2, 1.977), (3, 2.004), (4, 2.024), (5, 2.040), (10, 2.087)])
def test_obrien_and_fleming_s_constants(looks: int, constant: float) -> None:
    """Jennison and Turnbull (2000), table 2.3: C_B(K, .05); with five looks 4.56, 3.23, 2.63, 2.28, 2.04."""
    shares = np.arange(1, looks + 1) / looks
    limits = constant / np.sqrt(shares)
    assert 2 * crossing_probabilities(shares, limits, -limits).upper.sum() == pytest.approx(0.05, abs=0.0002)


@pytest.mark.parametrize(
    ("power", "shape", "factor"),
    [(0.8, "pocock", 1.229), (0.9, "pocock", 1.207), (0.8, "obf", 1.028), (0.9, "obf", 1.026)],
)
def test_inflation_of_five_looks(power: float, shape: str, factor: float) -> None:
    """Jennison and Turnbull (2000), tables 2.2 and 2.4: R_P(5, .05, β) and R_B(5, .05, β)."""
    limits = np.full(5, 2.413) if shape == "pocock" else 2.040 / np.sqrt(FIVE)
    fixed = stats.norm.isf(0.025) + stats.norm.ppf(power)
    assert (drift_for_power(FIVE, limits, -limits, power=power) / fixed) ** 2 == pytest.approx(factor, abs=0.002)


@pytest.mark.parametrize(
    ("spending", "limits"),
    [(obrien_fleming, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]), (pocock, [2.4380, 2.4268, 2.4101, 2.3966, 2.3859])],
)
def test_five_looks_are_those_of_ldbounds(spending: Spending, limits: list[float]) -> None:
    """Reboussin, DeMets, Kim, Lan (2000), doi:10.1016/S0197-2456(00)00057-X; their grid errs in the fourth digit."""
    assert efficacy_boundaries(FIVE, spending=spending) == pytest.approx(limits, abs=1.5e-4)


def test_the_second_look_is_that_of_adaptive_quadrature() -> None:
    """scipy's integral over the first look, in place of our grid."""
    first, second = efficacy_boundaries(FIVE)[:2]

    def crossing(z: float) -> float:
        return float(stats.norm.pdf(z) * stats.norm.sf(second * np.sqrt(2) - z))

    due = np.diff(obrien_fleming([0.2, 0.4], 0.025))
    assert integrate.quad(crossing, -first, first, epsabs=1e-14)[0] == pytest.approx(due, rel=1e-5)


@pytest.mark.parametrize(
    ("fractions", "alpha", "spending", "limits"),
    [
        # gsDesign2, reference page of gs_b: gsDesign(alpha = .025, test.type = 1, sfu = sfLDOF)
        ([0.5, 0.75, 1], 0.025, obrien_fleming, [2.962588, 2.359018, 2.014084]),
        # rpact, tests/testthat/test-f_design_group_sequential.R: x1 (asHSD, gamma 0), x3 asKD, x6b, x6a asP, x7a asOF
        ([0.2, 0.4, 1], 0.03, power_family(1), [2.5121443, 2.4228747, 2.0280392]),
        ([0.3, 0.7, 1], 0.03, power_family(2.2), [2.8594012, 2.2435708, 1.9735737]),
        ([0.4, 0.7], 0.025, pocock, [2.223875, 2.3050796]),
        ([0.35, 0.7, 1], 0.13, pocock, [1.5446617, 1.4828682, 1.4620058]),
        ([0.4, 0.75, 1], 0.13, obrien_fleming, [2.1280732, 1.4368565, 1.2468994]),
        ([0.4, 0.75, 0.85, 1], 0.13, obrien_fleming, [2.1280732, 1.4368565, 1.422873, 1.2970881]),
    ],
)
def test_one_sided_boundaries_are_those_of_r_packages(
    fractions: list[float], alpha: float, spending: Spending, limits: list[float]
) -> None:
    """To six decimals."""
    found = efficacy_boundaries(fractions, alpha=alpha, sides=1, spending=spending)
    assert found == pytest.approx(limits, abs=2e-6)


@pytest.mark.parametrize(
    ("fractions", "limits", "power", "exponent", "futility"),
    [
        ([0.3, 0.7, 1], [2.8594012, 2.2435708, 1.9735737], 0.66, 3.2, [-1.1558435, 0.72836893]),
        ([0.4, 0.75, 1], [2.1280732, 1.4368565, 1.2468994], 0.59, 2.5, [-0.83725762, 0.35992547]),
        (
            [0.4, 0.75, 0.85, 1],
            [2.1280732, 1.4368565, 1.422873, 1.2970881],
            0.59,
            2.5,
            [-0.82676531, 0.3743303, 0.65077266],
        ),
    ],
)
def test_futility_that_does_not_bind_is_that_of_rpact(
    fractions: list[float], limits: list[float], power: float, exponent: float, futility: list[float]
) -> None:
    """The same file: x3 and both x7a, beta spending bsKD, not binding."""
    found = futility_boundaries(fractions, limits, power=power, spending=power_family(exponent))
    assert found.boundaries[:-1] == pytest.approx(futility, abs=2e-6)
    assert found.boundaries[-1] == limits[-1]


def test_the_information_that_futility_needs_is_that_of_rpact() -> None:
    """x3: shift 5.551371, the square of the drift; and the test has its power there."""
    shares, limits = [0.3, 0.7, 1], [2.8594012, 2.2435708, 1.9735737]
    found = futility_boundaries(shares, limits, power=0.66, spending=power_family(3.2))
    assert found.drift**2 == pytest.approx(5.551371, abs=2e-6)
    crossing = crossing_probabilities(shares, limits, found.boundaries, drift=found.drift)
    assert crossing.upper.cumsum() == pytest.approx([0.058336437, 0.398246, 0.66], abs=1e-6)


def test_power_is_that_of_rpact() -> None:
    """rpact, x1: shift 9.4594101 and the probabilities of stopping at each look."""
    shares, limits = [0.2, 0.4, 1], [2.5121443, 2.4228747, 2.0280392]
    assert drift_for_power(shares, limits, power=0.86) ** 2 == pytest.approx(9.4594101, abs=1e-5)
    found = crossing_probabilities(shares, limits, drift=9.4594101**0.5)
    assert found.upper == pytest.approx([0.12783451, 0.21271713, 0.51944835], abs=2e-7)


def test_one_look_is_the_ordinary_test() -> None:
    """The quantile and the interval of a fixed sample."""
    limit = efficacy_boundaries([1.0])
    assert limit == pytest.approx(stats.norm.isf(0.025))
    assert repeated_interval(2.0, 0.5, limit[0])[1] == pytest.approx(2.0 + 0.5 * 1.959964, abs=1e-6)


@settings(max_examples=25)
@given(
    steps=st.lists(st.floats(0.05, 1), min_size=1, max_size=6),
    alpha=st.floats(0.001, 0.2),
    spending=st.sampled_from([obrien_fleming, pocock, power_family(1), power_family(3)]),
)
def test_what_is_spent_is_what_is_due(steps: list[float], alpha: float, spending: Spending) -> None:
    """The chance of having crossed by each look is the spending function's, on each side."""
    shares = np.cumsum(steps) / np.sum(steps)
    limits = efficacy_boundaries(shares, alpha=alpha, spending=spending)
    found = crossing_probabilities(shares, limits, -limits)
    assert found.upper.cumsum() == pytest.approx(spending(shares, alpha / 2), abs=1e-8)
    assert found.upper == pytest.approx(found.lower, abs=1e-12)


@settings(max_examples=25)
@given(fraction=st.floats(0, 2), other=st.floats(0, 2), error=st.floats(0.001, 0.5))
def test_spending_never_falls_and_ends_at_the_error(fraction: float, other: float, error: float) -> None:
    """Nothing at the start, all at the end and beyond."""
    for spending in (obrien_fleming, pocock, power_family(2)):
        low, high = spending(sorted([fraction, other]), error)
        assert 0 <= low <= high <= error * (1 + 1e-12)
        assert spending([0.0, 1.0], error) == pytest.approx([0.0, error])


@settings(max_examples=25)
@given(drift=st.floats(-4, 4))
def test_a_drift_the_other_way_crosses_the_other_side(drift: float) -> None:
    """Symmetric boundaries mirror."""
    limits = efficacy_boundaries(FIVE)
    one, other = (crossing_probabilities(FIVE, limits, -limits, drift=sign * drift) for sign in (1, -1))
    assert one.upper == pytest.approx(other.lower, abs=1e-12)


def test_simulated_looks_cross_as_often_as_computed() -> None:
    """Random walks with drift 2 against Pocock boundaries, within three Monte-Carlo errors."""
    rng = np.random.default_rng(11)
    z = np.cumsum(rng.normal(2 / 5, np.sqrt(1 / 5), (20_000, 5)), axis=1) / np.sqrt(FIVE)
    limits = efficacy_boundaries(FIVE, spending=pocock)
    power = crossing_probabilities(FIVE, limits, -limits, drift=2.0).upper.sum()
    assert (z >= limits).any(axis=1).mean() == pytest.approx(power, abs=3 * np.sqrt(power * (1 - power) / 20_000))


@pytest.mark.parametrize("fractions", [[], [0.0, 1.0], [0.5, 0.5], [1.0, 0.5], [float("nan")], [[0.5, 1.0]]])
def test_looks_out_of_order_are_refused(fractions: list[float]) -> None:
    """The message shows the fractions."""
    with pytest.raises(InvalidInput, match="ascend"):
        efficacy_boundaries(fractions)
