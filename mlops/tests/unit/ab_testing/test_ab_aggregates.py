"""Statistics: neither order nor grouping changes a bit, and what was taken away is as if it had never been."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.ab_testing.aggregates import ALL_DAYS, Book, CountKey, differences, moments_of
from mlops.ab_testing.analysis import Method
from mlops.ab_testing.entities import ABTestConfig
from mlops.ab_testing.interactions import ABSENT, LARGEST, Facts
from mlops.ab_testing.method import choose
from mlops.ab_testing.outcomes import Judgement
from mlops.ab_testing.tallying import Rules, Tally
from mlops.stats.moments import ExactMoments

_NUMBERS = st.floats(-LARGEST, LARGEST)
_RATIO = {"pace": {"numerator": "value", "denominator": "latency_ms"}}
_DESIGNS = st.sampled_from(
    [{}, {"cluster": True}, {"cuped": "before"}, {"metrics": _RATIO}, {"cluster": True, "metrics": _RATIO}]
)


def _config(**fields: Any) -> ABTestConfig:
    return ABTestConfig(
        test_id="t",
        control_model_id="m",
        control_model_version="1.0.0",
        treatment_models=[{"model_id": "m", "version": "1.1.0"}],
        traffic_allocation={"control": 0.5, "treatment_1": 0.5},
        primary_metric="value",
        **fields,
    )


def _rules(**fields: Any) -> Rules:
    config = _config(**fields)
    method: Method = choose(config)
    return Rules(config, method)


@st.composite
def _facts(draw: st.DrawFn) -> Facts:
    user = draw(st.sampled_from(["ann", "bob", "eve", "joe"]))  # who has one variant and one phase for ever
    return Facts(
        interaction_id=draw(st.uuids()).hex,
        variant="control" if user in {"ann", "joe"} else "treatment_1",
        user_id=user,
        phase=2 if user in {"eve", "joe"} else 1,
        logged_phase=draw(st.integers(1, 2)),
        stratum=draw(st.sampled_from(["north", "south"])),
        day=draw(st.sampled_from(["2026-11-22", "2026-11-23"])),
        request_id=None,
        values={"value": draw(_NUMBERS), "latency_ms": draw(st.floats(0, 1e6))},
        covariate=draw(st.none() | st.floats(-1e6, 1e6)),
        prediction=draw(st.sampled_from(["yes", "no", ABSENT])),
    )


def _counts_of(book: Book) -> Callable[[str], Mapping[CountKey, int]]:
    return lambda kind: {key: count for key, count in book.counts.items() if key.kind == kind}


def _book(rules: Rules, groups: list[list[Facts]]) -> Book:
    """Return the book that grew group by group."""
    book = Book()
    for group in groups:
        tally = Tally(rules, _counts_of(book))
        for facts in group:
            tally.add(facts)
        changed = tally.applied(book)
        for name in ("counts", "cells", "moments", "blocks", "units"):
            getattr(book, name).update(getattr(changed, name))
    return book


@settings(max_examples=60)
@given(st.lists(_facts(), max_size=12), st.randoms(use_true_random=False), st.integers(1, 4), _DESIGNS)
def test_order_and_groups_do_not_matter(facts: list[Facts], random: Any, size: int, fields: dict[str, Any]) -> None:
    """One by one, in groups or at once, in any order: the same book to the last bit."""
    rules = _rules(**fields)
    shuffled = random.sample(facts, len(facts))
    groups = [shuffled[begin : begin + size] for begin in range(0, len(shuffled), size)]
    assert differences(_book(rules, [facts]), _book(rules, groups)) == ()


@settings(max_examples=60)
@given(_facts(), st.lists(st.booleans(), min_size=1, max_size=6), _DESIGNS)
def test_a_revised_label_leaves_no_trace(facts: Facts, labels: list[bool], fields: dict[str, Any]) -> None:
    """After any revisions the book is that of the first label and the last one; classes once met stay known."""
    if facts.prediction is ABSENT:
        return
    rules = _rules(**fields)
    verdicts = [_judgement(is_right) for is_right in labels]
    revised = Tally(rules, _counts_of(Book()))
    revised.add_label(facts, verdicts[0])
    for before, after in itertools.pairwise(verdicts):
        revised.revise(facts, first=verdicts[0], before=before, after=after)
    direct = Tally(rules, _counts_of(Book()))
    direct.add_label(facts, verdicts[0])
    direct.revise(facts, first=verdicts[0], before=verdicts[0], after=verdicts[-1])
    assert differences(_without_classes(revised), _without_classes(direct)) == ()


def _without_classes(tally: Tally) -> Book:
    book = tally.applied(Book())
    book.counts = {key: count for key, count in book.counts.items() if key.kind != "class"}
    return book


def _judgement(is_right: bool) -> Judgement:
    truth = '"yes"' if is_right else '"no"'
    return Judgement({"accuracy": float(is_right)}, (truth, '"yes"'))


@given(st.lists(st.sampled_from([0.0, 1.0, 0.1, -3.5, 1e300]) | _NUMBERS, max_size=40))
def test_equal_values_taken_at_once_are_exact(values: list[float]) -> None:
    """The short way of many equal values gives the moments of the long one."""
    assert moments_of(values) == ExactMoments.of(values)


def test_all_days_are_the_sum_of_days() -> None:
    """The cells of all days hold what those of single days do."""
    facts = [
        Facts(str(number), "control", "ann", 1, 1, "", f"2026-11-{number + 10}", None, {"value": number / 7}, None, "a")
        for number in range(9)
    ]
    book = _book(_rules(), [facts])
    parts = [cell.sums for key, cell in book.cells.items() if key.day != ALL_DAYS]
    [whole] = [cell.sums for key, cell in book.cells.items() if key.day == ALL_DAYS]
    assert whole == sum(parts, start=ExactMoments())


def test_clusters_hold_one_pair_for_each_unit() -> None:
    """However many values a unit gives, it counts once: with their number and their sum."""
    rules = _rules(cluster=True)
    facts = [
        Facts(str(number), "control", f"user_{number % 3}", 1, 1, "", "2026-11-23", None, {"value": 2.0}, None, "a")
        for number in range(12)
    ]
    book = _book(rules, [facts[:5], facts[5:]])
    [(key, pairs)] = [(key, pairs) for key, pairs in book.moments.items() if key.kind == "cluster"]
    assert (key.variant, pairs.n, pairs.mean_x, pairs.mean_y) == ("control", 3, 4.0, 8.0)


def test_blocks_follow_the_order_of_arrival() -> None:
    """Values of a metric with an e-process are cut by their number over all variants."""
    config = _config(baseline_mean=None).changed(
        primary_metric="conversion_rate", traffic_allocation={"control": 0.95, "treatment_1": 0.05}
    )
    rules = Rules(config, choose(config))
    facts = [
        Facts(str(number), "control", "ann", 1, 1, "", "2026-11-23", None, {"conversion": 1.0}, None, "a")
        for number in range(250)
    ]
    book = _book(rules, [facts[:30], facts[30:120], facts[120:]])
    assert {key.block: sums.n for key, sums in book.blocks.items()} == {0: 100, 1: 100, 2: 50}
