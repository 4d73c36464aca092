"""Plans of what the e-process judges keep their promise, and say so."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from mlops.ab_testing.blocks import ends_until
from mlops.ab_testing.method import choose
from mlops.ab_testing.planning import PlanRequest, plan, request_of
from mlops.stats import e_process
from mlops.stats.arms import Counts
from mlops.tests.fixtures.ab_evidence import design


def _shares(treatment):
    return {"control": 1 - treatment, "treatment_1": treatment}


def _power(rates, share, size, repetitions=2000):
    """Simulate how often arms are told apart within so many interactions, by other numbers than the plan's."""
    rng = np.random.default_rng(99)
    sizes = np.array([end - begin for begin, end in pairwise((0, *ends_until(size)))])
    treated = rng.binomial(sizes, share, (repetitions, sizes.size))
    n = sizes - treated, treated
    arms = [Counts(each, rng.binomial(each, rate)) for each, rate in zip(n, rates, strict=True)]
    return (e_process.p_values(e_process.after(*arms, nulls=e_process.equality()))[:, 0] <= 0.05).mean()


@pytest.mark.parametrize(
    ("control", "treatment", "share"),
    [(0.005, 0.02, 0.1), (0.001, 0.01, 0.05), (0.02, 0.05, 0.05), (0.99, 0.97, 0.02), (0.01, 0.03, 0.1)],
)
def test_the_power_of_rare_outcomes_is_that_promised(control, treatment, share):
    """The size that the plan names finds the effect in four of five tests, by the method that its design gets."""
    better = "max" if treatment > control else "min"
    effect = abs(treatment - control)
    found = plan(PlanRequest(baseline=control, effect=effect, better=better, allocation=_shares(share)))
    config = design(baseline_rate=control, maximum_sample_size=found.total, traffic_allocation=_shares(share))
    assert (found.sequence, choose(config).primary.sequence) == ("e_process", "e_process")
    assert 0.77 <= _power((control, treatment), share, found.total) <= 0.88
    assert "two-sample e-process" in found.words


def test_a_canary_is_planned_by_the_e_process_however_large():
    """Its method is that of its type; a champion of the same numbers needs less."""
    fields = {"baseline_rate": 0.9, "minimum_detectable_effect": 0.02, "traffic_allocation": _shares(0.5)}
    canary, champion = (
        plan(request_of(design(test_type=each, **fields))) for each in ("canary", "champion_challenger")
    )
    assert (canary.sequence, champion.sequence) == ("e_process", "asymptotic")
    assert canary.total > 1.15 * champion.total
    assert 0.77 <= _power((0.9, 0.92), 0.5, canary.total) <= 0.88
    assert "asymptotic confidence sequence" in champion.words


def test_between_the_two_methods_the_smaller_size_is_planned():
    """Where the e-process would need more than the size at which the other one begins, that size is it."""
    found = plan(PlanRequest(baseline=0.05, effect=0.025, allocation=_shares(0.05)))
    config = design(baseline_rate=0.05, maximum_sample_size=found.total, traffic_allocation=_shares(0.05))
    assert choose(config).primary.sequence == found.sequence


def test_size_effect_and_power_agree():
    """What a size finds is the effect whose size it is, with the power asked for."""
    request = PlanRequest(baseline=0.005, effect=0.015, allocation=_shares(0.1))
    total = plan(request).total
    found = plan(request.changed(size=total))
    assert found.power_at_size == pytest.approx(0.8, abs=0.02)
    assert found.detectable_effect == pytest.approx(0.015, rel=0.05)
    assert math.isnan(plan(PlanRequest(baseline=0.005, size=100, better="min")).detectable_effect)


def test_several_treatments_share_the_error_in_plans_too():
    """Three treatments of 3 % each need more than one of 3 %."""
    several = {"control": 0.91, "treatment_1": 0.03, "treatment_2": 0.03, "treatment_3": 0.03}
    one, three = (
        plan(PlanRequest(baseline=0.01, effect=0.04, allocation=each)).total
        for each in ({"control": 0.97, "treatment_1": 0.03}, several)
    )
    assert three > 1.1 * one
