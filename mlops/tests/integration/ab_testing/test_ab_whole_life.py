"""A manager driven at random through the lives of tests; whatever happens, the statistics are those of the log."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mlops.ab_testing import (
    ABTestInteraction,
    ABTestManager,
    ABTestMoveRefused,
    ABTestNotRunning,
    InteractionConflict,
    TestStatus,
    VariantMismatch,
)
from mlops.ab_testing.lifecycle import actions_of
from mlops.tests.integration.ab_testing.conftest import design

_USERS = st.sampled_from(["ann", "bo", "çiğdem", "Łukasz", "日本語", "eva 😀"])
_NUMBERS = st.integers(0, 12)
_LABELS = st.sampled_from(["yes", "no", "ö"])
_ACTIONS = st.sampled_from([*["pause", "resume"] * 4, "stop", "cancel"])  # ends are rarer, so that lives are long


class WholeLife(RuleBasedStateMachine):
    """One test in a database of its own, with a second manager on it, as another process would have."""

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / 'mlops.db'}"
        self._managers = [self._open.enter_context(ABTestManager(url, folder).sync) for _ in range(2)]
        self._assigned: dict[str, str] = {}
        self._logged: dict[str, tuple[str, bool]] = {}  # the interactions' users, and whether they convert
        self._labels: dict[str, str] = {}
        self._status = TestStatus.PLANNING

    @initialize(keeps=st.booleans())
    def create(self, keeps: bool) -> None:
        """Create the test; it is started by a rule."""
        config = design(primary_metric="accuracy", positive_label="yes", paused_keeps_known=keeps)
        self._test_id = self._managers[0].create_test(config)
        self._keeps = keeps

    def teardown(self) -> None:
        """Close everything."""
        self._open.close()

    def _fields(self, number: int, user: str) -> Mapping[str, object]:
        return {
            "interaction_id": f"i-{number}-é",
            "test_id": self._test_id,
            "user_id": user,
            "conversion": number % 3 == 0,
            "latency_ms": 10.0 * number,
            "response_data": {"prediction": "yes" if number % 2 else "no"},
        }

    @rule(which=st.integers(0, 1))
    def start(self, which: int) -> None:
        """Start it, or be refused."""
        self._move(which, "start")

    @rule(which=st.integers(0, 1), action=_ACTIONS)
    def move(self, which: int, action: str) -> None:
        """Pause, resume, stop or cancel it, or be refused."""
        self._move(which, action)

    def _move(self, which: int, action: str) -> None:
        manager = self._managers[which]
        before = manager.get_test(self._test_id)
        call = {"start": manager.start_test, "cancel": manager.cancel_test, "stop": manager.stop_test}
        move = call.get(action) or getattr(manager, f"{action}_test")
        if action in actions_of(before):
            move(self._test_id)
            self._learn()
        else:
            with pytest.raises(ABTestMoveRefused):
                move(self._test_id)

    def _learn(self) -> None:
        """Have both managers know of a change, as they do by themselves within a tenth of a second."""
        for manager in self._managers:
            self._status = manager.get_test(self._test_id).status

    @precondition(lambda self: self._status in {TestStatus.RUNNING, TestStatus.PAUSED})
    @rule(which=st.integers(0, 1), share=st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    def change_weights(self, which: int, share: float) -> None:
        """Open a phase."""
        self._managers[which].change_allocation(self._test_id, {"control": 1 - share, "treatment_1": share})
        self._learn()

    @rule(which=st.integers(0, 1), user=_USERS)
    def assign(self, which: int, user: str) -> None:
        """Newcomers get a variant while it runs; whoever had one has the same, or none in a pause and at the end."""
        variant = self._managers[which].assign_variant(self._test_id, user)
        is_served = self._status is TestStatus.RUNNING or (self._status is TestStatus.PAUSED and self._keeps)
        if self._status is TestStatus.RUNNING:
            assert variant == self._assigned.setdefault(user, variant or "")
        else:
            assert variant == (self._assigned.get(user) if is_served else None)

    @rule(which=st.integers(0, 1), number=_NUMBERS, user=_USERS)
    def log(self, which: int, number: int, user: str) -> None:
        """What is logged again changes nothing; who has no variant, and other content, is refused."""
        manager, fields = self._managers[which], self._fields(number, user)
        interaction = ABTestInteraction(variant_id=self._assigned.get(user, "control"), **fields)
        name = interaction.interaction_id
        if not (self._status is TestStatus.RUNNING or (self._status is TestStatus.PAUSED and self._keeps)):
            with pytest.raises(ABTestNotRunning):
                manager.log_interaction(interaction)
        elif name in self._logged and self._logged[name][0] != user:
            with pytest.raises(InteractionConflict):
                manager.log_interaction(interaction)
        elif user not in self._assigned:
            with pytest.raises(VariantMismatch, match="never assigned"):
                manager.log_interaction(interaction)
        else:
            manager.log_interaction(interaction)
            self._logged[name] = (user, number % 3 == 0)

    @rule(which=st.integers(0, 1), number=_NUMBERS, label=_LABELS)
    def tell(self, which: int, number: int, label: str) -> None:
        """A label, before its interaction or after it, or another one."""
        name = f"i-{number}-é"
        [outcome] = self._managers[which].record_outcome(name, label, test_id=self._test_id)
        self._labels[name] = label
        assert outcome.is_parked == (name not in self._logged)

    @invariant()
    def the_statistics_are_those_of_the_log(self) -> None:
        """Nothing is counted twice, nothing is lost, and a rebuild would make the same."""
        manager = self._managers[1]
        report = manager.verify_aggregates(self._test_id)
        assert report.differences == ()
        assert report.interactions == len(self._logged)
        results = manager.calculate_results(self._test_id)
        for variant, result in results.items():
            own = {name for name, (user, _) in self._logged.items() if self._assigned[user] == variant}
            assert result.sample_size == len(own)
            assert result.users == len({self._logged[name][0] for name in own})
            assert result.labelled == len(own & self._labels.keys())
            if own:
                assert result.conversion_rate == pytest.approx(sum(self._logged[name][1] for name in own) / len(own))

    @precondition(lambda self: self._status is TestStatus.COMPLETED)
    @invariant()
    def a_final_report_stays(self) -> None:
        """It is there, and it is final."""
        assert self._managers[0].get_final_report(self._test_id).is_final


WholeLife.TestCase.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestWholeLife = WholeLife.TestCase
