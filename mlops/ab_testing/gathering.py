"""Makes the evidence that results are computed from out of a test's statistics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np

from mlops.ab_testing.aggregates import ALL_PHASES, Book, Cell, CellKey, CountKey, MomentKey
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
Pairs = Mapping[tuple[str, str], Mapping[tuple[int, str], ExactPairMoments]]  # by kind and metric; by phase and variant


def evidence_of(config: ABTestConfig, book: Book) -> Evidence:
    """Return what a test has gathered.

    Args:
        book: Everything but the cells of single days and units, from one snapshot.
    """
    is_shadow = config.test_type is TestType.SHADOW  # nobody is assigned, so that no units are counted
    is_phased = not is_shadow and len({key.phase for key in book.cells}) > 1
    strata, sketches = _collected(book.cells, is_phased=is_phased)
    pairs = _paired(book.moments)
    interactions = _counted(config, book, "interactions")
    metrics = sorted({metric for _, metric in strata})
    tables = _confusion(config, book)
    return Evidence(
        variants=config.variants,
        interactions=interactions,
        units=interactions if is_shadow else _counted(config, book, "units"),
        predictions=_counted(config, book, "predictions"),
        labels=_counted(config, book, "labels"),
        metrics=_metrics(config, book, metrics, (strata, sketches, pairs), is_phased=is_phased)
        | _ratios(config, pairs, is_phased=is_phased),
        exposures=_exposures(config, book, is_phased=is_phased),
        confusion=_all_phases(tables),
        confusion_by_phase=tuple(tables.values()) if is_phased and ALL_PHASES not in tables else (),
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
    config: ABTestConfig, book: Book, names: Sequence[str], collected: tuple[Cells, Sketches, Pairs], *, is_phased: bool
) -> dict[str, MetricEvidence]:
    """Return what is known of every logged number; the sums of all are summarised in one call."""
    (strata, sketches, pairs), variants = collected, config.variants
    parts = [[strata.get((variant, name), {}) for variant in variants] for name in names]
    values = _table([_total(part.values()) for row in parts for part in row], (len(names), len(variants)))
    blocks, revised = _blocks(config, book), _revised(book)
    found = {}
    for row, name in enumerate(names):
        sketched = [sketches.get((variant, name), {}) for variant in variants]
        clusters, covariate = (pairs.get((kind, name), {}) for kind in ("cluster", "covariate"))
        found[name] = MetricEvidence(
            values=Summary(*(part[row] for part in values)),
            clusters=_over_phases(clusters, variants),
            covariate=_over_phases(covariate, variants),
            clusters_by_phase=_within_phases(clusters, variants) if is_phased else None,
            covariate_by_phase=_within_phases(covariate, variants) if is_phased else None,
            strata=_strata(parts[row]) if config.strata or is_phased else {},
            sketches=tuple(map(_merged, sketched)) if any(sketched) else (),
            phases=_by_phase(sketched) if is_phased else (),
            blocks=blocks.get(name),
            pairs=_over_phases(pairs.get(("pair", name), {}), config.treatments),
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


def _paired(moments: Mapping[MomentKey, ExactPairMoments]) -> Pairs:
    found: dict[tuple[str, str], dict[tuple[int, str], ExactPairMoments]] = defaultdict(dict)
    for key, sums in moments.items():
        found[key.kind, key.metric][key.phase, key.variant] = sums
    return found


def _over_phases(sums: Mapping[tuple[int, str], ExactPairMoments], variants: Sequence[str]) -> PairMoments | None:
    """Return the moments of each variant, all phases together; None without a unit."""
    found: dict[str, ExactPairMoments] = {}
    for (_, variant), more in sums.items():
        found[variant] = found[variant] + more if variant in found else more
    arms = [found.get(variant, _NO_PAIRS) for variant in variants]
    return _as_arrays(arms, (len(arms),)) if any(each.n for each in arms) else None


def _within_phases(sums: Mapping[tuple[int, str], ExactPairMoments], variants: Sequence[str]) -> PairMoments | None:
    """Return the moments of variants by phases; None where some are of no known phase."""
    phases = sorted({phase for phase, _ in sums})
    if not phases or phases[0] == ALL_PHASES:
        return None
    flat = [sums.get((phase, variant), _NO_PAIRS) for variant in variants for phase in phases]
    return _as_arrays(flat, (len(variants), len(phases)))


def _as_arrays(sums: Sequence[ExactPairMoments], shape: tuple[int, ...]) -> PairMoments:
    return PairMoments(
        *(np.array([getattr(each, part) for each in sums], dtype=float).reshape(shape) for part in _PARTS)
    )


def _ratios(config: ABTestConfig, pairs: Pairs, *, is_phased: bool) -> dict[str, MetricEvidence]:
    """Return ratio metrics, whose units are those of the moments and which have no values of their own."""
    nothing = summarise([_NOTHING for _ in config.variants])
    return {
        name: MetricEvidence(
            values=nothing,
            clusters=_over_phases(sums, config.variants),
            clusters_by_phase=_within_phases(sums, config.variants) if is_phased else None,
        )
        for (kind, name), sums in sorted(pairs.items(), key=lambda item: item[0])
        if kind == "ratio"
    }


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


def _exposures(config: ABTestConfig, book: Book, *, is_phased: bool) -> tuple[Exposures, ...]:
    unknown = {CountKey(kind, str(ALL_PHASES), name) for kind in ("predictions", "labels") for name in config.variants}
    is_split = is_phased and not any(key in book.counts for key in unknown)
    return tuple(
        Exposures(
            shares=np.array([phase.allocation.get(variant, 0.0) for variant in config.variants], dtype=float),
            units=_counted(config, book, "exposures", name=str(phase.number)),
            interactions=_counted(config, book, "interactions", name=str(phase.number)),
            active=_counted(config, book, "units", name=str(phase.number)),
            predictions=_counted(config, book, "predictions", name=str(phase.number)) if is_split else None,
            labels=_counted(config, book, "labels", name=str(phase.number)) if is_split else None,
        )
        for phase in config.phases
    )


def _confusion(config: ABTestConfig, book: Book) -> dict[int, tuple[Confusion, ...]]:
    """Return the tables of all variants by phase, of those that have any."""
    found: dict[int, tuple[dict[tuple[str, str], float], ...]] = {}
    for key, count in book.counts.items():
        if key.kind == "confusion" and count:
            truth, prediction, phase = decode_json(key.name)
            tables = found.setdefault(phase, tuple({} for _ in config.variants))
            tables[config.variants.index(key.variant)][truth, prediction] = float(count)
    return dict(sorted(found.items()))


def _all_phases(tables: Mapping[int, tuple[Confusion, ...]]) -> tuple[Confusion, ...]:
    return tuple(map(_added, zip(*tables.values(), strict=True)))


def _added(tables: Sequence[Confusion]) -> Confusion:
    if len(tables) == 1:
        return tables[0]
    found: dict[tuple[str, str], float] = defaultdict(float)
    for table in tables:
        for pair, count in table.items():
            found[pair] += count
    return dict(found)


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
    return replace(
        now, interactions=count, units=count, metrics={metric: kept}, exposures=(), confusion=(), confusion_by_phase=()
    )


def _end_of(day: str) -> datetime:
    return datetime.combine(datetime.fromisoformat(day).date(), time(), tzinfo=UTC) + timedelta(days=1)
