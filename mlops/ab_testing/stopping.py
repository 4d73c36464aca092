"""Whether a running test goes on, pauses or stops, and whether a rollout may take its next step.

Pure decisions in a fixed order: guardrails first, since they protect patients and users; then the end that was planned;
then, once every variant has its minimum, success, harm and futility under the rules of the method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from mlops.ab_testing.analysis import Method
from mlops.ab_testing.comparisons import Looks, planned_looks
from mlops.ab_testing.entities import ABTestConfig, RolloutStep, TestStatus, TestType, Verdict
from mlops.ab_testing.evidence import Evidence
from mlops.ab_testing.guarding import check_guardrails
from mlops.ab_testing.guardrails import watches
from mlops.ab_testing.measures import amount
from mlops.ab_testing.ranking import probability_best
from mlops.ab_testing.report_data import Decision, GuardrailStatus
from mlops.ab_testing.results import judge
from mlops.ab_testing.verdicts import Finding, Judge, find
from mlops.formatting import format_moment

__all__ = ["decide"]

_SURELY_BEST = 0.95  # probability at which the winner among several need not wait for the others


def decide(config: ABTestConfig, method: Method, evidence: Evidence, *, now: datetime) -> Decision:
    """Return what should happen to a test now.

    Args:
        config: The design, and where the test stands.
        method: As it was fixed at the start.
        evidence: What was gathered.
        now: The present moment.
    """
    if config.status is not TestStatus.RUNNING:
        return Decision(reason=f"The test is {config.status.value}; there is nothing to decide.")
    method, evidence = _deciding(config, method, evidence)
    judged = judge(config, method, evidence, now=now)
    rails = check_guardrails(config, method, evidence, judged.table)
    violated = [rail for rail in rails if rail.is_violated]
    if violated:
        return _violation(violated)
    ended = _ended(config, evidence, now)
    if ended is not None:
        return ended
    early = _early(config, evidence, judged)
    if early.action != "continue" or not config.steps:
        return early
    return _stepping(config, early, _obstacle(config, evidence, judged, now), rails)


def _deciding(config: ABTestConfig, method: Method, evidence: Evidence) -> tuple[Method, Evidence]:
    """Leave out the metrics that decide nothing: a test is looked at several times a second."""
    names = {method.primary.name, *(watch.measure.name for watch in watches(config))}
    kept = tuple(metric for metric in method.metrics if metric.name in names)
    sources = {metric.source for metric in kept}
    return (
        Method.trusted(dict(method) | {"metrics": kept}),
        replace(evidence, metrics={name: found for name, found in evidence.metrics.items() if name in sources}),
    )


def _violation(violated: Sequence[GuardrailStatus]) -> Decision:
    """Return the decision of the violated guardrails; one that stops comes before those that pause."""
    first = min(violated, key=lambda rail: (rail.action != "stop", rail.p_value))
    reason = f"Guardrail: {first.words} The chance of seeing this in a harmless test is below {first.level:.2g}."
    return Decision(action=first.action, cause="guardrail", variant=first.variant, reason=reason)


def _ended(config: ABTestConfig, evidence: Evidence, now: datetime) -> Decision | None:
    """Return the decision to stop at the planned sample or time; None before."""
    total, most = int(np.sum(evidence.interactions)), config.maximum_sample_size
    if most is not None and total >= most:
        return Decision(
            action="stop", cause="maximum_sample", reason=f"The maximum of {most:,} interactions is reached: {total:,}."
        )
    days = config.planned_duration_days
    if days is not None and config.started_at is not None and now >= config.started_at + timedelta(days=days):
        return Decision(action="stop", cause="duration", reason=f"The planned {days:g} days are over.")
    if config.ends_at is not None and now >= config.ends_at:
        ended = format_moment(config.ends_at)
        return Decision(action="stop", cause="duration", reason=f"The time of the test ended on {ended}.")
    return None


def _early(config: ABTestConfig, evidence: Evidence, judged: Judge) -> Decision:
    """Return the decision by results before the planned end."""
    waiting = _waits_for(config, evidence, judged)
    if waiting:
        return Decision(reason=waiting)
    names = evidence.treatments
    findings = find(judged, 0, names)
    look = int(judged.rulings.look[0].max()) or None
    winner = _winner(evidence, judged, findings)
    if winner is not None:
        words = findings[names.index(winner)].words
        return Decision(action="stop", cause="success", variant=winner, look=look, reason=f"Success: {words}.")
    if all(finding.verdict is Verdict.WORSE for finding in findings):
        reason = f"Harm: {'; '.join(finding.words for finding in findings)}."
        return Decision(
            action="stop", cause="harm", variant=names[0] if len(names) == 1 else "", look=look, reason=reason
        )
    futile = _futility(evidence, judged)
    if futile:
        return Decision(action="stop", cause="futility", look=look, reason=f"Futility: {futile}")
    return Decision(reason="; ".join(finding.words for finding in findings) + ".", look=look)


def _waits_for(config: ABTestConfig, evidence: Evidence, judged: Judge) -> str:
    """Return why results may not decide yet; empty when they may."""
    if judged.method.mode == "fixed":
        return f"The design looks once, after {judged.situation.planned_size:,} interactions."
    if judged.situation.is_mismatch:
        return f"{_mismatch(judged)}; results decide nothing until that is explained."
    least, smallest = config.minimum_sample_size or 0, int(np.min(evidence.interactions))
    if smallest < least:
        return f"Every variant needs {least:,} interactions before results decide; the smallest has {smallest:,}."
    if not _is_last_step(config):
        return "The rollout has steps to take; results end it at the last one."
    return ""


def _mismatch(judged: Judge) -> str:
    if judged.situation.is_loss:
        return "Units of one arm log less often than those of another"
    return "Units did not arrive in the designed shares"


def _is_last_step(config: ABTestConfig) -> bool:
    if not config.steps or config.test_type is not TestType.GRADUAL_ROLLOUT:
        return True
    return _step(config) == len(config.steps) - 1


def _step(config: ABTestConfig) -> int:
    return config.phase.step or 0 if config.phase is not None else 0


def _winner(evidence: Evidence, judged: Judge, findings: Sequence[Finding]) -> str | None:
    """Return the treatment that is better than control and need not wait for other treatments; None without one."""
    better = [column for column, finding in enumerate(findings) if finding.verdict is Verdict.BETTER]
    if not better:
        return None
    sign = -1.0 if judged.method.primary.direction == "min" else 1.0
    best = max(better, key=lambda column: sign * float(judged.rulings.difference[0, column]))
    is_decided = all(finding.verdict is not Verdict.UNDECIDED for finding in findings)
    chances = probability_best(judged.method, evidence, judged.table)
    if is_decided or float(chances[best + 1]) >= _SURELY_BEST:
        return evidence.treatments[best]
    return None


def _futility(evidence: Evidence, judged: Judge) -> str:
    """Return why no treatment can be expected to succeed, as it is said of a test that ended; empty while one may."""
    ended = judged._replace(situation=judged.situation._replace(is_final=True))
    words = "; ".join(each.words for each in find(ended, 0, evidence.treatments))
    if judged.method.mode == "planned_looks":
        return _futility_at_look(judged.method, planned_looks(judged.method, evidence), words)
    smallest = judged.situation.smallest_effect
    if smallest is None or not all(
        _is_hopeless(judged, column, smallest) for column in range(len(evidence.treatments))
    ):
        return ""
    primary = judged.table.metrics[0]
    least = amount(primary.measure, smallest, beside=float(np.asarray(judged.table.values.mean)[0, 0]))
    return f"an improvement of {primary.name} by {least} is ruled out. {words}."


def _is_hopeless(judged: Judge, column: int, smallest: float) -> bool:
    lower, upper = float(judged.rulings.lower[0, column]), float(judged.rulings.upper[0, column])
    best = -lower if judged.method.primary.direction == "min" else upper
    return best < smallest


def _futility_at_look(method: Method, looks: Looks, words: str) -> str:
    if not len(looks.z):
        return ""
    number = len(looks.z)
    sign = -1.0 if method.primary.direction == "min" else 1.0
    if not np.all(sign * looks.z[-1] < method.futility[number - 1]):
        return ""
    return f"at look {number} of {len(method.looks)} success at the end has become unlikely. {words}."


def _stepping(config: ABTestConfig, early: Decision, obstacle: str, rails: Sequence[GuardrailStatus]) -> Decision:
    """Return the decision about a rollout's step: stay, take the next one, or, at the end of the last one, stop."""
    number = _step(config) + 1
    kept = "its guardrail is" if len(rails) == 1 else f"all {len(rails)} guardrails are"  # a rollout has one at least
    done = f"Step {number} had its interactions and its time, and {kept} kept."
    if number < len(config.steps):
        return early.changed(may_advance=not obstacle, advance_reason=obstacle or done)
    if obstacle or config.sequential != "always_valid" or config.steps[-1].share < 1:
        return early
    reason = f"The rollout is complete: newcomers get treatments only. {done}"
    return Decision(action="stop", cause="rollout", look=early.look, reason=reason)


def _obstacle(config: ABTestConfig, evidence: Evidence, judged: Judge, now: datetime) -> str:
    """Return what stands against the next step; empty when nothing does."""
    step, number = config.steps[_step(config)], _step(config) + 1
    if judged.situation.is_mismatch:
        return f"{_mismatch(judged)}; find out why before more of them are exposed."
    seen = _interactions_in_step(evidence)
    if seen < step.minimum_interactions:
        return f"Step {number} has {seen:,} of {step.minimum_interactions:,} interactions of the treatments."
    if not _has_lasted(config, step, now):
        return f"Step {number} has not lasted {step.minimum_hours:g} hours yet."
    worse = [each.words for each in find(judged, 0, evidence.treatments) if each.verdict is Verdict.WORSE]
    return f"{'; '.join(worse)}." if worse else ""


def _interactions_in_step(evidence: Evidence) -> int:
    if not evidence.exposures:
        return 0
    phase = evidence.exposures[-1]
    counts = phase.units if phase.interactions is None else phase.interactions
    return int(np.sum(counts[1:]))


def _has_lasted(config: ABTestConfig, step: RolloutStep, now: datetime) -> bool:
    if not step.minimum_hours:
        return True
    return config.phase is not None and now >= config.phase.opened_at + timedelta(hours=step.minimum_hours)
