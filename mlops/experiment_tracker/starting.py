"""How an experiment begins: its environment captured, its project and parent settled, its rows written at once."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from mlops.clock import NewId, Now
from mlops.experiment_tracker import lifecycle
from mlops.experiment_tracker.entities import Experiment, ExperimentConfig
from mlops.experiment_tracker.ledger import Ledger
from mlops.experiment_tracker.shelf import ArtifactShelf
from mlops.provenance import EnvironmentCapture

if TYPE_CHECKING:
    from mlops.artifacts import SavedArtifact
    from mlops.database import Transaction

__all__ = ["DIFF_NAME", "Starter"]

DIFF_NAME = "git_diff.patch"
"""The artifact that holds the uncommitted changes of the source a run was started from."""


class Starter:
    """Starts experiments.

    Args:
        project: Project of experiments that neither name one nor have a parent.
        captures: Whether the environment is captured.
    """

    def __init__(
        self, ledger: Ledger, shelf: ArtifactShelf, *, project: str, captures: bool, now: Now, new_id: NewId
    ) -> None:
        self._ledger = ledger
        self._shelf = shelf
        self._project = project
        self._captures = captures
        self._now = now
        self._new_id = new_id

    def start(self, config: ExperimentConfig) -> Experiment:
        """Store a new experiment; see `ExperimentTracker.start_experiment`."""
        environment, changes = self._capture()
        user = environment.user if environment else _os_user()
        begun = lifecycle.started(config, experiment_id=self._new_id(), user=user, at=self._now())
        diff = None if changes is None else self._shelf.save(changes)
        with self._ledger.database.write() as tx:
            return self._insert(tx, begun, environment, diff)

    def _insert(
        self, tx: Transaction, begun: Experiment, environment: EnvironmentCapture | None, diff: SavedArtifact | None
    ) -> Experiment:
        parent = None if begun.parent_experiment_id is None else self._ledger.get(tx, begun.parent_experiment_id)
        begun = lifecycle.placed(begun, parent, default=self._project)
        if environment is not None:
            begun = begun.changed(environment_digest=self._ledger.store.remember_environment(tx, environment))
        self._ledger.store.insert(tx, begun)
        if diff is not None:
            self._shelf.put(tx, diff, begun.experiment_id, DIFF_NAME, artifact_type="source")
        return begun

    def _capture(self) -> tuple[EnvironmentCapture | None, str | None]:
        if not self._captures:
            return None, None
        from mlops.provenance.environment import capture_environment

        return capture_environment()


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user id without an account
        return ""
