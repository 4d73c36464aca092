"""The store of model versions on SQLAlchemy Core."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mlops.database import DriverStatement, Transaction
from mlops.model_registry.entities import ModelMove, ModelStatus
from mlops.model_registry.sql import history, versions
from mlops.model_registry.sql.pages import VersionPages
from mlops.model_registry.sql.tables import environments, models
from mlops.model_registry.stored import ModelKey, ModelQuery, Standing, StoredVersion
from mlops.model_registry.versions import SemanticVersion
from mlops.provenance import EnvironmentCapture
from mlops.records import decode_json, encode_json
from mlops.search import Page

__all__ = ["SqlModelStore"]


class SqlModelStore:
    """`ModelStore` in SQL; beside prepared statements it keeps nothing between transactions."""

    def __init__(self) -> None:
        self._pages = VersionPages()

    def lock(self, tx: Transaction, model: ModelKey) -> Standing:
        """Keep others from changing a model; return where it stands."""
        history.lock(tx, model)
        return history.read_standing(tx, model)

    def insert(self, tx: Transaction, stored: StoredVersion, environment: EnvironmentCapture | None = None) -> None:
        """Store a new version and its environment."""
        versions.insert(tx, stored)
        if environment is not None:
            tx.run(_REMEMBER[tx.dialect], (stored.environment_digest, encode_json(environment.to_document())))

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

    def last_serving_move(self, tx: Transaction, model: ModelKey, *, until: datetime | None = None) -> ModelMove | None:
        """Return the last move into or out of production."""
        return history.last_serving_move(tx, model, until=until)

    def aliases(self, tx: Transaction, model: ModelKey) -> dict[str, str]:
        """Return the version of each alias."""
        return history.read_aliases(tx, model)

    def put_alias(self, tx: Transaction, model: ModelKey, alias: str, version: str | None) -> None:
        """Replace or remove an alias."""
        history.put_alias(tx, model, alias, version)

    def find_environment(self, tx: Transaction, digest: str) -> EnvironmentCapture | None:
        """Return a stored environment."""
        document = tx.execute(sa.select(environments.c.document).where(environments.c.digest == digest)).scalar()
        return None if document is None else EnvironmentCapture.from_document(decode_json(document))


_DOCUMENT: dict[str, Any] = {"digest": sa.bindparam("digest"), "document": sa.bindparam("document")}
_REMEMBER = {
    "sqlite": DriverStatement(
        sqlite.insert(environments).values(_DOCUMENT).on_conflict_do_nothing().inline(), tuple(_DOCUMENT)
    ),
    "postgresql": DriverStatement(
        postgresql.insert(environments).values(_DOCUMENT).on_conflict_do_nothing().inline(), tuple(_DOCUMENT)
    ),
}
