"""A/B tests of models: users assigned once and for all, interactions counted once, statistics that stay honest.

Example:
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> manager = ABTestManager(f"sqlite:///{folder}/lab.db", f"{folder}/ab_tests").sync
    >>> test_id = manager.create_test(ABTestConfig(
    ...     name="1.1.0 against 1.0.0", control_model_id="lab_classifier", control_model_version="1.0.0",
    ...     treatment_models=[{"model_id": "lab_classifier", "version": "1.1.0"}],
    ...     traffic_allocation={"control": 0.5, "treatment_1": 0.5}, primary_metric="accuracy"))
    >>> test = manager.start_test(test_id)
    >>> for number in range(20):
    ...     variant = manager.assign_variant(test_id, f"user_{number}")
    ...     manager.log_interaction(ABTestInteraction(
    ...         interaction_id=f"request_{number}", test_id=test_id, variant_id=variant, user_id=f"user_{number}",
    ...         response_data={"prediction": "approved", "confidence": 0.95}, latency_ms=150, success=True))
    ...     outcome = manager.record_outcome(f"request_{number}", "approved")  # days later
    >>> results = manager.calculate_results(test_id)
    >>> sum(result.sample_size for result in results.values()), results["control"].accuracy
    (20, 1.0)
    >>> manager.verify_aggregates(test_id).is_equal
    True
    >>> manager.close()

The same operations are coroutines on the manager itself: `await manager.assign_variant(...)`.
"""

from __future__ import annotations

from mlops.ab_testing.aio import ABTestManager
from mlops.ab_testing.design import check_design
from mlops.ab_testing.entities import (
    ABTestConfig,
    ABTestInteraction,
    ABTestMove,
    AggregateReport,
    Guardrail,
    InteractionOutcome,
    MetricDefinition,
    MetricKind,
    MetricSummary,
    ModelReference,
    Phase,
    RolloutStep,
    TestStatus,
    TestType,
    VariantComparison,
    VariantResult,
    Verdict,
)
from mlops.ab_testing.errors import (
    ABTestExists,
    ABTestMoveRefused,
    ABTestNotFound,
    ABTestNotRunning,
    InteractionConflict,
    InteractionRefused,
    InvalidDesign,
    VariantMismatch,
    VariantNotFound,
)
from mlops.ab_testing.planning import Plan, PlanRequest, plan
from mlops.ab_testing.report_data import ABTestReport, Decision

__all__ = [
    "ABTestConfig",
    "ABTestExists",
    "ABTestInteraction",
    "ABTestManager",
    "ABTestMove",
    "ABTestMoveRefused",
    "ABTestNotFound",
    "ABTestNotRunning",
    "ABTestReport",
    "AggregateReport",
    "Decision",
    "Guardrail",
    "InteractionConflict",
    "InteractionOutcome",
    "InteractionRefused",
    "InvalidDesign",
    "MetricDefinition",
    "MetricKind",
    "MetricSummary",
    "ModelReference",
    "Phase",
    "Plan",
    "PlanRequest",
    "RolloutStep",
    "TestStatus",
    "TestType",
    "VariantComparison",
    "VariantMismatch",
    "VariantNotFound",
    "VariantResult",
    "Verdict",
    "check_design",
    "plan",
]
