"""Makes the evidence that results are computed from out of a test's statistics."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np

from mlops.ab_testing.aggregates import Book, Cell, CellKey, MomentKey
from mlops.ab_testing.entities import ABTestConfig, TestType
from mlops.ab_testing.evidence import Confusion, Evidence, Exposures, MetricEvidence, PairMoments
from mlops.records import decode_json
from mlops.stats.arguments import Floats
from mlops.stats.moments import ExactMoments, ExactPairMoments, Summary, summarise
from mlops.stats.sketch import QuantileSketch

__all__ = ["evidence_of", "past_evidence"]

_PARTS = ("n", "mean_x", "mean_y", "variance_x", "variance_y", "covariance")
_NOTHING = ExactMoments()
_NO_PAIRS = ExactPairMoments()

Cells = Mapping[tuple[str, str], Mapping[str, ExactMoments]]  # by variant and metric, then by stratum


def evidence_of(config: ABTestConfig, book: Book) -> Evidence:
    """Return what a test has gathered.

    Args:
        book: Everything but the cells of single days and units, from one snapshot.
    """
    strata, sketches = _collected(book.cells)
    interactions = _counted(config, book, "interactions")
    metrics = sorted({metric for _, metric in strata})
    is_shadow = config.test_type is TestType.SHADOW  # nobody is assigned, so that no units are counted
    return Evidence(
        variants=config.variants,
        interactions=interactions,
        units=interactions if is_shadow else _counted(config, book, "units"),
        predictions=_counted(config, book, "predictions"),
        labels=_counted(config, book, "labels"),
        metrics={name: _metric(config, book, name, (strata, sketches)) for name in metrics} | _ratios(config, book),
        exposures=_exposures(config, book),
        confusion=_confusion(config, book),
        since=config.started_at,
    )


def _collected(
    cells: Mapping[CellKey, Cell],
) -> tuple[dict[tuple[str, str], dict[str, ExactMoments]], dict[tuple[str, str], QuantileSketch]]:
    """Add up the phases of each variant, metric and stratum, and the sketches of each variant and metric."""
    strata: dict[tuple[str, str], dict[str, ExactMoments]] = defaultdict(dict)
    sketches: dict[tuple[str, str], QuantileSketch] = {}
    for key, cell in cells.items():
        name = (key.variant, key.metric)
        before = strata[name].get(key.stratum)
        strata[name][key.stratum] = cell.sums if before is None else before + cell.sums
        if cell.sketch is not None:
            sketches[name] = sketches[name] + cell.sketch if name in sketches else cell.sketch
    return strata, sketches


def _metric(
    config: ABTestConfig, book: Book, metric: str, collected: tuple[Cells, Mapping[tuple[str, str], QuantileSketch]]
) -> MetricEvidence:
    (strata, sketches), variants = collected, config.variants
    parts = [strata.get((variant, metric), {}) for variant in variants]
    sketched = [sketches.get((variant, metric)) for variant in variants]
    return MetricEvidence(
        values=summarise([_total(part.values()) for part in parts]),
        clusters=_pairs(book, "cluster", metric, variants),
        covariate=_pairs(book, "covariate", metric, variants),
        strata=_strata(config, parts),
        sketches=tuple(sketch or QuantileSketch() for sketch in sketched) if any(sketched) else (),
        blocks=_blocks(config, book, metric),
        pairs=_pairs(book, "pair", metric, config.treatments),
        revised=sum(count for key, count in book.counts.items() if key.kind == "revised" and key.name == metric),
    )


def _total(sums: Iterable[ExactMoments]) -> ExactMoments:
    found = list(sums)
    return found[0] if len(found) == 1 else sum(found, start=_NOTHING)


def _strata(config: ABTestConfig, parts: Sequence[Mapping[str, ExactMoments]]) -> dict[str, Summary]:
    if not config.strata:
        return {}
    names = sorted({name for part in parts for name in part})
    return {name: summarise([part.get(name, _NOTHING) for part in parts]) for name in names}


def _pairs(book: Book, kind: str, metric: str, variants: Sequence[str]) -> PairMoments | None:
    if not book.moments:
        return None
    found = [book.moments.get(MomentKey(kind, variant, metric), _NO_PAIRS) for variant in variants]
    if not any(each.n for each in found):
        return None
    return PairMoments(*(np.array([getattr(each, part) for each in found], dtype=float) for part in _PARTS))


def _ratios(config: ABTestConfig, book: Book) -> dict[str, MetricEvidence]:
    """Return ratio metrics, whose units are those of the moments and which have no values of their own."""
    nothing = summarise([_NOTHING for _ in config.variants])
    found = {}
    for name in sorted({key.metric for key in book.moments if key.kind == "ratio"}):
        found[name] = MetricEvidence(values=nothing, clusters=_pairs(book, "ratio", name, config.variants))
    return found


def _blocks(config: ABTestConfig, book: Book, metric: str) -> Summary | None:
    own = {(key.block, key.variant): sums for key, sums in book.blocks.items() if key.metric == metric}
    if not own:
        return None
    numbers = sorted({block for block, _ in own})  # the comparisons leave the open one out
    shape = (len(numbers), len(config.variants))
    flat = summarise([own.get((block, variant), _NOTHING) for block in numbers for variant in config.variants])
    return Summary(*(np.asarray(part, dtype=float).reshape(shape) for part in flat))


def _counted(config: ABTestConfig, book: Book, kind: str, *, name: str | None = None) -> Floats:
    totals = dict.fromkeys(config.variants, 0)
    for key, count in book.counts.items():
        if key.kind == kind and key.variant in totals and name in (None, key.name):
            totals[key.variant] += count
    return np.array(list(totals.values()), dtype=float)


def _exposures(config: ABTestConfig, book: Book) -> tuple[Exposures, ...]:
    return tuple(
        Exposures(
            shares=np.array([phase.allocation.get(variant, 0.0) for variant in config.variants], dtype=float),
            units=_counted(config, book, "exposures", name=str(phase.number)),
            interactions=_counted(config, book, "interactions", name=str(phase.number)),
        )
        for phase in config.phases
    )


def _confusion(config: ABTestConfig, book: Book) -> tuple[Confusion, ...]:
    found: dict[str, dict[tuple[str, str], float]] = {variant: {} for variant in config.variants}
    for key, count in book.counts.items():
        if key.kind == "confusion" and count:
            truth, prediction = decode_json(key.name)
            found[key.variant][truth, prediction] = float(count)
    return tuple(found.values()) if any(found.values()) else ()


def past_evidence(
    config: ABTestConfig, now: Evidence, metric: str, days: Book, *, most: int = 60
) -> list[tuple[datetime, Evidence]]:
    """Return what had been gathered of one metric at the end of each day before the last.

    Args:
        days: The metric's cells of single days.
        most: Days at most, evenly spaced.
    """
    found = now.metrics.get(metric)
    names = sorted({key.day for key in days.cells})[:-1]
    if found is None or not names:
        return []
    parts = [_of_day(config, days, name) for name in names]
    running = list(itertools.accumulate(parts, lambda one, other: [a + b for a, b in zip(one, other, strict=True)]))
    chosen = sorted({round(index) for index in np.linspace(0, len(names) - 1, min(most, len(names)))})
    return [(_end_of(names[index]), _as_it_was(now, metric, found, running[index])) for index in chosen]


def _of_day(config: ABTestConfig, days: Book, day: str) -> list[ExactMoments]:
    return [
        _total(cell.sums for key, cell in days.cells.items() if key.day == day and key.variant == variant)
        for variant in config.variants
    ]


def _as_it_was(now: Evidence, metric: str, found: MetricEvidence, sums: Sequence[ExactMoments]) -> Evidence:
    """Return the evidence with one metric as it was: its values, and the blocks that were closed by then."""
    values = summarise(sums)
    blocks = found.blocks
    if blocks is not None:
        closed = np.cumsum(np.asarray(blocks.n).sum(axis=1)) <= float(np.sum(values.n))
        blocks = Summary(*(np.asarray(part)[closed] for part in blocks))
    count = np.asarray(values.n, dtype=float)
    kept = MetricEvidence(values=values, blocks=blocks)
    return replace(now, interactions=count, units=count, metrics={metric: kept}, exposures=(), confusion=())


def _end_of(day: str) -> datetime:
    return datetime.combine(datetime.fromisoformat(day).date(), time(), tzinfo=UTC) + timedelta(days=1)
