"""Assigning: sticky, targeted, timed, limited, forced; what the database holds decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlops.ab_testing import ABTestInteraction, ABTestManager, ABTestNotFound, VariantMismatch
from mlops.ab_testing.service import ABTestManagerService
from mlops.errors import InvalidInput
from mlops.tests.integration.ab_testing.conftest import Start, design

_USERS = [f"user_{number}" for number in range(60)]


def test_another_process_agrees_before_anything_is_stored(
    manager: ABTestManagerService, start: Start, database_url: str, tmp_path: Path
) -> None:
    """Two managers that know nothing of each other assign everybody alike."""
    test_id = start()
    with ABTestManager(database_url, tmp_path / "other").sync as other:
        assert [other.assign_variant(test_id, user) for user in _USERS] == [
            manager.assign_variant(test_id, user) for user in _USERS
        ]


def test_new_weights_move_nobody(manager: ABTestManagerService, start: Start) -> None:
    """Who has a variant keeps it; newcomers follow the new shares."""
    test_id = start()
    before = {user: manager.assign_variant(test_id, user) for user in _USERS}
    manager.change_allocation(test_id, {"control": 0.0, "treatment_1": 1.0}, "all in")
    assert {user: manager.assign_variant(test_id, user) for user in _USERS} == before
    assert {manager.assign_variant(test_id, f"new_{number}") for number in range(20)} == {"treatment_1"}


def test_a_restart_keeps_what_was_stored(
    manager: ABTestManagerService, start: Start, database_url: str, tmp_path: Path
) -> None:
    """After a change of weights only the database knows who was where."""
    test_id = start()
    before = {user: manager.assign_variant(test_id, user) for user in _USERS}
    manager.change_allocation(test_id, {"control": 1.0, "treatment_1": 0.0})
    with ABTestManager(database_url, tmp_path / "other").sync as other:
        assert {user: other.assign_variant(test_id, user) for user in _USERS} == before


def test_nobody_outside_the_audience(manager: ABTestManagerService, start: Start) -> None:
    """The context of each request decides, also for who has a variant."""
    test_id = start(user_filters={"site": ["north", "south"]})
    assert manager.assign_variant(test_id, "ann") is None
    assert manager.assign_variant(test_id, "ann", {"site": "east"}) is None
    assert manager.assign_variant(test_id, "ann", {"site": "north"}) is not None
    assert manager.assign_variant(test_id, "ann", {"site": "east"}) is None


def test_nobody_before_the_start_or_after_the_end(manager: ABTestManagerService) -> None:
    """A planned test assigns nobody, nor does one that is over."""
    test_id = manager.create_test(design())
    assert manager.assign_variant(test_id, "ann") is None
    manager.start_test(test_id)
    assert manager.assign_variant(test_id, "ann") is not None
    manager.stop_test(test_id, "enough")
    assert manager.assign_variant(test_id, "ann") is None


def test_times_of_the_design_are_kept(database_url: str, tmp_path: Path) -> None:
    """From `starts_at` on, and until `ends_at` or the planned days are over."""
    clock = [datetime(2026, 11, 1, tzinfo=UTC)]
    with ABTestManager(database_url, tmp_path, now=lambda: clock[0]).sync as manager:
        test_id = manager.create_test(design(starts_at=clock[0] + timedelta(hours=1), planned_duration_days=2))
        manager.start_test(test_id)
        answers = []
        for hours in (0, 1, 47, 48):
            clock[0] = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours)
            answers.append(manager.assign_variant(test_id, "ann") is not None)
    assert answers == [False, True, True, False]


@pytest.mark.parametrize("keeps", [True, False])
def test_a_pause_takes_no_newcomers(
    manager: ABTestManagerService, start: Start, log: Callable[..., Any], keeps: bool
) -> None:
    """Who is known keeps the variant, unless the design says otherwise; a restart knows them too."""
    test_id = start(paused_keeps_known=keeps)
    variant = log(test_id, 1).variant_id
    manager.pause_test(test_id, "a look")
    assert manager.assign_variant(test_id, "user_1") == (variant if keeps else None)
    assert manager.assign_variant(test_id, "user_2") is None
    manager.resume_test(test_id)
    assert manager.assign_variant(test_id, "user_2") is not None


def test_a_user_takes_part_in_as_many_tests_as_allowed(manager: ABTestManagerService, start: Start) -> None:
    """With a limit of one, two tests share the users: each its part, nobody in both."""
    tests = [start(max_concurrent_tests=1) for _ in range(2)]
    found = [[manager.assign_variant(test_id, user) is not None for test_id in tests] for user in _USERS]
    assert all(sum(row) == 1 for row in found)
    assert 15 < sum(row[0] for row in found) < 45


def test_forced_users_are_not_analysed(manager: ABTestManagerService, start: Start, log: Callable[..., Any]) -> None:
    """They get the variant they were given, their interactions are kept, and no result counts them."""
    test_id = start()
    manager.force_variant(test_id, ["tester"], "treatment_1")
    assert manager.assign_variant(test_id, "tester") == "treatment_1"
    log(test_id, 1, user_id="tester")
    manager.record_outcome("i1", "yes", test_id=test_id)
    assert sum(result.sample_size for result in manager.calculate_results(test_id).values()) == 0
    report = manager.verify_aggregates(test_id)
    assert (report.is_equal, report.interactions) == (True, 1)
    manager.force_variant(test_id, "tester", None)
    assert manager.assign_variant(test_id, "tester") in {"control", "treatment_1"}


@pytest.mark.parametrize("user_id", ["", "u" * 10**6, "a\0b", "\ud800", None, 7])
def test_a_hostile_user_is_refused(manager: ABTestManagerService, start: Start, user_id: Any) -> None:
    """The message is short and says what is allowed."""
    with pytest.raises(InvalidInput, match="250") as refusal:
        manager.assign_variant(start(), user_id)
    assert len(str(refusal.value)) < 400


def test_an_unknown_test_is_named(manager: ABTestManagerService) -> None:
    """The error offers similar ids."""
    manager.create_test(design(test_id="winter-2026"))
    with pytest.raises(ABTestNotFound, match="winter-2026"):
        manager.assign_variant("winter-2025", "ann")


def test_the_async_twin_tells_the_same(database_url: str, tmp_path: Path) -> None:
    """Known or not, from cache or database, awaited at once by many."""

    async def assign() -> tuple[list[str | None], list[str | None]]:
        async with ABTestManager(database_url, tmp_path) as manager:
            test_id = await manager.create_test(design())
            await manager.start_test(test_id)
            cold = await asyncio.gather(*(manager.assign_variant(test_id, user) for user in _USERS))
            warm = [await manager.assign_variant(test_id, user) for user in _USERS]
            assert warm == [manager.sync.assign_variant(test_id, user) for user in _USERS]
            return cold, warm

    cold, warm = asyncio.run(assign())
    assert cold == warm
    assert set(warm) == {"control", "treatment_1"}


@pytest.mark.parametrize("variant", ["control", "treatment_1"])
def test_who_was_never_assigned_is_not_counted(
    manager: ABTestManagerService, start: Start, log: Callable[..., Any], variant: str
) -> None:
    """Whichever variant is named: without an assignment, outside the audience, beyond the tests allowed, in a pause."""
    tests = [start(), start(user_filters={"site": "north"}), start(max_concurrent_tests=1), start()]
    assert manager.assign_variant(tests[1], "user_1", {"site": "south"}) is None
    manager.pause_test(tests[3], "a look")
    for test_id in tests:
        with pytest.raises(VariantMismatch, match=r"'user_1' .* was never assigned a variant"):
            log(test_id, 1, variant_id=variant)
        report = manager.verify_aggregates(test_id)
        assert (report.is_equal, report.interactions) == (True, 0)


def test_what_one_process_assigned_another_logs(
    manager: ABTestManagerService, start: Start, database_url: str, tmp_path: Path
) -> None:
    """The database tells who was assigned what; a log that was opened before knows it too."""
    with ABTestManager(database_url, tmp_path / "other").sync as other:
        test_id = start()
        assert other.get_test(test_id).status == "running"
        for number, user in enumerate(_USERS):
            variant = manager.assign_variant(test_id, user)
            fields = {"interaction_id": f"i{number}", "test_id": test_id, "user_id": user}
            other.log_interaction(ABTestInteraction(variant_id=variant, **fields))
        assert sum(result.users for result in other.calculate_results(test_id).values()) == len(_USERS)
        assert other.verify_aggregates(test_id).is_equal
