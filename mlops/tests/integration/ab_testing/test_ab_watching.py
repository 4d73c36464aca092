"""Guardrails are watched while interactions come; what they say is done soon, off the callers' path."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlops import clock
from mlops.ab_testing import ABTestInteraction, ABTestManager, TestStatus
from mlops.ab_testing.keeping import ReportFiles
from mlops.ab_testing.service import ABTestManagerService
from mlops.ab_testing.watching import Watcher
from mlops.tests.integration.ab_testing.conftest import Start, design

Log = Callable[..., ABTestInteraction]

_NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def _until(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


@pytest.mark.parametrize(("action", "status"), [("stop", TestStatus.COMPLETED), ("pause", TestStatus.PAUSED)])
def test_a_violated_guardrail_acts_by_itself(
    manager: ABTestManagerService, start: Start, tmp_path: Path, action: str, status: TestStatus
) -> None:
    """Errors far above their limit stop or pause the test, which says why; a report is written when it ends."""
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
    manager.close()
    written = sorted(path.name for path in tmp_path.glob("ab_tests/*/*"))
    assert written == (["report.html", "report.json", "report.png"] if action == "stop" else [])


def test_a_test_ends_by_itself_when_its_time_is_over(database_url: str, tmp_path: Path) -> None:
    """Nobody logs and nobody asks: the manager completes it, and keeps the report."""
    with ABTestManager(database_url, tmp_path).sync as manager:
        test_id = manager.create_test(design(ends_at=clock.now() + timedelta(seconds=1.5)))
        manager.start_test(test_id)
        assert _until(lambda: manager.get_test(test_id).status is TestStatus.COMPLETED)
        report = manager.get_final_report(test_id)
    assert report.decision.cause == "duration"
    assert report.is_final
    assert "time of the test ended" in report.stop_reason


@pytest.mark.parametrize("fields", [{"ends_at": _NOON + timedelta(days=2)}, {"planned_duration_days": 2}])
def test_a_test_whose_time_ended_while_nobody_ran_is_completed_by_the_next_process(
    database_url: str, tmp_path: Path, fields: dict[str, Any]
) -> None:
    """A manager looks at it as soon as it is opened."""
    with ABTestManager(database_url, tmp_path, now=lambda: _NOON).sync as manager:
        test_id = manager.create_test(design(**fields))
        manager.start_test(test_id)
    with ABTestManager(database_url, tmp_path, now=lambda: _NOON + timedelta(days=3)).sync as later:
        assert _until(lambda: later.get_test(test_id).status is TestStatus.COMPLETED)
        assert later.get_final_report(test_id).decision.cause == "duration"


def test_a_check_ends_a_test_whose_time_is_over(database_url: str, tmp_path: Path) -> None:
    """Before, it goes on; after a pause beyond the end, the check stops it."""
    now = [_NOON]
    with ABTestManager(database_url, tmp_path, now=lambda: now[0]).sync as manager:
        test_id = manager.create_test(design(ends_at=_NOON + timedelta(days=2)))
        manager.start_test(test_id)
        assert manager.check_for_early_stopping(test_id).action == "continue"
        now[0] += timedelta(days=2)
        decision = manager.check_for_early_stopping(test_id)
        assert (decision.action, decision.cause) == ("stop", "duration")
        assert manager.get_final_report(test_id).stop_reason == decision.reason


def test_a_reminder_holds_beside_touches() -> None:
    """The last one holds; a touch comes first and leaves it; closing forgets it."""
    seen: list[str] = []
    watcher = Watcher(seen.append, interval_s=0.01)
    watcher.remind("far", 0.2)
    watcher.remind("far", 1e12)
    watcher.remind("near", 0.3)
    watcher.touch("near")
    assert _until(lambda: seen == ["near", "near"])
    watcher.close()
    watcher.remind("late", 0)
    assert seen == ["near", "near"]


def test_a_picture_drawn_elsewhere_is_the_same(
    manager: ABTestManagerService, start: Start, log: Log, tmp_path: Path
) -> None:
    """Another process reads the document and draws what this one would."""
    test_id = start()
    log(test_id, 1)
    report = manager.stop_test(test_id)
    here = (tmp_path / "ab_tests" / test_id / "report.png").read_bytes()
    files = ReportFiles(tmp_path / "aside")
    files.write_aside(report)
    files.close()
    assert (tmp_path / "aside" / test_id / "report.png").read_bytes() == here


def test_a_picture_that_cannot_be_drawn_is_a_warning(
    manager: ABTestManagerService,
    start: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Document and page are there, and the warning says how to make the rest."""
    report = manager.stop_test(start())
    for program in ("/bin/false", "/nowhere/python"):
        monkeypatch.setattr(sys, "executable", program)
        files = ReportFiles(tmp_path / "aside")
        files.write_aside(report)
        files.close()
        assert sorted(path.name for path in tmp_path.glob("aside/*/*")) == ["report.html", "report.json"]
        assert "mlops ab report --final" in capsys.readouterr().out


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
