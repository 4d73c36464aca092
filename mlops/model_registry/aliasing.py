"""Aliases: further names of versions, which move from one version to another."""

from __future__ import annotations

from mlops.model_registry.errors import AliasNotFound
from mlops.model_registry.ledger import Ledger
from mlops.model_registry.naming import check_alias
from mlops.model_registry.stored import StoredVersion

__all__ = ["AliasBook"]


class AliasBook:
    """Gives versions further names; each change is one transaction, with its audit entry and its event."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._finder = ledger.finder
        self._store = ledger.store

    def put(self, model_id: str, alias: str, reference: str) -> StoredVersion:
        """Let an alias stand for a version; see `ModelRegistry.set_alias`."""
        word = check_alias(alias)
        with self._ledger.change(model_id) as change:
            stored = self._finder.get(change.tx, model_id, reference)
            before = self._store.aliases(change.tx, change.model).get(word)
            if before != stored.version:
                self._store.put_alias(change.tx, change.model, word, stored.version)
                details = {"alias": word, "version": stored.version, "before": before}
                change.close("set_alias", "model.updated", details)
            return stored

    def remove(self, model_id: str, alias: str) -> None:
        """Remove an alias; see `ModelRegistry.remove_alias`."""
        with self._ledger.change(model_id) as change:
            known = self._store.aliases(change.tx, change.model)
            if alias not in known:
                self._finder.require(change.tx, model_id)
                raise AliasNotFound(alias, model_id=model_id, known=known)
            self._store.put_alias(change.tx, change.model, alias, None)
            change.close("remove_alias", "model.updated", {"alias": alias, "version": known[alias]})

    def all_of(self, model_id: str) -> dict[str, str]:
        """Return the version that each alias stands for."""
        with self._ledger.database.read() as tx:
            return self._store.aliases(tx, self._finder.key(model_id))
