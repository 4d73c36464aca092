"""Guardrails: a canary that fails, and limits that are kept exactly."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from benchmarks.validity.check import Simulation, first_stops
from benchmarks.validity.designs import Design
from benchmarks.validity.proportions import told_apart_at
from benchmarks.validity.streams import at_ends, conversions, of_blocks
from mlops.stats import bounds, e_process
from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts

__all__ = ["canary", "limit"]


def canary(design: Design) -> Simulation:
    """Successes of a canary: requests from the fall until its guardrail, or the result itself, ends it."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        counts = conversions(rng, repetitions, design)
        rail = _rail_stops(design, counts)
        return np.minimum(rail, told_apart_at(design, counts)) - design.changes_at

    return simulate


def _rail_stops(design: Design, counts: Counts) -> Floats:
    n, events = (np.asarray(part) for part in of_blocks(counts, design))
    control, treatment = Counts(n[:, 0], events[:, 0]), Counts(n[:, 1], events[:, 1])
    p_values = e_process.restarted(control, treatment, alternative="less")
    seen = np.hstack([np.ones((len(n), 1)), p_values])
    closed = np.searchsorted(design.block_ends, design.looks, side="right")
    return first_stops(seen[:, closed] <= design.rail_level, design.looks)


def limit(design: Design, rate: float) -> Simulation:
    """Failures of a treatment, or its values above the limit of a quantile, whose share is exactly the one allowed."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        counts = at_ends(conversions(rng, repetitions, design), design, design.looks)
        treated = Counts(np.asarray(counts.n)[..., 1], np.asarray(counts.events)[..., 1])
        level, target = design.rail_level, float(design.levels.sizes[1])
        return first_stops(bounds.rate_above(treated, rate, target=target, alpha=level) <= level, design.looks)

    return simulate
