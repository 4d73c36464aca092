"""Units with many interactions each, looked at by the delta method."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.validity.check import Simulation, first_stops
from benchmarks.validity.designs import PLANNED, Design, planned_test
from mlops.ab_testing.compared import BURN_IN
from mlops.stats.arguments import Floats
from mlops.stats.arms import effective_size
from mlops.stats.clustered import clustered_difference
from mlops.stats.confidence_sequences import around

__all__ = ["DESIGN", "Units", "arms", "at_every_look", "at_the_end", "p_values"]

_INTERACTIONS = 20  # of each unit
_RATE = 0.9
_CORRELATION = 0.1  # within units

DESIGN = Design(planned_test((0.5, 0.5), cluster=True, interactions_per_user=_INTERACTIONS, baseline_rate=_RATE))
"""Five users arrive between two looks."""


class Units(NamedTuple):
    """Moments of units at each look: x their interactions, of which all have as many, y their conversions."""

    n: Floats
    mean_y: Floats
    variance_y: Floats

    @property
    def mean_x(self) -> Floats:
        return np.full(self.n.shape, float(_INTERACTIONS))

    @property
    def variance_x(self) -> Floats:
        return np.zeros(self.n.shape)

    @property
    def covariance(self) -> Floats:
        return np.zeros(self.n.shape)


def at_the_end() -> Simulation:
    """Conversions of units without a difference, compared once."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        found = clustered_difference(*arms(rng, repetitions))
        return first_stops(found.p_value[:, -1:] <= DESIGN.method.alpha, DESIGN.looks[-1:])

    return simulate


def at_every_look() -> Simulation:
    """The same, looked at after every five units by the asymptotic confidence sequence."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        return first_stops(p_values(*arms(rng, repetitions)) <= DESIGN.method.alpha, DESIGN.looks)

    return simulate


def p_values(control: Units, treatment: Units) -> Floats:
    """Return always-valid p-values by repetition and look."""
    found = clustered_difference(control, treatment)
    error = np.where(np.minimum(control.n, treatment.n) >= BURN_IN, found.standard_error, np.nan)
    fraction = effective_size(control.n, treatment.n) / DESIGN.levels.targets[0]
    return around(found.estimate, error, fraction, alpha=DESIGN.method.alpha).p_value


def arms(rng: Generator, repetitions: int) -> tuple[Units, Units]:
    """Return the units of control and treatment, which do not differ, at each look."""
    strength = 1 / _CORRELATION - 1
    shape = (repetitions, DESIGN.looks.size, PLANNED // DESIGN.looks.size // _INTERACTIONS)
    rates = rng.beta(_RATE * strength, (1 - _RATE) * strength, shape)
    conversions, is_treated = rng.binomial(_INTERACTIONS, rates).astype(float), rng.random(shape) < DESIGN.shares[1]
    return _units(conversions, ~is_treated), _units(conversions, is_treated)


def _units(conversions: Floats, kept: NDArray[np.bool_]) -> Units:
    sums = [np.where(kept, part, 0.0).sum(axis=2) for part in (np.ones(1), conversions, conversions**2)]
    n, total, squares = (np.cumsum(part, axis=1) for part in sums)
    mean = total / np.maximum(n, 1)
    return Units(n, mean, (squares - n * mean**2) / np.maximum(n - 1, 1))
