"""Every metric of a test compared, by the method that was fixed: metrics of one kind share one call of the formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mlops.ab_testing import arrival, blocks, confusion
from mlops.ab_testing.analysis import Method, MetricMethod, within_phases
from mlops.ab_testing.compared import Compared, Levels, compare_means, compare_rates, nothing
from mlops.ab_testing.entities import MetricKind
from mlops.ab_testing.evidence import Evidence, MetricEvidence, PairMoments
from mlops.ab_testing.measures import CONFUSION
from mlops.ab_testing.quantile_comparisons import compare_quantiles, within
from mlops.ab_testing.unit_comparisons import (
    compare_adjusted,
    compare_adjusted_within,
    compare_clusters,
    compare_clusters_within,
    compare_pairs,
    compare_strata,
)
from mlops.stats import effect_size, group_sequential, means, proportions
from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts
from mlops.stats.moments import Summary

__all__ = [
    "Looks",
    "Table",
    "blocks_of",
    "compare",
    "is_pooled",
    "levels_of",
    "planned_looks",
    "strata_within",
    "units_of",
    "units_within",
]


class Table(NamedTuple):
    """The comparisons of a test, one row a metric.

    Attributes:
        metrics: How each row was compared.
        found: The comparisons, by metric and treatment.
        values: Numbers, means and variances by metric and variant; means of quantile metrics are the quantiles.
        effects: Effect sizes by metric and treatment.
    """

    metrics: tuple[MetricMethod, ...]
    found: Compared
    values: Summary
    effects: Floats


class Looks(NamedTuple):
    """What the planned looks that were reached showed of the primary metric; arrays of looks by treatments.

    Attributes:
        z: The statistic, treatment minus control.
        difference: Treatment minus control.
        lower: Limit of the difference that holds at all looks together.
        upper: Likewise.
    """

    z: Floats
    difference: Floats
    lower: Floats
    upper: Floats


def levels_of(method: Method, variants: Sequence[str]) -> Levels:
    """Return how sure the answers of a test must be."""
    return Levels(method.confidence_level, np.array([method.sizes.get(name, 2.0) for name in variants]))


def compare(method: Method, evidence: Evidence) -> Table:
    """Return every metric compared: those that the design names, then every other logged number.

    Args:
        method: As it was fixed at the start.
        evidence: What was gathered.
    """
    metrics = _rows(method, evidence)
    values = _values(metrics, evidence, method.positive_label)
    parts = np.array(nothing(len(metrics), len(evidence.treatments)))
    usual = levels_of(method, evidence.variants)
    for (test, is_shared), rows in _by_test(metrics, values, evidence).items():
        levels = usual.shared() if is_shared else usual
        part = Summary(*(np.asarray(each)[rows] for each in values))
        if test == "pooled_z_newcombe":
            parts[:, rows] = compare_rates(np.asarray(part.n), _events(part), levels)
        elif test == "welch":
            parts[:, rows] = compare_means(part, levels)
        else:
            parts[:, rows] = np.concatenate([_one(method, metrics[row], evidence, levels) for row in rows], axis=1)
    _put_exact_sequences(parts, method, metrics, evidence)
    found = Compared(*parts)
    return Table(metrics, found, values, _effects(metrics, values, found))


def _events(values: Summary) -> Floats:
    n = np.asarray(values.n, dtype=float)
    return np.asarray(np.rint(np.where(n > 0, n * np.asarray(values.mean), 0.0)))


def _rows(method: Method, evidence: Evidence) -> tuple[MetricMethod, ...]:
    named = {metric.source for metric in method.metrics}
    others = [method.of(source)[0] for source in evidence.metrics if source not in named]
    rows = (*method.metrics, *others)
    if not evidence.is_phased:
        return rows
    return tuple(metric if is_pooled(metric, evidence) else within_phases(metric) for metric in rows)


def is_pooled(metric: MetricMethod, evidence: Evidence) -> bool:
    """Tell whether a metric is compared over all phases together although shares changed.

    That is left to databases of before migration 0008: what they had summed over several phases knows none.
    """
    if not evidence.is_phased or metric.test in {"none", "paired_differences"}:
        return False
    if metric.source in CONFUSION:
        return bool(evidence.confusion) and not evidence.confusion_by_phase
    found = _evidence_of(evidence, metric)
    if metric.unit == "covariate":
        return found.covariate is not None and found.covariate_by_phase is None
    return found.clusters is not None and found.clusters_by_phase is None


def _by_test(metrics: Sequence[MetricMethod], values: Summary, evidence: Evidence) -> dict[tuple[str, bool], list[int]]:
    """Return the rows of each test, that of the primary metric apart where several treatments share its error.

    What was declared a rate and has other values than 0 and 1 is not compared.
    """
    means, is_shared = np.nan_to_num(np.asarray(values.mean)), len(evidence.treatments) > 1
    rows: dict[tuple[str, bool], list[int]] = {}
    for row, metric in enumerate(metrics):
        is_sound = metric.kind is not MetricKind.PROPORTION or (means[row].min() >= 0 and means[row].max() <= 1)
        if metric.test != "none" and is_sound:
            rows.setdefault((metric.test, is_shared and row == 0), []).append(row)
    return rows


_NO_VALUES = MetricEvidence(Summary(np.zeros(1), np.full(1, np.nan), np.full(1, np.nan)))


def _evidence_of(evidence: Evidence, metric: MetricMethod) -> MetricEvidence:
    return evidence.metrics.get(metric.source, _NO_VALUES)


def _values(metrics: Sequence[MetricMethod], evidence: Evidence, positive_label: object) -> Summary:
    table = np.empty((3, len(metrics), len(evidence.variants)))
    for row, metric in enumerate(metrics):
        for into, part in zip(table, _summary(metric, evidence, positive_label), strict=True):
            into[row] = part
    return Summary(*table)


def _summary(metric: MetricMethod, evidence: Evidence, positive_label: object) -> Summary:
    """Return the values of one metric in every variant; of precision and recall those that they are shares of."""
    if metric.source in CONFUSION:
        return _score(metric, evidence, positive_label)
    found = _evidence_of(evidence, metric)
    if metric.kind is MetricKind.QUANTILE:
        level = [sketch.interpolated(metric.quantile) for sketch in found.sketches] or [np.nan]
        return found.values._replace(mean=np.array(level))
    if metric.kind is MetricKind.RATIO and found.clusters is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            return Summary(found.clusters.n, found.clusters.mean_y / found.clusters.mean_x, np.full(1, np.nan))
    return found.values._replace(mean=1 - np.asarray(found.values.mean)) if metric.is_complement else found.values


def _score(metric: MetricMethod, evidence: Evidence, positive_label: object) -> Summary:
    if not evidence.confusion:
        return _NO_VALUES.values
    if metric.test in {"pooled_z_newcombe", "mantel_haenszel"}:
        counts = confusion.rate_counts(evidence.confusion, metric.source, positive_label)
        return Summary(np.asarray(counts.n), counts.rate, counts.rate * (1 - counts.rate))
    scores = [getattr(confusion.scores(table, positive_label), metric.source) for table in evidence.confusion]
    return Summary(evidence.labels, np.array(scores), np.full(1, np.nan))


def _one(method: Method, metric: MetricMethod, evidence: Evidence, levels: Levels) -> Compared:
    """Compare one metric whose evidence is more than the sums of its values; without it nothing is claimed."""
    if metric.test in _WITHIN:
        return _one_within(method, metric, evidence, levels)
    found, test, flipped = _evidence_of(evidence, metric), metric.test, metric.is_complement
    if test == "quantile_limits" and found.sketches:
        return compare_quantiles(within(found), metric.quantile, levels)
    units = units_of(method, metric, evidence)
    if units is not None:
        return compare_clusters(units, levels)
    if test == "cuped_welch" and found.covariate is not None:
        return compare_adjusted(_complement(found.covariate) if flipped else found.covariate, levels)
    if test == "paired_differences" and found.pairs is not None:
        are_rates = metric.kind is MetricKind.PROPORTION
        return compare_pairs(found.pairs, levels, are_rates=are_rates, is_complement=flipped)
    return nothing(1, len(evidence.treatments))


def _one_within(method: Method, metric: MetricMethod, evidence: Evidence, levels: Levels) -> Compared:
    """Compare one metric within strata or phases."""
    strata, flipped = strata_within(method, metric, evidence), metric.is_complement
    if strata:
        are_rates, are_phases = metric.kind is MetricKind.PROPORTION, evidence.is_phased
        return compare_strata(strata, levels, are_rates=are_rates, is_complement=flipped, are_phases=are_phases)
    units = units_within(method, metric, evidence)
    if units is not None:
        return compare_clusters_within(units, levels)
    covariate = _evidence_of(evidence, metric).covariate_by_phase
    if metric.test == "stratified_cuped" and covariate is not None:
        return compare_adjusted_within(_complement(covariate) if flipped else covariate, levels)
    return nothing(1, len(evidence.treatments))


_WITHIN = frozenset({"mantel_haenszel", "stratified_means", "stratified_delta_method", "stratified_cuped"})


def units_of(method: Method, metric: MetricMethod, evidence: Evidence) -> PairMoments | None:
    """Return the ratio that the delta method compares: F1 over interactions, others over units; None without.

    All phases together: the values of single variants, which are held against limits.
    """
    if metric.test not in {"delta_method", "stratified_delta_method"}:
        return None
    if metric.source == "f1_score" and evidence.confusion:
        return confusion.f1_units(evidence.confusion, method.positive_label)
    units = _evidence_of(evidence, metric).clusters
    return _failures(units) if units is not None and metric.is_complement else units


def units_within(method: Method, metric: MetricMethod, evidence: Evidence) -> PairMoments | None:
    """Return the same by variant and phase, of which arms are compared; None where it is not compared within phases."""
    if metric.test != "stratified_delta_method":
        return None
    if metric.source == "f1_score" and evidence.confusion_by_phase:
        phases = [confusion.f1_units(tables, method.positive_label) for tables in evidence.confusion_by_phase]
        return PairMoments(*(np.stack(part, axis=-1) for part in zip(*phases, strict=True)))
    units = _evidence_of(evidence, metric).clusters_by_phase
    return _failures(units) if units is not None and metric.is_complement else units


def strata_within(method: Method, metric: MetricMethod, evidence: Evidence) -> Mapping[str, Summary]:
    """Return the strata within which rates or means are compared, those of precision and recall included, or none."""
    if metric.test not in {"mantel_haenszel", "stratified_means"}:
        return {}
    if metric.source in CONFUSION:
        return confusion.rates_by_phase(evidence.confusion_by_phase, metric.source, method.positive_label)
    return _evidence_of(evidence, metric).strata


def _failures(units: PairMoments) -> PairMoments:
    """Return the moments of units whose y counts the values that are 0 instead of those that are 1."""
    spread = units.variance_x + units.variance_y - 2 * units.covariance
    return units._replace(
        mean_y=units.mean_x - units.mean_y, variance_y=spread, covariance=units.variance_x - units.covariance
    )


def _complement(units: PairMoments) -> PairMoments:
    return units._replace(mean_y=1 - units.mean_y, covariance=-units.covariance)


def _put_exact_sequences(parts: Floats, method: Method, metrics: Sequence[MetricMethod], evidence: Evidence) -> None:
    """Replace the asymptotic sequences by e-processes where the method says so; without blocks nothing is claimed."""
    levels = levels_of(method, evidence.variants)
    limits = [Compared._fields.index(name) for name in ("always_lower", "always_upper", "always_p")]
    for row, metric in enumerate(metrics):
        if metric.sequence == "e_process":
            cut = blocks_of(method, metric, evidence)
            sure = levels.shared() if row == 0 else levels
            parts[limits, row] = [[-1.0], [1.0], [1.0]] if cut is None else arrival.exact_sequences(cut, sure)


def blocks_of(method: Method, metric: MetricMethod, evidence: Evidence) -> Summary | None:
    """Return the closed blocks of a metric, of failures where it is a complement; None where none are kept."""
    cut = _evidence_of(evidence, metric).blocks
    if cut is None:
        return None
    mean = 1 - np.asarray(cut.mean) if metric.is_complement else np.asarray(cut.mean)
    closed = method.block_of(metric.source, int(np.sum(cut.n)))  # that of the value to come is open
    return Summary(*(np.asarray(part)[:closed] for part in (cut.n, mean, cut.variance)))


def _effects(metrics: Sequence[MetricMethod], values: Summary, found: Compared) -> Floats:
    """Return Cohen's h of rates and Hedges' g of means, of the difference that is shown; quantiles have none."""
    n, mean, variance = (np.asarray(part, dtype=float) for part in values)
    if is_within := [row for row, metric in enumerate(metrics) if metric.test in _WITHIN]:
        mean = mean.copy()
        mean[is_within, 1:] = mean[is_within, :1] + found.difference[is_within]
    are_rates = np.array([[metric.kind is MetricKind.PROPORTION] for metric in metrics])
    are_means = np.array([[metric.kind is MetricKind.MEAN] for metric in metrics])
    rates = np.clip(np.where(are_rates, mean, np.nan), 0.0, 1.0)
    with np.errstate(invalid="ignore"):
        h = effect_size.cohen_h(rates[:, :1], rates[:, 1:])
        g = effect_size.hedges_g(
            Summary(n[:, :1], mean[:, :1], variance[:, :1]), Summary(n[:, 1:], mean[:, 1:], variance[:, 1:])
        )
    return np.where(are_rates, h, np.where(are_means, g, np.nan))


def planned_looks(method: Method, evidence: Evidence) -> Looks:
    """Return what the planned looks showed; each is computed of the values up to it, whenever it is asked for.

    Where shares changed, arms are compared within each block of arrival order, in which both see the same days.
    """
    cut = blocks_of(method, method.primary, evidence)
    if cut is None or not method.looks or not np.shape(cut.n)[0]:
        return Looks(*np.empty((4, 0, len(evidence.treatments))))
    sizes = blocks.look_sizes(len(method.looks), method.planned_size)
    if evidence.is_phased:
        difference, error, z = arrival.within(cut, sizes, are_rates=method.primary.kind is MetricKind.PROPORTION)
    else:
        difference, error, z = _statistics(method.primary, arrival.running(cut, sizes))
    boundaries = np.array(method.boundaries[: len(z)])[:, None]
    return Looks(z, difference, *group_sequential.repeated_interval(difference, error, boundaries))


def _statistics(metric: MetricMethod, seen: Summary) -> tuple[Floats, Floats, Floats]:
    """Return difference, standard error and z of each treatment at each look."""
    n, mean, variance = (np.asarray(part, dtype=float) for part in seen)
    if metric.kind is MetricKind.PROPORTION:
        events = _events(seen)
        z = proportions.pooled_z_test(Counts(n[:, :1], events[:, :1]), Counts(n[:, 1:], events[:, 1:])).statistic
        rate = (events + 1) / (
            n + 2
        )  # Agresti and Caffo (2000), The American Statistician 54: no event leaves an error
        error = np.sqrt(rate * (1 - rate) / (n + 2))
        return mean[:, 1:] - mean[:, :1], np.hypot(error[:, :1], error[:, 1:]), np.asarray(z)
    found = means.welch_test(
        Summary(n[:, :1], mean[:, :1], variance[:, :1]), Summary(n[:, 1:], mean[:, 1:], variance[:, 1:])
    )
    return found.estimate, found.standard_error, found.statistic
