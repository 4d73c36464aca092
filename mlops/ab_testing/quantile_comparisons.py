"""Quantiles of treatments beside control's, from the sketches of their values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlops.ab_testing.compared import Compared, Levels, nothing
from mlops.stats import quantile_sequences, quantiles
from mlops.stats.arguments import Floats
from mlops.stats.sketch import QuantileSketch

__all__ = ["compare_quantiles", "histograms"]

_REACH = 0.1  # share of the values below the quantile whose buckets stay apart, in large samples


def compare_quantiles(sketches: Sequence[QuantileSketch], level: float, levels: Levels) -> Compared:
    """Return a quantile compared: distribution-free limits, and the sequence that holds at every look.

    Args:
        sketches: By variant, control first.
        level: Of the quantile, 0.95 for p95.
        levels: Confidence, and where the sequence is narrowest.
    """
    answer = nothing(1, len(sketches) - 1)
    if not sketches or not sketches[0].n:
        return answer
    edges, counts = histograms(sketches, level)
    for place, sketch in enumerate(sketches[1:]):
        if sketch.n:
            _fill(answer, place, (sketches[0], sketch), level, levels)
            _fill_sequence(answer, place, (edges, counts), level, levels)
    return answer


def _fill(
    answer: Compared, place: int, arms: tuple[QuantileSketch, QuantileSketch], level: float, levels: Levels
) -> None:
    found = quantiles.quantile_difference(*arms, level, confidence=levels.confidence)
    for into, value in zip(answer[:4], found[:4], strict=True):
        into[0, place] = value
    control, treatment = (arm.quantile(level) for arm in arms)
    answer.ratio[0, place] = treatment / control if control else np.nan


def _fill_sequence(answer: Compared, place: int, data: tuple[Floats, Floats], level: float, levels: Levels) -> None:
    edges, counts = data
    control, treatment = counts[0], counts[place + 1]
    targets = (float(levels.sizes[0]), float(levels.sizes[place + 1]))
    found = quantile_sequences.difference_of_quantiles(
        edges, control, treatment, level, targets=targets, alpha=levels.alpha
    )
    answer.always_lower[0, place], answer.always_upper[0, place] = found.lower, found.upper
    answer.always_p[0, place] = quantile_sequences.p_value_of_equal_quantiles(
        control, treatment, level, targets=targets, alpha=levels.alpha
    )


def histograms(sketches: Sequence[QuantileSketch], level: float) -> tuple[Floats, Floats]:
    """Return edges and counts by variant; buckets far below the quantile are joined, which keeps bounds true.

    The outer edges are infinite, so that a bound which the data do not give is infinite too.
    """
    buckets = [np.array(sketch.buckets, dtype=np.int64).reshape(-1, 2) for sketch in sketches]
    keys, places = np.unique(np.concatenate([found[:, 0] for found in buckets]), return_inverse=True)
    counts = np.zeros((len(sketches), len(keys)))
    rows = np.repeat(np.arange(len(sketches)), [len(found) for found in buckets])
    counts[rows, places] = np.concatenate([found[:, 1] for found in buckets])
    first = _first_apart(counts, level)
    return _joined(sketches[0].digits, keys[first:], counts[:, :first], counts[:, first:])


def _first_apart(counts: Floats, level: float) -> int:
    """Return the first bucket that stays apart, well below the quantile of every arm."""
    sizes = counts.sum(axis=1, keepdims=True)
    shares = np.cumsum(counts, axis=1) / np.maximum(sizes, 1.0)
    below = level - np.minimum(level, _REACH + 2 / np.sqrt(np.maximum(sizes, 1.0)))
    return int((shares <= below).sum(axis=1).min())


def _joined(digits: int, keys: NDArray[np.int64], before: Floats, apart: Floats) -> tuple[Floats, Floats]:
    sketch = QuantileSketch(digits, tuple((int(key), 1) for key in keys))
    limits = [_with_width(sketch.limits(rank)) for rank in range(1, len(keys) + 1)]
    edges = np.unique(np.array([-np.inf, *(edge for pair in limits for edge in pair), np.inf]))
    counts = np.zeros((len(apart), len(edges) - 1))
    counts[:, np.searchsorted(edges, [low for low, _ in limits])] = apart
    counts[:, 0] += before.sum(axis=1)
    return edges, counts


def _with_width(limits: tuple[float, float]) -> tuple[float, float]:
    """Return the edges of a bucket; that of zero, which has no width, gets the smallest there is."""
    low, high = limits
    return (float(np.nextafter(low, -np.inf)), high) if low == high else limits
