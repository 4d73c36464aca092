"""What the service needs of a store of model versions; `sql` has the one that is used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from mlops.model_registry.entities import ModelMove, ModelStatus
from mlops.model_registry.stored import ModelKey, ModelQuery, Standing, StoredVersion
from mlops.provenance import EnvironmentCapture
from mlops.search import Page

if TYPE_CHECKING:
    from mlops.database import Transaction
    from mlops.model_registry.versions import SemanticVersion

__all__ = ["ModelStore"]


class ModelStore(Protocol):
    """Reads and writes versions, moves and aliases inside the caller's transaction.

    Obligations: every write is part of the transaction it is given and has no other effect; nothing is cached between
    transactions, so one store serves any number of threads. An implementation returns equal records for what was
    stored, with NaN and the infinities as they were, whichever database is under it. Two versions of a model in
    production, two of one content, and two of one place in the order of versions are refused even if a service asks
    for them. Rows of deleted versions stay, for their numbers stay taken.
    """

    def lock(self, tx: Transaction, model: ModelKey) -> Standing:
        """Keep everybody else from changing any version of a model until the transaction ends; it need not exist.

        Returns:
            Where it stands then.
        """

    def insert(self, tx: Transaction, stored: StoredVersion, environment: EnvironmentCapture | None = None) -> None:
        """Store a new version, and the environment that its `environment_digest` names, unless that is there."""

    def find(self, tx: Transaction, model: ModelKey, version: str) -> StoredVersion | None:
        """Return a version, deleted or not; None when there never was one."""

    def find_latest(
        self, tx: Transaction, model: ModelKey, *, status: ModelStatus | None = None, among_deleted: bool = False
    ) -> StoredVersion | None:
        """Return the version with the highest number.

        Args:
            status: Only among those with this status; without it, failed ones are left out.
            among_deleted: Look at every version there ever was, whatever its status.
        """

    def find_same(
        self, tx: Transaction, model: ModelKey, *, digest: str, number: SemanticVersion | None
    ) -> list[StoredVersion]:
        """Return versions that are not deleted and have this canonical digest, and any in this place of the order."""

    def numbers(self, tx: Transaction, model: ModelKey, *, among_deleted: bool = False) -> list[str]:
        """Return the numbers of a model's versions, the highest first."""

    def page(self, tx: Transaction, query: ModelQuery, *, at: datetime) -> Page[StoredVersion]:
        """Return a page of versions that are not deleted.

        Args:
            at: What `now` means in the filter.

        Raises:
            InvalidInput: The filter, the order or the cursor cannot be read.
        """

    def names(self, tx: Transaction, project: str | None) -> list[str]:
        """Return the ids of a project's models with versions that are not deleted, sorted; of None the projects."""

    def update(self, tx: Transaction, before: StoredVersion, after: StoredVersion) -> None:
        """Replace what is told of a version that was read after `lock`; its status is left to moves."""

    def append_moves(self, tx: Transaction, moves: Sequence[ModelMove]) -> None:
        """Append moves of one model, and give each version the state that its move tells.

        Args:
            moves: In order; their sequence numbers follow the one that `lock` returned.
        """

    def moves(self, tx: Transaction, model: ModelKey, *, serving_only: bool = False) -> list[ModelMove]:
        """Return the moves of a model in order; `serving_only` leaves out those not into or out of production."""

    def last_serving_move(self, tx: Transaction, model: ModelKey, *, until: datetime | None = None) -> ModelMove | None:
        """Return the last move into or out of production, or the last one that is not later than a moment."""

    def aliases(self, tx: Transaction, model: ModelKey) -> dict[str, str]:
        """Return the version that each alias of a model stands for, sorted by alias."""

    def put_alias(self, tx: Transaction, model: ModelKey, alias: str, version: str | None) -> None:
        """Let an alias stand for a version, or for none any more."""

    def find_environment(self, tx: Transaction, digest: str) -> EnvironmentCapture | None:
        """Return a stored environment."""
