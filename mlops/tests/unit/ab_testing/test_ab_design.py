"""Designs that cannot answer their question are refused, with every reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mlops.ab_testing.design import check_design
from mlops.ab_testing.errors import InvalidDesign
from mlops.ab_testing.method import choose
from mlops.tests.fixtures.ab_evidence import NOW, design

_SAME = [{"model_id": "lab_classifier", "version": "1.0.0"}]
_TWICE = [{"model_id": "m", "version": "2"}, {"model_id": "m", "version": "2"}]
_TWO = [{"model_id": "m", "version": "2"}, {"model_id": "m", "version": "3"}]
_THIRDS = {"control": 0.5, "treatment_1": 0.25, "treatment_2": 0.25}


_PLANNED = {"baseline_rate": 0.9, "minimum_detectable_effect": 0.02}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"test_type": "canary", "traffic_allocation": {"control": 0.95, "treatment_1": 0.05}},
        {"test_type": "gradual_rollout", "steps": [{"share": 0.1}, {"share": 0.5}]},
        {"test_type": "gradual_rollout", "steps": [{"share": 0.5}], "cluster": True},
        {"test_type": "gradual_rollout", "steps": [{"share": 0.5}], "cuped": "before", "primary_metric": "value"},
        {"test_type": "gradual_rollout", "steps": [{"share": 0.5}], "primary_metric": "recall", "positive_label": 1},
        {"test_type": "shadow", "primary_metric": "accuracy"},
        {"sequential": "planned_looks", "maximum_sample_size": 10_000, "looks": 4},
        {"sequential": "fixed", "planned_duration_days": 14},
        {"cluster": True, "primary_metric": "error_rate"},
        {"strata": ["site", "lot"]},
        {"cuped": "before", "primary_metric": "value"},
        {"task": "regression", "primary_metric": "absolute_error"},
        {"primary_metric": "f1_score", "positive_label": "sick"},
        {"primary_metric": "p95_latency_ms"},
        {"primary_metric": "confidence_score"},
        {"primary_metric": "sensitivity", "metrics": {"sensitivity": {"kind": "mean"}}},
        {"primary_metric": "yield", "metrics": {"yield": {"kind": "mean", "direction": "max"}}},
        _PLANNED | {"maximum_sample_size": 10_000},
        _PLANNED | {"planned_duration_days": 10, "expected_traffic_per_day": 650},
        _PLANNED | {"planned_duration_days": 10},
    ],
)
def test_a_sound_design_passes(fields):
    """Nothing is said against a design that can answer."""
    check_design(design(**fields))


def test_an_end_that_has_passed_is_refused():
    """As seen from the moment of creation."""
    with pytest.raises(InvalidDesign, match="is in the past"):
        check_design(design(created_at=NOW, ends_at=NOW))
    check_design(design(created_at=NOW, ends_at=NOW + timedelta(seconds=1)))


def test_what_cannot_be_planned_is_a_reason_against_the_design():
    """A number that is finite, and far too large to compute with."""
    with pytest.raises(InvalidDesign, match="baseline"):
        check_design(design(primary_metric="value", baseline_mean=1e300, baseline_std=1.0))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"traffic_allocation": {"control": 0.5, "treatment_1": 0.4}}, "sums to 0.9"),
        ({"traffic_allocation": {"control": 0.5, "treatment_2": 0.5}}, "Did you mean 'treatment_1'"),
        ({"traffic_allocation": {"control": 1.0}}, "no share for treatment_1"),
        ({"traffic_allocation": {"control": 1.0, "treatment_1": 0.0}}, "without traffic"),
        ({"treatment_models": _SAME}, "the same as control"),
        ({"treatment_models": [], "traffic_allocation": {"control": 1.0}}, "treatment_models is empty"),
        (
            {"treatment_models": _TWICE, "traffic_allocation": _THIRDS, "test_type": "multivariate"},
            "same as treatment_1",
        ),
        ({"treatment_models": _TWO, "traffic_allocation": _THIRDS}, "use test_type 'multivariate'"),
        ({"primary_metric": "acuracy"}, "Did you mean 'accuracy'"),
        ({"primary_metric": "sensitivity"}, "It is called 'recall'"),
        ({"guardrail_metrics": ["specificity"]}, "the label of the healthy as positive_label"),
        ({"secondary_metrics": ["MAE"]}, "It is called 'absolute_error'"),
        ({"primary_metric": "yield"}, "more or less of 'yield' is better"),
        ({"guardrail_metrics": ["yield"]}, "more or less of 'yield' is better"),
        ({"primary_metric": "recall"}, "positive_label"),
        ({"task": "regression"}, "is of classifiers"),
        ({"primary_metric": "squared_error"}, "set task='regression'"),
        ({"secondary_metrics": ["accuracy"]}, "both the primary and a secondary"),
        ({"metrics": {"x": {"kind": "ratio"}}}, "belong together"),
        ({"metrics": {"x": {"lower": 2, "upper": 1}}}, "lower must be below upper"),
        ({"guardrail_metrics": [{"metric": "error_rate", "limit": 0.1, "margin": 0.1}]}, "keep one"),
        ({"cluster": True, "cuped": "before"}, "cluster=True and cuped ask for different analyses"),
        ({"metrics": {"cost": {"kind": "ratio", "numerator": "a", "denominator": "b", "upper": 9}}}, "is computed"),
        ({"metrics": {"accuracy": {"upper": 1}}}, "is computed"),
        ({"positive_label": "é" * 200}, "250 bytes"),
        ({"task": "regression", "metrics": {"absolute_error": {"kind": "proportion"}}}, "no proportion"),
        ({"guardrail_metrics": [{"metric": "error_rate", "limit": 5}]}, "5 % is 0.05"),
        ({"sequential": "planned_looks"}, "none is set"),
        ({"sequential": "planned_looks", "maximum_sample_size": 9000, "strata": ["site"]}, "know no clusters"),
        (
            {"sequential": "planned_looks", "maximum_sample_size": 9000, "primary_metric": "p95_latency_ms"},
            "no planned looks",
        ),
        ({"sequential": "planned_looks", "maximum_sample_size": 20}, "too small for 5 looks"),
        ({"looks": 4}, "looks=4 is for"),
        ({"sequential": "fixed"}, "judged at the end"),
        ({"cluster": True, "unit": "interaction"}, "says that they are independent"),
        ({"cluster": True, "strata": ["site"]}, "ask for different analyses"),
        ({"cluster": True, "primary_metric": "p95_latency_ms"}, "cannot be compared"),
        ({"cluster": True, "guardrail_metrics": ["p95_latency_ms"]}, "give it a limit"),
        ({"minimum_sample_size": 600, "maximum_sample_size": 1000}, "more than the maximum_sample_size"),
        ({"minimum_detectable_effect": 2}, "two points are 0.02"),
        ({"confidence_level": 0.4}, "above 0.5"),
        ({"starts_at": NOW, "ends_at": NOW}, "is not before"),
        ({"steps": [{"share": 0.1}]}, "steps are for"),
        ({"test_type": "gradual_rollout", "steps": [{"share": 0.5}, {"share": 0.1}]}, "above the one before"),
        ({"baseline_rate": 0.9, "minimum_detectable_effect": 0.02, "maximum_sample_size": 6000}, "that takes 6,426"),
        (
            _PLANNED | {"planned_duration_days": 10, "expected_traffic_per_day": 600},
            "600 interactions a day for 10 days",
        ),
        (
            _PLANNED | {"maximum_sample_size": 6000, "primary_metric": "recall", "positive_label": "sick"},
            "6,426 truly positive interactions",
        ),
        ({"baseline_rate": 0.99, "minimum_detectable_effect": 0.02}, "must lie between 0 and 1"),
    ],
)
def test_a_design_is_refused_with_the_reason(fields, reason):
    """Each fault is named with what to do."""
    with pytest.raises(InvalidDesign) as refused:
        check_design(design(**fields))
    assert any(reason in each for each in refused.value.reasons), refused.value.reasons


def test_every_fault_is_named_at_once():
    """Nobody has to try again to hear of the second fault."""
    with pytest.raises(InvalidDesign) as refused:
        check_design(design(treatment_models=_SAME, primary_metric="acuracy", looks=3))
    assert len(refused.value.reasons) == 3


def test_a_version_that_is_not_registered_is_refused():
    """With a registry attached, both models must be there."""
    known = {("lab_classifier", "1.0.0")}
    with pytest.raises(InvalidDesign, match=r"treatment_1 is lab_classifier 1\.1\.0, which is not registered"):
        check_design(design(), versions=known)
    check_design(design(), versions=known | {("lab_classifier", "1.1.0")})


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"p50_latency_ms": {"direction": "min"}},
        {"score": {"kind": "quantile", "quantile": 0.9, "direction": "max"}},
    ],
)
def test_a_design_means_the_same_after_it_was_stored_or_changed(metrics):
    """Fields that nobody set stay what they were, also when a copy or a reader sets them."""
    config = design(metrics=metrics, secondary_metrics=tuple(metrics))
    for other in (config.changed(name="again"), type(config).from_document(config.to_document())):
        check_design(other)
        assert choose(other) == choose(config)
