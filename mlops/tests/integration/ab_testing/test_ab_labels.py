"""Labels: before or after their interactions, told once or often, in any order."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from mlops.ab_testing import ABTestInteraction, ABTestNotFound, InteractionRefused
from mlops.ab_testing.service import ABTestManagerService
from mlops.errors import InvalidInput
from mlops.tests.integration.ab_testing.conftest import Start

Log = Callable[..., ABTestInteraction]


def _accuracy(manager: ABTestManagerService, test_id: str) -> tuple[int, float]:
    """Return how many labels there are, and the share of right predictions over both arms."""
    found = [result for result in manager.calculate_results(test_id).values() if result.labelled]
    labelled = sum(result.labelled for result in found)
    return labelled, sum(result.accuracy * result.labelled for result in found) / labelled if labelled else math.nan


def test_accuracy_waits_for_labels(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """NaN until a label comes; then the share of right predictions."""
    test_id = start()
    log(test_id, 1)
    assert all(math.isnan(result.accuracy) for result in manager.calculate_results(test_id).values())
    [outcome] = manager.record_outcome("i1", "yes")
    assert (outcome.test_id, outcome.is_parked, outcome.revision) == (test_id, False, 1)
    assert _accuracy(manager, test_id) == (1, 1.0)


@pytest.mark.parametrize("is_named", [True, False])
def test_a_label_may_come_first(manager: ABTestManagerService, start: Start, log: Log, is_named: bool) -> None:
    """It is parked, and joined when its interaction arrives."""
    test_id = start()
    [parked] = manager.record_outcome("i1", "no", test_id=test_id if is_named else None)
    assert parked.is_parked
    log(test_id, 1)
    assert _accuracy(manager, test_id) == (1, 0.0)
    assert manager.verify_aggregates(test_id).is_equal


def test_a_revision_takes_the_old_label_back(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """The last label holds; telling it again changes nothing."""
    test_id = start()
    log(test_id, 1)
    for label, revision in (("no", 1), ("yes", 2), ("yes", 2), ("no", 3)):
        [outcome] = manager.record_outcome("i1", label)
        assert outcome.revision == revision
    assert _accuracy(manager, test_id) == (1, 0.0)
    assert manager.verify_aggregates(test_id).is_equal


def test_no_order_changes_the_result(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """Two tests with the same labels, numbered, told in different orders and mixed with interactions, end alike."""
    tests = [start(test_id=name, positive_label="yes") for name in ("one", "two")]
    told = [(number, label, revision) for number in range(20) for revision, label in enumerate(["no", "yes", "no"], 1)]
    for seed, test_id in enumerate(tests):
        shuffle = random.Random(seed)
        steps: list[Callable[[], object]] = [
            lambda number=number, test_id=test_id: log(  # type: ignore[misc]
                test_id, number, variant_id="control" if number % 2 else "treatment_1", user_id=_user(manager, number)
            )
            for number in range(20)
        ]
        steps += [
            lambda one=one, test_id=test_id: manager.record_outcome(  # type: ignore[misc]
                f"i{one[0]}", one[1] if one[0] % 3 else "yes", test_id=test_id, revision=one[2]
            )
            for one in told
        ]
        shuffle.shuffle(steps)
        for step in steps:
            step()
    assert _accuracy(manager, "one") == _accuracy(manager, "two")
    assert all(manager.verify_aggregates(test_id).is_equal for test_id in tests)


def _user(manager: ABTestManagerService, number: int) -> str:
    """Return a user whom both tests assign the variant that the number asks for."""
    wanted = "control" if number % 2 else "treatment_1"
    for attempt in range(10_000):
        user = f"user_{number}_{attempt}"
        if all(manager.assign_variant(test_id, user) == wanted for test_id in ("one", "two")):
            return user
    raise LookupError(number)


def test_one_truth_for_every_test_of_a_request(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """A label without a test is told to all tests that the interaction was logged in."""
    tests = [start(), start()]
    for test_id in tests:
        log(test_id, 1)
    assert {outcome.test_id for outcome in manager.record_outcome("i1", "yes")} == set(tests)
    assert [_accuracy(manager, test_id) for test_id in tests] == [(1, 1.0), (1, 1.0)]


def test_labels_come_after_the_end_too(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """Results take them in; the final report stays as it was."""
    test_id = start()
    log(test_id, 1)
    manager.stop_test(test_id, "enough")
    manager.record_outcome("i1", "yes")
    assert _accuracy(manager, test_id) == (1, 1.0)
    assert all(result.labelled == 0 for result in manager.get_final_report(test_id).results.values())


def test_a_label_that_came_before_a_forced_interaction_waits_no_longer(
    manager: ABTestManagerService, start: Start, log: Log
) -> None:
    """It has met its interaction, which is not analysed."""
    test_id = start()
    manager.force_variant(test_id, "user_1", "control")
    manager.record_outcome("i1", "yes", test_id=test_id)
    log(test_id, 1)
    [outcome] = manager.record_outcome("i1", "yes", test_id=test_id)
    assert not outcome.is_parked
    assert all(result.labelled == 0 for result in manager.calculate_results(test_id).values())
    assert manager.verify_aggregates(test_id).is_equal


def test_classes_without_end_are_counted_as_one(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """Numbers as labels of a classification: accuracy stands, the table stays small, the log makes the same."""
    test_id = start(primary_metric="accuracy")
    for number in range(130):
        log(test_id, number, response_data={"prediction": number + number % 2 / 2})
    manager.record_outcomes({f"i{number}": number for number in range(130)}, test_id=test_id)
    manager.record_outcome("i3", 3.5)
    assert _accuracy(manager, test_id) == (130, 66 / 130)
    with manager._database.read() as tx:
        counts = manager._finder._books.summary(tx, test_id).counts
    assert sum(key.kind == "class" for key in counts) == 100
    assert manager.verify_aggregates(test_id).differences == ()
    assert manager.rebuild_aggregates(test_id).is_equal


def test_the_longest_ids_classes_and_strata_fit_into_a_row(
    manager: ABTestManagerService, start: Start, log: Log
) -> None:
    """In letters of four bytes that no compression shortens, on both databases."""
    letters = random.Random(5).choices([chr(0x1F300 + number) for number in range(200)], k=250)
    longest = "".join(letters)
    test_id = start(test_id=longest, strata=("site", "lot"))
    fields = {"interaction_id": longest, "user_id": longest, "request_id": longest}
    request = {"site": longest[:100], "lot": longest[100:200]}
    log(test_id, 1, **fields, request_data=request, response_data={"prediction": longest[:60], longest[:100]: 1})
    [outcome] = manager.record_outcome(longest, longest[60:120])
    assert not outcome.is_parked
    assert manager.verify_aggregates(test_id).differences == ()


def test_regressions_have_errors(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """Absolute and squared; a label that is no number is refused and changes nothing."""
    test_id = start(task="regression", primary_metric="absolute_error")
    log(test_id, 1, response_data={"prediction": 3.0})
    with pytest.raises(InteractionRefused, match="finite"):
        manager.record_outcome("i1", "much")
    manager.record_outcome("i1", 5)
    [result] = [each for each in manager.calculate_results(test_id).values() if each.labelled]
    assert (result.mean_absolute_error, result.mean_squared_error) == (2.0, 4.0)


@pytest.mark.parametrize("is_logged_first", [True, False])
def test_a_number_takes_the_place_of_a_label_that_said_nothing(
    manager: ABTestManagerService, start: Start, log: Log, *, is_logged_first: bool
) -> None:
    """A text that waited for an interaction of a regression does not keep its correction from counting."""
    test_id = start(task="regression", primary_metric="absolute_error")
    manager.record_outcome("i1", "much", test_id=test_id)
    if is_logged_first:
        log(test_id, 1, response_data={"prediction": 3.0})
    [outcome] = manager.record_outcome("i1", 5, test_id=test_id)
    if not is_logged_first:
        log(test_id, 1, response_data={"prediction": 3.0})
    [result] = [each for each in manager.calculate_results(test_id).values() if each.labelled]
    assert (result.mean_absolute_error, outcome.is_parked) == (2.0, not is_logged_first)
    assert manager.verify_aggregates(test_id).is_equal


@pytest.mark.parametrize(("label", "error"), [("x" * 999, InteractionRefused), (object(), InteractionRefused)])
def test_labels_that_cannot_be_stored_are_refused(
    manager: ABTestManagerService, label: Any, error: type[Exception]
) -> None:
    """Before anything is written."""
    with pytest.raises(error):
        manager.record_outcome("i1", label)


def test_labels_of_a_table_are_told_without_the_missing(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """A series works as it is; with a missing label nothing of all is stored; a frame is refused with a hint."""
    test_id = start(primary_metric="accuracy")
    for number in range(4):
        log(test_id, number)
    labels = pd.Series({"i0": "yes", "i1": math.nan, "i2": "no", "i3": None})
    with pytest.raises(InteractionRefused, match=r"'i1' .* 1 more were refused"):
        manager.record_outcomes(labels, test_id=test_id)
    with pytest.raises(InvalidInput, match="DataFrame"):
        manager.record_outcomes(labels.to_frame("label"), test_id=test_id)
    assert sum(result.labelled for result in manager.calculate_results(test_id).values()) == 0
    manager.record_outcomes(labels.dropna(), test_id=test_id)
    assert _accuracy(manager, test_id) == (2, 0.5)


def test_an_unknown_test_is_an_error(manager: ABTestManagerService) -> None:
    """A label for a test that is not there is not parked."""
    with pytest.raises(ABTestNotFound):
        manager.record_outcome("i1", "yes", test_id="nowhere")


def test_many_labels_at_once(manager: ABTestManagerService, start: Start, log: Log) -> None:
    """A mapping of ids to labels in one transaction, and many callers on a loop."""
    test_id = start()
    for number in range(30):
        log(test_id, number)
    manager.record_outcomes({f"i{number}": "yes" for number in range(10)}, test_id=test_id)

    async def tell() -> None:
        await asyncio.gather(*(manager.record_outcome_async(f"i{number}", "no") for number in range(10, 30)))

    asyncio.run(tell())
    labelled, accuracy = _accuracy(manager, test_id)
    assert (labelled, round(accuracy, 9)) == (30, round(1 / 3, 9))
    assert manager.verify_aggregates(test_id).is_equal
