"""How far two samples of one feature lie apart: the population stability index on a grid of the first one.

PSI = Σ (q - p) · ln(q / p) over the cells of the grid, p and q the shares of both samples, with shares below 0.0001
counted as that. It is 0 for equal shares and grows without bound; 0.1 and 0.25 are the usual limits of notice and of
alarm (Siddiqi, Credit Risk Scorecards, 2006). It depends on the grid and, for samples of some hundreds, on chance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

__all__ = ["population_stability_index"]

_CELLS = 10
_LEAST_SHARE = 1e-4


def population_stability_index(reference: Sequence[Any], sample: Sequence[Any]) -> float | None:
    """Return the index of `sample` against `reference`; missing values and NaN are left out.

    Numbers are counted in ten cells between the deciles of the reference, other values one by one. None where one side
    has no values.

    Example:
        >>> population_stability_index([1, 2, 3, 4], [4, 3, 2, 1])
        0.0
        >>> round(population_stability_index(["a", "b"], ["a", "a"]), 1)
        4.6
    """
    first, second = _present(reference), _present(sample)
    if not first or not second:
        return None
    if all(isinstance(value, int | float) for value in (*first, *second)):
        cells_before, cells_after = _counted(first, second)
    else:
        cells_before, cells_after = Counter(map(str, first)), Counter(map(str, second))
    total = 0.0
    for cell in sorted({*cells_before, *cells_after}, key=str):
        before = max(cells_before[cell] / len(first), _LEAST_SHARE)
        after = max(cells_after[cell] / len(second), _LEAST_SHARE)
        total += (after - before) * math.log(after / before)
    return total


def _present(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value is not None and value == value]  # noqa: PLR0124 (NaN is not)


def _counted(first: Sequence[float], second: Sequence[float]) -> tuple[Counter[Any], Counter[Any]]:
    """Count values between the deciles of the first sample; the outer cells are open."""
    import numpy as np

    reference, sample = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    edges = np.unique(np.quantile(reference, np.arange(1, _CELLS) / _CELLS, method="inverted_cdf"))
    before, after = (np.searchsorted(edges, values, side="left").tolist() for values in (reference, sample))
    return Counter(before), Counter(after)
