"""Lognormal latencies compared: means by the asymptotic sequence, p95 by the sequence of quantiles."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from benchmarks.validity.check import Simulation, first_stops
from benchmarks.validity.designs import Design
from benchmarks.validity.streams import latencies, latency_moments, latency_sketches
from mlops.ab_testing.compared import BURN_IN
from mlops.stats import confidence_sequences, quantile_sequences
from mlops.stats.arguments import Floats

__all__ = ["means", "p95"]

_AT_ONCE = 100  # repetitions: a million values


def means(design: Design) -> Simulation:
    """Latencies without a difference."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        values, is_treated = latencies(rng, repetitions, design)
        arms = [latency_moments(values, kept) for kept in (~is_treated, is_treated)]
        target, alpha = float(design.levels.targets[0]), design.method.alpha
        found = confidence_sequences.difference_of_means(*arms, target=target, alpha=alpha, burn_in=BURN_IN)
        return first_stops(found.p_value <= alpha, design.looks)

    return _in_parts(simulate)


def p95(design: Design, *, factor: float = 1.0) -> Simulation:
    """Latencies, those of treatment times a factor."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        arms = latency_sketches(*latencies(rng, repetitions, design, factor))
        control, treatment = design.levels.sizes
        alpha = design.method.alpha
        p = quantile_sequences.p_value_of_equal_quantiles(*arms, 0.95, targets=(control, treatment), alpha=alpha)
        return first_stops(p <= alpha, design.looks)

    return _in_parts(simulate)


def _in_parts(simulate: Simulation) -> Simulation:
    def parts(rng: Generator, repetitions: int) -> Floats:
        sizes = [min(_AT_ONCE, repetitions - done) for done in range(0, repetitions, _AT_ONCE)]
        return np.concatenate([simulate(rng, size) for size in sizes])

    return parts
