"""The files of versions: saved as blobs first, then referred to in the transaction that records the version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops.artifacts import ArtifactStore, SavedArtifact, remove_references
from mlops.model_registry.intake import Intake
from mlops.model_registry.stored import StoredVersion

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["OWNER_KIND", "ModelShelf"]

OWNER_KIND = "model_version"
"""By this word the artifact store knows that versions of models refer to a blob."""


class ModelShelf:
    """Puts models on disk and takes them from there; no name that a user chose becomes part of a path.

    Args:
        artifacts: Where the blobs go.
    """

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts

    def save(self, intake: Intake) -> dict[str, SavedArtifact]:
        """Save a model and its sample outside any transaction; nothing refers to them yet.

        Returns:
            By the names of the fields of `StoredVersion`.

        Raises:
            InvalidInput: The model cannot be saved.
            StorageFull: No room is left.
        """
        found = {"saved": intake.model, "sample": intake.rows, "answers": intake.answers}
        return {name: self._artifacts.save(value) for name, value in found.items() if value is not None}

    def refer(self, tx: Transaction, stored: StoredVersion) -> None:
        """Keep a version's files for as long as its rows are there."""
        for name, saved in stored.files().items():
            self._artifacts.add_reference(
                tx, saved.digest, owner_kind=OWNER_KIND, owner_id=stored.version_id, name=name
            )

    def release(self, tx: Transaction, stored: StoredVersion) -> None:
        """Let a version's files become garbage, unless others refer to them too."""
        remove_references(tx, owner_kind=OWNER_KIND, owner_id=stored.version_id)

    def load(self, saved: SavedArtifact) -> Any:
        """Return an object, its content verified.

        Raises:
            ArtifactNotFound: Its blob is gone.
            ArtifactCorrupted: Its blob is damaged.
            SignatureRefused: It is a pickle that this installation has not signed; nothing was unpickled.
        """
        return self._artifacts.load(saved)

    def read(self, saved: SavedArtifact) -> int:
        """Read all content of an object's blob, verified, without making anything of it; return its bytes."""
        with self._artifacts.open(saved.digest) as stream:
            return sum(len(chunk) for chunk in iter(lambda: stream.read(1 << 20), b""))
