"""The metrics of a stratified test in each stratum alone, for its report: what was seen, without a test or a verdict.

Strata are compared together by `comparisons`; here a reader sees whether all of them say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlops.ab_testing.analysis import Method, MetricMethod
from mlops.ab_testing.compared import Levels
from mlops.ab_testing.comparisons import levels_of
from mlops.ab_testing.entities import ABTestConfig, MetricKind
from mlops.ab_testing.evidence import Evidence
from mlops.ab_testing.report_data import StratumComparison
from mlops.ab_testing.unit_comparisons import compare_each_stratum
from mlops.stats.arguments import Floats
from mlops.stats.moments import Summary

__all__ = ["each_stratum"]


def each_stratum(config: ABTestConfig, method: Method, evidence: Evidence) -> tuple[StratumComparison, ...]:
    """Return every named rate and mean in each stratum, those with the most values first; nothing without strata.

    Args:
        config: The design.
        method: As it was fixed at the start.
        evidence: What was gathered.
    """
    if not config.strata:
        return ()
    levels = levels_of(method, evidence.variants)
    found = (_compared(metric, evidence, levels) for metric in method.metrics if metric.unit == "stratum")
    return tuple(comparison for rows in found for comparison in rows)


def _compared(metric: MetricMethod, evidence: Evidence, levels: Levels) -> tuple[StratumComparison, ...]:
    known = evidence.metrics.get(metric.source)
    if known is None or not known.strata:
        return ()
    names, values = _by_stratum(known.strata, is_phased=evidence.is_phased)
    if metric.is_complement:
        values = values._replace(mean=1 - np.asarray(values.mean))
    n, mean = _over_phases(values)
    are_rates = metric.kind is MetricKind.PROPORTION
    measured = mean[n > 0]
    if are_rates and not (measured.size and measured.min() >= 0 and measured.max() <= 1):
        return ()  # no rate is not compared at all, nor is what corrections have emptied
    found = compare_each_stratum(values, levels, are_rates=are_rates)
    columns: dict[str, Any] = {
        "count": n[:, 1:].astype(int),
        "value": mean[:, 1:],
        "control_count": np.broadcast_to(n[:, :1].astype(int), n[:, 1:].shape),
        "control": np.broadcast_to(mean[:, :1], n[:, 1:].shape),
        "difference": found.difference,
        "lower": found.lower,
        "upper": found.upper,
        "always_valid_lower": found.always_lower,
        "always_valid_upper": found.always_upper,
    }
    return tuple(
        StratumComparison(
            metric=metric.name,
            stratum=names[row],
            variant=variant,
            **{field: numbers[row, column].item() for field, numbers in columns.items()},
        )
        for row in sorted(range(len(names)), key=lambda row: (-n[row].sum(), names[row]))
        for column, variant in enumerate(evidence.treatments)
    )


def _by_stratum(strata: Mapping[str, Summary], *, is_phased: bool) -> tuple[list[str], Summary]:
    """Return the names of strata, and numbers, means and variances by stratum, variant and phase."""
    places = [name.split(" ", 1) if is_phased else ("", name) for name in strata]
    phases = sorted({phase for phase, _ in places})
    names = sorted({name for _, name in places})
    arms = len(np.asarray(next(iter(strata.values())).n))
    table = np.full((3, len(names), arms, len(phases)), np.nan)
    table[0] = 0.0
    for (phase, name), values in zip(places, strata.values(), strict=True):
        table[:, names.index(name), :, phases.index(phase)] = values
    return names, Summary(*table)


def _over_phases(values: Summary) -> tuple[Floats, Floats]:
    """Return numbers and means by stratum and variant, all phases together; NaN where there is no value."""
    n, mean = np.asarray(values.n), np.asarray(values.mean)
    total = n.sum(axis=-1)
    weighted = np.where(n > 0, n * mean, 0.0).sum(axis=-1)
    return total, np.where(total > 0, weighted / np.maximum(total, 1.0), np.nan)
