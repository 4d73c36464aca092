"""Simulated arms: counts and moments at each look, as the aggregates of a test would hold them."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts, Moments

__all__ = ["LATENCY_EDGES", "PER_LOOK", "conversions", "latencies", "latency_sketches", "so_far"]

PER_LOOK = 100  # interactions between looks
_MEDIAN_MS, _SPREAD = 100.0, 0.5  # of the lognormal latency
LATENCY_EDGES = np.concatenate([[0.0], np.geomspace(100.0, 500.0, 41), [np.inf]])  # 4 % wide where p95 is


def conversions(
    rng: Generator, repetitions: int, rates: tuple[float, float], share: float, looks: int = 100
) -> tuple[Counts, Counts]:
    """Return what each block of interactions adds to control and treatment; repetitions by looks.

    Args:
        rng: Of the check.
        repetitions: Rows.
        rates: Of control and treatment.
        share: Probability that an interaction goes to treatment.
        looks: Columns.
    """
    treated = rng.binomial(PER_LOOK, share, (repetitions, looks))
    control = PER_LOOK - treated
    return (
        Counts(control, rng.binomial(control, rates[0])),
        Counts(treated, rng.binomial(treated, rates[1])),
    )


def so_far(counts: Counts) -> Counts:
    """Return the counts since the beginning at each look."""
    return Counts(np.cumsum(counts.n, axis=1), np.cumsum(counts.events, axis=1))


def latencies(rng: Generator, repetitions: int, share: float, looks: int = 100) -> tuple[Moments, Moments]:
    """Return the moments since the beginning of lognormal latencies in control and treatment, which do not differ."""
    values, is_treated = _latencies(rng, repetitions, share, looks)
    return _moments(values, ~is_treated), _moments(values, is_treated)


def _latencies(rng: Generator, repetitions: int, share: float, looks: int) -> tuple[Floats, NDArray[np.bool_]]:
    shape = (repetitions, looks, PER_LOOK)
    return _MEDIAN_MS * np.exp(_SPREAD * rng.standard_normal(shape)), rng.random(shape) < share


def _moments(values: Floats, kept: NDArray[np.bool_]) -> Moments:
    each = [np.where(kept, part, 0.0).sum(axis=2) for part in (np.ones(1), values, values**2)]
    n, total, squares = (np.cumsum(part, axis=1) for part in each)
    return Moments(n, total, squares)


def latency_sketches(
    rng: Generator, repetitions: int, share: float, factor: float = 1.0, looks: int = 100
) -> tuple[Floats, Floats]:
    """Return histograms since the beginning of latencies, those of treatment times a factor; by looks and bins."""
    values, is_treated = _latencies(rng, repetitions, share, looks)
    values = np.where(is_treated, factor * values, values)
    bins = LATENCY_EDGES.size - 1
    cells = np.arange(repetitions * looks).reshape(repetitions, looks, 1) * bins
    places = cells + np.searchsorted(LATENCY_EDGES[1:-1], values)
    sketches = [np.bincount(places[kept], minlength=repetitions * looks * bins) for kept in (~is_treated, is_treated)]
    control, treatment = (np.cumsum(found.reshape(repetitions, looks, bins), axis=1) for found in sketches)
    return control.astype(float), treatment.astype(float)
