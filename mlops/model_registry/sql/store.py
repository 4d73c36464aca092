"""The store of model versions on SQLAlchemy Core."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from mlops.database import Transaction
from mlops.model_registry.entities import ModelMove, ModelStatus
from mlops.model_registry.sql import history, versions
from mlops.model_registry.sql.pages import VersionPages
from mlops.model_registry.sql.tables import environments, models
from mlops.model_registry.stored import ModelKey, ModelQuery, StoredVersion
from mlops.model_registry.versions import SemanticVersion
from mlops.provenance import EnvironmentCapture
from mlops.records import decode_json, encode_json
from mlops.search import Page

__all__ = ["SqlModelStore"]


class SqlModelStore:
    """`ModelStore` in SQL; beside prepared statements it keeps nothing between transactions."""

    def __init__(self) -> None:
        self._pages = VersionPages()

    def lock(self, tx: Transaction, model: ModelKey) -> None:
        """Keep others from changing a model."""
        versions.lock(tx, model)

    def insert(self, tx: Transaction, stored: StoredVersion) -> None:
        """Store a new version."""
        versions.insert(tx, stored)

    def find(self, tx: Transaction, model: ModelKey, version: str) -> StoredVersion | None:
        """Return a version, deleted or not."""
        return versions.find(tx, model, version)

    def find_latest(
        self, tx: Transaction, model: ModelKey, *, status: ModelStatus | None = None, among_deleted: bool = False
    ) -> StoredVersion | None:
        """Return the version with the highest number."""
        return versions.find_latest(tx, model, status=status, among_deleted=among_deleted)

    def find_same(
        self, tx: Transaction, model: ModelKey, *, digest: str, number: SemanticVersion | None
    ) -> list[StoredVersion]:
        """Return versions of the same content or the same place in the order."""
        return versions.find_same(tx, model, digest=digest, number=number)

    def numbers(self, tx: Transaction, model: ModelKey, *, among_deleted: bool = False) -> list[str]:
        """Return the numbers of a model's versions."""
        return versions.numbers(tx, model, among_deleted=among_deleted)

    def page(self, tx: Transaction, query: ModelQuery, *, at: datetime) -> Page[StoredVersion]:
        """Return a page of versions."""
        return self._pages.read(tx, query, at=at)

    def names(self, tx: Transaction, project: str | None) -> list[str]:
        """Return the ids of a project's models, or all projects."""
        column = models.c.project if project is None else models.c.model_id
        chosen = sa.select(column).where(models.c.deleted_at.is_(None)).distinct()
        return sorted(tx.execute(chosen if project is None else chosen.where(models.c.project == project)).scalars())

    def update(self, tx: Transaction, before: StoredVersion, after: StoredVersion) -> None:
        """Replace a version."""
        versions.update(tx, before, after)

    def append_moves(self, tx: Transaction, moves: Sequence[ModelMove]) -> None:
        """Append moves."""
        history.append_moves(tx, moves)

    def moves(self, tx: Transaction, model: ModelKey, *, serving_only: bool = False) -> list[ModelMove]:
        """Return the moves of a model in order."""
        return history.read_moves(tx, model, serving_only=serving_only)

    def last_move(
        self, tx: Transaction, model: ModelKey, *, serving_only: bool = False, until: datetime | None = None
    ) -> ModelMove | None:
        """Return the last move of a model."""
        return history.last_move(tx, model, serving_only=serving_only, until=until)

    def aliases(self, tx: Transaction, model: ModelKey) -> dict[str, str]:
        """Return the version of each alias."""
        return history.read_aliases(tx, model)

    def put_alias(self, tx: Transaction, model: ModelKey, alias: str, version: str | None) -> None:
        """Replace or remove an alias."""
        history.put_alias(tx, model, alias, version)

    def remember_environment(self, tx: Transaction, environment: EnvironmentCapture) -> str:
        """Store an environment under the digest of its document."""
        document = encode_json(environment.to_document())
        digest = hashlib.sha256(document.encode()).hexdigest()
        tx.execute(_insert_unless_there(tx), {"digest": digest, "document": document})
        return digest

    def find_environment(self, tx: Transaction, digest: str) -> EnvironmentCapture | None:
        """Return a stored environment."""
        document = tx.execute(sa.select(environments.c.document).where(environments.c.digest == digest)).scalar()
        return None if document is None else EnvironmentCapture.from_document(decode_json(document))


def _insert_unless_there(tx: Transaction) -> sa.Insert:
    from sqlalchemy.dialects import postgresql, sqlite

    insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    return insert(environments).on_conflict_do_nothing()
