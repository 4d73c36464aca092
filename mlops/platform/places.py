"""Where a configuration keeps things: its database, its artifact stores, its restore points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mlops.artifacts.copying import StoreHoldings, read_store_id
from mlops.artifacts.encryption import EncryptionKey
from mlops.artifacts.errors import StorageUnavailable
from mlops.artifacts.storage import Storage, open_storage
from mlops.config import MLOpsConfig
from mlops.errors import InvalidInput
from mlops.platform.errors import StoreMissing, TargetNotEmpty
from mlops.platform.points import RestorePoint, StoreCopy

__all__ = ["FoundStore", "encryption_key", "find_stores", "target_stores"]


class FoundStore(NamedTuple):
    """An artifact store of a database: what the database knows of it, its files, and the settings that name it."""

    holdings: StoreHoldings
    storage: Storage
    settings: tuple[str, ...]


def encryption_key(config: MLOpsConfig) -> EncryptionKey | None:
    """Return the key that artifacts are encrypted with."""
    secret = config.security.encryption_key
    return EncryptionKey(secret.get_secret_value()) if secret else None


def find_stores(holdings: Sequence[StoreHoldings], config: MLOpsConfig) -> list[FoundStore]:
    """Find the stores that a database uses: where the settings say, else where they were when they were first used.

    Raises:
        StoreMissing: A store that the database refers to is in neither place.
    """
    named = {setting: open_storage(root) for setting, root in _roots(config).items()}
    found = []
    for held in holdings:
        matching = {setting: storage for setting, storage in named.items() if read_store_id(storage) == held.store}
        storage = next(iter(matching.values()), None) or _where_it_was(held)
        if storage is not None:
            found.append(FoundStore(held, storage, tuple(matching)))
        elif held.referenced:
            raise StoreMissing(
                held.store,
                hint=f"The database refers to {len(held.referenced)} artifacts in it; it was at {held.root}. "
                f"Name where it is now in one of {', '.join(named)}.",
            )
    return found


def target_stores(point: RestorePoint, config: MLOpsConfig) -> list[tuple[StoreCopy, Storage]]:
    """Return where each store of a restore point goes.

    Raises:
        TargetNotEmpty: Another store is there.
        InvalidInput: The settings send one store to two places, or two stores to one.
    """
    found: dict[str, tuple[StoreCopy, Storage]] = {}
    for store in point.stores:
        storage = _target(store, config)
        if storage.root in found:
            raise InvalidInput(
                f"Two artifact stores of the restore point {point.name} would go to {storage.root}. "
                f"Name different folders in {' and '.join(_roots(config))}."
            )
        present = read_store_id(storage)
        if present not in {None, store.store}:
            raise TargetNotEmpty(
                f"{storage.root} holds another artifact store ({present}) than the restore point ({store.store}). "
                f"Move that folder away, or name another one in {' or '.join(store.settings) or 'the settings'}."
            )
        found[storage.root] = (store, storage)
    return list(found.values())


def _roots(config: MLOpsConfig) -> dict[str, str]:
    return {
        "model_registry.registry_path": config.model_registry.registry_path,
        "experiment_tracking.tracking_dir": config.experiment_tracking.tracking_dir,
        "feature_store.store_dir": config.feature_store.store_dir,
    }


def _where_it_was(held: StoreHoldings) -> Storage | None:
    try:
        storage = open_storage(held.root)
        return storage if read_store_id(storage) == held.store else None
    except (InvalidInput, StorageUnavailable):  # a URL is kept without its password; StoreMissing names the remedy
        return None


def _target(store: StoreCopy, config: MLOpsConfig) -> Storage:
    roots = _roots(config)
    storages = {storage.root: storage for storage in (open_storage(roots[name]) for name in store.settings)}
    if len(storages) > 1:
        raise InvalidInput(
            f"The artifact store {store.store} was both {' and '.join(store.settings)}, which now are "
            f"{' and '.join(storages)}. Name one folder in both settings."
        )
    return next(iter(storages.values()), None) or open_storage(store.root)
