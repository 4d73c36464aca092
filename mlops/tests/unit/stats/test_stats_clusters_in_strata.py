"""Units of phases with other shares: linear models of single interactions are the reference."""

from __future__ import annotations

import numpy as np
import pytest

from mlops.ab_testing.compared import Levels
from mlops.ab_testing.evidence import PairMoments
from mlops.ab_testing.unit_comparisons import (
    compare_adjusted,
    compare_adjusted_within,
    compare_clusters,
    compare_clusters_within,
)
from mlops.stats.clustered import clustered_mean, clustered_means_in_one_mixture
from mlops.stats.moments import ExactPairMoments

_NAMES = PairMoments._fields
_LEVELS = Levels(0.95, np.array([300.0, 300.0]))


def _moments(cells):
    """Return the moments of pairs by arm and phase."""
    exact = [[ExactPairMoments.of(cell) for cell in arm] for arm in cells]
    return PairMoments(
        *(np.array([[getattr(one, name) for one in arm] for arm in exact], dtype=float) for name in _NAMES)
    )


def _table(seed, units=(60, 60)):
    """Return phase, arm, unit and value of interactions, and moments of units; rates drift, units differ."""
    rng, rows, cells, unit = np.random.default_rng(seed), [], [[], []], 0
    for arm in (0, 1):
        for phase, rate in enumerate((0.8, 0.4)):
            pairs = []
            for _ in range(units[phase]):
                x = int(rng.integers(1, 9 - 4 * phase))
                values = (rng.random(x) < np.clip(rate + rng.normal(0, 0.15), 0, 1)).astype(float)
                rows += [(phase, arm, unit, value) for value in values]
                pairs.append((float(x), float(values.sum())))
                unit += 1
            cells[arm].append(pairs)
    return np.array(rows), _moments(cells)


def test_units_of_a_published_kind_of_model():
    """Twelve units: `OLS(…).fit(cov_type="cluster")` of statsmodels 0.15.0 says 0.0531822 and 0.1324989 × √(3 / 2)."""
    control = [(4.0, 3.0), (2.0, 1.0), (5.0, 5.0)], [(2.0, 0.0), (3.0, 1.0), (1.0, 1.0)]
    treatment = [(4.0, 2.0), (3.0, 3.0), (6.0, 5.0)], [(4.0, 1.0), (2.0, 1.0), (3.0, 3.0)]
    mixed = clustered_means_in_one_mixture(_moments([control, treatment]))
    assert mixed.mean[1] - mixed.mean[0] == pytest.approx(0.05318221447253685, rel=1e-12)
    assert np.hypot(*mixed.standard_error) == pytest.approx(0.16227737867984213, rel=1e-12)


def _fitted(table, target):
    """Return the coefficients of ordinary least squares, and the residuals."""
    found = np.linalg.lstsq(table, target, rcond=None)[0]
    return found, target - table @ found


def _cells(phase, arm):
    """Return an indicator of each arm and phase, and how many rows each has."""
    table = np.column_stack([(phase == p) & (arm == a) for a in (0, 1) for p in (0, 1)]).astype(float)
    return table, table.sum(axis=0).reshape(2, 2)


def _shares(sizes):
    weights = sizes.prod(axis=0) / sizes.sum(axis=0)
    return weights / weights.sum()


@pytest.mark.parametrize("seed", range(4))
def test_the_difference_is_that_of_a_model_with_effects_of_phases(seed):
    """Ordinary least squares of value on treatment and phase, over interactions."""
    rows, units = _table(seed, (50, 90))
    phase, arm, _, value = rows.T
    found, _ = _fitted(np.column_stack([phase == 0, phase == 1, arm]).astype(float), value)
    mixed = clustered_means_in_one_mixture(units)
    assert mixed.mean[1] - mixed.mean[0] == pytest.approx(found[2], rel=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_the_error_is_that_of_a_sandwich_over_units(seed):
    """A model with a mean of each arm and phase; Liang and Zeger's covariance by unit, times n / (n - 1) units."""
    rows, units = _table(seed)
    phase, arm, unit, value = rows.T
    table, sizes = _cells(phase, arm)
    _, residuals = _fitted(table, value)
    scores = np.stack([np.bincount(unit.astype(int), table[:, cell] * residuals) for cell in range(4)])
    bread = np.diag(1 / sizes.ravel())
    contrast = np.concatenate([-_shares(sizes), _shares(sizes)])
    variance = contrast @ bread @ scores @ scores.T @ bread @ contrast
    mixed = clustered_means_in_one_mixture(units)
    assert np.hypot(*mixed.standard_error) == pytest.approx(np.sqrt(variance * 60 / 59), rel=1e-10)


def test_one_phase_is_the_plain_delta_method():
    """Estimate, limits, p-values, sequence and information: nothing changes where shares did not."""
    _, units = _table(7)
    one = PairMoments(*(part[:, :1] for part in units))
    within, plain = (
        compare_clusters_within(one, _LEVELS),
        compare_clusters(PairMoments(*(part[:, 0] for part in units)), _LEVELS),
    )
    assert np.array(within) == pytest.approx(np.array(plain), rel=1e-9, nan_ok=True)


def test_a_phase_in_which_an_arm_has_one_unit_says_nothing():
    """One unit has no variance: what is left is the other phase."""
    _, units = _table(3)
    more = _moments([[[(5.0, 1.0)]], [[(5.0, 4.0), (4.0, 3.0)]]])
    joined = PairMoments(*(np.concatenate([part, new], axis=1) for part, new in zip(units, more, strict=True)))
    assert np.array(clustered_means_in_one_mixture(joined)) == pytest.approx(
        np.array(clustered_means_in_one_mixture(units))
    )
    assert np.isnan(np.array(clustered_means_in_one_mixture(more))).all()


def test_two_units_with_most_of_the_interactions_are_two_units():
    """Weights follow interactions, so that two busy instruments in a phase must not pass for hundreds."""
    calm = [(1.0, float(number % 2)) for number in range(200)]
    busy = [(5000.0, 2400.0), (5000.0, 2600.0)]
    units = _moments([[calm, busy], [calm, busy]])
    assert clustered_means_in_one_mixture(units).units == pytest.approx([2.0, 2.0], rel=0.1)
    found = compare_clusters_within(units, _LEVELS)
    assert np.isinf(found.always_lower[0, 0])
    assert not np.isnan(found.p_value[0, 0])


def test_a_common_mean_is_each_arms_own():
    """Where all phases have one rate, a mixture of them has it too, and arms do not wait for each other."""
    pairs = [(4.0, 3.0), (4.0, 3.2), (4.0, 2.8)]
    units = _moments([[pairs * 9, pairs], [pairs, pairs * 9]])
    assert clustered_means_in_one_mixture(units).mean == pytest.approx([0.75, 0.75])
    assert clustered_mean(PairMoments(*(part[0, :1] for part in units))).estimate == pytest.approx(0.75)


def _with_past(seed, sizes=((40, 200), (60, 30))):
    rng, rows, cells = np.random.default_rng(seed), [], [[], []]
    for arm in (0, 1):
        for phase in (0, 1):
            x = rng.normal(10 + 5 * phase, 2, sizes[phase][arm])
            y = 1.5 * x + 30 * phase + 0.4 * arm + rng.normal(0, 1, x.size)
            rows += [(phase, arm, *pair) for pair in zip(x, y, strict=True)]
            cells[arm].append(list(zip(x.tolist(), y.tolist(), strict=True)))
    return np.array(rows), _moments(cells)


@pytest.mark.parametrize("seed", range(4))
def test_cuped_within_phases_is_an_analysis_of_covariance(seed):
    """One slope beside a mean of each arm and phase (least squares), the contrasts weighted by n₁n₂ / (n₁ + n₂)."""
    rows, units = _with_past(seed)
    phase, arm, x, y = rows.T
    cells, sizes = _cells(phase, arm)
    slopes, residuals = _fitted(np.column_stack([cells, x]), y)
    share = _shares(sizes)
    found = compare_adjusted_within(units, _LEVELS)
    assert found.difference[0, 0] == pytest.approx(share @ (slopes[2:4] - slopes[:2]), rel=1e-9)
    spread = [residuals[cells[:, cell] > 0].var(ddof=1) / cells[:, cell].sum() for cell in range(4)]
    assert found.error[0, 0] == pytest.approx(np.sqrt(np.tile(share**2, 2) @ spread), rel=1e-9)


def test_cuped_of_one_phase_is_the_plain_one():
    """The same estimate, error, sequence and ratio; limits at one look are normal instead of t."""
    _, units = _with_past(1)
    within = compare_adjusted_within(PairMoments(*(part[:, :1] for part in units)), _LEVELS)
    plain = compare_adjusted(PairMoments(*(part[:, 0] for part in units)), _LEVELS)
    for name in ("difference", "error", "always_lower", "always_upper", "always_p", "ratio", "information"):
        assert getattr(within, name) == pytest.approx(getattr(plain, name), rel=1e-9), name
    assert within.p_value == pytest.approx(plain.p_value, abs=0.02)
