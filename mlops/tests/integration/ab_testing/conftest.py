"""A manager on each database, tests that run in it, and interactions to log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops.ab_testing import ABTestConfig, ABTestInteraction, ABTestManager
from mlops.ab_testing.service import ABTestManagerService

Start = Callable[..., str]


def design(**fields: Any) -> ABTestConfig:
    """Return a design of two equal arms on the conversion rate, with these fields changed."""
    usual: dict[str, Any] = {
        "control_model_id": "lab_classifier",
        "control_model_version": "1.0.0",
        "treatment_models": [{"model_id": "lab_classifier", "version": "1.1.0"}],
        "traffic_allocation": {"control": 0.5, "treatment_1": 0.5},
        "primary_metric": "conversion_rate",
    }
    return ABTestConfig(**(usual | fields))


@pytest.fixture
def manager(database_url: str, tmp_path: Path) -> Iterator[ABTestManagerService]:
    """Return a manager on each database."""
    with ABTestManager(database_url, tmp_path / "ab_tests").sync as service:
        yield service


@pytest.fixture
def start(manager: ABTestManagerService) -> Start:
    """Return a function that creates and starts a test."""

    def start_test(**fields: Any) -> str:
        test_id = manager.create_test(design(**fields))
        manager.start_test(test_id)
        return test_id

    return start_test


@pytest.fixture
def log(manager: ABTestManagerService) -> Callable[..., ABTestInteraction]:
    """Return a function that assigns a user, logs an interaction, and returns it."""

    def log_one(test_id: str, number: int, **fields: Any) -> ABTestInteraction:
        user_id = fields.pop("user_id", f"user_{number}")
        usual = {
            "interaction_id": f"i{number}",
            "test_id": test_id,
            "user_id": user_id,
            "latency_ms": 100.0 + number % 7,
            "success": True,
            "conversion": number % 3 == 0,
            "response_data": {"prediction": "yes", "confidence": 0.5 + number % 5 / 10},
        }
        variant = fields.pop("variant_id", None) or manager.assign_variant(test_id, user_id)
        interaction = ABTestInteraction(**(usual | {"variant_id": variant} | fields))
        manager.log_interaction(interaction)
        return interaction

    return log_one
