"""Shadow tests: every variant answers the same request, and the answers are compared request by request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlops.ab_testing import ABTestInteraction, InteractionRefused
from mlops.ab_testing.service import ABTestManagerService
from mlops.tests.integration.ab_testing.conftest import Start

Log = Callable[..., ABTestInteraction]


def _answer(log: Log, test_id: str, number: int, variant: str, **fields: Any) -> str:
    name = f"{variant}-{number}"
    log(test_id, number, interaction_id=name, variant_id=variant, request_id=f"r{number}", **fields)
    return name


def test_everybody_is_served_by_control(manager: ABTestManagerService, start: Start) -> None:
    """Nobody is assigned: treatments only listen."""
    test_id = start(test_type="shadow", primary_metric="accuracy")
    assert {manager.assign_variant(test_id, f"user_{number}") for number in range(30)} == {"control"}


@pytest.mark.parametrize("labels_first", [True, False])
def test_answers_are_paired_whatever_comes_first(
    manager: ABTestManagerService, start: Start, log: Log, labels_first: bool
) -> None:
    """Pairs hold the last word of both answers, labels included, and the log makes the same."""
    test_id = start(test_type="shadow", primary_metric="accuracy")
    for number in range(12):
        names = {variant: f"{variant}-{number}" for variant in ("control", "treatment_1")}
        told = [(name, "yes" if number % 3 else "no") for name in names.values()]
        steps: list[Callable[[], Any]] = [
            lambda one=variant, number=number: _answer(  # type: ignore[misc]
                log, test_id, number, one, response_data={"prediction": "yes" if one == "control" else "no"}
            )
            for variant in names
        ]
        steps += [lambda one=one: manager.record_outcome(*one, test_id=test_id) for one in told]  # type: ignore[misc]
        for step in reversed(steps) if labels_first else steps:
            step()
    manager.record_outcome("control-1", "no")
    assert manager.verify_aggregates(test_id).differences == ()
    with manager._database.read() as tx:
        book = manager._finder._books.summary(tx, test_id)
    pairs = next(sums for key, sums in book.moments.items() if key.metric == "accuracy")
    assert (pairs.n, pairs.mean_x * 12, pairs.mean_y * 12) == (12, 7.0, 4.0)


def test_a_variant_answers_once(start: Start, log: Log) -> None:
    """A second answer of one variant to the same request is refused."""
    test_id = start(test_type="shadow", primary_metric="accuracy")
    _answer(log, test_id, 1, "control")
    with pytest.raises(InteractionRefused, match="answers once"):
        log(test_id, 1, interaction_id="again", variant_id="control", request_id="r1")


def test_an_answer_to_no_request_is_refused(start: Start, log: Log) -> None:
    """There is nothing that it could be compared with."""
    test_id = start(test_type="shadow", primary_metric="accuracy")
    with pytest.raises(InteractionRefused, match="same request_id"):
        log(test_id, 1, variant_id="control")


def test_the_answers_to_a_request_are_stored_together_or_not_at_all(
    manager: ABTestManagerService, start: Start
) -> None:
    """One batch has all variants' answers; a bad one takes the others back."""
    test_id = start(test_type="shadow", primary_metric="success")
    answers = [
        ABTestInteraction(
            interaction_id=f"r1-{variant}", test_id=test_id, variant_id=variant, user_id="ann", request_id="r1",
            success=variant == "control", latency_ms=latency_ms,
        )
        for variant, latency_ms in (("control", 20.0), ("treatment_1", 30.0))
    ]  # fmt: skip
    with pytest.raises(InteractionRefused, match="answers once"):
        manager.log_interactions([*answers, answers[1].changed(interaction_id="r1-again")])
    assert all(result.sample_size == 0 for result in manager.calculate_results(test_id).values())
    manager.log_interactions(answers)
    manager.log_interactions(answers)
    with manager._database.read() as tx:
        book = manager._finder._books.summary(tx, test_id)
    pairs = {key.metric: (sums.n, sums.mean_x, sums.mean_y) for key, sums in book.moments.items()}
    assert pairs == {"success": (1, 1.0, 0.0), "latency_ms": (1, 20.0, 30.0)}
