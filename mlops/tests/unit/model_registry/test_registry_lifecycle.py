"""The table of moves, and what a rollback returns to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.model_registry.entities import ModelMove, ModelStatus, MoveKind
from mlops.model_registry.errors import MoveRefused
from mlops.model_registry.lifecycle import (
    ALLOWED,
    FIRST_STATUS,
    check_move,
    kind_of,
    present_statuses,
    read_status,
    rollback_target,
)

START = datetime(2026, 5, 3, tzinfo=UTC)
P, A, V = ModelStatus.PRODUCTION, ModelStatus.ARCHIVED, ModelStatus.VALIDATING
Step = tuple[str, ModelStatus | None, ModelStatus | None, MoveKind]


def moves(*steps: Step) -> list[ModelMove]:
    return [
        ModelMove(
            move_id=str(place), project="p", model_id="m", sequence=place, version=version, from_status=before,
            to_status=after, kind=kind, at=START + timedelta(hours=place),
        )
        for place, (version, before, after, kind) in enumerate(steps, start=1)
    ]  # fmt: skip


def served(*versions: str, kind: MoveKind = MoveKind.PROMOTE) -> list[Step]:
    """Return the moves of versions that served one after the other."""
    steps: list[Step] = []
    for place, version in enumerate(versions):
        steps += [(versions[place - 1], P, A, MoveKind.ARCHIVE)] if place else []
        steps.append((version, V, P, kind))
    return steps


def test_every_status_has_its_row_and_none_leads_to_itself() -> None:
    """The table is complete and has no move that changes nothing."""
    assert set(ALLOWED) == set(ModelStatus)
    assert all(status not in following for status, following in ALLOWED.items())


def test_every_status_can_be_reached_and_left() -> None:
    """No status is a trap, and none stands in the table for nothing."""
    assert {status for following in ALLOWED.values() for status in following} == set(ModelStatus)
    assert all(ALLOWED.values())


def test_a_registered_version_may_go_straight_to_production() -> None:
    """What the guide does is allowed."""
    check_move("m", "1.0.0", FIRST_STATUS, P)


def test_a_failed_version_must_be_validated_before_it_serves() -> None:
    """The refusal says what is allowed instead."""
    with pytest.raises(MoveRefused, match=r"cannot become production\. From failed it may become validating, archived"):
        check_move("m", "1.0.0", ModelStatus.FAILED, P)


@given(st.sampled_from(list(ModelStatus)), st.sampled_from(list(ModelStatus)))
def test_moves_have_the_kind_of_their_direction(before: ModelStatus, after: ModelStatus) -> None:
    """Only what goes up in the order of the lifecycle is a promotion."""
    if after in ALLOWED[before]:
        kind = kind_of(before, after)
        assert (kind is MoveKind.ARCHIVE) == (after is A)
        assert (kind is MoveKind.FAIL) == (after is ModelStatus.FAILED)
        assert kind is MoveKind.PROMOTE or after is not P


def test_an_unknown_status_is_refused_with_those_there_are() -> None:
    """The message lists the words."""
    with pytest.raises(InvalidInput, match=r"'live' is not a status\. Statuses are training, validating"):
        read_status("live")


@pytest.mark.parametrize(
    ("history", "target"),
    [
        ([], None),
        (served("1"), None),
        (served("1", "2"), "1"),
        (served("1", "2", "3"), "2"),
        (served("1", "2", "1"), "2"),
        ([*served("1", "2"), ("2", P, ModelStatus.STAGING, MoveKind.DEMOTE)], "2"),
        ([*served("1", "2"), ("2", P, A, MoveKind.ARCHIVE), ("1", A, P, MoveKind.ROLLBACK)], None),
        ([*served("1", "2", "3"), ("3", P, A, MoveKind.ARCHIVE), ("2", A, P, MoveKind.ROLLBACK)], "1"),
    ],
)  # fmt: skip
def test_a_rollback_returns_to_the_one_that_served_before(history: Sequence[Step], target: str | None) -> None:
    """Two rollbacks go back two versions; where nothing serves, it is the last one."""
    assert rollback_target(moves(*history)) == target


def test_a_version_that_cannot_serve_is_passed_over() -> None:
    """The next older one takes its place."""
    assert rollback_target(moves(*served("1", "2", "3")), {"2"}) == "1"
    assert rollback_target(moves(*served("1", "2", "3")), {"1", "2"}) is None


@given(st.lists(st.sampled_from("123"), min_size=1, max_size=12))
def test_a_rollback_never_returns_to_what_serves(versions: list[str]) -> None:
    """Whatever served in whatever order, the target is another version that did."""
    order = [version for place, version in enumerate(versions) if place == 0 or versions[place - 1] != version]
    target = rollback_target(moves(*served(*order)))
    assert target != order[-1]
    assert (target is None) == (len(set(order)) == 1)


def test_moves_replay_to_the_present() -> None:
    """A deleted version is not there any more."""
    history = moves(("1", None, V, MoveKind.REGISTER), *served("1", "2"), ("1", A, None, MoveKind.DELETE))
    assert present_statuses(history) == {"2": P}
