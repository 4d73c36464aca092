"""Makes the evidence that results are computed from out of a test's statistics."""

from __future__ import annotations

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
Sketches = Mapping[tuple[str, str], Mapping[int, QuantileSketch]]  # by variant and metric, then by phase


def evidence_of(config: ABTestConfig, book: Book) -> Evidence:
    """Return what a test has gathered.

    Args:
        book: Everything but the cells of single days and units, from one snapshot.
    """
    is_shadow = config.test_type is TestType.SHADOW  # nobody is assigned, so that no units are counted
    is_phased = not is_shadow and len({key.phase for key in book.cells}) > 1
    strata, sketches = _collected(book.cells, is_phased=is_phased)
    interactions = _counted(config, book, "interactions")
    metrics = sorted({metric for _, metric in strata})
    return Evidence(
        variants=config.variants,
        interactions=interactions,
        units=interactions if is_shadow else _counted(config, book, "units"),
        predictions=_counted(config, book, "predictions"),
        labels=_counted(config, book, "labels"),
        metrics=_metrics(config, book, metrics, (strata, sketches), is_phased=is_phased) | _ratios(config, book),
        exposures=_exposures(config, book),
        confusion=_confusion(config, book),
        since=config.started_at,
        is_phased=is_phased,
    )


def _collected(cells: Mapping[CellKey, Cell], *, is_phased: bool) -> tuple[Cells, Sketches]:
    """Add up the sums of each variant, metric and stratum, and the sketches of each variant, metric and phase.

    Of several phases each is a stratum of its own, and so is each stratum within it.
    """
    strata: dict[tuple[str, str], dict[str, ExactMoments]] = defaultdict(dict)
    sketches: dict[tuple[str, str], dict[int, QuantileSketch]] = defaultdict(dict)
    for key, cell in cells.items():
        name, stratum = (key.variant, key.metric), _stratum(key, is_phased=is_phased)
        before = strata[name].get(stratum)
        strata[name][stratum] = cell.sums if before is None else before + cell.sums
        if cell.sketch is not None:
            seen = sketches[name]
            seen[key.phase] = seen[key.phase] + cell.sketch if key.phase in seen else cell.sketch
    return strata, sketches


def _stratum(key: CellKey, *, is_phased: bool) -> str:
    return f"{key.phase} {key.stratum}" if is_phased else key.stratum


def _metrics(
    config: ABTestConfig, book: Book, names: Sequence[str], collected: tuple[Cells, Sketches], *, is_phased: bool
) -> dict[str, MetricEvidence]:
    """Return what is known of every logged number; the sums of all are summarised in one call."""
    (strata, sketches), variants, treatments = collected, config.variants, config.treatments
    parts = [[strata.get((variant, name), {}) for variant in variants] for name in names]
    values = _table([_total(part.values()) for row in parts for part in row], (len(names), len(variants)))
    blocks, revised = _blocks(config, book), _revised(book)
    found = {}
    for row, name in enumerate(names):
        sketched = [sketches.get((variant, name), {}) for variant in variants]
        found[name] = MetricEvidence(
            values=Summary(*(part[row] for part in values)),
            clusters=_pairs(book, "cluster", name, variants),
            covariate=_pairs(book, "covariate", name, variants),
            strata=_strata(parts[row]) if config.strata or is_phased else {},
            sketches=tuple(map(_merged, sketched)) if any(sketched) else (),
            phases=_by_phase(sketched) if is_phased else (),
            blocks=blocks.get(name),
            pairs=_pairs(book, "pair", name, treatments),
            revised=revised.get(name, 0),
        )
    return found


def _merged(phases: Mapping[int, QuantileSketch]) -> QuantileSketch:
    found = list(phases.values())
    return found[0] if len(found) == 1 else sum(found, start=QuantileSketch())


def _by_phase(variants: Sequence[Mapping[int, QuantileSketch]]) -> tuple[tuple[QuantileSketch, ...], ...]:
    numbers = sorted({number for phases in variants for number in phases})
    return tuple(tuple(phases.get(number, QuantileSketch()) for phases in variants) for number in numbers)


def _table(sums: Sequence[ExactMoments], shape: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
    """Return numbers, means and variances of sums as tables of this shape."""
    n, mean, variance = (np.asarray(part, dtype=float).reshape(shape) for part in summarise(sums))
    return n, mean, variance


def _revised(book: Book) -> dict[str, int]:
    """Return by metric how many values were corrected."""
    found: dict[str, int] = defaultdict(int)
    for key, count in book.counts.items():
        if key.kind == "revised":
            found[key.name] += count
    return found


def _total(sums: Iterable[ExactMoments]) -> ExactMoments:
    found = list(sums)
    return found[0] if len(found) == 1 else sum(found, start=_NOTHING)


def _strata(parts: Sequence[Mapping[str, ExactMoments]]) -> dict[str, Summary]:
    names = sorted({name for part in parts for name in part})
    table = _table([part.get(name, _NOTHING) for name in names for part in parts], (len(names), len(parts)))
    return {name: Summary(*(part[row] for part in table)) for row, name in enumerate(names)}


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


def _blocks(config: ABTestConfig, book: Book) -> dict[str, Summary]:
    """Return by metric the blocks of arrival order; the comparisons leave the open one out."""
    own: dict[str, dict[tuple[int, str], ExactMoments]] = defaultdict(dict)
    for key, sums in book.blocks.items():
        own[key.metric][key.block, key.variant] = sums
    variants, found = config.variants, {}
    for metric, cut in own.items():
        numbers = sorted({block for block, _ in cut})
        flat = [cut.get((block, variant), _NOTHING) for block in numbers for variant in variants]
        found[metric] = Summary(*_table(flat, (len(numbers), len(variants))))
    return found


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
            active=_counted(config, book, "units", name=str(phase.number)),
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
    by_day: dict[str, list[tuple[CellKey, ExactMoments]]] = defaultdict(list)
    for key, cell in days.cells.items():
        by_day[key.day].append((key, cell.sums))
    chosen = {names[round(index)] for index in np.linspace(0, len(names) - 1, min(most, len(names)))}
    answer, sums = [], defaultdict[str, dict[str, ExactMoments]](dict)
    for name in names:
        for key, more in by_day[name]:
            arm, stratum = sums[key.variant], _stratum(key, is_phased=now.is_phased)
            arm[stratum] = arm[stratum] + more if stratum in arm else more
        if name in chosen:
            parts = [sums[variant] for variant in config.variants]
            answer.append((_end_of(name), _as_it_was(now, metric, found, parts)))
    return answer


def _as_it_was(
    now: Evidence, metric: str, found: MetricEvidence, parts: Sequence[Mapping[str, ExactMoments]]
) -> Evidence:
    """Return the evidence with one metric as it was: values, strata, and the blocks that were closed by then."""
    values = summarise([_total(part.values()) for part in parts])
    blocks = found.blocks
    if blocks is not None:
        closed = np.cumsum(np.asarray(blocks.n).sum(axis=1)) <= float(np.sum(values.n))
        blocks = Summary(*(np.asarray(part)[closed] for part in blocks))
    count = np.asarray(values.n, dtype=float)
    kept = MetricEvidence(values=values, blocks=blocks, strata=_strata(parts) if found.strata else {})
    return replace(now, interactions=count, units=count, metrics={metric: kept}, exposures=(), confusion=())


def _end_of(day: str) -> datetime:
    return datetime.combine(datetime.fromisoformat(day).date(), time(), tzinfo=UTC) + timedelta(days=1)
