"""From what was gathered to what was found: every variant's result, and the report of the whole test.

Pure: the same evidence under the same method says the same for ever. `judge` is what stopping rules read too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from mlops.ab_testing.analysis import Method, MetricMethod, in_words
from mlops.ab_testing.classes import LONGEST_CLASS, MOST_CLASSES, OTHER
from mlops.ab_testing.comparisons import compare, is_pooled, planned_looks
from mlops.ab_testing.entities import (
    CONTROL,
    ABTestConfig,
    MetricKind,
    TestStatus,
    TestType,
    VariantComparison,
    VariantResult,
    Verdict,
)
from mlops.ab_testing.evidence import Evidence
from mlops.ab_testing.guarding import check_guardrails
from mlops.ab_testing.integrity import check_coverage, check_sample_ratio
from mlops.ab_testing.measures import CONFUSION, LABELLED
from mlops.ab_testing.ranking import probabilities_best, probability_best
from mlops.ab_testing.report_data import (
    ABTestReport,
    Decision,
    GuardrailStatus,
    LabelCoverage,
    SampleRatio,
    TimelinePoint,
)
from mlops.ab_testing.strata import each_stratum
from mlops.ab_testing.summaries import fields_of, summaries
from mlops.ab_testing.verdicts import Judge, Situation, find, rule
from mlops.stats.arguments import Floats

__all__ = ["has_ended", "judge", "report", "summarise"]

_NAN = math.nan
_LOOK = ("look_difference", "look_lower", "look_upper")


def summarise(config: ABTestConfig, method: Method, evidence: Evidence, *, now: datetime) -> dict[str, VariantResult]:
    """Return what was found of every variant, control first.

    Args:
        config: The design, and when the test started and ended.
        method: As it was fixed at the start.
        evidence: What was gathered.
        now: The present moment.
    """
    return _results(config, evidence, judge(config, method, evidence, now=now))


def judge(config: ABTestConfig, method: Method, evidence: Evidence, *, now: datetime) -> Judge:
    """Return the comparisons of a test with what decides them."""
    table = compare(method, evidence)
    is_over = has_ended(config, method, evidence, now)
    is_final = is_over or _is_stopped(config)
    ratio = check_sample_ratio(evidence, is_final=is_final)
    situation = Situation(
        is_mismatch=ratio.is_mismatch,
        is_over=is_over,
        smallest_effect=config.minimum_detectable_effect,
        confidence_level=method.confidence_level,
        planned_size=method.planned_size,
        is_final=is_final,
        is_loss=ratio.is_loss,
        pooled=frozenset(metric.name for metric in method.metrics if is_pooled(metric, evidence)),
    )
    return Judge(method, table, rule(method, table, planned_looks(method, evidence), situation), situation)


def has_ended(config: ABTestConfig, method: Method, evidence: Evidence, now: datetime) -> bool:
    """Tell whether the end came that was planned: the sample, or the time. A stop by hand is none.

    A test that holds at every look and names neither goes on until it is stopped: no size is planned but in thought.
    """
    if config.maximum_sample_size is None and config.planned_duration_days is not None:
        end = config.ended_at or now
        return config.started_at is not None and end >= config.started_at + timedelta(days=config.planned_duration_days)
    if config.maximum_sample_size is None and method.mode == "always_valid":
        return False
    return float(np.sum(evidence.interactions)) >= method.planned_size


def _is_stopped(config: ABTestConfig) -> bool:
    return config.status in {TestStatus.COMPLETED, TestStatus.CANCELLED}


def _results(config: ABTestConfig, evidence: Evidence, judged: Judge) -> dict[str, VariantResult]:
    best = probability_best(judged.method, evidence, judged.table)
    compared = _comparisons(judged, evidence.treatments, best)
    primary = judged.method.primary.name
    answer, summarised = {}, summaries(evidence, judged.method)
    for index, (name, model) in enumerate(config.models.items()):
        metrics = summarised[index]
        fields = fields_of(evidence, index, metrics, judged.method.positive_label)
        answer[name] = VariantResult.trusted(
            _DEFAULTS
            | fields
            | {
                "variant_id": name,
                "model_id": model.model_id,
                "model_version": model.version,
                "probability_best": float(best[index]),
                "metrics": metrics,
                "comparison": compared[index].get(primary),
                "comparisons": compared[index],
            }
        )
    return answer


_DEFAULTS: dict[str, Any] = {name: field.get_default() for name, field in VariantResult.model_fields.items()}


def _comparisons(judged: Judge, treatments: Sequence[str], best: Floats) -> list[dict[str, VariantComparison]]:
    """Return by variant, control first, and by metric what was compared; control has nothing to be compared with.

    Args:
        best: For each variant the probability that it is the best of all on the primary metric.
    """
    metrics, count = judged.table.metrics, len(treatments)
    findings = [finding for row in range(len(metrics)) for finding in find(judged, row, treatments)]
    columns: dict[str, Sequence[Any]] = {name: part.ravel().tolist() for name, part in _numbers(judged, best).items()}
    columns |= {
        "metric": [metric.name for metric in metrics for _ in treatments],
        "method": [_method_name(metric.test, metric.sequence) for metric in metrics for _ in treatments],
        "is_significant": judged.rulings.is_significant.ravel().tolist(),
        "verdict": [finding.verdict for finding in findings],
        "words": [finding.words for finding in findings],
    }
    if judged.method.mode != "planned_looks":
        columns |= dict.fromkeys(_LOOK, [_NAN] * len(findings))
    compared = VariantComparison.trusted_rows(columns)
    by_treatment = (compared[index::count] for index in range(count))
    return [{}, *({each.metric: each for each in own} for own in by_treatment)]


def _numbers(judged: Judge, best: Floats) -> dict[str, Floats]:
    found = judged.table.found
    if len(best) == 2:  # the best of two is who beats the other, which every metric tells
        chances = probabilities_best(judged.table)
    else:
        chances = np.full(found.difference.shape, _NAN)
        chances[0] = best[1:]
    columns = {
        "difference": found.difference,
        "ratio": found.ratio,
        "lower": found.lower,
        "upper": found.upper,
        "ratio_lower": found.ratio_lower,
        "ratio_upper": found.ratio_upper,
        "p_value": found.p_value,
        "adjusted_p_value": judged.rulings.p_value,
        "always_valid_p_value": found.always_p,
        "always_valid_lower": found.always_lower,
        "always_valid_upper": found.always_upper,
        "effect_size": judged.table.effects,
        "probability_best": chances,
    }
    if judged.method.mode == "planned_looks":
        return columns | dict(zip(_LOOK, _looks(judged), strict=True))
    prefix = "" if judged.method.mode == "fixed" else "always_valid_"
    return columns | {f"{prefix}lower": judged.rulings.lower, f"{prefix}upper": judged.rulings.upper}


def _looks(judged: Judge) -> Floats:
    """Return difference and limits at the planned look that decides; NaN without one."""
    rulings = judged.rulings
    return np.where(rulings.look > 0, np.stack([rulings.difference, rulings.lower, rulings.upper]), _NAN)


def _method_name(test: str, sequence: str) -> str:
    return test if sequence == "none" else f"{test}, {sequence}"


def report(
    config: ABTestConfig,
    method: Method,
    evidence: Evidence,
    *,
    now: datetime,
    decision: Decision | None = None,
    past: Sequence[tuple[datetime, Evidence]] = (),
) -> ABTestReport:
    """Return everything that is to be said of a test.

    Args:
        config: The design, and when the test started and ended.
        method: As it was fixed at the start.
        evidence: What was gathered.
        now: The present moment.
        decision: What stopping rules say, see `stopping.decide`.
        past: What had been gathered at earlier moments, for the picture of how the result developed.
    """
    judged = judge(config, method, evidence, now=now)
    results = _results(config, evidence, judged)
    is_final = judged.situation.is_final
    checks = _checks(config, method, evidence, judged, is_final=is_final)
    winner, verdict, conclusion = _conclusion(judged, results, checks["guardrails"])
    return ABTestReport(
        **{name: getattr(config, name) for name in _SHARED},
        **checks,
        at=now,
        is_final=is_final,
        interactions=int(np.sum(evidence.interactions)),
        method=method,
        methods=(*method.reasons, *(in_words(metric) for metric in judged.table.metrics[: len(method.metrics)])),
        results=results,
        winner=winner,
        verdict=verdict,
        conclusion=conclusion,
        decision=decision or Decision(),
        timeline=_timeline(method, (*past, (now, evidence))),
        timeline_words=_no_timeline(judged.table.metrics[0]),
        strata=each_stratum(config, method, evidence),
    )


def _checks(
    config: ABTestConfig, method: Method, evidence: Evidence, judged: Judge, *, is_final: bool
) -> dict[str, Any]:
    """Return what of a report tells whether its numbers may be believed."""
    ratio, coverage = check_sample_ratio(evidence, is_final=is_final), check_coverage(evidence)
    return {
        "sample_ratio": ratio,
        "label_coverage": coverage,
        "guardrails": check_guardrails(config, method, evidence, judged.table),
        "cautions": (
            *_cautions(method, evidence, ratio, coverage),
            *_phases(config, judged, evidence),
            *_crowding(config, evidence),
        ),
    }


_SHARED = (
    "test_id",
    "name",
    "description",
    "hypothesis",
    "test_type",
    "status",
    "started_at",
    "ended_at",
    "primary_metric",
    "confidence_level",
    "minimum_detectable_effect",
    "traffic_allocation",
    "phases",
    "stop_reason",
)


def _conclusion(
    judged: Judge, results: Mapping[str, VariantResult], rails: Sequence[GuardrailStatus]
) -> tuple[str, Verdict, str]:
    """Return the variant to choose, the verdict on the test, and a sentence.

    A treatment that violates a guardrail is never chosen, whatever else it does; when all do, control is.
    """
    compared = {name: result.comparison for name, result in results.items() if result.comparison is not None}
    broken = {name: [rail.metric for rail in rails if rail.is_violated and rail.variant == name] for name in compared}
    sentences = [each.words for each in compared.values()]
    sentences += [f"{name} violates {_rails(metrics)}" for name, metrics in broken.items() if metrics]
    if not judged.situation.is_mismatch and all(broken.values()):
        return CONTROL, Verdict.WORSE, "; ".join((*sentences, f"{CONTROL} stays")) + "."
    words = "; ".join(sentences) + "."
    verdicts = {name: each.verdict for name, each in compared.items() if not broken[name]}
    better = [name for name, verdict in verdicts.items() if verdict is Verdict.BETTER]
    if better:
        sign = -1 if judged.method.primary.direction == "min" else 1
        winner = max(better, key=lambda name: sign * compared[name].difference)
        return winner, Verdict.BETTER, words
    for verdict in (Verdict.INVALID, Verdict.UNDECIDED, Verdict.NO_DIFFERENCE, Verdict.WORSE):
        if verdict in verdicts.values():
            return CONTROL if verdict is Verdict.WORSE else "", verdict, words
    return "", Verdict.INVALID if judged.situation.is_mismatch else Verdict.UNDECIDED, words


def _rails(metrics: Sequence[str]) -> str:
    return f"the guardrail on {metrics[0]}" if len(metrics) == 1 else f"the guardrails on {', '.join(metrics)}"


def _cautions(method: Method, evidence: Evidence, ratio: SampleRatio, coverage: LabelCoverage) -> tuple[str, ...]:
    found = [ratio.words] if ratio.is_mismatch else []
    if coverage.is_imbalanced and any(metric.source in LABELLED for metric in method.metrics):
        found.append(coverage.words)
    if any(metric.source in CONFUSION for metric in method.metrics) and _has_many_classes(method, evidence):
        found.append(
            f"There are more than {MOST_CLASSES} classes, or some with more than {LONGEST_CLASS} bytes, which are "
            "not counted apart: precision, recall and F1 cannot be averaged. A design with a positive_label needs none."
        )
    for name, metric in evidence.metrics.items():
        if metric.revised:
            found.append(
                f"{metric.revised:,} values of {name} were corrected after they had been counted in arrival order; the "
                "exact sequence keeps what it was told first."
            )
    return tuple(found)


def _phases(config: ABTestConfig, judged: Judge, evidence: Evidence) -> tuple[str, ...]:
    """Say what phases with other shares do to the numbers, where there are several."""
    if not evidence.is_phased:
        return ()
    said = ["Shares changed: values of variants are those of all phases together, differences are within phases."]
    if pooled := judged.situation.pooled:
        said.append(
            f"{', '.join(sorted(pooled))}: compared over all phases together, so that a drift in time looks like a "
            "difference; nothing of it is called significant. An earlier version summed it without phases: "
            f"`mlops ab verify {config.test_id} --rebuild` splits it."
        )
    return tuple(said)


def _no_timeline(primary: MetricMethod) -> str:
    """Return why no development can be shown; empty where it can."""
    if primary.test == "none" or (primary.unit in {"value", "stratum"} and _is_plain(primary)):
        return ""
    return (
        f"How {primary.name} developed is not shown: of single days only sums are kept, and it is compared by "
        f"{_KEPT_TOGETHER[primary.unit]}."
    )


def _is_plain(primary: MetricMethod) -> bool:
    return primary.kind not in {MetricKind.QUANTILE, MetricKind.RATIO} and primary.source not in CONFUSION


_KEPT_TOGETHER = {
    "cluster": "units, whose days are kept together",
    "covariate": "values beside what was known before, which are kept together",
    "pair": "pairs of answers, which are kept together",
    "value": "quantiles, ratios or scores, which sums do not tell",
}


def _has_many_classes(method: Method, evidence: Evidence) -> bool:
    return method.positive_label is None and any(OTHER in pair for table in evidence.confusion for pair in table)


def _crowding(config: ABTestConfig, evidence: Evidence) -> tuple[str, ...]:
    """Warn when users give many interactions that are analysed as if they were independent."""
    users = float(np.sum(evidence.units))
    each = float(np.sum(evidence.interactions)) / users if users else 0.0
    if config.unit != "user" or config.cluster or config.test_type is TestType.SHADOW or each < _CROWDED:
        return ()
    words = (
        f"Users gave {each:.1f} interactions each, which are taken for independent: intervals are too narrow if those "
        "of one user resemble each other. Create such tests with cluster=True."
    )
    return (words,)


_CROWDED = 1.5  # interactions per user


def _timeline(method: Method, moments: Sequence[tuple[datetime, Evidence]]) -> tuple[TimelinePoint, ...]:
    points = []
    primary = method.changed(metrics=method.metrics[:1])
    for at, evidence in moments:
        source = method.primary.source
        kept = {source: evidence.metrics[source]} if source in evidence.metrics else {}
        table = compare(primary, replace(evidence, metrics=kept))
        size = int(np.asarray(table.values.n)[0].sum())
        found = table.found
        for column, name in enumerate(evidence.treatments):
            limits = (found.difference, found.always_lower, found.always_upper, found.always_p)
            difference, lower, upper, p_value = (float(part[0, column]) for part in limits)
            points.append(
                TimelinePoint(
                    at=at, variant=name, size=size, difference=difference, lower=lower, upper=upper, p_value=p_value
                )
            )
    return tuple(points)
