"""Shares that change while a test runs, through the whole way: users, interactions, statistics, results."""

from __future__ import annotations

import pytest

from mlops.ab_testing import ABTestInteraction
from mlops.ab_testing.service import ABTestManagerService
from mlops.tests.integration.ab_testing.conftest import Start


def _log(manager: ABTestManagerService, test_id: str, users: range, converts: range) -> None:
    """Log one interaction of each user; of every ten users of an arm so many convert."""
    seen: dict[str, int] = {}
    found = []
    for number in users:
        variant = manager.assign_variant(test_id, f"u{number}")
        assert variant is not None
        place = seen[variant] = seen.get(variant, -1) + 1
        found.append(
            ABTestInteraction(
                interaction_id=f"i{number}",
                test_id=test_id,
                user_id=f"u{number}",
                variant_id=variant,
                conversion=place % 10 in converts,
            )
        )
    manager.log_interactions(found)


def test_a_drift_beside_changed_shares_is_no_difference(manager: ABTestManagerService, start: Start) -> None:
    """Conversion falls from 90 to 50 % for everybody, and the treatment becomes small: the arms do not differ."""
    test_id = start()
    _log(manager, test_id, range(400), range(9))
    manager.change_allocation(test_id, {"control": 0.9, "treatment_1": 0.1}, "a doubt")
    _log(manager, test_id, range(400, 1000), range(5))
    results = manager.calculate_results(test_id)
    plain = results["treatment_1"].conversion_rate - results["control"].conversion_rate
    got = results["treatment_1"].comparison
    assert got is not None
    assert plain > 0.1
    assert abs(got.difference) < 0.04
    assert (got.is_significant, got.method) == (False, "mantel_haenszel, asymptotic")
    report = manager.get_report(test_id)
    assert any("within phases" in caution for caution in report.cautions)
    assert dict(report.sample_ratio.logged) == {"control": 1.0, "treatment_1": 1.0}
    assert manager.verify_aggregates(test_id).is_equal


def test_users_who_never_log_are_seen(manager: ABTestManagerService, start: Start) -> None:
    """What an arm loses after assignment is told by the share of its users that logged anything, by phase."""
    test_id = start()
    variants = {f"u{number}": manager.assign_variant(test_id, f"u{number}") for number in range(600)}
    kept = [user for number, (user, variant) in enumerate(variants.items()) if variant != "control" or number % 3]
    manager.log_interactions(
        [
            ABTestInteraction(interaction_id=f"i{user}", test_id=test_id, user_id=user, variant_id=variants[user] or "")
            for user in kept
        ]
    )
    found = manager.get_report(test_id).sample_ratio
    assert found.logged["treatment_1"] == 1.0
    assert found.logged["control"] == pytest.approx(2 / 3, abs=0.08)
    assert (found.is_mismatch, found.is_loss) == (True, True)
