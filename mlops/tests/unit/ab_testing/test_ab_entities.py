"""The records of A/B tests: what they take, refuse and keep."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from typing import Any

import pytest

from mlops.ab_testing import errors
from mlops.ab_testing.entities import SERVER_FIELDS, ABTestConfig, ABTestInteraction, Guardrail, VariantResult
from mlops.errors import InvalidRecord, MLOpsError


def _design(**fields: Any) -> ABTestConfig:
    usual: dict[str, Any] = {
        "control_model_id": "m",
        "control_model_version": "1.0.0",
        "treatment_models": [{"model_id": "m", "version": "1.1.0"}],
        "traffic_allocation": {"control": 0.5, "treatment_1": 0.5},
        "primary_metric": "accuracy",
    }
    return ABTestConfig(**(usual | fields))


def _interaction(**fields: Any) -> ABTestInteraction:
    usual = {"interaction_id": "i", "test_id": "t", "variant_id": "control", "user_id": "u"}
    return ABTestInteraction(**(usual | fields))


def test_a_design_survives_its_document() -> None:
    """What is stored is what is read, nested records and free values included."""
    config = _design(
        guardrail_metrics=["latency_ms", {"metric": "error_rate", "limit": 0.02, "action": "pause"}],
        metrics={"score": {"kind": "mean", "direction": "max"}},
        user_filters={"site": ["a", "b"], "age": {"min": 3}},
        steps=[{"share": 0.1, "minimum_interactions": 10}],
        positive_label={"a": [1, None]},
    )
    assert ABTestConfig.from_document(config.to_document()) == config


def test_a_name_alone_is_a_guardrail() -> None:
    """It means no worse than control."""
    assert _design(guardrail_metrics=["error_rate"]).guardrail_metrics == (Guardrail(metric="error_rate"),)


def test_variants_are_named_in_order() -> None:
    """Control first, then treatments by number, each with its model."""
    config = _design(treatment_models=[{"model_id": "a", "version": "1"}, {"model_id": "b", "version": "2"}])
    assert config.variants == ("control", "treatment_1", "treatment_2")
    assert config.model_of("treatment_2").model_id == "b"


@pytest.mark.parametrize(
    "fields",
    [
        {"traffic_allocation": {"control": 1.5}},
        {"traffic_allocation": [0.5, 0.5]},
        {"confidence_level": 1.0},
        {"minimum_detectable_effect": math.nan},
        {"secondary_metrics": ["a", "a"]},
        {"trafic_allocation": {}},
        {"max_concurrent_tests": 0},
    ],
)
def test_a_field_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    """Each refusal names the field."""
    with pytest.raises(InvalidRecord, match=next(iter(fields))):
        _design(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": "u" * 10**6},
        {"user_id": "a\0b"},
        {"user_id": ""},
        {"user_id": "\ud800"},
        {"interaction_id": "i" * 10**6},
        {"latency_ms": math.nan},
        {"latency_ms": -1},
        {"latency_ms": math.inf},
        {"value": math.nan},
        {"variant_id": None},
    ],
)
def test_a_hostile_interaction_is_refused(fields: dict[str, Any]) -> None:
    """Ids of a million characters, control characters, and numbers that are none: the message names the field."""
    with pytest.raises(InvalidRecord, match=next(iter(fields))) as refusal:
        _interaction(**fields)
    assert len(str(refusal.value)) < 500


def test_unicode_is_welcome() -> None:
    """Ids in any script are taken as they are."""
    assert _interaction(user_id="Ünïcödé 用户 🧪").user_id == "Ünïcödé 用户 🧪"


def test_nothing_measured_is_nan() -> None:
    """A result of nothing says so in every field."""
    result = VariantResult(variant_id="control")
    assert math.isnan(result.accuracy)
    assert math.isnan(result.p95_latency_ms)


def test_the_manager_decides_its_own_fields() -> None:
    """Status, salt, method, phases and times are not the caller's."""
    assert {"status", "salt", "method", "phases", "created_at", "started_at", "ended_at"} <= SERVER_FIELDS


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidDesign(["No."]),
        errors.InteractionRefused("i", "no."),
        errors.ABTestNotFound("t", known=["tt"]),
        errors.VariantNotFound("v", test_id="t", known=["control"]),
        errors.ABTestExists("t"),
        errors.ABTestMoveRefused("t", present="running", action="start", allowed=["pause"]),
        errors.ABTestNotRunning("t", "planning"),
        errors.VariantMismatch("t", "u", named="control", assigned=None),
        errors.InteractionConflict("t", "i"),
    ],
)
def test_errors_travel_between_processes(error: MLOpsError) -> None:
    """An error pickles with its text and its values."""
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_who_assigns_and_logs_does_without_scipy() -> None:
    """Results load what they need when they are first asked for; nothing of it is loaded by an import."""
    program = "import sys, mlops.ab_testing; print(*{'scipy', 'matplotlib', 'pandas', 'structlog'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
