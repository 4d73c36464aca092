"""The lifecycle as a state machine: whatever is done in whatever order, the registry stays one that can be believed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from mlops.model_registry import (
    ModelMetadata,
    ModelRegistryService,
    ModelStatus,
    MoveRefused,
    NothingToRollBackTo,
    VersionInUse,
)
from mlops.model_registry.lifecycle import ALLOWED
from mlops.tests.integration.model_registry.invariants import check_history, check_registry

STATUSES = st.sampled_from(list(ModelStatus))
PRODUCTION, FAILED = ModelStatus.PRODUCTION, ModelStatus.FAILED


class Lifecycle(RuleBasedStateMachine):
    """Keeps beside the registry what it must hold: statuses, and the record of what served."""

    versions: Bundle[str] = Bundle("versions")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        self.registry = ModelRegistryService(root / "models", f"sqlite:///{root}/lab.db")
        self.statuses: dict[str, ModelStatus] = {}
        self.served: list[str] = []
        self.protected: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        """Look at everything once more, and close what was opened."""
        if self.statuses:
            check_registry(self.registry, "m")
        self.registry.close()
        self.folder.cleanup()

    @property
    def serving(self) -> str | None:
        """The version in production."""
        return next((version for version, status in self.statuses.items() if status is PRODUCTION), None)

    @property
    def target(self) -> str | None:
        """The version that a rollback must return to."""
        earlier = self.served[:-1] if self.serving else self.served
        others = [version for version in earlier if version != self.serving]
        able = [version for version in others if PRODUCTION in ALLOWED[self.statuses.get(version, FAILED)]]
        return able[-1] if able else None

    def enter(self, version: str) -> None:
        """Note that a version serves now."""
        if self.serving:
            self.statuses[self.serving] = ModelStatus.ARCHIVED
        self.statuses[version] = PRODUCTION
        if self.served[-1:] != [version]:
            self.served.append(version)

    @rule(target=versions)
    def register(self) -> str:
        """New content is a new version."""
        self.count += 1
        self.registry.register_model({"weights": self.count}, ModelMetadata(model_id="m"))
        version = self.registry.resolve("m", f"1.0.{self.count - 1}")
        self.statuses[version] = ModelStatus.VALIDATING
        return version

    @rule(version=versions)
    def register_again(self, version: str) -> None:
        """Known content is a known version."""
        if version in self.statuses:
            content = {"weights": int(version.rpartition(".")[2]) + 1}
            self.registry.register_model(content, ModelMetadata(model_id="m", version=version))

    @rule(version=versions, status=STATUSES)
    def move(self, version: str, status: ModelStatus) -> None:
        """The table decides."""
        if version not in self.statuses:
            return
        present = self.statuses[version]
        if status is present or status in ALLOWED[present]:
            assert self.registry.update_model_status("m", version, status).status is status
            self.enter(version) if status is PRODUCTION else self.statuses.update({version: status})
        else:
            with pytest.raises(MoveRefused):
                self.registry.update_model_status("m", version, status)

    @rule(version=versions)
    def serve(self, version: str) -> None:
        """Promotions are what happens most."""
        self.move(version, PRODUCTION)

    @rule()
    def roll_back(self) -> None:
        """Exactly the former one serves again."""
        if not self.statuses:
            return
        target = self.target
        if target is None:
            with pytest.raises(NothingToRollBackTo):
                self.registry.rollback_model("m")
            return
        assert self.registry.rollback_model("m").version == target
        while self.served[-1] != target:
            self.served.pop()
        self.enter(target)

    @rule(version=versions)
    def protect(self, version: str) -> None:
        """Protected versions stay."""
        if version in self.statuses:
            self.registry.protect("m", version)
            self.protected.add(version)

    @rule(target=versions, version=consumes(versions))
    def delete(self, version: str) -> object:
        """What is in use stays, the rest goes."""
        if version not in self.statuses:
            return multiple()
        if version in {self.serving, self.target, *self.protected}:
            with pytest.raises(VersionInUse):
                self.registry.delete_model("m", version)
            return version
        self.registry.delete_model("m", version)
        del self.statuses[version]
        return multiple()

    @invariant()
    def agrees(self) -> None:
        """The registry has what it must have."""
        if self.statuses:
            versions = self.registry.list_versions("m")
            assert {version.version: version.status for version in versions} == self.statuses
            check_history(self.registry, "m")


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=40, stateful_step_count=40)
