"""Sufficient statistics of a test: what is kept of its interactions, and how new facts change it.

A `Book` holds the statistics, or those of them that a group of interactions touches; a `Tally` collects what a group
adds and takes away; `merged` brings both together. Sums are exact, so that neither the order of interactions nor of
revisions changes a bit, and a book made again from the log equals the one that grew with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mlops.stats.moments import ExactMoments, ExactPairMoments
from mlops.stats.sketch import QuantileSketch

__all__ = [
    "ALL_DAYS",
    "ALL_PHASES",
    "BlockKey",
    "Book",
    "Cell",
    "CellKey",
    "CountKey",
    "MomentKey",
    "UnitKey",
    "differences",
    "merged",
    "moments_of",
]

ALL_DAYS = ""
"""The day of the cells that hold all days."""

ALL_PHASES = 0
"""The phase of sums that know none: pairs of shadow tests, and what databases before migration 0008 had summed over
several phases."""


class CellKey(NamedTuple):
    """Where a sum belongs; `day` is `2026-11-23`, or empty for all days together."""

    day: str
    variant: str
    metric: str
    phase: int
    stratum: str


class CountKey(NamedTuple):
    """What is counted.

    Attributes:
        kind: `interactions` (name: the phase they were logged in), `units`, `exposures`, `predictions` and `labels`
            (name: the phase of the first exposure), `confusion` (name: JSON of truth, prediction and that phase),
            `class` (name: one that is counted apart, see `classes`; no variant), `arrivals` (name: the metric, all
            variants together; no name: labels that met their interactions), `revised` (name: the metric, likewise).
    """

    kind: str
    name: str
    variant: str


class MomentKey(NamedTuple):
    """Which pairs are summed.

    Attributes:
        kind: `cluster` (values and sum per unit), `covariate`, `ratio`, or `pair` of shadow tests.
        phase: Of the first exposure, to which all that a unit ever logs belongs; see `ALL_PHASES`.
    """

    kind: str
    variant: str
    metric: str
    phase: int


class BlockKey(NamedTuple):
    """A part of the order of arrival."""

    metric: str
    block: int
    variant: str


class UnitKey(NamedTuple):
    """One user in one variant."""

    user_id: str
    variant: str


@dataclass(frozen=True, slots=True)
class Cell:
    """Exact sums, and a sketch of the metrics whose quantiles are asked for."""

    sums: ExactMoments
    sketch: QuantileSketch | None = None


Sums = Mapping[str, ExactMoments]


@dataclass(slots=True)
class Book:
    """Statistics of a test, all of them or some.

    Attributes:
        units: Per user how many values of each metric there are, and their sum; only of clustered tests.
    """

    counts: dict[CountKey, int] = field(default_factory=dict)
    cells: dict[CellKey, Cell] = field(default_factory=dict)
    moments: dict[MomentKey, ExactPairMoments] = field(default_factory=dict)
    blocks: dict[BlockKey, ExactMoments] = field(default_factory=dict)
    units: dict[UnitKey, Sums] = field(default_factory=dict)


def moments_of(values: Sequence[float]) -> ExactMoments:
    """Return the moments of values; many equal ones, such as 0 and 1, are taken at once."""
    if len(values) < 8:
        return ExactMoments.of(values)
    times = Counter(values)
    if len(times) * 4 > len(values):
        return ExactMoments.of(values)
    total = squares = 0
    for value, count in times.items():
        one = ExactMoments.of((value,))
        total += one.total * count
        squares += one.squares * count
    return ExactMoments(len(values), total, squares)


class Changes:
    """Values added to and taken from one sum."""

    __slots__ = ("added", "removed")

    def __init__(self) -> None:
        self.added: list[float] = []
        self.removed: list[float] = []

    def sums(self) -> ExactMoments:
        """Return what changes, with signs."""
        added = moments_of(self.added)
        if not self.removed:
            return added
        gone = moments_of(self.removed)
        return ExactMoments(added.n - gone.n, added.total - gone.total, added.squares - gone.squares)


class Delta:
    """What a group of facts changes, by the same keys as a book."""

    def __init__(self) -> None:
        self.counts: Counter[CountKey] = Counter()
        self.cells: defaultdict[CellKey, Changes] = defaultdict(Changes)
        self.added: defaultdict[MomentKey, list[tuple[float, float]]] = defaultdict(list)
        self.removed: defaultdict[MomentKey, list[tuple[float, float]]] = defaultdict(list)
        self.blocks: defaultdict[BlockKey, list[float]] = defaultdict(list)
        self.units: defaultdict[UnitKey, defaultdict[str, Changes]] = defaultdict(lambda: defaultdict(Changes))
        self.phases: dict[UnitKey, int] = {}

    def unit(self, key: UnitKey, phase: int) -> defaultdict[str, Changes]:
        """Return the changes of a unit, by metric, and note its phase: that of its first exposure."""
        self.phases[key] = phase
        return self.units[key]

    def cell_keys(self) -> list[CellKey]:
        """Return the cells touched: those of days, and those of all days."""
        return [*self.cells, *{key._replace(day=ALL_DAYS) for key in self.cells}]

    def moment_keys(self, ratios: Mapping[str, tuple[str, str]]) -> set[MomentKey]:
        """Return the sums of pairs touched.

        Args:
            ratios: Numerator and denominator by the name of each ratio.
        """
        touched = {*self.added, *self.removed}
        for key, metrics in self.units.items():
            phase = self.phases[key]
            touched |= {MomentKey("cluster", key.variant, metric, phase) for metric in metrics}
            touched |= {MomentKey("ratio", key.variant, name, phase) for name in ratios}
        return touched


def merged(book: Book, delta: Delta, *, sketched: frozenset[str], ratios: Mapping[str, tuple[str, str]]) -> Book:
    """Return what of a book is different after a group of facts.

    Args:
        book: Everything that the delta touches.
        sketched: Metrics that have a sketch.
        ratios: Numerator and denominator of ratio metrics, by name; of clustered tests they are summed per unit.
    """
    after = Book(counts={key: book.counts.get(key, 0) + more for key, more in delta.counts.items()})
    _merge_cells(book, after, delta, sketched)
    for block, values in delta.blocks.items():
        after.blocks[block] = book.blocks.get(block, ExactMoments()) + moments_of(values)
    pairs: dict[MomentKey, list[ExactPairMoments]] = defaultdict(list)
    for key in {*delta.added, *delta.removed}:
        pairs[key] = [_pair_change(delta.added.get(key, ()), delta.removed.get(key, ()))]
    for unit, changes in delta.units.items():
        before = book.units.get(unit, {})
        now = {**before, **{name: before.get(name, ExactMoments()) + one.sums() for name, one in changes.items()}}
        after.units[unit] = {name: ExactMoments(sums.n, sums.total) for name, sums in now.items() if sums.n}
        _exchange((unit.variant, delta.phases[unit]), (before, after.units[unit]), pairs, ratios)
    for moment, parts in pairs.items():
        after.moments[moment] = sum(parts, start=book.moments.get(moment, ExactPairMoments()))
    return after


def _merge_cells(book: Book, after: Book, delta: Delta, sketched: frozenset[str]) -> None:
    for key, changes in delta.cells.items():
        sums = changes.sums()
        after.cells[key] = Cell(book.cells.get(key, _EMPTY).sums + sums)
        whole = key._replace(day=ALL_DAYS)
        before = after.cells.get(whole) or book.cells.get(whole, _EMPTY)
        sketch = _sketched(before.sketch, changes) if key.metric in sketched else None
        after.cells[whole] = Cell(before.sums + sums, sketch)


_EMPTY = Cell(ExactMoments())


def _sketched(before: QuantileSketch | None, changes: Changes) -> QuantileSketch:
    added = (before or QuantileSketch()) + QuantileSketch.of(changes.added)
    return added - QuantileSketch.of(changes.removed) if changes.removed else added


def _pair_change(added: Iterable[tuple[float, float]], removed: Iterable[tuple[float, float]]) -> ExactPairMoments:
    more, less = ExactPairMoments.of(added), ExactPairMoments.of(removed)
    if not less.n:
        return more
    names = ("n", "x", "y", "xx", "yy", "xy")
    return ExactPairMoments(*(getattr(more, name) - getattr(less, name) for name in names))


def _exchange(
    place: tuple[str, int],
    sums: tuple[Sums, Sums],
    pairs: dict[MomentKey, list[ExactPairMoments]],
    ratios: Mapping[str, tuple[str, str]],
) -> None:
    """Take the old pairs of a unit out of the sums over the units of its variant and phase, and put its new ones in."""
    (variant, phase), (before, now) = place, sums
    for metric in {**before, **now}:
        if before.get(metric) != now.get(metric):
            change = _pair_change(_cluster(now, metric), _cluster(before, metric))
            pairs[MomentKey("cluster", variant, metric, phase)].append(change)
    for name, parts in ratios.items():
        pairs[MomentKey("ratio", variant, name, phase)].append(_pair_change(_ratio(now, parts), _ratio(before, parts)))


def _cluster(sums: Sums, metric: str) -> list[tuple[float, float]]:
    found = sums.get(metric)
    return [(float(found.n), found.sum)] if found is not None and found.n else []


def _ratio(sums: Sums, parts: tuple[str, str]) -> list[tuple[float, float]]:
    above, below = (sums.get(name) for name in parts)
    return [(below.sum, above.sum)] if above is not None and below is not None and above.n and below.n else []


def differences(kept: Book, made: Book) -> tuple[str, ...]:
    """Return in sentences where two books are not the same; a count of nothing is no count."""
    found = [_UNSPLIT] if _is_unsplit(kept) else []
    for name in ("counts", "cells", "moments", "blocks", "units"):
        one, other = ({k: v for k, v in getattr(book, name).items() if v and v not in _NONE} for book in (kept, made))
        wrong = [key for key in {**one, **other} if one.get(key) != other.get(key)]
        found += [f"{name} {tuple(key)}: kept {one.get(key)}, the log says {other.get(key)}." for key in wrong[:20]]
    return tuple(found)


_UNSPLIT = (
    "An earlier version summed units, covariates, ratios, predictions or labels over several phases together, here "
    "phase 0; a rebuilding splits them."
)


def _is_unsplit(book: Book) -> bool:
    unknown = str(ALL_PHASES)
    return any(key.phase == ALL_PHASES and key.kind != "pair" for key in book.moments) or any(
        key.name == unknown if key.kind in {"predictions", "labels"} else key.name.endswith(f",{unknown}]")
        for key in book.counts
        if key.kind in {"predictions", "labels", "confusion"}
    )


_NONE: tuple[object, ...] = (_EMPTY, Cell(ExactMoments(), QuantileSketch()), ExactMoments(), ExactPairMoments())
