"""Versions found by whatever names them, with errors that help."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mlops.errors import InvalidInput
from mlops.model_registry.entities import ModelStatus
from mlops.model_registry.errors import ModelNotFound, VersionNotFound
from mlops.model_registry.naming import LATEST, status_named
from mlops.model_registry.store import ModelStore
from mlops.model_registry.stored import ModelKey, StoredVersion
from mlops.values import check_text

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["Finder"]


class Finder:
    """Finds versions in one project.

    Args:
        store: What reads them.
        project: Where models are looked for.
    """

    def __init__(self, store: ModelStore, *, project: str) -> None:
        self._store = store
        self.project = project

    def key(self, model_id: str) -> ModelKey:
        """Return the key of a model, which need not exist.

        Raises:
            InvalidInput: The id is no text that a database could hold.
        """
        return ModelKey(self.project, _storable("model id", model_id))

    def require(self, tx: Transaction, model_id: str) -> None:
        """Raise ModelNotFound, with similar ids, for a model without versions."""
        if not self._store.numbers(tx, self.key(model_id)):
            raise ModelNotFound(model_id, project=self.project, known=self._store.names(tx, self.project))

    def get(self, tx: Transaction, model_id: str, reference: str | None) -> StoredVersion:
        """Return the version that a reference names.

        Args:
            reference: A number, an alias, a status, or `latest`; None means the one in production, else the latest.

        Raises:
            ModelNotFound: The model has no version.
            VersionNotFound: It has none of this name, or that one was deleted.
        """
        wanted = None if reference is None else _storable("version", reference)
        found = self._named(tx, self.key(model_id), wanted)
        if found is None or found.deleted_at is not None:
            raise self._missing(tx, model_id, reference, is_deleted=found is not None)
        return found

    def serving(self, tx: Transaction, model_id: str, at: datetime | None) -> StoredVersion:
        """Return the version in production at a moment, None for now, also one that was deleted since.

        Raises:
            ModelNotFound: The model has no version.
            VersionNotFound: None was in production.
        """
        model = self.key(model_id)
        last = self._store.last_serving_move(tx, model, until=at)
        if last is not None and last.to_status is ModelStatus.PRODUCTION:
            stored = self._store.find(tx, model, last.version)
            if stored is not None:
                return stored
        self.require(tx, model_id)
        raise VersionNotFound.in_production(model_id, at)

    def _named(self, tx: Transaction, model: ModelKey, reference: str | None) -> StoredVersion | None:
        store = self._store
        if reference is None:
            return store.find_latest(tx, model, status=ModelStatus.PRODUCTION) or store.find_latest(tx, model)
        status = status_named(reference)
        if status is not None:
            return store.find_latest(tx, model, status=status)
        if reference == LATEST:
            return store.find_latest(tx, model)
        found = store.find(tx, model, reference)
        if found is not None:
            return found
        number = store.aliases(tx, model).get(reference)
        return None if number is None else store.find(tx, model, number)

    def _missing(self, tx: Transaction, model_id: str, reference: str | None, *, is_deleted: bool) -> VersionNotFound:
        numbers = self._store.numbers(tx, self.key(model_id))
        if is_deleted:
            hint = f"It was deleted; history({model_id!r}) tells when and by whom."
            return VersionNotFound(str(reference), model_id=model_id, known=numbers, hint=hint)
        self.require(tx, model_id)
        if reference is None:
            hint = "All its versions have failed; name one to have it."
            return VersionNotFound(LATEST, model_id=model_id, hint=hint)
        known = [*numbers, *self._store.aliases(tx, self.key(model_id))]
        return VersionNotFound(reference, model_id=model_id, known=known)


def _storable(what: str, text: str) -> str:
    try:
        return check_text(text)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{text!r} is no {what}: pass text that a database can hold, such as '1.0.0'.") from error
