"""Histories as one line of blocks, for tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 16) -> str:
    """Draw values as blocks between their lowest and highest, at most `width` of them; gaps where nothing is finite.

    Longer histories are cut into parts of nearly equal length, each shown by its mean.

    Example:
        >>> sparkline([1.0, 2.0, 3.0])
        '▁▅█'
        >>> sparkline([3.0, 3.0, float("nan"), 1.0, 1.0, 2.0], width=3)
        '█▁▃'
    """
    shown = [_mean(part) for part in _parts(values, width)]
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return " " * len(shown)
    low, high = min(finite), max(finite)
    return "".join(_block(value, low, high) for value in shown)


def _parts(values: Sequence[float], width: int) -> list[Sequence[float]]:
    count = min(width, len(values))
    bounds = [index * len(values) // count for index in range(count + 1)] if count else [0]
    return [values[start:end] for start, end in pairwise(bounds)]


def _mean(part: Sequence[float]) -> float:
    finite = [value for value in part if math.isfinite(value)]
    return math.fsum(value / len(finite) for value in finite) if finite else math.nan


def _block(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return " "
    share = value / 2 - low / 2, high / 2 - low / 2  # halves: the span of the largest floats would overflow
    return _BLOCKS[math.floor(share[0] / share[1] * (len(_BLOCKS) - 1) + 0.5) if share[1] else 0]
