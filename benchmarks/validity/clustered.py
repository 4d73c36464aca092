"""Units with many interactions each, looked at by the delta method."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.validity.check import Simulation, first_stops
from benchmarks.validity.streams import PER_LOOK
from mlops.stats.arguments import Floats
from mlops.stats.arms import effective_size
from mlops.stats.clustered import clustered_difference
from mlops.stats.confidence_sequences import around

__all__ = ["at_every_look", "at_the_end"]

_INTERACTIONS = 20  # of each unit
_RATE = 0.9
_CORRELATION = 0.1  # within units
_LOOKS = 100
_BURN_IN = 50  # units in an arm
_ALPHA = 0.05


class _Units(NamedTuple):
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
        found = clustered_difference(*_arms(rng, repetitions))
        return first_stops(found.p_value[:, -1:] <= _ALPHA, PER_LOOK * _LOOKS)

    return simulate


def at_every_look() -> Simulation:
    """The same, looked at after every five units by the asymptotic confidence sequence."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        control, treatment = _arms(rng, repetitions)
        found = clustered_difference(control, treatment)
        error = np.where(np.minimum(control.n, treatment.n) >= _BURN_IN, found.standard_error, np.nan)
        fraction = effective_size(control.n, treatment.n) / (_LOOKS * PER_LOOK / _INTERACTIONS / 8)
        p = around(found.estimate, error, fraction, alpha=_ALPHA).p_value
        return first_stops(p <= _ALPHA, PER_LOOK)

    return simulate


def _arms(rng: Generator, repetitions: int) -> tuple[_Units, _Units]:
    strength = 1 / _CORRELATION - 1
    shape = (repetitions, _LOOKS, PER_LOOK // _INTERACTIONS)
    rates = rng.beta(_RATE * strength, (1 - _RATE) * strength, shape)
    conversions, is_treated = rng.binomial(_INTERACTIONS, rates).astype(float), rng.random(shape) < 0.5
    return _units(conversions, ~is_treated), _units(conversions, is_treated)


def _units(conversions: Floats, kept: NDArray[np.bool_]) -> _Units:
    sums = [np.where(kept, part, 0.0).sum(axis=2) for part in (np.ones(1), conversions, conversions**2)]
    n, total, squares = (np.cumsum(part, axis=1) for part in sums)
    mean = total / np.maximum(n, 1)
    return _Units(n, mean, (squares - n * mean**2) / np.maximum(n - 1, 1))
