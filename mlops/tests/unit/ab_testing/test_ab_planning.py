"""Plans agree with the power formulas and with what designs ask for."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.ab_testing.planning import PlanRequest, plan, request_of
from mlops.errors import InvalidInput
from mlops.stats import power
from mlops.tests.fixtures.ab_evidence import design


def test_a_fixed_plan_is_the_textbook_size():
    """One look at equal arms needs what the formula of two rates gives."""
    sizes = power.proportion_sample_size(0.90, 0.92, power=0.8)
    found = plan(PlanRequest(baseline=0.90, effect=0.02, mode="fixed"))
    assert found.total == found.one_look_total == sizes.total


def test_looking_costs_interactions():
    """Planned looks cost a few percent, looking at any time more."""
    totals = {
        mode: plan(PlanRequest(baseline=0.9, effect=0.02, mode=mode)).total
        for mode in ("fixed", "planned_looks", "always_valid")
    }
    assert totals["fixed"] < totals["planned_looks"] < totals["always_valid"]
    assert totals["planned_looks"] < 1.1 * totals["fixed"]


def test_unequal_arms_need_more():
    """A small arm must fill up, and takes everybody's time."""
    even = plan(PlanRequest(baseline=0.9, effect=0.02))
    uneven = plan(PlanRequest(baseline=0.9, effect=0.02, allocation={"control": 0.9, "treatment_1": 0.1}))
    assert uneven.total > 2 * even.total
    assert uneven.per_variant["control"] == pytest.approx(9 * uneven.per_variant["treatment_1"], rel=0.01)


def test_clusters_multiply_the_sample_by_the_design_effect():
    """Twenty interactions of one user with a correlation of .1 count as seven."""
    one = plan(PlanRequest(baseline=0.9, effect=0.02))
    many = plan(PlanRequest(baseline=0.9, effect=0.02, interactions_per_user=20, intra_class_correlation=0.1))
    assert many.design_effect == pytest.approx(2.9)
    assert many.total == pytest.approx(2.9 * one.total, rel=0.001)


@pytest.mark.parametrize("kind", ["proportion", "mean", "quantile"])
@pytest.mark.parametrize("better", ["max", "min"])
def test_the_planned_size_detects_the_effect(kind, better):
    """Asked the other way round, the size gives the effect and the power back."""
    baseline, effect = (0.5, 0.05) if kind == "proportion" else (100.0, 5.0)
    asked = PlanRequest(kind=kind, baseline=baseline, deviation=40.0, effect=effect, better=better)
    answer = plan(asked.changed(size=plan(asked).total))
    assert answer.detectable_effect == pytest.approx(effect, rel=0.02)
    assert answer.power_at_size == pytest.approx(0.8, abs=0.01)


def test_days_come_from_the_traffic():
    """So many interactions at so many a day."""
    found = plan(PlanRequest(baseline=0.9, effect=0.02, traffic_per_day=500))
    assert found.days == found.total / 500
    assert f"{found.total:,} interactions" in found.words


def test_a_design_is_planned_by_what_it_says():
    """The request of a design carries its baseline, effect, mode and clusters; without a baseline there is none."""
    config = design(
        baseline_rate=0.9,
        minimum_detectable_effect=0.02,
        cluster=True,
        interactions_per_user=4,
        maximum_sample_size=500,
    )
    asked = request_of(config)
    assert (asked.baseline, asked.effect, asked.interactions_per_user, asked.size) == (0.9, 0.02, 4, 500)
    assert request_of(design()) is None
    assert request_of(design(primary_metric="value", baseline_mean=3.0)) is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"baseline": 0.99, "effect": 0.02}, "between 0"),
        ({"kind": "mean", "baseline": 3.0, "effect": 1.0}, "deviation is None"),
        ({"kind": "quantile", "baseline": -1.0, "deviation": 1.0}, "values above 0"),
        ({"kind": "ratio", "baseline": 1.0}, "cannot be planned"),
        ({"baseline": 0.5, "allocation": {"control": 1.0}}, "and a treatment"),
    ],
)
def test_impossible_questions_are_refused(fields, reason):
    """What cannot be planned is said to be so."""
    with pytest.raises(InvalidInput, match=reason):
        plan(PlanRequest(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {name: value}
        for name in ("baseline", "deviation", "effect", "traffic_per_day", "interactions_per_user")
        for value in (math.inf, math.nan, 1e300, -1e300)
    ]
    + [{"deviation": 1e-300}, {"traffic_per_day": 5e-324}, {"size": 10**400}, {"intra_class_correlation": math.nan}],
)
def test_numbers_that_nothing_can_be_planned_with_are_refused(fields):
    """Infinite, not a number, or so large or small that a double holds no square of it."""
    usual = {"kind": "mean", "baseline": 3.0, "deviation": 1.0, "effect": 0.5}
    with pytest.raises(InvalidInput, match=next(iter(fields))):
        plan(PlanRequest(**(usual | fields)))


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "mean", "baseline": 0.5, "deviation": 1.0, "effect": 1e-300},
        {"kind": "quantile", "baseline": 3.0, "deviation": 1.0, "effect": 1e-9},
        {"baseline": 0.5, "effect": 1e-12},
    ],
)
def test_an_effect_that_nobody_can_find_is_refused(fields):
    """The least one is named."""
    with pytest.raises(InvalidInput, match="too small to plan for; the least is"):
        plan(PlanRequest(**fields))


@pytest.mark.parametrize("shares", [(0.25, 0.25), (0.5, 0.6), (0.9, 0.2)])
def test_shares_that_do_not_sum_to_one_are_refused(shares):
    """Half of the traffic would double the answer without a word."""
    allocation = dict(zip(("control", "treatment_1"), shares, strict=True))
    with pytest.raises(InvalidInput, match="shares must sum to 1"):
        plan(PlanRequest(baseline=0.5, effect=0.1, allocation=allocation))


def test_a_question_without_effect_and_size_is_refused():
    """There would be nothing to answer."""
    with pytest.raises(InvalidInput, match="name the effect to find, or a size"):
        plan(PlanRequest(baseline=0.9))


@given(
    st.sampled_from(["mean", "quantile"]),
    st.floats(1e-3, 1e9),
    st.floats(1e-6, 1e9),
    st.floats(1e-6, 1e3),
    st.floats(1, 100),
)
def test_every_answer_is_finite(kind, baseline, deviation, effect, per_user):
    """Whatever scale the numbers have."""
    asked = {"kind": kind, "baseline": baseline, "deviation": deviation, "effect": effect * deviation}
    try:
        found = plan(PlanRequest(**asked, interactions_per_user=per_user, intra_class_correlation=0.1))
    except InvalidInput:
        return
    assert 2 <= found.one_look_total <= found.total < 10**18


@given(st.floats(0.05, 0.9), st.floats(0.005, 0.05), st.sampled_from(["fixed", "always_valid"]))
def test_a_larger_effect_needs_no_more(baseline, effect, mode):
    """Twice the effect is found with fewer interactions."""
    small, large = (plan(PlanRequest(baseline=baseline, effect=each, mode=mode)) for each in (effect, 1.9 * effect))
    assert large.total <= small.total
    assert math.isnan(small.days)
