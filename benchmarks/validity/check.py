"""What a check is: a simulated stream, when it was stopped in each repetition, and the bound on that."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlops.stats.arguments import Floats

__all__ = ["Check", "Outcome", "Simulation", "first_stops", "measure"]

Simulation = Callable[[Generator, int], Floats]
"""From a generator and a number of repetitions to the units seen at the stop of each; infinite without a stop."""

Kind = Literal[
    "error at most", "power at least", "median at most", "power", "median", "p-value within", "correlation within"
]

_CHUNK = 1000  # repetitions in memory at once


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Attributes:
        name: For `--only`.
        design: What was simulated, in words.
        kind: What is reported of the stops, and which way the bound goes; without a bound it is for comparison.
        simulate: The stream.
        bound: A share of repetitions, units, how near a p-value may be to 0 or 1, or the size of a correlation.
        summarise: What is reported instead of the stops' share or median; for p-values and correlations.
        most: Repetitions at most, of checks that go through the whole of a test and are slow.
    """

    name: str
    design: str
    kind: Kind
    simulate: Simulation
    bound: float | None = None
    summarise: Callable[[Floats], float] | None = None
    most: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a check found."""

    check: Check
    found: float
    repetitions: int
    seconds: float

    @property
    def monte_carlo_error(self) -> float:
        """Standard error of a share at its bound; 0 for all that is no share."""
        if self.check.kind.startswith("median") or self.check.summarise is not None:
            return 0.0
        share = self.found if self.check.bound is None else self.check.bound
        return math.sqrt(share * (1 - share) / self.repetitions)

    @property
    def is_held(self) -> bool | None:
        """Whether the bound holds; None without one."""
        bound = self.check.bound
        if bound is None:
            return None
        if self.check.kind == "power at least":
            return self.found >= bound
        if self.check.kind == "p-value within":
            return bound < self.found < 1 - bound
        if self.check.kind == "correlation within":
            return abs(self.found) < bound
        return self.found <= bound + 3 * self.monte_carlo_error


def measure(check: Check, repetitions: int, clock: Callable[[], float]) -> Outcome:
    """Run a check; the seed is made of its name, so that every check is the same whichever others run."""
    began = clock()
    rng = np.random.default_rng(zlib.crc32(check.name.encode()))
    repetitions = min(repetitions, check.most or repetitions)
    sizes = [min(_CHUNK, repetitions - done) for done in range(0, repetitions, _CHUNK)]
    stops = np.concatenate([check.simulate(rng, size) for size in sizes])
    return Outcome(check, _reported(check, stops), repetitions, clock() - began)


def _reported(check: Check, stops: Floats) -> float:
    if check.summarise is not None:
        return check.summarise(stops)
    return float(np.median(stops) if check.kind.startswith("median") else np.isfinite(stops).mean())


def first_stops(crossed: NDArray[np.bool_], looks: NDArray[np.int64]) -> Floats:
    """Return the units seen at the first look that crossed, by repetition; infinite where none did.

    Args:
        crossed: True where a look crossed; repetitions by looks.
        looks: Units seen at each look.
    """
    return np.where(crossed.any(axis=1), looks[crossed.argmax(axis=1)], np.inf)
