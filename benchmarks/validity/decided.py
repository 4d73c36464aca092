"""The whole way of a test: interactions one by one, summed as the service sums them, and `decide` at each look.

Slow, so with few repetitions; it proves that what the other simulations compute at once is what the service does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.validity.check import Simulation
from benchmarks.validity.designs import Design
from benchmarks.validity.proportions import told_apart_at
from mlops.ab_testing.entities import MetricKind
from mlops.ab_testing.evidence import Evidence, Exposures, MetricEvidence
from mlops.ab_testing.results import judge
from mlops.ab_testing.stopping import decide
from mlops.stats.arguments import Floats
from mlops.stats.arms import Counts
from mlops.stats.moments import Summary
from mlops.stats.sketch import QuantileSketch

__all__ = ["decided", "decided_otherwise", "guarded"]

_NOW = datetime(2026, 11, 23, tzinfo=UTC)

Draw = Callable[[Generator, NDArray[np.int64]], Floats]
"""From a generator and the variants of interactions, in the order in which they came, to their values."""


def decided(design: Design, draw: Draw | None = None) -> Simulation:
    """Interactions until the test is decided: any difference is called significant, at a look or at the end.

    Args:
        design: What is simulated.
        draw: The values; conversions at the design's rates when left out.
    """
    return _each(design, draw, lambda who, values: _decided_at(design, who, values))


def guarded(design: Design, draw: Draw | None = None) -> Simulation:
    """Interactions from the fall until the test stops for any reason but its planned end."""
    return _each(design, draw, lambda who, values: _decided_at(design, who, values) - design.changes_at)


def decided_otherwise(design: Design) -> Simulation:
    """A stop is a test that the service decides at another look than the simulation of the same conversions.

    What may differ is left to chance and small: units that arrive unevenly, so that nothing is called significant, and
    futility.
    """

    def differs(who: NDArray[np.int64], values: Floats) -> float:
        at_once = float(told_apart_at(design, _counted(design, who, values))[0])
        return np.inf if _decided_at(design, who, values) == at_once else 0.0

    return _each(design, None, differs)


def _each(design: Design, draw: Draw | None, one: Callable[[NDArray[np.int64], Floats], float]) -> Simulation:
    draw = draw or _converting(design)

    def simulate(rng: Generator, repetitions: int) -> Floats:
        found = []
        for _ in range(repetitions):
            who = _arriving(design, rng)
            found.append(one(who, draw(rng, who)))
        return np.array(found)

    return simulate


def _arriving(design: Design, rng: Generator) -> NDArray[np.int64]:
    begins = [0, *(stage.until for stage in design.earlier)]
    parts = [
        rng.choice(design.shares.size, stage.until - begin, p=stage.shares)
        for begin, stage in zip(begins, design.stages, strict=True)
    ]
    return np.concatenate(parts)


def _converting(design: Design) -> Draw:
    def draw(rng: Generator, who: NDArray[np.int64]) -> Floats:
        stages = np.searchsorted([stage.until for stage in design.stages], np.arange(who.size), side="right")
        rates = np.array([stage.rates for stage in design.stages])
        return (rng.random(who.size) < rates[stages, who]).astype(float)

    return draw


def _counted(design: Design, who: NDArray[np.int64], values: Floats) -> Counts:
    n = np.cumsum(who[:, None] == np.arange(design.shares.size), axis=0)
    events = np.cumsum((who[:, None] == np.arange(design.shares.size)) * values[:, None], axis=0)
    return Counts(n[None, design.cuts - 1], events[None, design.cuts - 1])


def _decided_at(design: Design, who: NDArray[np.int64], values: Floats) -> float:
    """Return after how many interactions `decide` ends the test for what it found; infinite when it does not."""
    for look, evidence in zip(design.looks, _gathered(design, who, values), strict=True):
        decision = decide(design.config, design.method, evidence, now=_NOW)
        if decision.cause in {"maximum_sample", "futility"}:
            rulings = judge(design.config, design.method, evidence, now=_NOW).rulings
            return float(look) if rulings.is_significant[0].any() else np.inf
        if decision.action != "continue":
            return float(look)
    return np.inf


def _gathered(design: Design, who: NDArray[np.int64], values: Floats) -> Iterator[Evidence]:
    """Yield what the test has gathered at each look."""
    variants, source = design.config.variants, design.method.primary.source
    blocks = np.searchsorted(design.block_ends, np.arange(who.size), side="right")
    sketches: tuple[QuantileSketch, ...] = ()
    for before, look in zip(np.append(0, design.looks[:-1]), design.looks, strict=True):
        units = np.bincount(who[:look], minlength=len(variants)).astype(float)
        if design.method.primary.kind is MetricKind.QUANTILE:
            sketches = _sketched(sketches, who[before:look], values[before:look], len(variants))
        metric = MetricEvidence(
            _summary(who[:look], values[:look], len(variants)),
            strata=_strata(design, who[:look], values[:look]) if design.is_phased else {},
            blocks=_blocks(blocks[:look], who[:look], values[:look], len(variants)) if design.block_ends.size else None,
            sketches=sketches,
        )
        yield Evidence(
            variants,
            units,
            units,
            units,
            units,
            {source: metric},
            _exposures(design, who[:look]),
            is_phased=design.is_phased,
        )


def _exposures(design: Design, who: NDArray[np.int64]) -> tuple[Exposures, ...]:
    if not design.is_phased:
        return (Exposures(design.shares, np.bincount(who, minlength=design.shares.size).astype(float)),)
    places = np.split(who, [stage.until for stage in design.earlier])
    return tuple(
        Exposures(np.array(stage.shares), np.bincount(each, minlength=design.shares.size).astype(float))
        for stage, each in zip(design.stages, places, strict=True)
    )


def _strata(design: Design, who: NDArray[np.int64], values: Floats) -> dict[str, Summary]:
    cuts = [stage.until for stage in design.earlier]
    parts = zip(np.split(who, cuts), np.split(values, cuts), strict=True)
    return {str(number): _summary(*part, design.shares.size) for number, part in enumerate(parts, start=1)}


def _summary(places: NDArray[np.int64], values: Floats, size: int) -> Summary:
    n = np.bincount(places, minlength=size).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(places, values, size) / n
        centred = values - mean[places]
        return Summary(n, mean, np.bincount(places, centred**2, size) / (n - 1))


def _blocks(blocks: NDArray[np.int64], who: NDArray[np.int64], values: Floats, arms: int) -> Summary:
    found = _summary(blocks * arms + who, values, int(blocks[-1] + 1) * arms)
    return Summary(*(np.asarray(part).reshape(-1, arms) for part in found))


def _sketched(
    before: tuple[QuantileSketch, ...], who: NDArray[np.int64], values: Floats, arms: int
) -> tuple[QuantileSketch, ...]:
    added = [QuantileSketch.of(values[who == arm]) for arm in range(arms)]
    return tuple(one + more for one, more in zip(before, added, strict=True)) if before else tuple(added)
