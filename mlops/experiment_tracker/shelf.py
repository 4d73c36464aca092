"""The artifacts of experiments: saved as blobs first, then recorded and referred to in one transaction."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.artifacts import ArtifactStore, SavedArtifact
from mlops.clock import NewId, Now
from mlops.experiment_tracker.entities import ExperimentArtifact
from mlops.experiment_tracker.errors import ExperimentArtifactNotFound
from mlops.experiment_tracker.ledger import OWNER_KIND, Ledger
from mlops.records import FrozenDict

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["ArtifactShelf"]


class ArtifactShelf:
    """Puts objects beside experiments and finds them again.

    Args:
        artifacts: Where the blobs go.
        ledger: Where the rows go.
    """

    def __init__(self, artifacts: ArtifactStore, ledger: Ledger, *, now: Now, new_id: NewId) -> None:
        self._artifacts = artifacts
        self._ledger = ledger
        self._database = ledger.database
        self._store = ledger.store
        self._now = now
        self._new_id = new_id

    def keep(self, experiment_id: str, name: str, content: object, *, artifact_type: str, description: str) -> str:
        """Save an object and record it; return the artifact's id. See `ExperimentTracker.log_artifact`."""
        with self._database.read() as tx:
            self._ledger.get(tx, experiment_id)
        saved = self.save(content)
        with self._database.write() as tx:
            self._ledger.lock(tx, experiment_id)
            return self.put(tx, saved, experiment_id, name, artifact_type=artifact_type, description=description)

    def listed(self, experiment_id: str) -> list[ExperimentArtifact]:
        """Return the artifacts of an experiment, oldest first."""
        with self._database.read() as tx:
            return self._store.artifacts(tx, self._ledger.get(tx, experiment_id).experiment_id)

    def load(self, experiment_id: str, name: str) -> Any:
        """Return the newest object of a name, verified. Raises as `find`."""
        return self._artifacts.load(self.find(experiment_id, name))

    def download(self, experiment_id: str, name: str, target: str | os.PathLike[str]) -> Path:
        """Write the newest object of a name as the file or folder it is kept as. Raises as `find`."""
        return self._artifacts.export(self.find(experiment_id, name), target, name=name)

    def find(self, experiment_id: str, name: str) -> SavedArtifact:
        """Return where the newest object of a name is kept.

        Raises:
            ExperimentArtifactNotFound: The experiment has none of this name.
        """
        artifacts = self.listed(experiment_id)
        named = [artifact for artifact in artifacts if artifact.name == name]
        if not named:
            known = tuple(dict.fromkeys(artifact.name for artifact in artifacts))
            raise ExperimentArtifactNotFound(name, experiment_id=experiment_id, known=known)
        return SavedArtifact.from_document(named[-1].details)

    def save(self, content: object) -> SavedArtifact:
        """Save an object outside any transaction; nothing refers to it yet."""
        return self._artifacts.save(content)

    def put(
        self,
        tx: Transaction,
        saved: SavedArtifact,
        experiment_id: str,
        name: str,
        *,
        artifact_type: str = "",
        description: str = "",
    ) -> str:
        """Record a saved object as an artifact of an experiment; return the artifact's id."""
        artifact = ExperimentArtifact(
            artifact_id=self._new_id(),
            experiment_id=experiment_id,
            name=name,
            artifact_type=artifact_type,
            description=description,
            codec=saved.codec,
            digest=saved.digest,
            size_bytes=saved.size_bytes,
            created_at=self._now(),
            details=FrozenDict(saved.to_document()),
        )
        self._store.add_artifact(tx, artifact)
        self._artifacts.add_reference(tx, saved.digest, owner_kind=OWNER_KIND, owner_id=experiment_id, name=name)
        return artifact.artifact_id
