"""Units that arrive in the arms, in the designed shares or in others."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from benchmarks.validity.check import Simulation, first_stops
from benchmarks.validity.streams import PER_LOOK
from mlops.stats import sequential_srm
from mlops.stats.arguments import Floats

__all__ = ["ALPHA", "arrivals"]

ALPHA = 0.01


def arrivals(shares: tuple[float, ...], designed: tuple[float, ...], units: int) -> Simulation:
    """Units in the shares given, tested after each hundred against those designed."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        looks = units // PER_LOOK
        counts = np.cumsum(rng.multinomial(PER_LOOK, shares, (repetitions, looks)), axis=1)
        return first_stops(sequential_srm.p_value(counts, designed) <= ALPHA, PER_LOOK)

    return simulate
