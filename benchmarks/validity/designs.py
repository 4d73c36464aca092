"""A design, what is true of its variants, and what the service makes of it: the method that `choose` returns.

Simulations take everything from here that decides an answer: which sequence, what it is tuned for, where blocks end,
how many guardrails share the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlops.ab_testing.analysis import Method
from mlops.ab_testing.compared import Levels
from mlops.ab_testing.comparisons import levels_of
from mlops.ab_testing.entities import ABTestConfig
from mlops.ab_testing.guardrails import watches
from mlops.ab_testing.method import choose
from mlops.stats.arguments import Floats

__all__ = ["PLANNED", "Design", "Stage", "planned_test", "words_of"]

PLANNED = 10_000
"""Interactions of a test, unless told otherwise."""

_LOOKS = 100

Forced = Literal["asymptotic", "e_process"]


def planned_test(shares: Sequence[float], **fields: Any) -> ABTestConfig:
    """Return a running test of conversion with these shares, control's first, and with these fields changed."""
    names = ["control", *(f"treatment_{number}" for number in range(1, len(shares)))]
    usual: dict[str, Any] = {
        "test_id": "validity",
        "test_type": "champion_challenger" if len(shares) == 2 else "multivariate",
        "control_model_id": "lab_classifier",
        "control_model_version": "1.0.0",
        "treatment_models": [
            {"model_id": "lab_classifier", "version": f"1.{number}.0"} for number in range(1, len(shares))
        ],
        "traffic_allocation": dict(zip(names, shares, strict=True)),
        "primary_metric": "conversion",
        "maximum_sample_size": PLANNED,
        "status": "running",
    }
    return ABTestConfig(**(usual | fields))


def words_of(shares: Sequence[float]) -> str:
    """Return shares as people say them: 90/10."""
    return "/".join(f"{100 * share:g}" for share in shares)


class Stage(NamedTuple):
    """What was true until something changed.

    Attributes:
        until: Interactions after which it changed.
        rates: Of each variant.
        shares: Of each variant; empty for the designed ones.
    """

    until: int
    rates: tuple[float, ...]
    shares: tuple[float, ...] = ()


@dataclass(frozen=True)
class Design:
    """One simulated test.

    Attributes:
        config: As a user designs it.
        rates: True rate of each variant, at the end; of other metrics nothing.
        earlier: Stages before, where rates or shares change.
        forced: A sequence that was not chosen, for comparison.
        is_pooled: Whether arms are compared over all stages together although shares changed, for comparison.
    """

    config: ABTestConfig
    rates: tuple[float, ...] = ()
    earlier: tuple[Stage, ...] = ()
    forced: Forced | None = None
    is_pooled: bool = False

    @cached_property
    def method(self) -> Method:
        """What the service chooses, unless another sequence is forced."""
        chosen = choose(self.config)
        if self.forced is None:
            return chosen
        blocks = "arrival" if self.forced == "e_process" else "none"
        return chosen.changed(metrics=(chosen.primary.changed(sequence=self.forced, blocks=blocks),))

    @cached_property
    def levels(self) -> Levels:
        """Confidence and tuned sizes."""
        return levels_of(self.method, self.config.variants)

    @cached_property
    def shares(self) -> Floats:
        """Designed share of each variant."""
        return np.array([self.config.traffic_allocation[name] for name in self.config.variants])

    @property
    def size(self) -> int:
        """Interactions at the end."""
        return self.method.planned_size

    @cached_property
    def looks(self) -> NDArray[np.int64]:
        """After how many interactions it is looked at: a hundred times, or where looks are planned."""
        parts = len(self.method.looks) or _LOOKS
        return np.array([-(-self.size * look // parts) for look in range(1, parts + 1)])

    @cached_property
    def block_ends(self) -> NDArray[np.int64]:
        """After how many interactions each block of the primary metric is closed; none where it is not cut."""
        source = self.method.primary.source
        if self.method.block_of(source, 0) is None:
            return np.zeros(0, dtype=np.int64)
        blocks = np.array([self.method.block_of(source, index) for index in range(self.size + 1)])
        return np.flatnonzero(np.diff(blocks)) + 1

    @cached_property
    def cuts(self) -> NDArray[np.int64]:
        """Every number of interactions at which something is looked at, closed or changed."""
        parts = (self.looks, self.block_ends, [stage.until for stage in self.earlier])
        return np.unique(np.concatenate([np.asarray(part, dtype=np.int64) for part in parts]))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All stages, the last one to the end, each with its shares."""
        last = Stage(self.size, self.rates)
        return tuple(stage._replace(shares=stage.shares or tuple(self.shares)) for stage in (*self.earlier, last))

    @property
    def is_phased(self) -> bool:
        """Whether shares changed, so that arms are compared within stages."""
        return not self.is_pooled and len({stage.shares for stage in self.stages}) > 1

    @property
    def changes_at(self) -> int:
        """After how many interactions the last stage begins."""
        return self.earlier[-1].until if self.earlier else 0

    @property
    def rail_level(self) -> float:
        """The level of each guardrail, which share the error of the test."""
        rails = len(watches(self.config)) * len(self.config.treatments)
        return self.method.alpha / max(1, rails)
