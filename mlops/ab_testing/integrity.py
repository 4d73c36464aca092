"""What must hold before any comparison is believed: units in the designed shares, labels alike in all arms."""

from __future__ import annotations

import numpy as np

from mlops.ab_testing.evidence import Evidence, Exposures
from mlops.ab_testing.report_data import LabelCoverage, SampleRatio
from mlops.stats import confidence_sequences, multiple_testing, sample_ratio, sequential_srm, stratified
from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts, effective_size

__all__ = ["FINAL_LEVEL", "SEQUENTIAL_LEVEL", "check_coverage", "check_sample_ratio"]

SEQUENTIAL_LEVEL, FINAL_LEVEL = 0.009, 0.001
"""Of a mismatch, at any look and at the end: together a false alarm in at most one test of a hundred; likewise of
units that log nothing."""

_COVERAGE_LEVEL = 0.01
_COVERAGE_TARGET = 500.0  # effective size at which an imbalance of coverage is seen best


def check_sample_ratio(evidence: Evidence, *, is_final: bool) -> SampleRatio:
    """Return whether units arrived in the designed shares in every phase, and log alike in all arms.

    Args:
        evidence: What was gathered.
        is_final: Whether the test is over, so that the test for one look may be read too.
    """
    phases = [found for found in map(_with_share, evidence.exposures) if found.units.sum() > 0]
    if not phases:
        return SampleRatio()
    evidences = [float(sequential_srm.log_bayes_factor(each.units, each.shares)) for each in phases]
    always = float(np.exp(-max(sum(evidences), 0.0)))
    single = [float(sample_ratio.sample_ratio_test(each.units, each.shares).p_value) for each in phases]
    p_value = float(np.nanmin(multiple_testing.holm(np.clip(single, 0.0, 1.0))))
    is_uneven = always <= SEQUENTIAL_LEVEL or (is_final and p_value <= FINAL_LEVEL)
    logged, logged_always, logged_p = _logging(evidence)
    is_loss = not is_uneven and (logged_always <= SEQUENTIAL_LEVEL or (is_final and logged_p <= FINAL_LEVEL))
    units, expected = _totals(evidence)
    words = _loss_words(logged) if is_loss else _ratio_words(units, expected, is_mismatch=is_uneven)
    return SampleRatio(
        units=units,
        expected=expected,
        always_valid_p_value=always,
        p_value=p_value,
        logged=logged,
        logged_p_value=logged_always,
        is_mismatch=is_uneven or is_loss,
        is_loss=is_loss,
        words=words,
    )


def _logging(evidence: Evidence) -> tuple[dict[str, float], float, float]:
    """Return the shares of units that logged anything, and the p-values that they are alike: always-valid, at one look.

    Units are compared within phases: those of the last one had less time to log.
    """
    phases = [phase for phase in evidence.exposures if phase.active is not None]
    shape = len(phases), len(evidence.variants)
    n, active = (
        np.array([getattr(phase, name) for phase in phases], dtype=float).reshape(shape).T
        for name in ("units", "active")
    )
    active = np.minimum(active, n)
    logged = _named(evidence, Counts(n.sum(axis=1), active.sum(axis=1)).rate)
    if np.all(active == n) or not np.any(active):
        return logged, 1.0, 1.0
    control, treatment = Counts(n[:1], active[:1]), Counts(n[1:], active[1:])
    always = confidence_sequences.p_value_of_stratified_proportions(control, treatment, target=_COVERAGE_TARGET)
    single = np.nan_to_num(stratified.cochran_mantel_haenszel_test(control, treatment).p_value, nan=1.0)
    return logged, float(multiple_testing.holm(always).min()), float(multiple_testing.holm(single).min())


def _loss_words(logged: dict[str, float]) -> str:
    parts = ", ".join(f"{name} {100 * share:.1f} %" for name, share in logged.items())
    return (
        f"Units arrived in the designed shares, but those of one arm log less often: an interaction came of {parts}. "
        "Those that are lost are no random sample; find out what loses them before believing any difference."
    )


def _with_share(phase: Exposures) -> Exposures:
    """Leave out variants without a share; a phase in which one variant has everything tells nothing."""
    kept = phase.shares > 0
    shares = phase.shares[kept]
    if shares.size < 2:
        return Exposures(np.ones(1), np.zeros(1))
    return Exposures(shares / shares.sum(), phase.units[kept])


def _totals(evidence: Evidence) -> tuple[dict[str, float], dict[str, float]]:
    units = sum((phase.units for phase in evidence.exposures), start=np.zeros(len(evidence.variants)))
    expected = sum(
        (phase.shares * phase.units.sum() for phase in evidence.exposures), start=np.zeros(len(evidence.variants))
    )
    return _named(evidence, units), _named(evidence, expected)


def _named(evidence: Evidence, numbers: Floats) -> dict[str, float]:
    return dict(zip(evidence.variants, np.asarray(numbers, dtype=float).tolist(), strict=True))


def _ratio_words(units: dict[str, float], expected: dict[str, float], *, is_mismatch: bool) -> str:
    counts = ", ".join(f"{name} {units[name]:,.0f} ({expected[name]:,.0f} expected)" for name in units)
    if not is_mismatch:
        return f"Units arrived in the designed shares: {counts}."
    return (
        f"Units did not arrive in the designed shares: {counts}. Assignment or logging loses or doubles units of an "
        "arm; find out which before believing any difference."
    )


def check_coverage(evidence: Evidence) -> LabelCoverage:
    """Return how many predictions have a label in each arm, and whether that differs between arms.

    Arms are compared within phases: labels of the last one had less time to come.
    """
    predictions, labels = np.asarray(evidence.predictions, float), np.asarray(evidence.labels, float)
    labels = np.minimum(labels, predictions)
    shares = Counts(predictions, labels).rate
    if not labels.sum() or not predictions[0]:
        return LabelCoverage(shares=_named(evidence, shares))
    p_value = float(multiple_testing.holm(_coverage_p_values(evidence, Counts(predictions, labels))).min())
    is_imbalanced = p_value <= _COVERAGE_LEVEL
    words = _coverage_words(_named(evidence, shares), is_imbalanced=is_imbalanced)
    return LabelCoverage(shares=_named(evidence, shares), p_value=p_value, is_imbalanced=is_imbalanced, words=words)


def _coverage_p_values(evidence: Evidence, labelled: Counts) -> Floats:
    """Return for each treatment the always-valid p-value that its predictions are labelled as often as control's."""
    phases = [(phase.predictions, phase.labels) for phase in evidence.exposures if phase.predictions is not None]
    if phases:
        n, labels = (np.array(part, dtype=float).T for part in zip(*phases, strict=True))
        labels = np.minimum(labels, n)
        control, treatment = Counts(n[:1], labels[:1]), Counts(n[1:], labels[1:])
        return confidence_sequences.p_value_of_stratified_proportions(control, treatment, target=_COVERAGE_TARGET)
    n, labels = (np.asarray(part) for part in labelled)
    control, treatment = Counts(n[:1], labels[:1]), Counts(n[1:], labels[1:])
    raw = confidence_sequences.p_value_of_proportions(control, treatment, target=_COVERAGE_TARGET)
    return np.where(effective_size(n[:1], n[1:]) > 0, raw, 1.0)


def _coverage_words(shares: dict[str, float], *, is_imbalanced: bool) -> str:
    parts = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items() if share == share)  # noqa: PLR0124
    if not is_imbalanced:
        return f"Labels are known for {parts}."
    return (
        f"Labels are known for {parts}: more often in one arm than in another. What decides whether a label comes may "
        "depend on the prediction, and then accuracy and the like mislead; wait for the missing ones."
    )
