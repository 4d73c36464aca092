"""Units assigned by their ids: in the shares that were designed, and in two tests independently of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from scipy import stats

from benchmarks.validity.check import Simulation
from mlops.ab_testing.assignment import Allocation
from mlops.stats.arguments import Floats

__all__ = ["IDS", "correlation", "counted", "crossed", "p_value"]

IDS = 1000  # of each repetition, numbered one after another from anywhere
_HALVES = (0.5, 0.5)


def counted(shares: Sequence[float]) -> Simulation:
    """Count the ids that each variant is given; repetitions by variants."""
    names, choose = _assigning("pepper", shares)

    def simulate(rng: Generator, repetitions: int) -> Floats:
        counts = (Counter(map(choose, ids)) for ids in _ids(rng, repetitions))
        return np.array([[count[name] for name in names] for count in counts], dtype=float)

    return simulate


def p_value(shares: Sequence[float]) -> Callable[[Floats], float]:
    """Return the p-value of the chi-squared test of `counted` against the shares."""

    def summarise(counts: Floats) -> float:
        total = counts.sum(axis=0)
        return float(stats.chisquare(total, total.sum() * np.asarray(shares)).pvalue)

    return summarise


def crossed() -> Simulation:
    """Count the ids by their variants in two tests that divide alike; repetitions by both tests' variants."""
    names, one = _assigning("pepper", _HALVES)
    _, other = _assigning("salt", _HALVES)
    pairs = [(mine, yours) for mine in names for yours in names]

    def simulate(rng: Generator, repetitions: int) -> Floats:
        counts = (Counter((one(unit), other(unit)) for unit in ids) for ids in _ids(rng, repetitions))
        return np.array([[count[pair] for pair in pairs] for count in counts], dtype=float)

    return simulate


def correlation(counts: Floats) -> float:
    """Return the correlation of `crossed`: of being in the treatment of one test and in that of the other."""
    neither, second, first, both = counts.sum(axis=0).tolist()
    margins = (first + both) * (neither + second) * (second + both) * (neither + first)
    return float((both * neither - first * second) / np.sqrt(margins))


def _assigning(salt: str, shares: Sequence[float]) -> tuple[list[str], Callable[[str], str]]:
    names = ["control", *(f"treatment_{number}" for number in range(1, len(shares)))]
    return names, Allocation(salt, dict(zip(names, shares, strict=True)), names).choose


def _ids(rng: Generator, repetitions: int) -> list[list[str]]:
    begins = rng.integers(2**53, size=repetitions).tolist()
    return [[f"user_{number}" for number in range(begin, begin + IDS)] for begin in begins]
