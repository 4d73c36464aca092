"""What becomes of a test: every move written with its event and audit entry, its report kept at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlops.ab_testing import (
    ABTestExists,
    ABTestInteraction,
    ABTestManager,
    ABTestMoveRefused,
    InvalidDesign,
    TestStatus,
)
from mlops.ab_testing.service import ABTestManagerService
from mlops.audit import AuditLogger
from mlops.errors import Conflict, InvalidInput, NotFound
from mlops.model_registry import ModelMetadata, ModelRegistry
from mlops.tests.integration.ab_testing.conftest import Start, design

Log = Callable[..., ABTestInteraction]


def _until(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def test_a_life_is_written_down(manager: ABTestManagerService, start: Start, database_url: str) -> None:
    """History and audit log tell the same: who did what, in order, and why."""
    test_id = start(name="spring")
    manager.pause_test(test_id, "a look")
    manager.resume_test(test_id)
    manager.change_allocation(test_id, {"control": 0.2, "treatment_1": 0.8}, "going well")
    manager.stop_test(test_id, "decided")
    actions = ["create", "start", "pause", "resume", "change_allocation", "stop"]
    assert [move.action for move in manager.history(test_id)] == actions
    assert manager.history(test_id)[2].reason == "a look"
    with AuditLogger(database_url) as audit:
        assert [entry.action for entry in audit.list_entries(20)][::-1] == actions
        assert audit.verify().entries == len(actions)


def test_the_start_fixes_salt_method_and_phase(manager: ABTestManagerService) -> None:
    """They are empty before and stay as they are."""
    test_id = manager.create_test(design())
    assert (manager.get_test_config(test_id).salt, manager.get_test_config(test_id).phases) == ("", ())
    config = manager.start_test(test_id)
    assert config.salt
    assert config.method["mode"] == "always_valid"
    assert config.phases[0].allocation == {"control": 0.5, "treatment_1": 0.5}
    assert manager.pause_test(test_id).salt == config.salt


def test_what_the_manager_decides_is_not_taken_from_callers(manager: ABTestManagerService) -> None:
    """A design with a status and a salt is created as planned, without."""
    config = manager.get_test(manager.create_test(design(status="completed", salt="mine")))
    assert (config.status, config.salt) == (TestStatus.PLANNING, "")


def test_an_end_keeps_its_report(manager: ABTestManagerService, start: Start, log: Log, tmp_path: Path) -> None:
    """In the database and as files; before the end there is none."""
    test_id = start()
    log(test_id, 1)
    with pytest.raises(Conflict, match="no final report"):
        manager.get_final_report(test_id)
    report = manager.stop_test(test_id, "enough")
    assert report.is_final
    assert manager.get_final_report(test_id).interactions == 1
    written = {path.name: path.read_bytes() for path in (tmp_path / "ab_tests" / test_id).iterdir()}
    assert sorted(written) == ["report.html", "report.json", "report.png"]
    assert written["report.png"].startswith(b"\x89PNG")
    assert b"enough" in written["report.html"]
    assert b'"enough"' in written["report.json"]
    with pytest.raises(ABTestMoveRefused, match="over"):
        manager.resume_test(test_id)


def test_a_test_ends_where_no_files_can_be_written(
    manager: ABTestManagerService, start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report is in the database, and a warning says how to make the files."""
    (tmp_path / "ab_tests").write_text("a file where the folder should be")
    test_id = start()
    assert manager.stop_test(test_id).status == "completed"
    assert manager.get_final_report(test_id).is_final
    assert "could not be written" in capsys.readouterr().out


def test_no_id_becomes_a_path(manager: ABTestManagerService, start: Start, tmp_path: Path) -> None:
    """An id with dots and slashes is written under a digest."""
    manager.stop_test(start(test_id="../../etc/passwd"))
    [folder] = (tmp_path / "ab_tests").iterdir()
    assert folder.name.isalnum()


def test_an_id_is_taken_once(manager: ABTestManagerService) -> None:
    """Two tests cannot share an id."""
    manager.create_test(design(test_id="spring"))
    with pytest.raises(ABTestExists, match="spring"):
        manager.create_test(design(test_id="spring"))


def test_lists_are_searched_and_paged(manager: ABTestManagerService, start: Start) -> None:
    """Newest first, by status, by condition, page by page."""
    ids = [start(name=f"test {number}") for number in range(3)]
    manager.create_test(design(name="planned"))
    assert [config.test_id for config in manager.list_tests(status="running")] == ids[::-1]
    assert [config.name for config in manager.list_tests("name = 'planned'")] == ["planned"]
    page = manager.list_tests(limit=2)
    assert len(manager.list_tests(limit=2, cursor=page.next_cursor)) == 2


def test_a_status_that_is_none_is_refused(manager: ABTestManagerService) -> None:
    """With the one that may be meant, or all of them."""
    with pytest.raises(InvalidInput, match="Did you mean 'running'"):
        manager.list_tests(status="runing")
    with pytest.raises(InvalidInput, match="planning, running, paused, completed, cancelled"):
        manager.list_tests(status="foo")


def test_an_end_in_the_past_is_refused(database_url: str, tmp_path: Path) -> None:
    """When the test is created, and when it is started too late."""
    now = [datetime(2026, 11, 1, tzinfo=UTC)]
    with ABTestManager(database_url, tmp_path, now=lambda: now[0]).sync as manager:
        with pytest.raises(InvalidDesign, match="in the past"):
            manager.create_test(design(ends_at=now[0] - timedelta(days=1)))
        test_id = manager.create_test(design(ends_at=now[0] + timedelta(days=1)))
        now[0] += timedelta(days=1)
        with pytest.raises(Conflict, match="later ends_at"):
            manager.start_test(test_id)
        assert manager.get_test(test_id).status == "planning"


def test_a_rollout_that_has_everybody_is_complete(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """The last step has its interactions: the test stops, and its reason says so."""
    steps = [{"share": 0.5, "minimum_interactions": 1}, {"share": 1.0, "minimum_interactions": 3}]
    test_id = start(test_type="gradual_rollout", steps=steps)
    manager.advance_rollout(test_id, "fine")
    for number in range(2):
        log(test_id, number)
    assert manager.check_for_early_stopping(test_id).action == "continue"
    log(test_id, 2)
    assert _until(lambda: manager.get_test(test_id).status == "completed")
    assert "rollout is complete" in manager.get_test(test_id).stop_reason
    assert manager.get_final_report(test_id).decision.cause == "rollout"


def test_a_design_that_cannot_be_is_refused(manager: ABTestManagerService) -> None:
    """Shares that do not sum to 1, conditions that cannot be read, things that are no design."""
    with pytest.raises(InvalidDesign, match="sum"):
        manager.create_test(design(traffic_allocation={"control": 0.5, "treatment_1": 0.6}))
    with pytest.raises(InvalidInput, match="minn"):
        manager.create_test(design(user_filters={"age": {"minn": 3}}))
    with pytest.raises(InvalidInput, match="ABTestConfig"):
        manager.create_test({"name": "x"})  # type: ignore[arg-type]
    assert len(manager.list_tests()) == 0


def test_models_must_be_registered_where_a_registry_is_given(sqlite_url: str, tmp_path: Path) -> None:
    """The design names versions that are there, or is refused by name."""
    registry = ModelRegistry(tmp_path / "models", sqlite_url)
    file = tmp_path / "model.bin"
    for version in ("1.0.0", "1.1.0"):
        file.write_bytes(version.encode())
        registry.sync.register_model(file, ModelMetadata(model_id="lab_classifier", version=version))
    with ABTestManager(sqlite_url, tmp_path, registry=registry).sync as manager:
        manager.create_test(design())
        with pytest.raises(InvalidDesign, match=r"9\.9\.9.*not registered"):
            manager.create_test(design(control_model_version="9.9.9"))
    registry.sync.close()


def test_a_rollout_advances_by_steps(manager: ABTestManagerService, start: Start) -> None:
    """Each step is a phase."""
    test_id = start(test_type="gradual_rollout", steps=[{"share": 0.1}, {"share": 0.5}])
    assert manager.advance_rollout(test_id, "fine").phases[-1].allocation["treatment_1"] == 0.5
    with pytest.raises(Conflict, match="last step"):
        manager.advance_rollout(test_id)


def test_reasons_are_bounded(manager: ABTestManagerService, start: Start) -> None:
    """A reason of a million characters, or with a NUL, is refused."""
    test_id = start()
    for reason in ("r" * 10**6, "a\0b"):
        with pytest.raises(InvalidInput, match="reason"):
            manager.pause_test(test_id, reason)


def test_unknown_tests_are_errors_everywhere(manager: ABTestManagerService) -> None:
    """No operation invents a test."""
    for operation in (manager.start_test, manager.stop_test, manager.get_report, manager.history, manager.get_test):
        with pytest.raises(NotFound):
            operation("nowhere")
