"""Simulated arms: what the aggregates of a test would hold at each look, for many repetitions at once."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.validity.designs import Design
from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts
from mlops.stats.moments import Summary

__all__ = [
    "LATENCY_EDGES",
    "at_ends",
    "by_stage",
    "conversions",
    "latencies",
    "latency_moments",
    "latency_sketches",
    "of_blocks",
]

_MEDIAN_MS, _SPREAD = 100.0, 0.5  # of the lognormal latency
LATENCY_EDGES = np.concatenate([[0.0], np.geomspace(100.0, 500.0, 41), [np.inf]])  # 4 % wide where p95 is


def conversions(rng: Generator, repetitions: int, design: Design) -> Counts:
    """Return units and events since the beginning at each of the design's cuts; repetitions by cuts by variants."""
    sizes = np.diff(design.cuts, prepend=0)
    stages = np.searchsorted([stage.until for stage in design.stages], design.cuts)
    shares, rates = (np.array([getattr(stage, part) for stage in design.stages]) for part in ("shares", "rates"))
    n = rng.multinomial(sizes, shares[stages], (repetitions, sizes.size))
    return Counts(np.cumsum(n, axis=1), np.cumsum(rng.binomial(n, rates[stages]), axis=1))


def at_ends(counts: Counts, design: Design, ends: NDArray[np.int64]) -> Counts:
    """Return the counts since the beginning at some of the design's cuts."""
    places = np.searchsorted(design.cuts, ends)
    return Counts(np.asarray(counts.n)[:, places], np.asarray(counts.events)[:, places])


def of_blocks(counts: Counts, design: Design) -> Counts:
    """Return the counts of each closed block of arrival order; repetitions by variants by blocks."""
    ends = at_ends(counts, design, design.block_ends)
    n, events = (np.diff(np.asarray(part), axis=1, prepend=0).swapaxes(1, 2) for part in ends)
    return Counts(n, events)


def by_stage(counts: Counts, design: Design) -> Counts:
    """Return the counts at each look within each stage; repetitions by looks by stages by variants."""
    ends = [np.minimum(design.looks, stage.until) for stage in design.stages]
    n, events = (
        np.stack([np.asarray(part)[:, np.searchsorted(design.cuts, end)] for end in ends], axis=2) for part in counts
    )
    return Counts(np.diff(n, axis=2, prepend=0), np.diff(events, axis=2, prepend=0))


def latencies(
    rng: Generator, repetitions: int, design: Design, factor: float = 1.0
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return lognormal latencies, those of treatment times a factor, and which are of treatment.

    Both are arrays of repetitions by looks by the interactions between looks.
    """
    looks = design.looks.size
    shape = (repetitions, looks, design.size // looks)
    is_treated = rng.random(shape) < design.shares[1]
    values = _MEDIAN_MS * np.exp(_SPREAD * rng.standard_normal(shape))
    return np.where(is_treated, factor * values, values), is_treated


def latency_moments(values: Floats, kept: NDArray[np.bool_]) -> Summary:
    """Return numbers, means and variances since the beginning of some latencies at each look."""
    each = [np.where(kept, part, 0.0).sum(axis=2) for part in (np.ones(1), values, values**2)]
    n, total, squares = (np.cumsum(part, axis=1) for part in each)
    mean = total / np.maximum(n, 1.0)
    return Summary(n, mean, (squares - n * mean**2) / np.maximum(n - 1, 1.0))


def latency_sketches(values: Floats, is_treated: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return histograms since the beginning of control's and treatment's latencies; repetitions by looks by bins."""
    repetitions, looks, _ = values.shape
    bins = LATENCY_EDGES.size - 1
    cells = np.arange(repetitions * looks).reshape(repetitions, looks, 1) * bins
    places = cells + np.searchsorted(LATENCY_EDGES[1:-1], values)
    sketches = [np.bincount(places[kept], minlength=repetitions * looks * bins) for kept in (~is_treated, is_treated)]
    control, treatment = (np.cumsum(found.reshape(repetitions, looks, bins), axis=1) for found in sketches)
    return control.astype(float), treatment.astype(float)
