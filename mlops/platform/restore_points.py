"""Making, listing, checking and removing restore points: the database and the artifacts that it refers to, as one.

The database is copied on one snapshot while writers go on; then every blob that the copy lists. A blob that garbage
collection took meanwhile means that the snapshot is too old, and the next one is tried.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from mlops import clock
from mlops.artifacts.copying import CopiedBlob, Earlier, StoreHoldings, copy_out, list_holdings, verify_blob
from mlops.artifacts.encryption import EncryptionKey
from mlops.artifacts.errors import ArtifactNotFound, storage_errors
from mlops.audit import append, current_actor
from mlops.clock import NewId, Now
from mlops.config import MLOpsConfig
from mlops.database import Database, configured_database
from mlops.database.backup import DatabaseCopy, copy_database, verify_copy
from mlops.database.location import locate
from mlops.errors import InvalidInput
from mlops.files import sync_to_disk
from mlops.platform.errors import BackupRunning, DatabaseMissing
from mlops.platform.places import FoundStore, encryption_key, find_stores
from mlops.platform.points import (
    DATABASE,
    RestorePoint,
    StoreCopy,
    check_local,
    find_point,
    read_point,
    read_points,
    store_folder,
    write_point,
)

__all__ = [
    "Progress",
    "create_if_due",
    "create_restore_point",
    "list_restore_points",
    "prune",
    "silent",
    "verify_restore_point",
]

Progress = Callable[[str, int, int], object]
"""Called with the name of a stage, what is done of it and what there is to do."""

_ATTEMPTS = 3
_DRAFT = ".draft-"


def silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""
    del stage, done, total


def create_restore_point(
    config: MLOpsConfig, *, progress: Progress = silent, now: Now = clock.now, new_id: NewId = clock.new_id
) -> RestorePoint:
    """Make a restore point in `model_registry.backup_dir`; writers go on meanwhile.

    The signing key is not part of it, nor is any other key: keep them elsewhere.

    Raises:
        DatabaseMissing: There is no database.
        StoreMissing: Artifacts that it refers to are not where they were.
        ArtifactNotFound: One that it refers to is gone, and no earlier restore point has it.
        ArtifactCorrupted: One is damaged, and no earlier restore point has it.
        BackupRunning: Another process makes one.
        StorageFull: No room is left; nothing of it stays.
    """
    backup_dir = check_local(config.model_registry.backup_dir)
    with _alone(backup_dir):
        return _create(config, backup_dir, progress, now, new_id)


def create_if_due(
    config: MLOpsConfig, *, progress: Progress = silent, now: Now = clock.now, new_id: NewId = clock.new_id
) -> RestorePoint | None:
    """Make a restore point if `model_registry.backup_enabled` and the last is `backup_interval_hours` old; else None.

    Raises as `create_restore_point` does.
    """
    settings = config.model_registry
    if not settings.backup_enabled:
        return None
    backup_dir = check_local(settings.backup_dir)
    with _alone(backup_dir):
        last = max((point.created_at for point in read_points(backup_dir)), default=None)
        if last is not None and now() - last < timedelta(hours=settings.backup_interval_hours):
            return None
        return _create(config, backup_dir, progress, now, new_id)


def list_restore_points(config: MLOpsConfig) -> list[RestorePoint]:
    """Return the restore points of `model_registry.backup_dir`, the newest first."""
    return read_points(check_local(config.model_registry.backup_dir))


def verify_restore_point(point: str | Path, config: MLOpsConfig, *, progress: Progress = silent) -> RestorePoint:
    """Read every file of a restore point again; return its manifest when all are what was written.

    Encrypted artifacts are also decrypted when the configuration has a key.

    Args:
        point: Its name, `latest`, or the path of its folder.
        config: Names the folder of restore points.
        progress: Called after each piece of work.

    Raises:
        RestorePointNotFound: There is none of this name.
        RestorePointDamaged: Its manifest is damaged.
        Corrupted: Another file of it is damaged or missing.
        ArtifactNotFound: A blob is missing.
        EncryptionKeyRefused: It has artifacts that the configured key does not open.
    """
    folder = find_point(check_local(config.model_registry.backup_dir), point)
    found = read_point(folder)
    verify_copy(found.database, folder / DATABASE, progress=lambda done, all_: progress("verify database", done, all_))
    key, done = encryption_key(config), 0
    for store in found.stores:
        for blob in store.blobs:
            progress("verify artifacts", done, found.blobs)
            verify_blob(blob, store_folder(folder, store), key=key)
            done += 1
    progress("verify artifacts", done, found.blobs)
    return found


def prune(config: MLOpsConfig, *, keep: int) -> list[str]:
    """Remove all but the newest restore points; return the names of those removed.

    Args:
        config: Names the folder of restore points.
        keep: How many stay, 1 at least; those that cannot be read count as none and stay.
    """
    if keep < 1:
        raise InvalidInput(f"keep is {keep}; the newest restore point always stays. Pass 1 or more.")
    backup_dir = check_local(config.model_registry.backup_dir)
    with _alone(backup_dir):
        old = [point.name for point in read_points(backup_dir)[keep:]]
        for name in old:
            draft = backup_dir / f"{_DRAFT}{name}"
            (backup_dir / name).rename(draft)  # so that a half-removed one is none
            shutil.rmtree(draft)
    return old


def _create(config: MLOpsConfig, backup_dir: Path, progress: Progress, now: Now, new_id: NewId) -> RestorePoint:
    place = locate(config.database.url)
    if place.path is not None and not place.path.exists():
        raise DatabaseMissing(place.masked, hint="There is nothing to back up. Look at: mlops config show")
    with configured_database(config=config) as database:
        maker = _Maker(config, backup_dir, database, progress)
        point = maker.make(_name(now(), new_id()), now())
        details = {"rows": point.rows, "blobs": point.blobs, "folder": str(backup_dir)}
        with database.write() as tx:
            append(tx, action="backup", subject_kind="restore_point", subject_id=point.name, details=details, now=now)
    return point


class _Maker:
    """Makes one restore point."""

    def __init__(self, config: MLOpsConfig, backup_dir: Path, database: Database, progress: Progress) -> None:
        self._config = config
        self._backup_dir = backup_dir
        self._database = database
        self._progress = progress
        self._key: EncryptionKey | None = encryption_key(config)
        self._earlier = _blobs_of_last(backup_dir)

    def make(self, name: str, created_at: datetime) -> RestorePoint:
        """Make it under another name, then give it its own."""
        draft = self._backup_dir / f"{_DRAFT}{name}"
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                point = self._fill(draft, name, created_at)
                _publish(draft, self._backup_dir / name)
                return point
            except ArtifactNotFound:  # collected since the snapshot: the next one does not refer to it
                if attempt == _ATTEMPTS:
                    raise
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        raise AssertionError("the last attempt returns or raises")

    def _fill(self, draft: Path, name: str, created_at: datetime) -> RestorePoint:
        with storage_errors(str(self._backup_dir)):
            (draft / DATABASE).mkdir(parents=True)
        copy, holdings = self._copy_database(draft / DATABASE)
        stores = self._copy_stores(draft, find_stores(holdings, self._config))
        point = RestorePoint(
            name=name,
            created_at=created_at,
            actor=current_actor(),
            package_version=_package_version(),
            database_url=self._database.masked_url,
            database=copy,
            stores=stores,
        )
        write_point(draft, point)
        return point

    def _copy_database(self, folder: Path) -> tuple[DatabaseCopy, list[StoreHoldings]]:
        with self._database.read() as tx:
            copy = copy_database(tx, folder, progress=lambda done, all_: self._progress("copy database", done, all_))
            return copy, list_holdings(tx)

    def _copy_stores(self, draft: Path, found: list[FoundStore]) -> tuple[StoreCopy, ...]:
        total = sum(len(one.holdings.referenced) + len(one.holdings.unreferenced) for one in found)
        copies, done = [], 0
        for number, one in enumerate(found, start=1):
            held = one.holdings
            store = StoreCopy(
                number=number, store=held.store, client_id=held.client_id, settings=one.settings, root=one.storage.root
            )
            blobs = []
            for digest in (*held.referenced, *held.unreferenced):
                self._progress("copy artifacts", done, total)
                blobs += self._copy_blob(one, digest, store_folder(draft, store))
                done += 1
            copies.append(store.changed(blobs=tuple(blobs)))
        self._progress("copy artifacts", done, total)
        return tuple(copies)

    def _copy_blob(self, one: FoundStore, digest: str, folder: Path) -> list[CopiedBlob]:
        earlier = self._earlier.get(one.holdings.store, {})
        try:
            return [copy_out(one.storage, digest, folder, earlier=earlier, key=self._key)]
        except ArtifactNotFound:
            if digest in one.holdings.referenced:
                raise
            return []  # its row is written before its file: an upload that goes on, or did not end


def _blobs_of_last(backup_dir: Path) -> dict[str, dict[str, Earlier]]:
    """Return the blobs of the newest restore point, by store and name."""
    last = next(iter(read_points(backup_dir)), None)
    if last is None:
        return {}
    return {
        store.store: {blob.name: Earlier(blob, store_folder(backup_dir / last.name, store)) for blob in store.blobs}
        for store in last.stores
    }


def _publish(draft: Path, target: Path) -> None:
    """Give a complete draft its name, for good; its files are on the disk already."""
    with storage_errors(str(target.parent)):
        for parent, _, _ in os.walk(draft, topdown=False):
            sync_to_disk(Path(parent))
        draft.rename(target)
        sync_to_disk(target.parent)


@contextmanager
def _alone(backup_dir: Path) -> Iterator[None]:
    """Keep other makers out of the folder, and sweep what killed ones left there."""
    with storage_errors(str(backup_dir)):
        backup_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(backup_dir / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRunning(f"Another process makes a restore point in {backup_dir}. Wait for its end.") from None
        for leftover in backup_dir.glob(f"{_DRAFT}*"):
            shutil.rmtree(leftover)
        yield
    finally:
        os.close(handle)


def _name(moment: datetime, new_id: str) -> str:
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}Z-{new_id.replace('-', '')[-12:]}"


def _package_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tracseq-mlops")
    except PackageNotFoundError:
        return ""
