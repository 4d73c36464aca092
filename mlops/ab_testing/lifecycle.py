"""What may become of a test: a table of statuses, and pure functions that return the test as it is afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from mlops.ab_testing.assignment import check_shares, stepped
from mlops.ab_testing.entities import ABTestConfig, Phase, TestStatus
from mlops.ab_testing.errors import ABTestMoveRefused
from mlops.errors import Conflict, InvalidInput, did_you_mean
from mlops.values import short_repr

__all__ = [
    "LIVE",
    "MOVES",
    "Move",
    "actions_of",
    "advanced",
    "check_allowed",
    "moved",
    "read_status",
    "reallocated",
    "started",
    "takes_interactions",
]

LIVE = frozenset({TestStatus.RUNNING, TestStatus.PAUSED})
"""Statuses of tests that have begun and are not over."""


class Move(NamedTuple):
    """From which statuses an action is possible, and to which one it leads; None leaves the status as it is."""

    origins: frozenset[TestStatus]
    target: TestStatus | None


_ANY_OPEN = frozenset({TestStatus.PLANNING}) | LIVE

MOVES: Mapping[str, Move] = {
    "start": Move(frozenset({TestStatus.PLANNING}), TestStatus.RUNNING),
    "pause": Move(frozenset({TestStatus.RUNNING}), TestStatus.PAUSED),
    "resume": Move(frozenset({TestStatus.PAUSED}), TestStatus.RUNNING),
    "change_allocation": Move(LIVE, None),
    "advance": Move(frozenset({TestStatus.RUNNING}), None),
    "force_variant": Move(_ANY_OPEN, None),
    "stop": Move(LIVE, TestStatus.COMPLETED),
    "cancel": Move(_ANY_OPEN, TestStatus.CANCELLED),
}
"""The state machine of a test."""


def read_status(status: TestStatus | str) -> TestStatus:
    """Return a status by its name.

    Raises:
        InvalidInput: There is none of this name; a similar one is offered.
    """
    try:
        return TestStatus(status)
    except ValueError:
        known = tuple(map(str, TestStatus))
        hint = did_you_mean(str(status), known) or f"Statuses are {', '.join(known)}."
        raise InvalidInput(f"{short_repr(status)} is no status of a test. {hint}") from None


def actions_of(config: ABTestConfig) -> tuple[str, ...]:
    """Return what may be done with a test as it stands; only one with steps advances."""
    return tuple(
        action
        for action, move in MOVES.items()
        if config.status in move.origins and (action != "advance" or config.steps)
    )


def check_allowed(config: ABTestConfig, action: str) -> None:
    """Refuse what the table does not have.

    Raises:
        ABTestMoveRefused: The test's status does not allow the action.
    """
    if config.status not in MOVES[action].origins:
        raise ABTestMoveRefused(config.test_id, present=config.status, action=action, allowed=actions_of(config))


def moved(config: ABTestConfig, action: str, *, at: datetime, reason: str = "", **changes: Any) -> ABTestConfig:
    """Return the test after an action.

    Raises:
        ABTestMoveRefused: Its status does not allow it.
    """
    check_allowed(config, action)
    target = MOVES[action].target
    if target is not None:
        changes["status"] = target
    if target in (TestStatus.COMPLETED, TestStatus.CANCELLED):
        changes["ended_at"] = at
    if action in ("stop", "cancel", "pause", "resume"):
        changes["stop_reason"] = "" if action == "resume" else reason
    return config.changed(**changes)


def started(config: ABTestConfig, *, at: datetime, salt: str, method: Mapping[str, Any]) -> ABTestConfig:
    """Return a test that runs: its salt and method fixed, its first phase open.

    Raises:
        ABTestMoveRefused: It was started before.
        Conflict: Its `ends_at` has passed.
    """
    check_allowed(config, "start")
    if config.ends_at is not None and config.ends_at <= at:
        raise Conflict(
            f"Test {config.test_id!r} was to end at {config.ends_at}, which is over. Cancel it, and create one with a "
            "later ends_at."
        )
    step = 0 if config.steps else None
    shares = stepped(config.traffic_allocation, config.steps[0].share) if config.steps else config.traffic_allocation
    phase = Phase(number=1, allocation=shares, opened_at=at, step=step, reason="start")
    return moved(config, "start", at=at, salt=salt, method=method, phases=(phase,), started_at=at)


def reallocated(
    config: ABTestConfig, allocation: Mapping[str, float], *, at: datetime, reason: str = ""
) -> ABTestConfig:
    """Return a test with another allocation of newcomers from now on.

    Raises:
        ABTestMoveRefused: It is not live.
        InvalidInput: The shares do not sum to 1, or name other variants.
    """
    check_allowed(config, "change_allocation")
    check_shares(allocation, config.variants)
    return _with_phase(config, "change_allocation", allocation, at=at, step=_last_step(config), reason=reason)


def advanced(config: ABTestConfig, *, at: datetime, reason: str = "") -> ABTestConfig:
    """Return a gradual rollout in its next step.

    Raises:
        ABTestMoveRefused: It does not run.
        InvalidInput: It has no steps.
        Conflict: It is in its last step.
    """
    check_allowed(config, "advance")
    last = _last_step(config)
    if last is None:
        raise InvalidInput(f"Test {config.test_id!r} has no steps; change_allocation() sets any allocation.")
    if last + 1 >= len(config.steps):
        raise Conflict(f"Test {config.test_id!r} is in its last step, {last + 1} of {len(config.steps)}; stop it.")
    share = config.steps[last + 1].share
    return _with_phase(
        config, "advance", stepped(config.traffic_allocation, share), at=at, step=last + 1, reason=reason
    )


def takes_interactions(config: ABTestConfig) -> bool:
    """Tell whether interactions are counted now: while running, and in a pause for users who keep their variant."""
    return config.status is TestStatus.RUNNING or (config.status is TestStatus.PAUSED and config.paused_keeps_known)


def _with_phase(
    config: ABTestConfig, action: str, allocation: Mapping[str, float], *, at: datetime, step: int | None, reason: str
) -> ABTestConfig:
    phase = Phase(number=len(config.phases) + 1, allocation=allocation, opened_at=at, step=step, reason=reason)
    return moved(config, action, at=at, phases=(*config.phases, phase))


def _last_step(config: ABTestConfig) -> int | None:
    return config.phases[-1].step if config.phases else None
