"""What features have in common with each other and with the target, counted over the training rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mlops.features.marginals import CODES, QUANTITY, Marginals, feature_batches
from mlops.features.state import FeatureState
from mlops.features.training_rows import TrainingRows

__all__ = ["Joints", "joints", "mutual_information"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]

_BINS = 32
_GRID = 2.0**18  # steps to a standard deviation
_BLOCK = 8192
_EXACT = 2.0**53  # whole numbers up to here are doubles
_ONE_THREAD = 1 << 18  # multiplications that OpenBLAS does not divide; waiting for its threads costs more than it saves
_FEW_ROWS = 128


@dataclass(frozen=True)
class Joints:
    """Of these features, in order: the matrix of Pearson correlations, and the mutual information with the target."""

    names: tuple[str, ...]
    correlations: Floats
    information: tuple[float, ...]


def joints(state: FeatureState, rows: TrainingRows, alone: Marginals) -> Joints:
    """Count the features of all training rows against each other and the target, as far as the plan asks for it."""
    names = state.feature_names
    correlator = _Correlator(names, alone) if state.plan.correlation_threshold is not None else None
    informer = _Informer(names, alone) if alone.tables else None
    for batch in feature_batches(state, rows):
        if correlator is not None:
            correlator.add(batch)
        if informer is not None:
            informer.add(batch)
    correlations = np.eye(len(names)) if correlator is None else correlator.result()
    return Joints(names, correlations, () if informer is None else informer.result())


class _Correlator:
    """Sums of products of standardised features, in whole steps."""

    def __init__(self, names: tuple[str, ...], alone: Marginals) -> None:
        self._names = names
        moments = [alone.moments[name] for name in names]
        self._means = np.array([float(each.mean) for each in moments])
        spreads = np.array([math.sqrt(each.variance) for each in moments])
        self._steps = np.divide(_GRID, spreads, out=np.zeros(len(names)), where=spreads > 0)
        self._sums = np.zeros((len(names), len(names)), dtype=np.int64)

    def add(self, batch: pl.DataFrame) -> None:
        for block in batch.select(self._names).iter_slices(_BLOCK):
            values = (block.to_numpy() - self._means) * self._steps
            self._sums += _products(np.rint(np.nan_to_num(values, posinf=0.0, neginf=0.0)))

    def result(self) -> Floats:
        lengths = np.sqrt(self._sums.diagonal().astype(np.float64))
        lengths[lengths == 0] = 1
        correlations: Floats = self._sums / np.outer(lengths, lengths)
        return correlations


def _products(steps: Floats) -> Integers:
    """Return the sums over rows of all products of two columns of whole numbers, exactly."""
    if np.einsum("ij,ij->j", steps, steps).max(initial=0.0) < _EXACT:  # bounds all sums, by Cauchy and Schwarz
        rows = max(_FEW_ROWS, _ONE_THREAD // max(1, steps.shape[1]) ** 2)
        parts = (steps[start : start + rows] for start in range(0, len(steps), rows))
        return sum((part.T @ part for part in parts), np.zeros((steps.shape[1],) * 2)).astype(np.int64)
    if len(steps) == 1:
        whole = steps[0].astype(np.int64)
        return np.outer(whole, whole)
    middle = len(steps) // 2
    return _products(steps[:middle]) + _products(steps[middle:])


class _Informer:
    """Tables of how often each range of a feature meets each class, or range, of the target."""

    def __init__(self, names: tuple[str, ...], alone: Marginals) -> None:
        self._edges = {name: alone.tables[name].edges(_BINS) for name in names}
        self._target_edges = alone.quantity.edges(_BINS) if alone.quantity.count else np.empty(0)
        self._classes = alone.classes
        self._width = len(alone.classes) or len(self._target_edges) + 1
        self._tables = {
            name: np.zeros((len(edges) + 2, self._width), dtype=np.int64) for name, edges in self._edges.items()
        }

    def add(self, batch: pl.DataFrame) -> None:
        codes = self._target_codes(batch)
        is_known = codes >= 0
        for name, edges in self._edges.items():
            values = batch[name].to_numpy()
            ranges = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
            cells = ranges[is_known] * self._width + codes[is_known]
            counts = np.bincount(cells, minlength=self._tables[name].size)
            self._tables[name] += counts.reshape(self._tables[name].shape)

    def _target_codes(self, batch: pl.DataFrame) -> Integers:
        if CODES in batch.columns:
            places = pl.Series(range(len(self._classes)), dtype=pl.Int64)
            found = batch[CODES].replace_strict(pl.Series(self._classes, dtype=pl.String), places, default=None)
            return found.fill_null(-1).to_numpy()
        target = batch[QUANTITY]
        codes = np.searchsorted(self._target_edges, target.fill_null(0.0).to_numpy(), side="right")
        return np.where(target.is_null().to_numpy(), -1, codes)

    def result(self) -> tuple[float, ...]:
        return tuple(mutual_information(table) for table in self._tables.values())


def mutual_information(table: Integers) -> float:
    """Return the mutual information, in nats, of the two sides of a table of counts; 0 of nothing.

    Example:
        >>> import numpy as np
        >>> round(mutual_information(np.array([[5, 0], [0, 5]])), 6)
        0.693147
    """
    total = table.sum()
    if not total:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    seen = table > 0
    terms = table[seen] * np.log(table[seen] / expected[seen])
    return max(0.0, math.fsum(terms.tolist()) / float(total))
