"""Blocks of arrival order read at once: the e-process of every treatment, and the statistic at each planned look.

The formulas are those of `mlops.stats`; here all blocks and treatments are laid out for one call.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlops.ab_testing.compared import Levels
from mlops.stats import e_process
from mlops.stats.arguments import Alternative, Floats
from mlops.stats.arms import Counts, effective_size
from mlops.stats.moments import Summary

__all__ = ["Sequential", "exact_p_values", "exact_sequences", "running", "within"]

_POINTS = 30  # on each side of the grid of differences: bounds are rounded outwards by at most a third
_FINEST = 1e-4


class Sequential(NamedTuple):
    """Limits of the difference and p-value that hold at every look; one entry per treatment."""

    lower: Floats
    upper: Floats
    p_value: Floats


def exact_sequences(blocks: Summary, levels: Levels) -> Sequential:
    """Return the e-process's limits of the differences of rates, and its p-values of equality.

    Args:
        blocks: Number and mean of 0 and 1 in each closed block; blocks by variants, control first.
        levels: The confidence.
    """
    treatments = np.shape(blocks.n)[1] - 1
    if not np.shape(blocks.n)[0]:
        return Sequential(np.full(treatments, -1.0), np.ones(treatments), np.ones(treatments))
    nulls = e_process.differences(finest=_FINEST, points=_POINTS)
    process = e_process.after(*_arms(blocks), nulls=nulls)
    lower, upper = e_process.interval(process, nulls, alpha=levels.alpha)
    return Sequential(lower, upper, e_process.p_values(process)[:, _POINTS])


def exact_p_values(blocks: Summary, alternative: Alternative, *, margin: float = 0.0) -> Floats:
    """Return for each treatment the always-valid p-value that its rate is not, and never became, beyond control's.

    Args:
        blocks: As for `exact_sequences`.
        alternative: `greater` asks whether treatment minus control is above the margin, `less` whether it is below.
        margin: The difference allowed, with its sign.
    """
    if not np.shape(blocks.n)[0]:
        return np.ones(np.shape(blocks.n)[1] - 1)
    control, treatment = _arms(blocks)
    return e_process.restarted(control, treatment, alternative=alternative, margin=margin)[:, -1]


def _arms(blocks: Summary) -> tuple[Counts, Counts]:
    """Return the counts of control and of each treatment; blocks along the last axis."""
    n = np.asarray(blocks.n, dtype=float)
    events = np.rint(np.where(n > 0, n * np.asarray(blocks.mean, dtype=float), 0.0))
    return Counts(n[:, 0], events[:, 0]), Counts(n[:, 1:].T, events[:, 1:].T)


def running(blocks: Summary, sizes: tuple[int, ...]) -> Summary:
    """Return numbers, means and variances of all values up to each of the sizes that has been reached.

    Args:
        blocks: Number, mean and variance of the values in each closed block; blocks by variants.
        sizes: Values of all variants together, ascending, each the end of a block.

    Returns:
        Looks by variants; fewer looks than sizes when they have not been reached.
    """
    n = np.asarray(blocks.n, dtype=float)
    mean = np.where(n > 0, np.asarray(blocks.mean, dtype=float), 0.0)
    squares = np.where(n > 1, np.asarray(blocks.variance, dtype=float) * (n - 1), 0.0)
    ends = np.searchsorted(np.cumsum(n.sum(axis=1)), np.array(sizes, dtype=float))
    ends = ends[ends < len(n)]
    count = np.cumsum(n, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.cumsum(n * mean, axis=0) / count
        origin = np.where(n.sum(axis=0) > 0, (n * mean).sum(axis=0) / n.sum(axis=0), 0.0)
        around_origin = np.cumsum(squares + n * (mean - origin) ** 2, axis=0)
        variance = np.maximum(around_origin - count * (centre - origin) ** 2, 0.0) / (count - 1)
    return Summary(count[ends], centre[ends], np.where(count > 1, variance, np.nan)[ends])


def within(blocks: Summary, sizes: tuple[int, ...], *, are_rates: bool) -> tuple[Floats, Floats, Floats]:
    """Return difference, standard error and z of each treatment at each look, compared within every block and added up.

    Args:
        blocks: As for `running`.
        sizes: Likewise.
        are_rates: Whether values are 0 and 1, so that equal arms have one variance in a block.
    """
    n, mean, variance = (np.nan_to_num(np.asarray(part, dtype=float)) for part in blocks)
    ends = np.searchsorted(np.cumsum(n.sum(axis=1)), np.array(sizes, dtype=float))
    one, other = n[:, :1], n[:, 1:]
    weight = np.where((one > 1) & (other > 1), effective_size(one, other), 0.0)
    both = np.maximum(one + other, 2.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = weight**2 * (variance[:, :1] / np.maximum(one, 1.0) + variance[:, 1:] / np.maximum(other, 1.0))
        pooled = (one * mean[:, :1] + other * mean[:, 1:]) / both
        null = weight * pooled * (1 - pooled) * both / (both - 1) if are_rates else spread
        sums = (np.cumsum(part, axis=0)[ends[ends < len(n)]] for part in (weight, weight * (mean[:, 1:] - mean[:, :1])))
        total, excess = sums
        error, score = (np.sqrt(np.cumsum(part, axis=0)[ends[ends < len(n)]]) for part in (spread, null))
        error = np.where(error > 0, error, np.nan)  # nothing is known where nothing varied
        return excess / total, error / total, excess / score
