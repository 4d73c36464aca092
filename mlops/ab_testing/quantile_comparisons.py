"""Quantiles of treatments beside control's, from the sketches of their values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlops.ab_testing.compared import Compared, Levels, nothing
from mlops.ab_testing.evidence import MetricEvidence
from mlops.stats import quantile_sequences, quantiles
from mlops.stats.arguments import Floats
from mlops.stats.results import Interval
from mlops.stats.sketch import QuantileSketch

__all__ = ["compare_quantiles", "histograms", "within"]

_NOTHING = 1e-200  # a quantile so near to 0 is no base of a ratio
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
    intervals = [quantiles.quantile_interval(sketch, level, confidence=levels.confidence) for sketch in sketches]
    one, two = Interval(*intervals[0]), Interval(*(np.array(part) for part in zip(*intervals[1:], strict=True)))
    for into, part in zip(
        answer[:4], quantiles.difference_of_intervals(one, two, confidence=levels.confidence)[:4], strict=True
    ):
        into[0] = part
    if abs(one.estimate) > _NOTHING:
        answer.ratio[0] = two.estimate / one.estimate
    edges, counts = histograms(sketches, level)
    _fill_sequences(answer, edges, counts, level, levels)
    return answer


def within(evidence: MetricEvidence) -> tuple[QuantileSketch, ...]:
    """Return the sketches that quantiles are compared by; of several phases arms with the same mixture of them.

    A phase counts in every arm with what it knows, n₁n₂ / (n₁ + n₂) of two arms, and an arm has as many values as
    such weights leave it.
    """
    if not evidence.phases:
        return evidence.sketches
    sizes = np.array([[sketch.n for sketch in phase] for phase in evidence.phases], dtype=float)
    common = np.where(sizes.min(axis=1) > 0, 1 / (1 / np.maximum(sizes, 1.0)).sum(axis=1), 0.0)[:, None]
    each = np.where(sizes > 0, common / np.maximum(sizes, 1.0), 0.0)  # weight of one value
    scale = common.sum() / np.maximum((common * each).sum(axis=0), np.finfo(float).tiny)
    return tuple(
        _mixed(arm, each[:, place] * scale[place]) for place, arm in enumerate(zip(*evidence.phases, strict=True))
    )


def _mixed(sketches: Sequence[QuantileSketch], weights: Floats) -> QuantileSketch:
    """Return a sketch of weighted values, rounded to whole numbers without moving any quantile by more than one."""
    found: dict[int, float] = defaultdict(float)
    for sketch, weight in zip(sketches, weights.tolist(), strict=True):
        for key, count in sketch.buckets:
            found[key] += weight * count
    keys = sorted(found)
    ranks = np.rint(np.cumsum([found[key] for key in keys]))
    counts = np.diff(ranks, prepend=0.0).astype(int).tolist()
    return QuantileSketch(
        sketches[0].digits, tuple((key, count) for key, count in zip(keys, counts, strict=True) if count)
    )


def _fill_sequences(answer: Compared, edges: Floats, counts: Floats, level: float, levels: Levels) -> None:
    """Put in what holds at every look; p-values of treatments with one target in one call."""
    sizes = counts.sum(axis=1)[1:]
    for target in np.unique(levels.sizes[1:]):
        places = np.flatnonzero((levels.sizes[1:] == target) & (sizes > 0))
        targets = (float(levels.sizes[0]), float(target))
        answer.always_p[0, places] = quantile_sequences.p_value_of_equal_quantiles(
            counts[0], counts[places + 1], level, targets=targets, alpha=levels.alpha
        )
        for place in places:
            found = quantile_sequences.difference_of_quantiles(
                edges, counts[0], counts[place + 1], level, targets=targets, alpha=levels.alpha
            )
            answer.always_lower[0, place], answer.always_upper[0, place] = found.lower, found.upper


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
    low, high = QuantileSketch(digits, tuple((key, 1) for key in keys.tolist())).edges()
    low = np.where(low == high, np.nextafter(low, -np.inf), low)  # the bucket of zero, which has no width
    edges = np.unique(np.concatenate([[-np.inf, np.inf], low, high]))
    counts = np.zeros((len(apart), len(edges) - 1))
    counts[:, np.searchsorted(edges, low)] = apart
    counts[:, 0] += before.sum(axis=1)
    return edges, counts
