"""Units with many interactions each in a rollout, while what they do drifts alike in both arms.

A unit logs for a while after it came: those of the first step go on into the time of the second one, where rates are
others. What it ever logs is of the phase in which it came.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.validity.check import Simulation, first_stops
from benchmarks.validity.designs import Design, planned_test
from mlops.ab_testing.compared import BURN_IN
from mlops.ab_testing.evidence import PairMoments
from mlops.stats.arguments import Floats
from mlops.stats.arms import effective_size
from mlops.stats.clustered import clustered_means_in_one_mixture
from mlops.stats.confidence_sequences import around

__all__ = ["DESIGN", "arms", "drifting", "p_values"]

_INTERACTIONS = 20  # of each unit
_UNITS = 1000
_STAY = 0.3  # of the time of the test, between the first interaction of a unit and its last one
_CORRELATION = 0.1  # within units, at any moment
_SHARES = (0.1, 0.5)  # of treatment, of the units of each phase
_FIRST, _LAST = 0.9, 0.5  # the rate at the beginning and at the end of the test
_BATCH = 10  # repetitions in memory at once

DESIGN = Design(
    planned_test(
        (0.5, 0.5),
        test_type="gradual_rollout",
        steps=[{"share": share} for share in _SHARES],
        cluster=True,
        interactions_per_user=_INTERACTIONS,
        maximum_sample_size=_UNITS * _INTERACTIONS,
    )
)
"""Half of the units come in each step."""


def drifting(*, is_pooled: bool = False, effect: float = 0.0) -> Simulation:
    """A hundred looks until arms are told apart.

    Args:
        is_pooled: Whether all phases are compared together, for comparison.
        effect: By how much the rate of treatment is higher.
    """

    def simulate(rng: Generator, repetitions: int) -> Floats:
        sizes = [min(_BATCH, repetitions - done) for done in range(0, repetitions, _BATCH)]
        found = np.concatenate([p_values(arms(rng, size, effect=effect, is_pooled=is_pooled)) for size in sizes])
        return first_stops(found <= DESIGN.method.alpha, DESIGN.looks)

    return simulate


def p_values(units: PairMoments) -> Floats:
    """Return always-valid p-values by repetition and look, as `compare_clusters_within` does.

    Args:
        units: Arms by repetitions by looks by phases.
    """
    mixed = clustered_means_in_one_mixture(units)
    error = np.where(mixed.units.min(axis=0) >= BURN_IN, np.hypot(*mixed.standard_error), np.nan)
    fraction = effective_size(*np.nan_to_num(mixed.units)) / DESIGN.levels.targets[0]
    return around(mixed.mean[1] - mixed.mean[0], error, fraction, alpha=DESIGN.method.alpha).p_value


def arms(rng: Generator, repetitions: int, *, effect: float = 0.0, is_pooled: bool = False) -> PairMoments:
    """Return the moments of units so far, of arms by repetitions by looks by phases; or of one phase with all units."""
    phases = np.arange(_UNITS) * len(_SHARES) // _UNITS
    is_treated = rng.random((repetitions, _UNITS)) < np.array(_SHARES)[phases]
    x, y = _logged(rng, is_treated, effect)
    places = np.zeros_like(phases) if is_pooled else phases
    found = [
        [_moments(x, y, kept & (places == place)) for place in range(places.max() + 1)]
        for kept in (~is_treated, is_treated)
    ]
    return PairMoments(*np.array(found).transpose(2, 0, 3, 4, 1))


def _logged(rng: Generator, is_treated: NDArray[np.bool_], effect: float) -> tuple[Floats, Floats]:
    """Return how many interactions units have logged at each look, and by repetition how many converted."""
    began = np.linspace(0, 1 - _STAY, _UNITS)
    times = began[:, None] + _STAY * np.arange(_INTERACTIONS) / _INTERACTIONS
    rate = (_FIRST + (_LAST - _FIRST) * times)[None] + effect * is_treated[..., None]
    character = rng.choice([-1.0, 1.0], (*is_treated.shape, 1))  # two kinds of units make the correlation exact
    happened = rng.random(rate.shape) < rate + character * np.sqrt(_CORRELATION * rate * (1 - rate))
    looks = np.minimum((times * DESIGN.looks.size).astype(int), DESIGN.looks.size - 1)
    x, y = np.zeros((_UNITS, DESIGN.looks.size)), np.zeros((*is_treated.shape, DESIGN.looks.size))
    units = np.arange(_UNITS)
    for place in range(_INTERACTIONS):
        x[units, looks[:, place]] += 1
        y[:, units, looks[:, place]] += happened[:, :, place]
    return np.cumsum(x, axis=-1), np.cumsum(y, axis=-1)


def _moments(x: Floats, y: Floats, kept: NDArray[np.bool_]) -> PairMoments:
    """Return the moments of some units at each look; repetitions by looks."""
    weight = kept.astype(float)
    n, sum_x, sum_xx = (weight @ part for part in ((x > 0).astype(float), x, x * x))
    sum_y, sum_yy, sum_xy = (np.einsum("ru,rul->rl", weight, part) for part in (y, y * y, x * y))
    size, rest = np.maximum(n, 1.0), np.maximum(n - 1, 1.0)
    mean_x, mean_y = sum_x / size, sum_y / size
    spreads = sum_xx - n * mean_x**2, sum_yy - n * mean_y**2, sum_xy - n * mean_x * mean_y
    return PairMoments(n, mean_x, mean_y, *(part / rest for part in spreads))
