"""Guardrails are watched while interactions come; what they say is done soon, off the callers' path."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from mlops.ab_testing import ABTestInteraction, TestStatus
from mlops.ab_testing.service import ABTestManagerService
from mlops.ab_testing.watching import Watcher
from mlops.tests.integration.ab_testing.conftest import Start

Log = Callable[..., ABTestInteraction]


def _until(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


@pytest.mark.parametrize(("action", "status"), [("stop", TestStatus.COMPLETED), ("pause", TestStatus.PAUSED)])
def test_a_violated_guardrail_acts_by_itself(
    manager: ABTestManagerService, start: Start, log: Log, action: str, status: TestStatus
) -> None:
    """Errors far above their limit stop or pause the test, which says why."""
    test_id = start(guardrail_metrics=[{"metric": "error_rate", "limit": 0.05, "action": action}])
    batch = [
        ABTestInteraction(
            interaction_id=f"i{number}",
            test_id=test_id,
            variant_id=manager.assign_variant(test_id, f"user_{number}"),
            user_id=f"user_{number}",
            success=number % 2 == 0,
        )
        for number in range(300)
    ]
    manager.log_interactions(batch)
    assert _until(lambda: manager.get_test(test_id).status is status)
    assert "error_rate" in manager.get_test(test_id).stop_reason


def test_a_look_that_fails_does_not_end_the_watch() -> None:
    """The next test is looked at all the same."""
    seen: list[str] = []

    def look(test_id: str) -> None:
        seen.append(test_id)
        if test_id == "bad":
            raise ValueError(test_id)

    watcher = Watcher(look, interval_s=0.01)
    for test_id in ("bad", "good"):
        watcher.touch(test_id)
    assert _until(lambda: sorted(seen) == ["bad", "good"])
    watcher.close()
    watcher.touch("late")
    assert sorted(seen) == ["bad", "good"]


def test_touches_within_the_interval_are_one_look() -> None:
    """However many interactions come, a test is looked at once per interval, the last touch included."""
    seen: list[str] = []
    watcher = Watcher(seen.append, interval_s=0.3)
    for _ in range(1000):
        watcher.touch("t")
    assert _until(lambda: len(seen) >= 1)
    watcher.touch("t")
    assert _until(lambda: len(seen) == 2)
    watcher.close()
