"""Conversions compared by the method that the design chose: at which look arms are told apart."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.validity.check import Simulation, first_stops
from benchmarks.validity.designs import Design
from benchmarks.validity.streams import at_ends, by_stage, conversions, of_blocks
from mlops.stats import confidence_sequences, e_process, proportions
from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts

__all__ = ["coverage", "told_apart", "told_apart_at", "told_apart_in_either_direction"]


def told_apart(design: Design) -> Simulation:
    """Looks after every hundredth part of the test, or where looks are planned, until any treatment differs."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        return told_apart_at(design, conversions(rng, repetitions, design))

    return simulate


def told_apart_in_either_direction(*designs: Design) -> Simulation:
    """The same, the repetitions divided among designs, so that the power is their mean."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        parts = [repetitions // len(designs) + (place < repetitions % len(designs)) for place in range(len(designs))]
        return np.concatenate([told_apart(design)(rng, part) for design, part in zip(designs, parts, strict=True)])

    return simulate


def told_apart_at(design: Design, counts: Counts) -> Floats:
    """Return after how many interactions the method says "significant", by repetition.

    Args:
        design: What was simulated.
        counts: Units and events since the beginning at the design's cuts.
    """
    if design.method.mode == "planned_looks":
        crossed, ended = _planned(design, counts)
        ended_before = np.logical_or.accumulate(ended, axis=1) & ~ended
        return first_stops(crossed & ~ended_before, design.looks)
    p_values = _exact(design, counts) if design.method.primary.sequence == "e_process" else _asymptotic(design, counts)
    treatments = p_values.shape[-1]  # the first step of Holm's: any difference at all
    return first_stops(treatments * p_values.min(axis=-1) <= design.method.alpha, design.looks)


def _asymptotic(design: Design, counts: Counts) -> Floats:
    """Return p-values by repetition, look and treatment."""
    levels = design.levels.shared()
    seen = by_stage(counts, design) if design.is_phased else at_ends(counts, design, design.looks)
    arms = [_arm(seen, index) for index in range(len(levels.sizes))]
    found = []
    for arm, target in zip(arms[1:], levels.targets.tolist(), strict=True):
        found.append(_p_values(arms[0], arm, target, levels.alpha, is_phased=design.is_phased))
    return np.stack(found, axis=-1)


def _p_values(control: Counts, treatment: Counts, target: float, alpha: float, *, is_phased: bool) -> Floats:
    if is_phased:
        return confidence_sequences.p_value_of_stratified_proportions(control, treatment, target=target, alpha=alpha)
    return confidence_sequences.p_value_of_proportions(control, treatment, target=target, alpha=alpha)


def _arm(counts: Counts, index: int) -> Counts:
    return Counts(np.asarray(counts.n)[..., index], np.asarray(counts.events)[..., index])


def _exact(design: Design, counts: Counts) -> Floats:
    """Return p-values by repetition, look and treatment; at a look those of the last block that is closed."""
    return _exact_p_values(design, of_blocks(counts, design), e_process.equality())


def _exact_p_values(design: Design, blocks: Counts, nulls: e_process.Nulls) -> Floats:
    n, events = (np.asarray(part) for part in blocks)
    found = [np.ones((len(n), n.shape[1] - 1))]
    process = e_process.start(nulls, found[0].shape)
    for block in range(n.shape[2]):
        control = Counts(n[:, :1, block], events[:, :1, block])
        treatment = Counts(n[:, 1:, block], events[:, 1:, block])
        process = e_process.update(process, control, treatment, nulls=nulls)
        found.append(e_process.p_values(process)[..., 0])
    closed = np.searchsorted(design.block_ends, design.looks, side="right")
    return np.stack(found, axis=1)[:, closed]


def _planned(design: Design, counts: Counts) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where looks crossed a boundary, and where they ended the test for that or for futility."""
    seen, method = at_ends(counts, design, design.looks), design.method
    z = np.asarray(proportions.pooled_z_test(_arm(seen, 0), _arm(seen, 1)).statistic)
    crossed = np.abs(z) >= np.array(method.boundaries)
    return crossed, crossed | (z < np.array(method.futility))


def coverage(design: Design, scale: e_process.Scale = "difference") -> Simulation:
    """A stop is a look at which the sequence leaves the true difference, or ratio, out."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        counts = conversions(rng, repetitions, design)
        is_exact = design.method.primary.sequence == "e_process"
        left_out = _exact_leaves_out(design, counts, scale) if is_exact else _asymptotic_leaves_out(design, counts)
        return first_stops(left_out, design.looks)

    return simulate


def _exact_leaves_out(design: Design, counts: Counts, scale: e_process.Scale) -> NDArray[np.bool_]:
    control, treatment = design.rates
    truth = treatment - control if scale == "difference" else treatment / control
    nulls = e_process.Nulls(scale, np.array([truth]))
    return np.asarray(_exact_p_values(design, of_blocks(counts, design), nulls)[..., 0] <= design.method.alpha)


def _asymptotic_leaves_out(design: Design, counts: Counts) -> NDArray[np.bool_]:
    seen, levels, truth = at_ends(counts, design, design.looks), design.levels, design.rates[1] - design.rates[0]
    found = confidence_sequences.difference_of_proportions(
        _arm(seen, 0), _arm(seen, 1), target=float(levels.targets[0]), alpha=levels.alpha
    )
    return np.asarray((found.lower > truth) | (found.upper < truth))
