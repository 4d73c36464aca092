"""Turns facts into what they change of a test's statistics, in the order in which they come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cached_property, partial

from mlops.ab_testing.aggregates import (
    ALL_PHASES,
    BlockKey,
    Book,
    CellKey,
    CountKey,
    Delta,
    MomentKey,
    UnitKey,
    merged,
)
from mlops.ab_testing.analysis import Method
from mlops.ab_testing.classes import Classes
from mlops.ab_testing.entities import CONTROL, ABTestConfig, MetricKind, TestType
from mlops.ab_testing.interactions import ABSENT, Facts, Values
from mlops.ab_testing.limits import limits_of
from mlops.ab_testing.outcomes import Judgement, as_text
from mlops.records import encode_json

__all__ = ["Answers", "Rules", "Tally"]

Answers = Mapping[str, Mapping[str, float]]
"""Of one request of a shadow test, what each variant's answer measured."""


class Rules:
    """What of a test's design decides which facts are taken and how they are summed; made once per test.

    Attributes:
        positive: The positive label as JSON; None without one.
        limits: What the values of metrics may be.
        sketched: Metrics whose quantiles are asked for.
        ratios: Numerator and denominator of ratio metrics by name.
        is_clustered: Whether values are summed per unit.
        is_shadow: Whether answers to one request are paired.
        is_plain: Whether values are only summed: no blocks, units, covariates or ratios.
    """

    def __init__(self, config: ABTestConfig, method: Method) -> None:
        self.positive = None if config.positive_label is None else as_text(config.positive_label)
        self.limits = limits_of(config)
        self.is_clustered = config.cluster
        self.is_shadow = config.test_type is TestType.SHADOW
        quantiles = {each.source for each in method.metrics if each.kind is MetricKind.QUANTILE}
        self.sketched = frozenset({"latency_ms"} | quantiles)
        self.ratios = {
            name: (one.numerator, one.denominator)
            for name, one in config.metrics.items()
            if one.numerator and one.denominator
        }
        is_cut = any(each.blocks != "none" for each in method.metrics)
        self.is_plain = not (is_cut or config.cluster or config.cuped or self.ratios)
        self._method = method
        self._cuts: dict[str, Callable[[int], int | None] | None] = {}

    def cut(self, metric: str) -> Callable[[int], int | None] | None:
        """Return what tells the block of a value by its number; None of metrics without blocks."""
        if metric not in self._cuts:
            is_cut = self._method.block_of(metric, 0) is not None
            self._cuts[metric] = partial(self._method.block_of, metric) if is_cut else None
        return self._cuts[metric]


class _Heap:
    """Interactions of one place, their values by metric."""

    __slots__ = ("interactions", "predictions", "values")

    def __init__(self) -> None:
        self.interactions = 0
        self.predictions = 0
        self.values: defaultdict[str, list[float]] = defaultdict(list)


class Tally:
    """Collects facts of one test.

    Args:
        rules: Of the test.
        counts: Returns the test's counts of a kind before these facts; asked where they are needed.
    """

    def __init__(self, rules: Rules, counts: Callable[[str], Mapping[CountKey, int]]) -> None:
        self._rules = rules
        self._counts = counts
        self._delta = Delta()
        self._heaps: dict[tuple[str, str, int, int, str], _Heap] = {}

    @cached_property
    def _arrivals(self) -> dict[str, int]:
        return {key.name: count for key, count in self._counts("arrivals").items()}

    @cached_property
    def _classes(self) -> Classes:
        known = () if self._rules.positive is not None else [key.name for key in self._counts("class")]
        return Classes(self._rules.positive, known)

    @property
    def delta(self) -> Delta:
        """What has changed so far."""
        for (day, variant, phase, logged_phase, stratum), heap in self._heaps.items():
            self._delta.counts[CountKey("interactions", str(logged_phase), variant)] += heap.interactions
            if heap.predictions:
                self._delta.counts[CountKey("predictions", str(phase), variant)] += heap.predictions
            for metric, values in heap.values.items():
                self._delta.cells[CellKey(day, variant, metric, phase, stratum)].added.extend(values)
        self._heaps = {}
        return self._delta

    def add(self, facts: Facts) -> None:
        """Take an interaction."""
        place = (facts.day, facts.variant, facts.phase, facts.logged_phase, facts.stratum)
        heap = self._heaps.get(place)
        if heap is None:
            heap = self._heaps[place] = _Heap()
        heap.interactions += 1
        if facts.prediction is not ABSENT:
            heap.predictions += 1
        values = heap.values
        for metric, value in facts.values.items():
            values[metric].append(value)
        if not self._rules.is_plain:
            self._add_more(facts, facts.values)
            if self._rules.ratios and not self._rules.is_clustered:
                self._add_ratios(facts)

    def add_unit(self, variant: str, phase: int) -> None:
        """Count a user's first interaction, by the phase of the first exposure."""
        self._delta.counts[CountKey("units", str(phase), variant)] += 1

    def add_exposure(self, variant: str, phase: int, times: int = 1) -> None:
        """Count first assignments."""
        self._delta.counts[CountKey("exposures", str(phase), variant)] += times

    def add_label(self, facts: Facts, judgement: Judgement) -> None:
        """Take the first label of an interaction."""
        if facts.prediction is ABSENT:
            return
        self._delta.counts[CountKey("labels", str(facts.phase), facts.variant)] += 1
        self._confuse(facts, judgement, 1)
        for metric, value in judgement.values.items():
            key = CellKey(facts.day, facts.variant, metric, facts.phase, facts.stratum)
            self._delta.cells[key].added.append(value)
        if not self._rules.is_plain:
            self._add_more(facts, judgement.values)

    def revise(self, facts: Facts, *, first: Judgement, before: Judgement, after: Judgement) -> None:
        """Take a label back for another; blocks stay as the first label made them."""
        if before == after:
            return
        self._confuse(facts, before, -1)
        self._confuse(facts, after, 1)
        old, original = before.values, first.values
        for metric, value in after.values.items():
            if value != old[metric]:
                self._change(facts, metric, value, old[metric])
                if self._rules.cut(metric) is not None:
                    by = int(value != original[metric]) - int(old[metric] != original[metric])
                    self._delta.counts[CountKey("revised", metric, "")] += by

    def next_arrival(self) -> int:
        """Return the number of one more label among those that met their interactions."""
        index = self._arrivals.get("", 0)
        self._arrivals[""] = index + 1
        self._delta.counts[CountKey("arrivals", "", "")] += 1
        return index

    def pair(self, before: Answers, after: Answers) -> None:
        """Take what more is known now of one request of a shadow test."""
        for pairs, target in ((_pairs(after), self._delta.added), (_pairs(before), self._delta.removed)):
            for key, pair in pairs.items():
                target[key].append(pair)

    def applied(self, book: Book) -> Book:
        """Return what of a book is different now."""
        return merged(book, self.delta, sketched=self._rules.sketched, ratios=self._ratios_of_units())

    def moment_keys(self) -> set[MomentKey]:
        """Return the sums of pairs that were touched."""
        return self.delta.moment_keys(self._ratios_of_units())

    def _ratios_of_units(self) -> Mapping[str, tuple[str, str]]:
        return self._rules.ratios if self._rules.is_clustered else {}

    def _add_more(self, facts: Facts, values: Values) -> None:
        """Take what values change beside their sums: blocks, covariates and units."""
        variant, covariate = facts.variant, facts.covariate
        for metric, value in values.items():
            if (cut := self._rules.cut(metric)) is not None:
                self._add_to_block(metric, variant, value, cut)
            if covariate is not None:
                self._delta.added[MomentKey("covariate", variant, metric, facts.phase)].append((covariate, value))
        if self._rules.is_clustered:
            unit = self._delta.unit(UnitKey(facts.user_id, variant), facts.phase)
            for metric, value in values.items():
                unit[metric].added.append(value)

    def _add_to_block(self, metric: str, variant: str, value: float, cut: Callable[[int], int | None]) -> None:
        index = self._arrivals.get(metric, 0)
        self._arrivals[metric] = index + 1
        self._delta.counts[CountKey("arrivals", metric, "")] += 1
        block = cut(index)
        if block is not None:
            self._delta.blocks[BlockKey(metric, block, variant)].append(value)

    def _add_ratios(self, facts: Facts) -> None:
        values = facts.values
        for name, (above, below) in self._rules.ratios.items():
            if above in values and below in values:
                key = MomentKey("ratio", facts.variant, name, facts.phase)
                self._delta.added[key].append((values[below], values[above]))

    def _change(self, facts: Facts, metric: str, value: float, old: float) -> None:
        changes = self._delta.cells[CellKey(facts.day, facts.variant, metric, facts.phase, facts.stratum)]
        changes.added.append(value)
        changes.removed.append(old)
        if facts.covariate is not None:
            key = MomentKey("covariate", facts.variant, metric, facts.phase)
            self._delta.added[key].append((facts.covariate, value))
            self._delta.removed[key].append((facts.covariate, old))
        if self._rules.is_clustered:
            unit = self._delta.unit(UnitKey(facts.user_id, facts.variant), facts.phase)[metric]
            unit.added.append(value)
            unit.removed.append(old)

    def _confuse(self, facts: Facts, judgement: Judgement, by: int) -> None:
        if judgement.confusion is None:
            return
        pair = []
        for name in judgement.confusion:
            counted, is_new = self._classes.counted_as(name)
            pair.append(counted)
            if is_new:
                self._delta.counts[CountKey("class", name, "")] += 1
        self._delta.counts[CountKey("confusion", encode_json([*pair, facts.phase]), facts.variant)] += by


def _pairs(answers: Answers) -> dict[MomentKey, tuple[float, float]]:
    control = answers.get(CONTROL)
    if control is None:
        return {}
    return {
        MomentKey("pair", variant, metric, ALL_PHASES): (control[metric], value)
        for variant, values in answers.items()
        if variant != CONTROL
        for metric, value in values.items()
        if metric in control
    }
