"""Changes of what the store holds: decided under a lock, written with event and audit entry in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops import audit, events
from mlops.audit import current_actor
from mlops.clock import NewId, Now
from mlops.feature_store.finding import Finder
from mlops.feature_store.store import FeatureCatalogue

if TYPE_CHECKING:
    from mlops.database import Database, Transaction

__all__ = ["APPLIED", "DELETED", "MATERIALIZED", "TRAINING_SET_SAVED", "Change", "Ledger"]

APPLIED = "feature_view.applied"
DELETED = "feature_view.deleted"
MATERIALIZED = "feature_view.materialized"
TRAINING_SET_SAVED = "training_set.saved"


class Change:
    """One transaction on what a project holds.

    Attributes:
        tx: The transaction.
        last_version: The last version number ever given under the name that was locked.
        actor: On whose behalf.
        at: When.
    """

    def __init__(self, tx: Transaction, project: str, last_version: int, at: datetime) -> None:
        self.tx = tx
        self.last_version = last_version
        self.actor = current_actor()
        self.at = at
        self._project = project

    def close(self, action: str, kind: str, name: str, details: Mapping[str, Any], *, topic: str | None = None) -> None:
        """Publish what happened and write it in the audit log: the last step of the transaction."""
        told = {key: value for key, value in details.items() if value not in (None, "", ())}
        subject = {"subject_kind": kind, "subject_id": name, "project": self._project}
        if topic is not None:
            events.publish(self.tx, topic=topic, payload={**told, "actor": self.actor}, now=lambda: self.at, **subject)
        audit.append(self.tx, action=action, details=told, actor=self.actor, now=lambda: self.at, **subject)


class Ledger:
    """Begins changes.

    Attributes:
        database: Where the transactions run.
        catalogue: What reads and writes in them.
        finder: What finds views.
    """

    def __init__(
        self, database: Database, catalogue: FeatureCatalogue, finder: Finder, *, now: Now, new_id: NewId
    ) -> None:
        self.database = database
        self.catalogue = catalogue
        self.finder = finder
        self.now = now
        self.new_id = new_id

    @property
    def project(self) -> str:
        """The project whose features these are."""
        return self.finder.project

    @contextmanager
    def change(self, name: str) -> Iterator[Change]:
        """Begin a transaction on what has this name; it commits at the end of the block."""
        with self.database.write() as tx:
            last = self.catalogue.lock(tx, self.project, name)
            yield Change(tx, self.project, last, self.now())
