"""The state machine of a test, walked at random."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mlops.ab_testing import lifecycle
from mlops.ab_testing.entities import ABTestConfig, TestStatus
from mlops.ab_testing.errors import ABTestMoveRefused
from mlops.errors import Conflict, InvalidInput

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def _design(**fields: Any) -> ABTestConfig:
    usual: dict[str, Any] = {
        "test_id": "t",
        "control_model_id": "m",
        "control_model_version": "1.0.0",
        "treatment_models": [{"model_id": "m", "version": "1.1.0"}],
        "traffic_allocation": {"control": 0.5, "treatment_1": 0.5},
        "primary_metric": "accuracy",
    }
    return ABTestConfig(**(usual | fields))


def _started(**fields: Any) -> ABTestConfig:
    return lifecycle.started(_design(**fields), at=_NOW, salt="s", method={})


class Life(RuleBasedStateMachine):
    """Any actions in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.config = _design()
        self.at = _NOW

    @rule()
    def start(self) -> None:
        """Start."""
        self._do("start", lambda: lifecycle.started(self.config, at=self.at, salt="s", method={}))

    @rule(action=st.sampled_from(["pause", "resume", "stop", "cancel"]))
    def move(self, action: str) -> None:
        """Pause, resume, stop or cancel."""
        self._do(action, lambda: lifecycle.moved(self.config, action, at=self.at, reason="because"))

    @rule(share=st.floats(0, 1))
    def reallocate(self, share: float) -> None:
        """Open a phase."""
        shares = {"control": share, "treatment_1": 1 - share}
        self._do("change_allocation", lambda: lifecycle.reallocated(self.config, shares, at=self.at))

    def _do(self, action: str, change: Any) -> None:
        self.at += timedelta(minutes=1)
        before = self.config
        if before.status in lifecycle.MOVES[action].origins:
            self.config = change()
            assert self.config.status == (lifecycle.MOVES[action].target or before.status)
            assert action in lifecycle.actions_of(before)
        else:
            with pytest.raises(ABTestMoveRefused):
                change()

    @invariant()
    def phases_are_numbered_and_ends_are_ends(self) -> None:
        """Phases count from 1; what is over has an end; what was never started has no phase."""
        assert [phase.number for phase in self.config.phases] == list(range(1, len(self.config.phases) + 1))
        assert (self.config.ended_at is not None) == (
            self.config.status in {TestStatus.COMPLETED, TestStatus.CANCELLED}
        )
        assert bool(self.config.phases) == (self.config.started_at is not None)


TestLife = Life.TestCase


def test_a_rollout_begins_with_its_first_step() -> None:
    """Its first phase has the first step's share, not the design's."""
    config = _started(test_type="gradual_rollout", steps=[{"share": 0.05}, {"share": 0.5}])
    assert config.phases[0].allocation == {"control": 0.95, "treatment_1": 0.05}
    after = lifecycle.advanced(config, at=_NOW)
    assert (after.phases[1].step, after.phases[1].allocation["treatment_1"]) == (1, 0.5)
    with pytest.raises(Conflict, match="last step"):
        lifecycle.advanced(after, at=_NOW)


def test_a_test_without_steps_does_not_advance() -> None:
    """The message tells what to call instead."""
    with pytest.raises(InvalidInput, match="change_allocation"):
        lifecycle.advanced(_started(), at=_NOW)


def test_a_refusal_tells_what_is_possible() -> None:
    """Who may not resume learns what the status allows."""
    with pytest.raises(ABTestMoveRefused, match="pause") as refusal:
        lifecycle.moved(_started(), "resume", at=_NOW)
    assert refusal.value.present == "running"


def test_only_a_rollout_is_told_to_advance() -> None:
    """A refusal does not offer what would be refused."""
    for fields, is_offered in (({}, False), ({"test_type": "gradual_rollout", "steps": [{"share": 0.1}]}, True)):
        with pytest.raises(ABTestMoveRefused) as refusal:
            lifecycle.moved(_started(**fields), "resume", at=_NOW)
        assert ("advance" in str(refusal.value)) == is_offered


def test_a_test_is_not_started_after_its_end() -> None:
    """It could take nobody."""
    with pytest.raises(Conflict, match="which is over"):
        _started(ends_at=_NOW)
    assert _started(ends_at=_NOW + timedelta(seconds=1)).status is TestStatus.RUNNING


def test_a_pause_counts_only_those_who_are_known() -> None:
    """Interactions go on in a pause unless the design says otherwise."""
    paused = lifecycle.moved(_started(), "pause", at=_NOW)
    strict = lifecycle.moved(_started(paused_keeps_known=False), "pause", at=_NOW)
    assert lifecycle.takes_interactions(paused)
    assert not lifecycle.takes_interactions(strict)
