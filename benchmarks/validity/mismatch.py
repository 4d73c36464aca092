"""Units that arrive in the arms, in the designed shares or in others."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from benchmarks.validity.check import Simulation, first_stops
from mlops.ab_testing.integrity import FINAL_LEVEL, SEQUENTIAL_LEVEL
from mlops.stats import sample_ratio, sequential_srm
from mlops.stats.arguments import Floats

__all__ = ["arrivals"]

_PER_LOOK = 100


def arrivals(shares: tuple[float, ...], designed: tuple[float, ...], units: int) -> Simulation:
    """Units in the shares given, tested after each hundred against those designed, and once more at the end."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        looks = np.arange(_PER_LOOK, units + 1, _PER_LOOK)
        counts = np.cumsum(rng.multinomial(_PER_LOOK, shares, (repetitions, looks.size)), axis=1)
        crossed = sequential_srm.p_value(counts, designed) <= SEQUENTIAL_LEVEL
        crossed[:, -1] |= sample_ratio.sample_ratio_test(counts[:, -1], designed).p_value <= FINAL_LEVEL
        return first_stops(crossed, looks)

    return simulate
