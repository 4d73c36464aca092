"""Whether a guardrail is violated: one-sided bounds that hold however often they are checked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlops.ab_testing import arrival
from mlops.ab_testing.analysis import Method, MetricMethod
from mlops.ab_testing.compared import BURN_IN, SPARSE
from mlops.ab_testing.comparisons import Table, blocks_of, levels_of, units_of
from mlops.ab_testing.entities import ABTestConfig, MetricKind
from mlops.ab_testing.evidence import Evidence
from mlops.ab_testing.guardrails import Watch, watches
from mlops.ab_testing.measures import amount, shown
from mlops.ab_testing.quantile_comparisons import histograms, within
from mlops.ab_testing.report_data import GuardrailStatus
from mlops.stats import bounds, clustered, confidence_sequences, quantile_sequences
from mlops.stats.arguments import Alternative, Floats
from mlops.stats.arms import Counts
from mlops.stats.moments import Summary

__all__ = ["check_guardrails"]

_NEAREST = 1e-9  # to 0 and 1, of a limit of a rate


class _Row(NamedTuple):
    """One metric of the table, and what it is judged with."""

    method: Method
    metric: MetricMethod
    evidence: Evidence
    table: Table
    place: int
    level: float

    @property
    def sizes(self) -> Floats:
        """The numbers of units that sequences are tuned for, by variant."""
        return levels_of(self.method, self.evidence.variants).sizes

    @property
    def values(self) -> Summary:
        """Numbers, means and variances by variant."""
        return Summary(*(np.asarray(part)[self.place] for part in self.table.values))


def check_guardrails(
    config: ABTestConfig, method: Method, evidence: Evidence, table: Table
) -> tuple[GuardrailStatus, ...]:
    """Return the state of every guardrail for every treatment.

    Args:
        config: The design.
        method: As it was fixed at the start.
        evidence: What was gathered.
        table: Its comparisons.
    """
    rails = watches(config)
    level = method.alpha / max(1, len(rails) * len(evidence.treatments))
    places = {metric.name: place for place, metric in enumerate(table.metrics)}
    found: list[GuardrailStatus] = []
    for watch in rails:
        place = places[watch.measure.name]
        row = _Row(method, table.metrics[place], evidence, table, place, level)
        p_values = _against_control(row, watch) if watch.limit is None else _against_limit(row, watch.limit)
        found.extend(_status(row, watch, index, float(p)) for index, p in enumerate(p_values))
    return tuple(found)


def _status(row: _Row, watch: Watch, index: int, p_value: float) -> GuardrailStatus:
    means = np.asarray(row.values.mean, dtype=float)
    is_violated = p_value <= row.level
    return GuardrailStatus(
        metric=row.metric.name,
        variant=row.evidence.treatments[index],
        limit=watch.limit,
        margin=watch.margin,
        value=float(means[index + 1]),
        control=float(means[0]),
        p_value=p_value,
        level=row.level,
        action=watch.action,
        is_violated=is_violated,
        words=_words(row, watch, (float(means[0]), float(means[index + 1])), index, is_violated=is_violated),
    )


def _words(row: _Row, watch: Watch, values: tuple[float, float], index: int, *, is_violated: bool) -> str:
    name, measure = row.evidence.treatments[index], watch.measure
    control, value = values
    side = "above" if measure.direction == "min" else "below"
    if watch.limit is not None:
        verb = f"is {side}" if is_violated else f"is not shown to be {side}"
        return f"{measure.name} of {name}, {shown(measure, value)}, {verb} its limit of {shown(measure, watch.limit)}."
    verb = "is worse than" if is_violated else "is not shown to be worse than"
    more = f" by more than {amount(measure, watch.margin, beside=control)}" if watch.margin else ""
    return (
        f"{measure.name} of {name}, {shown(measure, value)}, {verb} that of control, {shown(measure, control)}{more}."
    )


def _is_up_worse(row: _Row) -> bool:
    return row.metric.direction != "max"


def _against_limit(row: _Row, limit: float) -> Floats:
    """Return for each treatment the p-value that it keeps its limit."""
    if row.metric.kind is MetricKind.QUANTILE:
        return _quantile_above(row, limit)
    units = units_of(row.method, row.metric, row.evidence)
    if units is not None:
        found = clustered.clustered_mean(units, confidence=row.method.confidence_level)
        return _around(row, found.estimate, found.standard_error, np.asarray(units.n), limit)
    if row.metric.kind is MetricKind.PROPORTION:
        return _rate_beyond(row, limit)
    return _mean_beyond(row, limit)


def _quantile_above(row: _Row, limit: float) -> Floats:
    answer = np.ones(len(row.evidence.treatments))
    found = row.evidence.metrics.get(row.metric.source)
    sketches = found.sketches[1:] if found is not None else ()
    for index, sketch in enumerate(sketches):
        if sketch.n:
            above = sketch.n - sketch.count_at_most(limit)
            answer[index] = bounds.quantile_above(
                sketch.n, above, row.metric.quantile, target=row.sizes[index + 1], alpha=row.level
            )
    return answer


def _around(row: _Row, estimate: Floats, error: Floats, n: Floats, limit: float) -> Floats:
    """Return p-values of asymptotically normal estimates by variant; control's is left out."""
    error = np.where(n >= 2 * BURN_IN, error, np.nan)
    alternative: Alternative = "greater" if _is_up_worse(row) else "less"
    found = confidence_sequences.around(
        estimate, error, n / row.sizes, alpha=row.level, null=limit, alternative=alternative
    )
    return found.p_value[1:]


def _rate_beyond(row: _Row, limit: float) -> Floats:
    n, mean = (np.nan_to_num(np.asarray(part, dtype=float)) for part in row.values[:2])
    rate = mean if _is_up_worse(row) else 1 - mean
    nearest = limit if _is_up_worse(row) else 1 - limit
    events, inside = np.rint(n * rate), min(max(nearest, _NEAREST), 1 - _NEAREST)
    p_values = [
        bounds.rate_above(Counts(n[index], events[index]), inside, target=row.sizes[index], alpha=row.level)
        for index in range(1, len(n))
    ]
    return np.where(n[1:] > 0, np.array(p_values, dtype=float), 1.0)


def _mean_beyond(row: _Row, limit: float) -> Floats:
    n, mean, variance = (np.asarray(part, dtype=float) for part in row.values)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(variance / n)
    return _around(row, mean, error, n, limit)


def _against_control(row: _Row, watch: Watch) -> Floats:
    """Return for each treatment the p-value that it is worse than control by the margin at most."""
    if row.metric.test == "none":
        return np.ones(len(row.evidence.treatments))
    if row.metric.kind is MetricKind.QUANTILE:
        return _quantile_against_control(row, watch)
    margin = watch.margin if _is_up_worse(row) else -watch.margin
    alternative: Alternative = "greater" if _is_up_worse(row) else "less"
    cut = blocks_of(row.method, row.metric, row.evidence)
    if row.metric.sequence == "e_process":
        ones = np.ones(len(row.evidence.treatments))
        return ones if cut is None else arrival.exact_p_values(cut, alternative, margin=margin)
    found = row.table.found
    information, error = found.information[row.place], found.error[row.place]
    is_known = (information >= BURN_IN / 2) & _is_dense(row)
    levels = levels_of(row.method, row.evidence.variants)
    return confidence_sequences.around(
        found.difference[row.place],
        np.where(is_known, error, np.nan),
        information / levels.targets,
        alpha=row.level,
        null=margin,
        alternative=alternative,
    ).p_value


def _is_dense(row: _Row) -> Floats:
    """Tell of each treatment whether rates have events enough for the normal law."""
    if row.metric.kind is not MetricKind.PROPORTION:
        return np.ones(len(row.evidence.treatments), dtype=bool)
    n, mean = (np.nan_to_num(np.asarray(part, dtype=float)) for part in row.values[:2])
    control, treatment = Counts(n[:1], n[:1] * mean[:1]), Counts(n[1:], n[1:] * mean[1:])
    return np.asarray(confidence_sequences.rarest_cell(control, treatment) >= SPARSE)


def _quantile_against_control(row: _Row, watch: Watch) -> Floats:
    """Return p-values that are either at the level or 1: limits are all that the sequence of quantiles has."""
    answer = np.ones(len(row.evidence.treatments))
    found = row.evidence.metrics.get(row.metric.source)
    if found is None or not found.sketches or not found.sketches[0].n:
        return answer
    edges, counts = histograms(within(found), row.metric.quantile)
    for index in np.flatnonzero(counts[1:].sum(axis=1)):
        targets = (float(row.sizes[0]), float(row.sizes[index + 1]))
        limits = quantile_sequences.difference_of_quantiles(
            edges, counts[0], counts[index + 1], row.metric.quantile, targets=targets, alpha=row.level
        )
        is_beyond = limits.lower > watch.margin if _is_up_worse(row) else limits.upper < -watch.margin
        answer[index] = row.level if is_beyond else 1.0
    return answer
