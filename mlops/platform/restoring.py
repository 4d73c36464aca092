"""Putting a restore point in the place of a database and its artifacts.

Everything is checked first. Then blobs are added, which changes nothing for a database that does not refer to them;
then the database changes in one transaction. Killed at any moment, a restore leaves the old state or the new one, and
can be run again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mlops import clock
from mlops.artifacts.copying import assign_client, claim_store, copy_in, mark_store
from mlops.artifacts.errors import EncryptionKeyRefused
from mlops.artifacts.storage import Storage
from mlops.audit import append, list_entries
from mlops.clock import NewId, Now
from mlops.config import ConfigManager, MLOpsConfig
from mlops.database import Database, Transaction, UnsupportedLocation, configured_database
from mlops.database.backup import find_rows, refuse_foreign, replace_database
from mlops.database.backup_sqlite import set_aside
from mlops.database.location import locate
from mlops.errors import Corrupted
from mlops.platform.errors import TargetNotEmpty
from mlops.platform.places import encryption_key, target_stores
from mlops.platform.points import DATABASE, RestorePoint, StoreCopy, check_local, find_point, store_folder
from mlops.platform.restore_points import Progress, silent, verify_restore_point

__all__ = ["restore"]

Target = tuple[StoreCopy, Storage]


def restore(
    point: str | Path,
    into: MLOpsConfig | None = None,
    *,
    overwrite: bool = False,
    progress: Progress = silent,
    now: Now = clock.now,
    new_id: NewId = clock.new_id,
) -> RestorePoint:
    """Restore the database and the artifacts of a configuration from a restore point.

    Programs that have the database open go on with the restored content. Artifacts that are newer than the restore
    point stay until garbage collection takes them. The audit log gets an entry that tells of the restore.

    Args:
        point: Its name, `latest`, or the path of its folder.
        into: Where to: the database and the folders of this configuration; None loads it.
        overwrite: Whether a database with rows may be replaced. One that is damaged is renamed then, not deleted.
        progress: Called after each piece of work.
        now: The clock.
        new_id: The source of ids.

    Returns:
        The restore point.

    Raises:
        RestorePointNotFound: There is none of this name.
        Corrupted: It is damaged; nothing was changed.
        TargetNotEmpty: The database has rows and `overwrite` is false, or a folder holds another artifact store.
        EncryptionKeyRefused: It has encrypted artifacts that the configured key does not open.
        SchemaMismatch: It is of a release whose tables this one cannot take.
        StorageFull: No room is left; the database is as it was.
    """
    config = into or ConfigManager().load_config()
    folder = find_point(check_local(config.model_registry.backup_dir), point)
    found = verify_restore_point(folder, config, progress=progress)
    _refuse_without_key(found, config)
    targets = target_stores(found, config)
    _check_database(found, config, overwrite=overwrite)
    _restore_blobs(found, folder, targets, config, progress)
    with _open_target(config, overwrite=overwrite) as database:
        replace_database(
            database,
            found.database,
            folder / DATABASE,
            overwrite=overwrite,
            prepare=_finishing(found, targets, database, now, new_id),
            progress=lambda done, all_: progress("restore database", done, all_),
        )
    return found


def _finishing(
    point: RestorePoint, targets: list[Target], database: Database, now: Now, new_id: NewId
) -> Callable[[Transaction], None]:
    """Return what is written into the restored content before anybody sees it."""
    clients = _claim(targets, database, now, new_id)
    details = {"created_at": point.created_at.isoformat(), "replaced_audit_log": _end_of_log(database)}

    def finish(tx: Transaction) -> None:
        for store, client_id in clients.items():
            assign_client(tx, store=store, client_id=client_id)
        append(tx, action="restore", subject_kind="restore_point", subject_id=point.name, details=details, now=now)

    return finish


def _refuse_without_key(point: RestorePoint, config: MLOpsConfig) -> None:
    encrypted = sum(blob.is_encrypted for store in point.stores for blob in store.blobs)
    if encrypted and encryption_key(config) is None:
        raise EncryptionKeyRefused(
            f"Restore point {point.name} has {encrypted} encrypted artifacts and no key was given. "
            "Set MLOPS_ENCRYPTION_KEY. Nothing was changed."
        )


def _check_database(point: RestorePoint, config: MLOpsConfig, *, overwrite: bool) -> None:
    """Refuse a target that cannot be, before anything changes.

    Raises:
        TargetNotEmpty: It has rows, and may not lose them.
    """
    try:
        database = configured_database(config=config)
    except (Corrupted, UnsupportedLocation):
        if not overwrite or locate(config.database.url).path is None:
            raise
        return  # a damaged file: `_open_target` sets it aside
    with database:
        refuse_foreign(point.database, database)
        with database.read() as tx:
            table = None if overwrite else find_rows(tx)
        if table is not None:
            raise TargetNotEmpty(
                f"{database.masked_url} is not empty: table {table} has rows. Restore into an empty database, or "
                "pass overwrite=True (--overwrite) to lose what is there. Nothing was changed."
            )


def _restore_blobs(
    point: RestorePoint, folder: Path, targets: list[Target], config: MLOpsConfig, progress: Progress
) -> None:
    key, done = encryption_key(config), 0
    for store, storage in targets:
        mark_store(storage, store.store)
        for blob in store.blobs:
            progress("restore artifacts", done, point.blobs)
            copy_in(storage, blob, store_folder(folder, store), key=key)
            done += 1
    progress("restore artifacts", done, point.blobs)


def _open_target(config: MLOpsConfig, *, overwrite: bool) -> Database:
    """Open the database to restore into; a file that is damaged beyond opening is renamed first."""
    try:
        return configured_database(config=config)
    except (Corrupted, UnsupportedLocation):
        path = locate(config.database.url).path
        if not overwrite or path is None:
            raise
    aside = set_aside(path, f".damaged-{clock.new_id()}")
    import structlog

    structlog.get_logger(__name__).warning("the damaged database was renamed", database=str(path), now_at=str(aside))
    return configured_database(config=config)


def _claim(targets: list[Target], database: Database, now: Now, new_id: NewId) -> dict[str, str]:
    """Leave the database's mark in each store; return the ids by which it is known there."""
    return {
        store.store: claim_store(
            storage, client_id=store.client_id, database=database.masked_url, since=now(), new_id=new_id
        )
        for store, storage in targets
    }


def _end_of_log(database: Database) -> str:
    """Say where the audit log ended that goes, so that whoever noted its anchor finds out what became of it."""
    try:
        with database.read() as tx:
            last = next(iter(list_entries(tx, limit=1)), None)
    except Corrupted:
        return "unreadable"
    return "empty" if last is None else f"{last.sequence}:{last.hash}"
