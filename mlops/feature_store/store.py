"""What the service needs of stores of features: `sql` has those that are used, `redis` another for online values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mlops.feature_store.entities import Entity, FeatureView, Materialization, OnDemandView, TrainingSet
from mlops.feature_store.references import ViewReference
from mlops.feature_store.reports import FeatureStatistics
from mlops.records import Record

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["AnyView", "FeatureCatalogue", "OnlineRow", "OnlineStore", "StoredView", "TrainingSetStore", "Watermark"]

AnyView = FeatureView | OnDemandView


class Watermark(Record):
    """How far a view version is in the online store.

    Attributes:
        known_at: Up to which moment events and creations were looked at.
        source: SHA-256 of the source at that time.
        token: Mark left in the online store then; when it is not there any more, the values are not either.
    """

    known_at: datetime
    source: str
    token: str


class StoredView(NamedTuple):
    """A view version as it is stored."""

    view: AnyView
    is_serving: bool
    watermark: Watermark | None


class OnlineRow(NamedTuple):
    """The last known values of one entity.

    Attributes:
        key: The entity, as `rows.key_text` writes it.
        event: Microseconds since 1970 at which they were true.
        created: Microseconds since 1970 at which they became known.
        payload: The values in the order of the view's features, as `rows.RowCodec` writes them.
    """

    key: str
    event: int
    created: int
    payload: bytes


class FeatureCatalogue(Protocol):
    """Reads and writes what features there are inside the caller's transaction.

    Obligations: every write is part of the transaction it is given and has no other effect; nothing is cached between
    transactions. At most one version of a view serves, even if a service asks for two. Rows of deleted views stay, for
    their numbers stay taken.
    """

    def lock(self, tx: Transaction, project: str, name: str) -> int:
        """Keep others from changing a view until the transaction ends; return the last version number ever given."""

    def put_entity(self, tx: Transaction, entity: Entity, at: datetime) -> None:
        """Store an entity, or replace it."""

    def entities(self, tx: Transaction, project: str) -> dict[str, Entity]:
        """Return a project's entities by name, sorted."""

    def delete_entity(self, tx: Transaction, project: str, name: str) -> None:
        """Remove an entity."""

    def insert_view(self, tx: Transaction, view: AnyView, *, is_serving: bool) -> None:
        """Store a new version."""

    def update_view(self, tx: Transaction, view: AnyView) -> None:
        """Replace what is told of a version; its content stays."""

    def find_view(self, tx: Transaction, project: str, view: ViewReference) -> StoredView | None:
        """Return a version that is not deleted, the newest when none is named; None when there is none."""

    def list_views(self, tx: Transaction, project: str, name: str | None = None) -> list[StoredView]:
        """Return all versions that are not deleted, by name, the newest first."""

    def serve(self, tx: Transaction, view: AnyView) -> None:
        """Let a version be the one that online readers get, instead of the one before."""

    def delete_view(self, tx: Transaction, view_id: str, at: datetime) -> None:
        """Mark a version as deleted; it serves no more."""

    def set_watermark(self, tx: Transaction, view_id: str, watermark: Watermark) -> None:
        """Remember how far a version is in the online store."""

    def put_run(self, tx: Transaction, run: Materialization) -> None:
        """Store a materialisation, or replace it."""

    def list_runs(self, tx: Transaction, project: str, view: str) -> list[Materialization]:
        """Return a view's last hundred materialisations, the newest first."""

    def put_statistics(self, tx: Transaction, view_id: str, found: Sequence[FeatureStatistics]) -> None:
        """Store statistics of days, or replace them."""

    def list_statistics(self, tx: Transaction, view_id: str) -> list[FeatureStatistics]:
        """Return the last thousand statistics of a version, the latest day first."""


class TrainingSetStore(Protocol):
    """Reads and writes saved training sets inside the caller's transaction; obligations as in `FeatureCatalogue`."""

    def insert(self, tx: Transaction, saved: TrainingSet) -> None:
        """Store a training set with the view versions that it needs."""

    def find(self, tx: Transaction, project: str, name_or_id: str) -> TrainingSet | None:
        """Return the set with this id, or else the newest one with this name; None when there is none."""

    def list_all(self, tx: Transaction, project: str) -> list[TrainingSet]:
        """Return a project's training sets, the newest first."""

    def delete(self, tx: Transaction, training_set_id: str) -> None:
        """Remove a training set."""

    def users_of(self, tx: Transaction, view_id: str) -> list[str]:
        """Return the names of the training sets that need a view version, sorted."""


class OnlineStore(Protocol):
    """Keeps the last values of entities, quick to read; each call is a unit of its own.

    Obligations: of two rows of one entity the one with the later event stays, among equal events the one created
    later, among equal ones the one put last, whoever puts them in which order. What `put` returned from is seen by all
    readers. Safe to use from any thread and from several processes at once.
    """

    def put(self, view_id: str, rows: Sequence[OnlineRow]) -> None:
        """Keep rows that are not older than those that are there; all of them or, when it raises, perhaps some."""

    def read(
        self, project: str, view: ViewReference, keys: Sequence[str]
    ) -> tuple[str | None, dict[str, tuple[int, bytes]]]:
        """Return the id of the version that serves (or of the one named) and, by key, event and payload found in it."""

    def scan(self, view_id: str) -> Iterator[OnlineRow]:
        """Yield all rows of a version, in any order."""

    def token(self, view_id: str) -> str | None:
        """Return the mark that was left among a version's values; None when they are not there any more."""

    def mark(self, view_id: str, token: str) -> None:
        """Leave a mark among a version's values, that goes when they go."""

    def drop(self, view_id: str) -> None:
        """Remove a version's values and its mark."""

    def close(self) -> None:
        """Let go of connections. Twice is once."""
