"""Every check, in the order of the table."""

from __future__ import annotations

from benchmarks.validity import assigned, clustered, mismatch, sequential
from benchmarks.validity.check import Check, Simulation

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
_EFFECTS = (  # control, treatment, share: where one method ends and the other begins
    (0.98, 0.96, 0.1),
    (0.98, 0.995, 0.1),
    (0.05, 0.03, 0.1),
    (0.05, 0.075, 0.1),
    (0.01, 0.03, 0.05),
    (0.002, 0.02, 0.01),
)


def _split(share: float) -> str:
    return f"{100 * (1 - share):g}/{100 * share:g}"


def _errors() -> list[Check]:
    checks = []
    for rate, share in _DESIGNS:
        for method, simulation in (
            ("asymptotic", sequential.asymptotic_proportions),
            ("e-process", sequential.e_process_proportions),
        ):
            name = f"error-{rate:g}-{_split(share).replace('/', '-')}-{method}"
            design = f"conversion {rate:g} in both arms at {_split(share)}, 100 looks, {method}"
            checks.append(Check(name, design, "error at most", simulation((rate, rate), share), 0.05))
    return checks


def _comparisons() -> list[Check]:
    checks = []
    for control, treatment, share in _EFFECTS:
        rates = (control, treatment)
        for method, simulation in (
            ("asymptotic", sequential.asymptotic_proportions),
            ("e-process", sequential.e_process_proportions),
        ):
            name = f"power-{control:g}-{treatment:g}-{method}"
            design = f"conversion {control:g} → {treatment:g} at {_split(share)}, 10,000 interactions, {method}"
            checks.append(Check(name, design, "power", simulation(rates, share)))
    return checks


def _coverage(name: str, design: str, simulation: Simulation) -> Check:
    return Check(f"coverage-{name}", f"the truth ever left out: {design}", "error at most", simulation, 0.05)


_COVERAGE = [
    _coverage(
        "0.9-0.92-asymptotic",
        "difference of conversion 0.9 → 0.92 at 50/50, asymptotic",
        sequential.asymptotic_coverage((0.9, 0.92), 0.5),
    ),
    _coverage(
        "0.9-0.95-asymptotic",
        "difference of conversion 0.9 → 0.95 at 90/10, asymptotic",
        sequential.asymptotic_coverage((0.9, 0.95), 0.1),
    ),
    _coverage(
        "difference-e-process",
        "difference of conversion 0.02 → 0.05 at 95/5, e-process",
        sequential.e_process_coverage((0.02, 0.05), 0.05, "difference"),
    ),
    _coverage(
        "ratio-e-process",
        "ratio of conversion 0.02 → 0.05 at 95/5, e-process",
        sequential.e_process_coverage((0.02, 0.05), 0.05, "ratio"),
    ),
]

_LATENCY = [
    Check(
        f"error-latency-{what}-{_split(share).replace('/', '-')}",
        f"lognormal latency, difference of {what} at {_split(share)}, 100 looks",
        "error at most",
        simulation(share),
        0.05,
    )
    for what, simulation in (("mean", sequential.asymptotic_means), ("p95", sequential.p95))
    for share in (0.5, 0.1)
]

_CLUSTERED = [
    Check(
        f"error-clustered-{when.replace(' ', '-')}",
        f"conversion 0.9 of units with 20 interactions, intra-class correlation 0.1, {when}",
        "error at most",
        simulation,
        0.05,
    )
    for when, simulation in (("once", clustered.at_the_end()), ("100 looks", clustered.at_every_look()))
]

_LATENCY_POWER = [
    Check(
        "power-latency-p95-50-50",
        "lognormal latency 1.15 times as long at 50/50, difference of p95",
        "power",
        sequential.p95(0.5, factor=1.15),
    )
]

_LIFT = (0.90, 0.92)
_POWER = [
    Check(
        "error-planned-looks",
        "conversion 0.9 in both arms at 50/50, 5 planned looks",
        "error at most",
        sequential.planned_looks((0.9, 0.9), 0.5),
        0.05,
    ),
    Check(
        "power-sequential",
        "conversion 0.9 → 0.92 at 50/50, 10,000 interactions, 100 looks, asymptotic",
        "power at least",
        sequential.asymptotic_proportions(_LIFT, 0.5),
        0.75,
    ),
    Check(
        "power-planned-looks",
        "conversion 0.9 → 0.92 at 50/50, 10,000 interactions, 5 planned looks",
        "power at least",
        sequential.planned_looks(_LIFT, 0.5),
        0.92,
    ),
    Check(
        "power-sequential-e-process",
        "conversion 0.9 → 0.92 at 50/50, 10,000 interactions, e-process",
        "power",
        sequential.e_process_proportions(_LIFT, 0.5),
    ),
]

_CANARY = [
    Check(
        "canary-stops",
        "canary at 5 %, success 0.98 → 0.93: requests until it is stopped",
        "median at most",
        sequential.canary((0.02, 0.07), 0.05, 200),
        3000,
    ),
    Check(
        "canary-false-stops",
        "canary at 5 % as good as control, 20,000 requests",
        "error at most",
        sequential.canary((0.02, 0.02), 0.05, 200),
        0.05,
    ),
    Check(
        "canary-stops-late-fall",
        "the same, when success falls only after 5,000 good requests: requests from then",
        "median",
        sequential.canary((0.02, 0.07), 0.05, 250, good_looks=50),
    ),
    Check(
        "guardrail-rate",
        "error rate of 0.05 at its limit, 100 looks",
        "error at most",
        sequential.guardrail_rate(0.05, 0.05),
        0.05,
    ),
    Check(
        "guardrail-p95",
        "p95 latency at its limit, 100 looks",
        "error at most",
        sequential.guardrail_quantile(0.05, 0.95),
        0.05,
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
        "50/50 as designed, 60,000 units, 600 looks",
        "error at most",
        mismatch.arrivals((0.5, 0.5), (0.5, 0.5), 60_000),
        0.01,
    ),
    Check(
        "mismatch-false-alarms-four-arms",
        "70/10/10/10 as designed, 60,000 units, 600 looks",
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
    *_COVERAGE,
    *_LATENCY,
    *_CLUSTERED,
    *_POWER,
    *_LATENCY_POWER,
    *_comparisons(),
    *_CANARY,
    *_MISMATCH,
    *_ASSIGNED,
)
"""What `python -m benchmarks.validity` runs."""
