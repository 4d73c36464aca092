"""Precision, recall and F1 of every variant, from tables of truths and predictions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from mlops.ab_testing.classes import OTHER
from mlops.ab_testing.evidence import Confusion, PairMoments
from mlops.ab_testing.outcomes import as_text
from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts
from mlops.stats.moments import Summary

__all__ = ["Scores", "f1_units", "rate_counts", "rates_by_phase", "scores"]


class Scores(NamedTuple):
    """Of one variant; NaN where undefined, such as the precision of a class that was never predicted, or the average
    over more classes than are counted apart."""

    precision: float
    recall: float
    f1_score: float


class _Hits(NamedTuple):
    true_positives: float
    predicted: float
    actual: float


def scores(table: Confusion, positive_label: object) -> Scores:
    """Return the scores of one class, or without one the average over the classes that occur.

    Args:
        table: Counts by truth and prediction, both as JSON.
        positive_label: The class; None averages over all (macro), where all are counted apart.

    Example:
        >>> found = scores({('"sick"', '"sick"'): 8, ('"well"', '"sick"'): 2, ('"sick"', '"well"'): 8}, "sick")
        >>> found.precision, found.recall, round(found.f1_score, 3)
        (0.8, 0.5, 0.615)
    """
    if positive_label is not None:
        return _scores(_hits(table, as_text(positive_label)))
    classes = sorted({label for pair in table for label in pair})
    if not classes or OTHER in classes:
        return Scores(*[float("nan")] * 3)
    return Scores(*(_mean(column) for column in zip(*(_scores(_hits(table, each)) for each in classes), strict=True)))


def _mean(column: Iterable[float]) -> float:
    """Return the average; a class without a score counts as 0, as it was never found or never right."""
    values = [0.0 if value != value else value for value in column]  # noqa: PLR0124
    return sum(values) / len(values)


def _hits(table: Confusion, positive: str) -> _Hits:
    predicted = sum(count for (_, prediction), count in table.items() if prediction == positive)
    actual = sum(count for (truth, _), count in table.items() if truth == positive)
    return _Hits(table.get((positive, positive), 0.0), predicted, actual)


def _scores(hits: _Hits) -> Scores:
    return Scores(
        _share(hits.true_positives, hits.predicted),
        _share(hits.true_positives, hits.actual),
        _share(2 * hits.true_positives, hits.predicted + hits.actual),
    )


def _share(above: float, below: float) -> float:
    return above / below if below else float("nan")


def rate_counts(tables: Sequence[Confusion], name: str, positive_label: object) -> Counts:
    """Return precision (of the predicted) or recall (of the actual) as counts, one entry per variant."""
    hits = [_hits(table, as_text(positive_label)) for table in tables]
    sizes = [each.predicted if name == "precision" else each.actual for each in hits]
    return Counts(np.array(sizes, dtype=float), np.array([each.true_positives for each in hits], dtype=float))


def rates_by_phase(phases: Sequence[Sequence[Confusion]], name: str, positive_label: object) -> dict[str, Summary]:
    """Return precision or recall of every variant in each phase."""
    counts = [rate_counts(tables, name, positive_label) for tables in phases]
    return {str(number): Summary(each.n, each.rate, each.rate * (1 - each.rate)) for number, each in enumerate(counts)}


def f1_units(tables: Sequence[Confusion], positive_label: object) -> PairMoments:
    """Return F1 as a ratio of sums over interactions, whose uncertainty the delta method knows.

    An interaction adds one below for a positive truth and one for a positive prediction, and two above when both are:
    F1 is the sum above over the sum below.
    """
    return PairMoments(*np.array([_f1_moments(table, as_text(positive_label)) for table in tables]).T)


def _f1_moments(table: Confusion, positive: str) -> Floats:
    hits, n = _hits(table, positive), float(sum(table.values()))
    single = hits.predicted + hits.actual - 2 * hits.true_positives
    x, y = hits.predicted + hits.actual, 2 * hits.true_positives
    xx, yy = single + 4 * hits.true_positives, 4 * hits.true_positives
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.array([x, y]) / n
        spreads = (np.array([xx, yy, yy]) - np.array([x * x, y * y, x * y]) / n) / (n - 1)
    return np.array([n, *means, *spreads])
