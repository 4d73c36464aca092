"""Streams that are looked at after every block of interactions, by the method that is named."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from benchmarks.validity.check import Simulation, first_stops
from benchmarks.validity.streams import PER_LOOK, conversions, latencies, latency_sketches, so_far
from mlops.stats import bounds, confidence_sequences, e_process, quantile_sequences
from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts, effective_size
from mlops.stats.group_sequential import efficacy_boundaries

__all__ = [
    "asymptotic_coverage",
    "asymptotic_means",
    "asymptotic_proportions",
    "canary",
    "e_process_coverage",
    "e_process_proportions",
    "guardrail_quantile",
    "guardrail_rate",
    "p95",
    "planned_looks",
]

ALPHA = 0.05
PLANNED = 10_000  # interactions
_HALF = 0.5  # of the planned information: where the sequences are tuned to be narrowest


def _target(share: float) -> float:
    return _HALF * float(effective_size(PLANNED * (1 - share), PLANNED * share))


def asymptotic_proportions(rates: tuple[float, float], share: float) -> Simulation:
    """Conversions, compared by the asymptotic confidence sequence."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        control, treatment = (so_far(counts) for counts in conversions(rng, repetitions, rates, share))
        p = confidence_sequences.p_value_of_proportions(control, treatment, target=_target(share), alpha=ALPHA)
        return first_stops(p <= ALPHA, PER_LOOK)

    return simulate


def e_process_proportions(rates: tuple[float, float], share: float) -> Simulation:
    """Conversions, compared by the two-sample e-process."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        return _e_process_stops(*conversions(rng, repetitions, rates, share), e_process.equality())

    return simulate


def asymptotic_coverage(rates: tuple[float, float], share: float) -> Simulation:
    """Conversions that differ; a stop is an interval of the asymptotic sequence that leaves the true difference out."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        control, treatment = (so_far(counts) for counts in conversions(rng, repetitions, rates, share))
        found = confidence_sequences.difference_of_proportions(control, treatment, target=_target(share), alpha=ALPHA)
        truth = rates[1] - rates[0]
        return first_stops((found.lower > truth) | (found.upper < truth), PER_LOOK)

    return simulate


def e_process_coverage(rates: tuple[float, float], share: float, scale: e_process.Scale) -> Simulation:
    """Conversions that differ; a stop is a rejection of the true difference or ratio by the e-process."""
    truth = rates[1] - rates[0] if scale == "difference" else rates[1] / rates[0]
    nulls = e_process.Nulls(scale, np.array([truth]))

    def simulate(rng: Generator, repetitions: int) -> Floats:
        return _e_process_stops(*conversions(rng, repetitions, rates, share), nulls)

    return simulate


def canary(rates: tuple[float, float], share: float, looks: int, *, good_looks: int = 0) -> Simulation:
    """Failures of a canary, tested to be more than those of control, by the one-sided e-process.

    Args:
        rates: Failures of control, and of the canary once it is bad.
        share: Of the requests that the canary gets.
        looks: In all.
        good_looks: How many looks the canary is as good as control at first.
    """

    def simulate(rng: Generator, repetitions: int) -> Floats:
        before = conversions(rng, repetitions, (rates[0], rates[0]), share, good_looks)
        after = conversions(rng, repetitions, rates, share, looks - good_looks)
        control, treatment = (_joined(*arm) for arm in zip(before, after, strict=True))
        return _e_process_stops(control, treatment, e_process.equality("greater")) - good_looks * PER_LOOK

    return simulate


def _joined(before: Counts, after: Counts) -> Counts:
    return Counts(np.hstack([before.n, after.n]), np.hstack([before.events, after.events]))


def _at(blocks: Counts, look: int) -> Counts:
    return Counts(np.asarray(blocks.n)[:, look], np.asarray(blocks.events)[:, look])


def _e_process_stops(control: Counts, treatment: Counts, nulls: e_process.Nulls) -> Floats:
    repetitions, looks = np.asarray(control.n).shape
    crossed = np.zeros((repetitions, looks), dtype=bool)
    process = e_process.start(nulls, (repetitions,))
    for look in range(looks):
        process = e_process.update(process, _at(control, look), _at(treatment, look), nulls=nulls)
        crossed[:, look] = e_process.p_values(process)[:, 0] <= ALPHA
    return first_stops(crossed, PER_LOOK)


def planned_looks(rates: tuple[float, float], share: float, looks: int = 5) -> Simulation:
    """Conversions, looked at as often as planned, by Lan and DeMets' O'Brien–Fleming boundaries."""
    shares = np.arange(1, looks + 1) / looks
    limits = efficacy_boundaries(shares, alpha=ALPHA)
    each = PLANNED // looks // PER_LOOK

    def simulate(rng: Generator, repetitions: int) -> Floats:
        control, treatment = (_every(so_far(arm), each) for arm in conversions(rng, repetitions, rates, share))
        pooled = control.plus(treatment).rate
        z = (treatment.rate - control.rate) * np.sqrt(effective_size(control.n, treatment.n) / (pooled * (1 - pooled)))
        return first_stops(np.abs(z) >= limits, each * PER_LOOK)

    return simulate


def _every(counts: Counts, each: int) -> Counts:
    return Counts(np.asarray(counts.n)[:, each - 1 :: each], np.asarray(counts.events)[:, each - 1 :: each])


def asymptotic_means(share: float) -> Simulation:
    """Lognormal latencies without a difference, compared by the asymptotic confidence sequence."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        stops = []
        for _ in range(0, repetitions, 100):  # a hundred repetitions are a million values
            arms = latencies(rng, min(100, repetitions), share)
            p = confidence_sequences.difference_of_means(*arms, target=_target(share), alpha=ALPHA).p_value
            stops.append(first_stops(p <= ALPHA, PER_LOOK))
        return np.concatenate(stops)[:repetitions]

    return simulate


def p95(share: float, *, factor: float = 1.0) -> Simulation:
    """Lognormal latencies, those of treatment times a factor, whose p95 are compared by the quantile sequence."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        stops = []
        for _ in range(0, repetitions, 100):
            arms = latency_sketches(rng, min(100, repetitions), share, factor)
            p = quantile_sequences.p_value_of_equal_quantiles(
                *arms, 0.95, targets=(PLANNED * (1 - share) / 2, PLANNED * share / 2)
            )
            stops.append(first_stops(p <= ALPHA, PER_LOOK))
        return np.concatenate(stops)[:repetitions]

    return simulate


def guardrail_rate(rate: float, limit: float) -> Simulation:
    """Errors of one arm, tested to be more than a limit."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        arm, _ = (so_far(counts) for counts in conversions(rng, repetitions, (rate, rate), 0.0))
        return first_stops(bounds.rate_above(arm, limit, target=PLANNED / 2, alpha=ALPHA) <= ALPHA, PER_LOOK)

    return simulate


def guardrail_quantile(above: float, level: float) -> Simulation:
    """Latencies of one arm, of which a share is above the limit of the quantile."""

    def simulate(rng: Generator, repetitions: int) -> Floats:
        arm, _ = (so_far(counts) for counts in conversions(rng, repetitions, (above, above), 0.0))
        p = bounds.quantile_above(arm.n, arm.events, level, target=PLANNED / 2, alpha=ALPHA)
        return first_stops(p <= ALPHA, PER_LOOK)

    return simulate
