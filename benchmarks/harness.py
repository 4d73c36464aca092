"""What a figure is, and how ours and its reference are measured in turns.

Knows neither the package nor its peers; `catalogue` lists the figures.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

__all__ = ["Bench", "Bound", "Figure", "Outcome", "Round", "at_least", "at_most", "interleave", "run", "timed"]


class Round(NamedTuple):
    """One turn each, in the figure's unit."""

    ours: float
    reference: float


@dataclass(frozen=True)
class Bound:
    """What the ratio of ours to the reference must be: at most `limit`, or at least."""

    limit: float
    side: Literal["≤", "≥"]

    def holds(self, ratio: float) -> bool:
        """Say whether a ratio keeps the bound."""
        return ratio <= self.limit if self.side == "≤" else ratio >= self.limit

    def __str__(self) -> str:
        return f"{self.side} {self.limit:g}×"


def at_most(limit: float) -> Bound:
    """Return the bound of a cost: ours may take this many times the reference."""
    return Bound(limit, "≤")


def at_least(limit: float) -> Bound:
    """Return the bound of a rate: ours must reach this many times the reference."""
    return Bound(limit, "≥")


class Bench:
    """Where and how often a figure is measured.

    Attributes:
        rounds: Turns of ours and the reference.
        peer: Python of the peers' environment; None when peers are not measured.
        shared: A folder for what several figures use, such as a filled database; it outlives the figure.
    """

    def __init__(
        self, folder: Path, *, rounds: int, peer: Path | None = None, tick: Callable[[], object] = lambda: None
    ) -> None:
        self.rounds = rounds
        self.peer = peer
        self.tick = tick
        self.shared = folder.parent
        self._folder = folder
        self._made = 0

    def fresh(self, name: str) -> Path:
        """Return a path that nothing has used yet, inside the scratch folder."""
        self._made += 1
        return self._folder / f"{self._made:04}-{name}"


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What `--only` calls it.
        workload: A sentence: what is done, how often, on how much.
        against: What the reference is.
        unit: What both sides are counted in.
        bound: What the ratio ours / reference must keep; None when the figure only informs.
        measure: Measures the rounds.
        is_peer: Whether it needs the peers' environment.
    """

    name: str
    workload: str
    against: str
    unit: str
    bound: Bound | None
    measure: Callable[[Bench], Sequence[Round]]
    is_peer: bool = False


@dataclass(frozen=True)
class Outcome:
    """A measured figure. Ratios are taken within a round, and their median is judged."""

    figure: Figure
    rounds: tuple[Round, ...]

    @property
    def ours(self) -> float:
        """Median of ours, in the figure's unit."""
        return statistics.median(one.ours for one in self.rounds)

    @property
    def reference(self) -> float:
        """Median of the reference, in the figure's unit."""
        return statistics.median(one.reference for one in self.rounds)

    @property
    def ratios(self) -> list[float]:
        """The ratio of each round, least first."""
        return sorted(one.ours / one.reference for one in self.rounds)

    @property
    def ratio(self) -> float:
        """Median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def ratio_at_best(self) -> float:
        """Ratio of both sides' best rounds, which a busy machine disturbs least."""
        best = max if self.figure.unit.endswith("/s") else min
        return best(one.ours for one in self.rounds) / best(one.reference for one in self.rounds)

    @property
    def is_held(self) -> bool | None:
        """Whether the median ratio keeps the bound; None when there is none."""
        return None if self.figure.bound is None else self.figure.bound.holds(self.ratio)

    def to_document(self) -> dict[str, Any]:
        """Return everything measured, for `--json`."""
        figure = self.figure
        return {
            "name": figure.name,
            "workload": figure.workload,
            "against": figure.against,
            "unit": figure.unit,
            "ours": self.ours,
            "reference": self.reference,
            "ratio": self.ratio,
            "ratio_at_best": self.ratio_at_best,
            "bound": None if figure.bound is None else str(figure.bound),
            "held": self.is_held,
            "rounds": [one._asdict() for one in self.rounds],
        }


def run(figure: Figure, bench: Bench) -> Outcome:
    """Measure one figure."""
    return Outcome(figure, tuple(figure.measure(bench)))


def interleave(bench: Bench, ours: Callable[[], float], reference: Callable[[], float]) -> list[Round]:
    """Take turns, ours first; a first round that warms both up is thrown away.

    Args:
        ours: Does its work once and returns what it measured, in the figure's unit.
        reference: The same for the other side.
    """
    rounds = []
    for _ in range(bench.rounds + 1):
        gc.collect()
        mine = ours()
        gc.collect()
        rounds.append(Round(mine, reference()))
        bench.tick()
    return rounds[1:]


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
