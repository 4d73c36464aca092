"""What was measured of one variant, without comparing it: the fields that every result has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mlops.ab_testing import confusion
from mlops.ab_testing.analysis import Method
from mlops.ab_testing.entities import MetricKind, MetricSummary
from mlops.ab_testing.evidence import Evidence
from mlops.records import FrozenDict
from mlops.stats.sketch import QuantileSketch

__all__ = ["fields_of", "summaries"]

_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_MEANS = {
    "accuracy": "accuracy",
    "mean_absolute_error": "absolute_error",
    "mean_squared_error": "squared_error",
    "mean_latency_ms": "latency_ms",
    "conversion_rate": "conversion",
    "mean_value": "value",
}
"""Fields of a result, and the logged number whose mean each is."""

_NAN = math.nan


def summaries(evidence: Evidence, method: Method) -> tuple[dict[str, MetricSummary], ...]:
    """Return every logged number summarised, and the rates of a positive_label: by variant, and then by name."""
    names, levels, count = list(evidence.metrics), _levels(method), len(evidence.variants)
    n, mean, variance = (np.array(part, dtype=float).ravel() for part in _columns(evidence))
    sketched = [
        _sketched(sketch, levels.get(name, _QUANTILES))
        for name, found in evidence.metrics.items()
        for sketch in found.sketches or (_NO_SKETCH,) * count
    ]
    minimum, maximum, quantiles = zip(*sketched, strict=True) if sketched else ((), (), ())
    columns = {
        "count": n.astype(int).tolist(),
        "mean": np.where(n > 0, mean, _NAN).tolist(),
        "std": np.sqrt(np.where(n > 1, variance, _NAN)).tolist(),
        "total": np.where(n > 0, n * mean, 0.0).tolist(),
        "minimum": minimum,
        "maximum": maximum,
        "quantiles": quantiles,
    }
    summarised = MetricSummary.trusted_rows(columns)
    answer = tuple(dict(zip(names, summarised[index::count], strict=True)) for index in range(count))
    if evidence.confusion and method.positive_label is not None:
        for name in ("precision", "recall"):
            counts = confusion.rate_counts(evidence.confusion, name, method.positive_label)
            for into, n, events in zip(answer, *(np.asarray(part).tolist() for part in counts), strict=True):
                into[name] = _rate(n, events)
    return answer


def _columns(evidence: Evidence) -> Iterable[Sequence[ArrayLike]]:
    """Return numbers, means and variances, each of them by metric and variant."""
    found = [metric.values for metric in evidence.metrics.values()]
    return zip(*found, strict=True) if found else ((), (), ())


def _rate(n: float, events: float) -> MetricSummary:
    rate = events / n if n else _NAN
    std = math.sqrt(rate * (1 - rate) * n / (n - 1)) if n > 1 else _NAN
    return MetricSummary(count=int(n), mean=rate, std=std, total=float(events))


def _levels(method: Method) -> dict[str, dict[str, float]]:
    """Return the quantiles of logged numbers of which the design asks for others than the usual ones."""
    found: dict[str, dict[str, float]] = {}
    for metric in method.metrics:
        if metric.kind is MetricKind.QUANTILE:
            found.setdefault(metric.source, dict(_QUANTILES))[f"p{100 * metric.quantile:g}"] = metric.quantile
    return found


def _sketched(sketch: QuantileSketch, levels: Mapping[str, float]) -> tuple[float, float, FrozenDict]:
    """Return the least and the greatest value, and the quantiles."""
    if not sketch.n:
        return _NOTHING
    quantiles = FrozenDict({name: sketch.interpolated(level) for name, level in levels.items()})
    return sketch.quantile(0.0), sketch.quantile(1.0), quantiles


_NO_SKETCH = QuantileSketch()
_NOTHING = (_NAN, _NAN, FrozenDict())


def fields_of(
    evidence: Evidence, index: int, metrics: Mapping[str, MetricSummary], positive_label: object
) -> dict[str, Any]:
    """Return the fields of a result that are read from what was measured; NaN where nothing was.

    Args:
        evidence: What was gathered.
        index: Of the variant.
        metrics: The variant's `summaries`.
        positive_label: The class that precision, recall and F1 are about.
    """
    fields: dict[str, Any] = {field: _mean(metrics, source) for field, source in _MEANS.items()}
    latency = metrics["latency_ms"].quantiles if "latency_ms" in metrics else {}
    fields |= {f"{name}_latency_ms": latency.get(name, _NAN) for name in _QUANTILES}
    if evidence.confusion:
        fields |= confusion.scores(evidence.confusion[index], positive_label)._asdict()
    predictions, labels = float(evidence.predictions[index]), float(evidence.labels[index])
    return fields | {
        "error_rate": 1 - _mean(metrics, "success"),
        "sample_size": int(evidence.interactions[index]),
        "users": int(evidence.units[index]),
        "labelled": int(labels),
        "label_coverage": min(labels / predictions, 1.0) if predictions else _NAN,
    }


def _mean(metrics: Mapping[str, MetricSummary], source: str) -> float:
    return metrics[source].mean if source in metrics else _NAN
