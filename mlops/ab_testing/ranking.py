"""How likely each variant is the best of all on the primary metric, under posteriors of rates and of means."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlops.ab_testing.analysis import Method, MetricMethod
from mlops.ab_testing.comparisons import Table, strata_within, units_of, units_within
from mlops.ab_testing.entities import MetricKind
from mlops.ab_testing.evidence import Evidence
from mlops.ab_testing.unit_comparisons import strata_of
from mlops.stats import bayes, clustered
from mlops.stats.arguments import Floats
from mlops.stats.moments import Summary

__all__ = ["probabilities_best", "probability_best"]


def probability_best(method: Method, evidence: Evidence, table: Table) -> Floats:
    """Return for each variant the probability that it is the best on the primary metric.

    Rates have Beta posteriors with uniform priors, everything else normal ones. NaN where a variant has no values, or
    where the method has no error of a single arm.
    """
    metric = table.metrics[0]
    better: Literal["more", "less"] = "less" if metric.direction == "min" else "more"
    if len(evidence.variants) == 2:
        treatment = float(probabilities_best(table)[0, 0])
        return np.array([1 - treatment, treatment])
    n, mean, _ = (np.asarray(part, dtype=float)[0] for part in table.values)
    if metric.test == "pooled_z_newcombe" and np.all(n > 0):
        return bayes.best_of_rates(n, np.rint(n * mean), better=better).probability
    means, errors = _posteriors(method, metric, evidence, table)
    if not np.all(np.isfinite(means) & (errors > 0)):
        return np.full(len(evidence.variants), np.nan)
    return bayes.best_of_means(means, errors, better=better).probability


def _posteriors(method: Method, metric: MetricMethod, evidence: Evidence, table: Table) -> tuple[Floats, Floats]:
    within = units_within(method, metric, evidence)
    if within is not None:
        mixed = clustered.clustered_means_in_one_mixture(within)
        return mixed.mean, mixed.standard_error
    units = units_of(method, metric, evidence)
    if units is not None:
        found = clustered.clustered_mean(units)
        return found.estimate, found.standard_error
    strata = strata_within(method, metric, evidence)
    if strata:
        return _in_one_mixture(strata_of(strata, is_complement=metric.is_complement))
    n, mean, variance = (np.asarray(part, dtype=float)[0] for part in table.values)
    is_known = (n > 1) & (metric.test == "welch")
    return mean, np.where(is_known, np.sqrt(variance / np.maximum(n, 1.0)), np.nan)


def _in_one_mixture(values: Summary) -> tuple[Floats, Floats]:
    """Return means of all variants, and their errors, in the same mixture of strata, of those that all have."""
    n, mean, variance = (np.asarray(part, dtype=float) for part in values)
    weight = np.where(n.min(axis=0) > 1, 1 / (1 / np.maximum(n, 1.0)).sum(axis=0), 0.0)
    share = weight / max(float(weight.sum()), np.finfo(float).tiny)
    spread = np.nan_to_num(share**2 * variance / np.maximum(n, 1.0)).sum(axis=1)
    return np.nan_to_num(share * mean).sum(axis=1), np.sqrt(spread)


def probabilities_best(table: Table) -> Floats:
    """Return by metric and treatment the probability of beating control, from the difference and its error."""
    is_less = np.array([[metric.direction == "min"] for metric in table.metrics])
    more = bayes.probability_mean_is_better(table.found.difference, table.found.error)
    has_none = np.array([[metric.direction is None or metric.kind is MetricKind.QUANTILE] for metric in table.metrics])
    return np.where(has_none, np.nan, np.where(is_less, 1 - more, more))
