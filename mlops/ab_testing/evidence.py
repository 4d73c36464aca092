"""What results and stopping decisions are made from: numbers per variant, side by side, and nothing else of the log.

The read-only shape between the aggregates and the statistics. Every array has one entry per variant, in the order of
`Evidence.variants`, control first. Nothing here computes a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np

from mlops.stats.arguments import Floats
from mlops.stats.moments import Summary
from mlops.stats.sketch import QuantileSketch

__all__ = ["Confusion", "Evidence", "Exposures", "MetricEvidence", "PairMoments"]

Confusion = Mapping[tuple[str, str], float]
"""How many labelled interactions had this truth and this prediction, in this order, both as JSON text."""


class PairMoments(NamedTuple):
    """Moments of units with two numbers each, x and y; arrays of one entry per arm, or of arms by phases.

    What x and y are depends on where it stands: of clustered units the number of their values and their sum, of a
    covariate the value before and the value now, of shadow pairs the value of control and that of treatment.
    """

    n: Floats
    mean_x: Floats
    mean_y: Floats
    variance_x: Floats
    variance_y: Floats
    covariance: Floats

    def arm(self, index: int | slice | tuple[int, ...]) -> PairMoments:
        """Return the moments of one arm, or of several."""
        return PairMoments(*(np.asarray(part)[index] for part in self))


class Exposures(NamedTuple):
    """Units by the variant of their first exposure, in one phase of constant weights.

    Attributes:
        shares: Designed share of each variant.
        units: How many units came first to each.
        interactions: Logged in this phase, by variant; None where they are not counted by phase.
        active: Those of the units that logged an interaction since; None where they are not counted by phase.
        predictions: Of these units, see `Evidence.predictions`; None where they are not counted by phase.
        labels: Of these units, see `Evidence.labels`; None where they are not counted by phase.
    """

    shares: Floats
    units: Floats
    interactions: Floats | None = None
    active: Floats | None = None
    predictions: Floats | None = None
    labels: Floats | None = None


@dataclass(frozen=True, slots=True)
class MetricEvidence:
    """What is known of one metric in every variant.

    Attributes:
        values: Number, mean and sample variance of the values.
        clusters: Per unit how many values it gave (x) and their sum (y), when units give many; of a ratio of two
            metrics per unit the one below (x) and the one above (y).
        covariate: Per unit its value before the test (x) and in it (y), when one is named.
        clusters_by_phase: What `clusters` has, of variants by phases, where there are several; None also where a
            database of before migration 0008 holds sums that know no phase.
        covariate_by_phase: What `covariate` has, likewise.
        strata: Number, mean and variance of the values within each stratum, by its name; within each stratum of each
            phase where there are several phases.
        sketches: Of the values of each variant, for quantiles; empty when none are kept.
        phases: The same by phase, where there are several.
        blocks: Number, mean and variance of the values in each block, in arrival order, the open one last; blocks by
            variant. Where a block ends is told by `Method.block_of`, never by results; a revision does not change it.
        pairs: For shadow tests, control's value (x) and that of each treatment (y) on the same request; one entry per
            treatment.
        revised: How many values were corrected after their block was closed.
    """

    values: Summary
    clusters: PairMoments | None = None
    covariate: PairMoments | None = None
    clusters_by_phase: PairMoments | None = None
    covariate_by_phase: PairMoments | None = None
    strata: Mapping[str, Summary] = field(default_factory=dict)
    sketches: tuple[QuantileSketch, ...] = ()
    phases: tuple[tuple[QuantileSketch, ...], ...] = ()
    blocks: Summary | None = None
    pairs: PairMoments | None = None
    revised: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a test has gathered so far.

    Attributes:
        variants: Their names, control first.
        interactions: Logged, by variant.
        units: Distinct units with an interaction, by variant.
        predictions: Interactions whose prediction a label can judge, by variant.
        labels: Those of them whose truth is known, by variant.
        metrics: By name. Rates such as `success`, `conversion` and `accuracy` are means of 0 and 1.
        exposures: One for each phase of constant weights, oldest first.
        confusion: Per variant, for classifiers.
        confusion_by_phase: The same by phase, where there are several and all of it is known by phase.
        since: When the test started; None before.
        is_phased: Whether there are values of users from several phases, whose shares differ: then arms are compared
            within phases.
    """

    variants: tuple[str, ...]
    interactions: Floats
    units: Floats
    predictions: Floats
    labels: Floats
    metrics: Mapping[str, MetricEvidence] = field(default_factory=dict)
    exposures: tuple[Exposures, ...] = ()
    confusion: tuple[Confusion, ...] = ()
    confusion_by_phase: tuple[tuple[Confusion, ...], ...] = ()
    since: datetime | None = None
    is_phased: bool = False

    @property
    def treatments(self) -> tuple[str, ...]:
        """The variants that are compared with control."""
        return self.variants[1:]
