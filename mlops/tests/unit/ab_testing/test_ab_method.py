"""The method follows from the design alone."""

from __future__ import annotations

import numpy as np
import pytest

from mlops.ab_testing.analysis import Method
from mlops.ab_testing.method import choose, in_words
from mlops.stats.group_sequential import crossing_probabilities
from mlops.tests.fixtures.ab_evidence import design


@pytest.mark.parametrize(
    ("fields", "test", "sequence"),
    [
        ({}, "pooled_z_newcombe", "asymptotic"),
        ({"primary_metric": "error_rate"}, "pooled_z_newcombe", "asymptotic"),
        ({"test_type": "canary"}, "pooled_z_newcombe", "e_process"),
        ({"primary_metric": "value"}, "welch", "asymptotic"),
        ({"primary_metric": "p95_latency_ms"}, "quantile_limits", "quantile_sequence"),
        ({"cluster": True}, "delta_method", "asymptotic"),
        ({"strata": ["site"]}, "mantel_haenszel", "asymptotic"),
        ({"strata": ["site"], "primary_metric": "value"}, "stratified_means", "asymptotic"),
        ({"cuped": "before", "primary_metric": "value"}, "cuped_welch", "asymptotic"),
        ({"test_type": "shadow"}, "paired_differences", "asymptotic"),
        ({"primary_metric": "f1_score", "positive_label": 1}, "delta_method", "asymptotic"),
        ({"primary_metric": "f1_score"}, "none", "none"),
    ],
)
def test_the_design_chooses_the_method(fields, test, sequence):
    """Each design has its test for one look and its sequence for any."""
    primary = choose(design(**fields)).primary
    assert (primary.test, primary.sequence) == (test, sequence)


@pytest.mark.parametrize(
    ("size", "share", "rate", "sequence"),
    [
        (10_000, 0.5, 0.9, "asymptotic"),  # the designs that `benchmarks/validity` simulates
        (10_000, 0.1, 0.1, "asymptotic"),
        (10_000, 0.1, 0.98, "e_process"),
        (10_000, 0.05, 0.01, "e_process"),
        (10_000, 0.01, 0.002, "e_process"),
        (2_500, 0.1, 0.9, "asymptotic"),  # 25 expected in the rarest cell, and one fewer
        (2_400, 0.1, 0.9, "e_process"),
        (1_000_000, 0.01, 0.01, "asymptotic"),
        (10_000, 0.1, None, "asymptotic"),  # a rate that nobody tells is taken for 4 % away from 0 or 1
        (10_000, 0.05, None, "e_process"),
        (10_000, 0.5, 1.0, "e_process"),
    ],
)
def test_rates_are_compared_by_how_rare_the_rarer_outcome_will_be(size, share, rate, sequence):
    """Size times smallest share times distance from 0 or 1, against 25."""
    shares = {"control": 1 - share, "treatment_1": share}
    config = design(traffic_allocation=shares, maximum_sample_size=size, baseline_rate=rate)
    assert choose(config).primary.sequence == sequence


def test_a_rate_and_what_is_left_of_it_are_compared_alike():
    """The baseline of success tells that of errors."""
    method = choose(design(primary_metric="success", baseline_rate=0.999, guardrail_metrics=["error_rate"]))
    assert [metric.sequence for metric in method.metrics] == ["e_process", "e_process"]


def test_the_smallest_of_several_arms_counts():
    """It is compared with control like the others."""
    shares = {"control": 0.6, "treatment_1": 0.38, "treatment_2": 0.02}
    assert choose(design(2, traffic_allocation=shares)).primary.sequence == "e_process"


def test_a_rollout_is_compared_block_by_block():
    """Its shares change, and a rate that drifts meanwhile would look like a difference."""
    config = design(test_type="gradual_rollout", baseline_rate=0.5, maximum_sample_size=10**6, steps=[{"share": 0.5}])
    primary = choose(config).primary
    assert (primary.sequence, primary.blocks) == ("e_process", "arrival")


def test_futility_at_a_look_costs_half_a_point_of_power():
    """At the drift of .90 against .92 with 10,000 interactions, whatever power the design asks for."""
    method = choose(design(sequential="planned_looks", maximum_sample_size=10_000, statistical_power=0.5))
    with_it = crossing_probabilities(method.looks, method.boundaries, method.futility, drift=3.496).upper.sum()
    without = crossing_probabilities(method.looks, method.boundaries, drift=3.496).upper.sum()
    assert 0 < without - with_it < 0.006


def test_a_stored_method_reads_back_equal():
    """What was fixed at the start is what is read at the end."""
    method = choose(design(3, sequential="planned_looks", maximum_sample_size=9000, error_rate_threshold=0.05))
    assert Method.from_document(method.to_document()) == method


def test_planned_looks_spend_the_error_of_every_treatment():
    """Two treatments have half of the error each."""
    method = choose(design(2, sequential="planned_looks", maximum_sample_size=9000))
    spent = crossing_probabilities(method.looks, method.boundaries).upper.sum()
    assert 2 * 2 * spent == pytest.approx(0.05, abs=1e-5)


def test_blocks_are_cut_only_where_the_method_needs_them():
    """Rare events are cut on the fixed schedule, planned looks at the looks too, everything else not at all."""
    rare = choose(design(test_type="canary", traffic_allocation={"control": 0.95, "treatment_1": 0.05}))
    assert [rare.block_of("accuracy", index) for index in (0, 99, 100)] == [0, 0, 1]
    planned = choose(design(sequential="planned_looks", maximum_sample_size=1000))
    assert planned.block_of("accuracy", 199) != planned.block_of("accuracy", 200)
    assert choose(design()).block_of("accuracy", 0) is None


def test_roles_are_given_once():
    """A guardrail that is the primary metric stays the primary metric; thresholds are guardrails."""
    method = choose(design(secondary_metrics=["value"], guardrail_metrics=["accuracy"], latency_threshold_ms=300))
    assert [(each.name, each.role) for each in method.metrics] == [
        ("accuracy", "primary"),
        ("value", "secondary"),
        ("p95_latency_ms", "guardrail"),
    ]


def test_sequences_are_tuned_for_half_of_the_sample():
    """Each arm's tuned size is its share of half of the maximum."""
    method = choose(design(traffic_allocation={"control": 0.8, "treatment_1": 0.2}, maximum_sample_size=1000))
    assert dict(method.sizes) == pytest.approx({"control": 400, "treatment_1": 100})


def test_the_method_says_what_and_why():
    """A reader of the report learns the names and the reason."""
    words = in_words(choose(design(baseline_rate=0.999)).primary)
    assert "two-sample e-process" in words
    assert "exact at every look" in words


def test_an_unnamed_number_has_the_usual_comparison():
    """Numbers of response_data that the design does not name are means, without a say."""
    [usual] = choose(design()).of("confidence")
    assert (usual.kind, usual.role, usual.test) == ("mean", "other", "welch")
    assert np.isfinite(choose(design()).alpha)
