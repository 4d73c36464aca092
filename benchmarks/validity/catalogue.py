"""Every check, in the order of the table."""

from __future__ import annotations

from typing import Any

from benchmarks.validity import assigned, clustered, clustered_rollout, decided, grid, latency, mismatch, rails
from benchmarks.validity.check import Check, Simulation
from benchmarks.validity.designs import Design, Stage, planned_test, words_of
from benchmarks.validity.proportions import coverage, told_apart

__all__ = ["CHECKS"]

_DESIGNS = (  # rate, share of treatment
    (0.90, 0.5),
    (0.10, 0.5),
    (0.90, 0.1),
    (0.10, 0.1),
    (0.98, 0.1),
    (0.01, 0.05),
    (0.002, 0.01),
)
_EFFECTS = (  # control, treatment, share
    (0.98, 0.96, 0.1),
    (0.98, 0.995, 0.1),
    (0.05, 0.03, 0.1),
    (0.05, 0.075, 0.1),
    (0.01, 0.03, 0.05),
    (0.002, 0.02, 0.01),
)
_SLOW = 100  # repetitions of what asks the service at every look
_DECIDED = 500

_METHODS = ("asymptotic", "e_process")


def _rates(control: float, treatment: float, share: float, **fields: Any) -> Design:
    forced = fields.pop("forced", None)
    config = planned_test((1 - share, share), **({"baseline_rate": control} | fields))
    return Design(config, (control, treatment), forced=forced)


def _split(share: float) -> str:
    return words_of((1 - share, share))


def _called(method: str) -> str:
    return method.replace("_", "-")


def _chosen(design: Design) -> str:
    return design.method.primary.sequence


def _errors() -> list[Check]:
    """Return the errors of the methods that are chosen, which have a bound, and of the other ones."""
    checks = []
    for rate, share in _DESIGNS:
        chosen = _chosen(_rates(rate, rate, share))
        for method in sorted(_METHODS, key=lambda one: one != chosen):
            name = f"error-{rate:g}-{_split(share).replace('/', '-')}"
            words = f"conversion {rate:g} in both arms at {_split(share)}, 100 looks, {_called(method)}"
            simulation = told_apart(_rates(rate, rate, share, forced=method))
            if method == chosen:
                checks.append(Check(name, f"{words}, chosen", "error at most", simulation, 0.05))
            else:
                checks.append(Check(f"{name}-{_called(method)}", words, "power", simulation))
    return checks


def _wiring() -> list[Check]:
    checks = []
    for rate, share in _DESIGNS:
        design = _rates(rate, rate, share)
        words = f"tests that `decide` ends at another look than the line above: conversion {rate:g} at {_split(share)}"
        name = f"decided-otherwise-{rate:g}-{_split(share).replace('/', '-')}"
        checks.append(Check(name, words, "error at most", decided.decided_otherwise(design), 0.01, most=_SLOW))
    return checks


def _comparisons() -> list[Check]:
    checks = []
    for control, treatment, share in _EFFECTS:
        chosen = _chosen(_rates(control, treatment, share))
        for method in _METHODS:
            name = f"power-{control:g}-{treatment:g}-{_called(method)}"
            words = (
                f"conversion {control:g} → {treatment:g} at {_split(share)}, 10,000 interactions, {_called(method)}"
                f"{', chosen' if method == chosen else ''}"
            )
            simulation = told_apart(_rates(control, treatment, share, forced=method))
            checks.append(Check(name, words, "power", simulation))
    return checks


_SEVERAL = Design(planned_test((0.4, 0.2, 0.2, 0.2), baseline_rate=0.1), (0.1,) * 4)
_SEVERAL_ERRORS = [
    Check(
        "error-three-treatments",
        "conversion 0.1 in all arms at 40/20/20/20, any treatment told apart (Holm), 100 looks",
        "error at most",
        told_apart(_SEVERAL),
        0.05,
    )
]


_ROLLOUT = planned_test(
    (0.5, 0.5), test_type="gradual_rollout", baseline_rate=0.9, steps=[{"share": share} for share in (0.05, 0.25, 0.5)]
)
_DRIFT = (Stage(3000, (0.90, 0.90), (0.95, 0.05)), Stage(6000, (0.92, 0.92), (0.75, 0.25)))
_CHANGED = "conversion falls from 0.9 to 0.5 in both arms when shares change from 50/50 to 90/10, 100 looks"
_FALL = (Stage(5000, (0.90, 0.90), (0.5, 0.5)),)
_PHASES = Design(planned_test((0.9, 0.1), baseline_rate=0.9), (0.50, 0.50), _FALL)
_POOLED = Design(_PHASES.config, (0.50, 0.50), _FALL, is_pooled=True)
_DRIFTS = [
    Check(
        "error-rollout",
        "rollout to 5, 25, 50 % while conversion rises from 0.90 by 0.92 to 0.94 in both arms, e-process, chosen",
        "error at most",
        told_apart(Design(_ROLLOUT, (0.94, 0.94), _DRIFT)),
        0.05,
    ),
    Check(
        "error-rollout-asymptotic",
        "the same, asymptotic over all steps together",
        "power",
        told_apart(Design(_ROLLOUT, (0.94, 0.94), _DRIFT, forced="asymptotic", is_pooled=True)),
    ),
    Check(
        "error-phases",
        f"{_CHANGED}, asymptotic within phases, chosen",
        "error at most",
        told_apart(_PHASES),
        0.05,
    ),
    Check(
        "error-phases-decided",
        "the same, `decide` asked at every look",
        "error at most",
        decided.decided(_PHASES),
        0.05,
        most=_SLOW,
    ),
    Check("error-phases-pooled", "the same, over all phases together", "power", told_apart(_POOLED)),
    Check(
        "power-phases",
        "conversion 0.9 → 0.93, then 0.5 → 0.53, otherwise the same, asymptotic within phases",
        "power",
        told_apart(Design(_PHASES.config, (0.50, 0.53), (Stage(5000, (0.90, 0.93), (0.5, 0.5)),))),
    ),
]


def _covers(name: str, words: str, design: Design, simulation: Simulation) -> Check:
    words = f"the truth ever left out: {words}, {_called(_chosen(design))}"
    return Check(f"coverage-{name}", words, "error at most", simulation, 0.05)


_RARE = _rates(0.02, 0.05, 0.05)
_COVERAGE = [
    *(
        _covers(
            f"{control:g}-{treatment:g}",
            f"difference of conversion {control:g} → {treatment:g} at {_split(share)}",
            design,
            coverage(design),
        )
        for control, treatment, share in ((0.9, 0.92, 0.5), (0.9, 0.95, 0.1), (0.02, 0.05, 0.05))
        if (design := _rates(control, treatment, share))
    ),
    _covers("ratio", "ratio of conversion 0.02 → 0.05 at 95/5", _RARE, coverage(_RARE, "ratio")),
]


def _latency(metric: str, share: float) -> Design:
    return Design(planned_test((1 - share, share), primary_metric=metric))


_LATENCY = [
    Check(
        f"error-latency-{what}-{_split(share).replace('/', '-')}",
        f"lognormal latency, difference of {what} at {_split(share)}, 100 looks",
        "error at most",
        simulate(_latency(metric, share)),
        0.05,
    )
    for what, metric, simulate in (
        ("mean", "mean_latency_ms", latency.means),
        ("p95", "p95_latency_ms", latency.p95),
    )
    for share in (0.5, 0.1)
]

_CLUSTERED = [
    Check(
        f"error-clustered-{when.replace(' ', '-')}",
        f"conversion 0.9 of users with 20 interactions, intra-class correlation 0.1, {when}",
        "error at most",
        simulation,
        0.05,
    )
    for when, simulation in (("once", clustered.at_the_end()), ("100 looks", clustered.at_every_look()))
]

_CLUSTERED_ROLLOUT = [
    Check(
        "error-clustered-phases",
        "1,000 users log 20 interactions each, correlation 0.1, over 30 % of a rollout from 10 to 50 %, while "
        "conversion falls from 0.9 to 0.5 in both arms, 100 looks, delta method within phases, chosen",
        "error at most",
        clustered_rollout.drifting(),
        0.05,
    ),
    Check(
        "error-clustered-phases-pooled",
        "the same, over all phases together",
        "power",
        clustered_rollout.drifting(is_pooled=True),
    ),
    Check(
        "power-clustered-phases",
        "treatment 5 points better, otherwise the same, delta method within phases",
        "power",
        clustered_rollout.drifting(effect=0.05),
    ),
]

_LATENCY_POWER = [
    Check(
        "power-latency-p95-50-50",
        "lognormal latency 1.15 times as long at 50/50, difference of p95",
        "power",
        latency.p95(_latency("p95_latency_ms", 0.5), factor=1.15),
    )
]

_LOOKS: dict[str, Any] = {"sequential": "planned_looks", "minimum_detectable_effect": 0.02}
_LIFT = "conversion 0.9 → 0.92 at 50/50, 10,000 interactions"
_SEQUENTIAL = _rates(0.90, 0.92, 0.5, minimum_detectable_effect=0.02)
_PLANNED = _rates(0.90, 0.92, 0.5, **_LOOKS)
_POWER = [
    Check(
        "error-planned-looks",
        "conversion 0.9 in both arms at 50/50, 5 planned looks",
        "error at most",
        told_apart(_rates(0.9, 0.9, 0.5, **_LOOKS)),
        0.05,
    ),
    Check("power-sequential", f"{_LIFT}, 100 looks", "power at least", told_apart(_SEQUENTIAL), 0.75),
    Check("power-planned-looks", f"{_LIFT}, 5 planned looks", "power at least", told_apart(_PLANNED), 0.92),
    Check(
        "power-sequential-decided",
        f"{_LIFT}, `decide` asked 100 times, futility and sample ratio included",
        "power at least",
        decided.decided(_SEQUENTIAL),
        0.75,
        most=_DECIDED,
    ),
    Check(
        "power-planned-looks-decided",
        f"{_LIFT}, `decide` asked at 5 planned looks, futility and sample ratio included",
        "power at least",
        decided.decided(_PLANNED),
        0.92,
        most=_DECIDED,
    ),
    Check(
        "power-sequential-e-process",
        f"{_LIFT}, e-process",
        "power",
        told_apart(_rates(0.90, 0.92, 0.5, forced="e_process")),
    ),
]


def _canary(rate: float, size: int, *, good: int = 0) -> Design:
    config = planned_test(
        (0.95, 0.05), test_type="canary", primary_metric="success", baseline_rate=0.98, maximum_sample_size=size
    )
    return Design(config, (0.98, rate), (Stage(good, (0.98, 0.98)),) if good else ())


def _late(good: int, size: int) -> Check:
    words = f"the same, success falls only after {good:,} good requests: requests from then"
    return Check(f"canary-stops-after-{good}", words, "median", rails.canary(_canary(0.93, size, good=good)))


_RAILS: dict[str, Any] = {"error_rate_threshold": 0.05, "latency_threshold_ms": 300.0}
_CANARY = [
    Check(
        "canary-stops",
        "canary at 5 %, success 0.98 → 0.93: requests until it is stopped",
        "median at most",
        rails.canary(_canary(0.93, 20_000)),
        3000,
    ),
    Check(
        "canary-stops-decided",
        "the same, `decide` asked at every look",
        "median at most",
        decided.guarded(_canary(0.93, 20_000)),
        3000,
        most=_SLOW,
    ),
    Check(
        "canary-false-stops",
        "canary at 5 % as good as control, ended by guardrail or result within 20,000 requests",
        "error at most",
        rails.canary(_canary(0.98, 20_000)),
        0.05,
    ),
    Check(
        "canary-false-stops-decided",
        "the same, `decide` asked at every look",
        "error at most",
        decided.guarded(_canary(0.98, 20_000)),
        0.05,
        most=_SLOW,
    ),
    _late(2_000, 20_000),
    _late(5_000, 25_000),
    _late(20_000, 60_000),
    Check(
        "guardrail-rate",
        "error rate of a treatment at its limit of 0.05, beside a limit of latency, 100 looks",
        "error at most",
        rails.limit(Design(planned_test((0.5, 0.5), **_RAILS), (0.05, 0.05)), 0.05),
        0.025,
    ),
    Check(
        "guardrail-p95",
        "p95 latency of a treatment at its limit, beside a limit of errors, 100 looks",
        "error at most",
        rails.limit(Design(planned_test((0.5, 0.5), **_RAILS), (0.05, 0.05)), 1 - 0.95),
        0.025,
    ),
]

_MISMATCH = [
    Check(
        "mismatch-caught",
        "52/48 instead of 50/50: units until it is caught",
        "median at most",
        mismatch.arrivals((0.52, 0.48), (0.5, 0.5), 60_000),
        16_000,
    ),
    Check(
        "mismatch-false-alarms",
        "50/50 as designed, 60,000 units, 600 looks and the end",
        "error at most",
        mismatch.arrivals((0.5, 0.5), (0.5, 0.5), 60_000),
        0.01,
    ),
    Check(
        "mismatch-false-alarms-four-arms",
        "70/10/10/10 as designed, 60,000 units, 600 looks and the end",
        "error at most",
        mismatch.arrivals((0.7, 0.1, 0.1, 0.1), (0.7, 0.1, 0.1, 0.1), 60_000),
        0.01,
    ),
]

_ASSIGNED = [
    *(
        Check(
            f"assignment-shares-{words.replace('/', '-')}",
            f"{assigned.IDS:,} ids a repetition: chi-squared of the variants at {words}",
            "p-value within",
            assigned.counted(shares),
            0.001,
            assigned.p_value(shares),
        )
        for words, shares in (("50/50", (0.5, 0.5)), ("70/20/7/3", (0.7, 0.2, 0.07, 0.03)))
    ),
    Check(
        "assignment-correlation",
        f"{assigned.IDS:,} ids a repetition: correlation of the variants in two tests at 50/50",
        "correlation within",
        assigned.crossed(),
        0.001,
        assigned.correlation,
    ),
]

CHECKS: tuple[Check, ...] = (
    *_errors(),
    *_SEVERAL_ERRORS,
    *_DRIFTS,
    *_wiring(),
    *_COVERAGE,
    *_LATENCY,
    *_CLUSTERED,
    *_CLUSTERED_ROLLOUT,
    *_POWER,
    *_LATENCY_POWER,
    *_comparisons(),
    *_CANARY,
    *_MISMATCH,
    *_ASSIGNED,
    *grid.CHECKS,
)
"""What `python -m benchmarks.validity` runs."""
