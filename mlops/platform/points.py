"""What a restore point is: one folder with a copy of the database, the blobs that belong to it, and a manifest.

    <backup_dir>/20261123T053840123Z-1c9f3a02b7de/
        manifest.json  manifest.sha256
        database/      one SQLite file, or one file a table
        stores/1/blobs/ab/cd…

A folder has its name only when it is complete: it is made under another one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

from pydantic import AwareDatetime

from mlops.artifacts.copying import CopiedBlob
from mlops.artifacts.errors import storage_errors
from mlops.database.backup import DatabaseCopy
from mlops.errors import InvalidInput
from mlops.platform.errors import RestorePointDamaged, RestorePointNotFound
from mlops.records import Record

__all__ = [
    "DATABASE",
    "RestorePoint",
    "StoreCopy",
    "check_local",
    "find_point",
    "read_point",
    "read_points",
    "store_folder",
    "write_point",
]

_NAME = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{12}")
_MANIFEST = "manifest.json"
_DIGEST = "manifest.sha256"
DATABASE = "database"


class StoreCopy(Record):
    """The blobs of one artifact store in a restore point.

    Attributes:
        number: Names its folder, `stores/<number>`.
        store: The store's id, which references in the database carry.
        client_id: By which the database was known in it.
        settings: The settings that named its place, such as `model_registry.registry_path`; none when none did.
        root: Where it was.
        blobs: Its blobs.
    """

    number: int
    store: str
    client_id: str
    settings: tuple[str, ...] = ()
    root: str
    blobs: tuple[CopiedBlob, ...] = ()


class RestorePoint(Record):
    """A restore point's manifest.

    Attributes:
        name: Its name, which is its folder's.
        created_at: When.
        actor: Who had it made.
        package_version: Release of this package; empty from a checkout that is not installed.
        database_url: The database, without its password.
        database: The copy of it.
        stores: The copies of the artifact stores that it refers to.
    """

    name: str
    created_at: AwareDatetime
    actor: str
    package_version: str
    database_url: str
    database: DatabaseCopy
    stores: tuple[StoreCopy, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows of all tables."""
        return sum(self.database.rows.values())

    @property
    def blobs(self) -> int:
        """Number of blobs."""
        return sum(len(store.blobs) for store in self.stores)

    @property
    def size_bytes(self) -> int:
        """Size of all its files; those it shares with other restore points count in each."""
        blobs = sum(blob.size_bytes for store in self.stores for blob in store.blobs)
        return blobs + sum(file.size_bytes for file in self.database.files)


def store_folder(folder: Path, store: StoreCopy) -> Path:
    """Return where a restore point keeps the blobs of a store."""
    return folder / "stores" / str(store.number)


def write_point(folder: Path, point: RestorePoint) -> None:
    """Write the manifest, and its digest as `sha256sum` writes it."""
    content = json.dumps(point.to_document(), indent=1).encode()
    digest = f"{hashlib.sha256(content).hexdigest()}  {_MANIFEST}\n".encode()
    with storage_errors(str(folder)):
        for name, written in ((_MANIFEST, content), (_DIGEST, digest)):
            with (folder / name).open("xb") as file:
                file.write(written)
                file.flush()
                os.fsync(file.fileno())


def read_point(folder: Path) -> RestorePoint:
    """Read a manifest.

    Raises:
        RestorePointDamaged: It is missing, or not what was written.
    """
    try:
        content = (folder / _MANIFEST).read_bytes()
        expected = (folder / _DIGEST).read_text().split()[:1]
        point = RestorePoint.from_document(json.loads(content))
    except (OSError, ValueError, KeyError) as error:
        raise RestorePointDamaged(f"Restore point {folder} cannot be read: {error}. Use another one.") from error
    if [hashlib.sha256(content).hexdigest()] != expected:
        raise RestorePointDamaged(f"{folder / _MANIFEST} is not what was written. Use another restore point.")
    if point.name != folder.name:
        raise RestorePointDamaged(f"Restore point {folder} was made as {point.name}. Give its folder this name again.")
    return point


def read_points(backup_dir: Path) -> list[RestorePoint]:
    """Return all restore points of a folder that can be read, the newest first; others are logged."""
    found = []
    for folder in _folders(backup_dir):
        try:
            found.append(read_point(folder))
        except RestorePointDamaged as error:
            import structlog

            structlog.get_logger(__name__).warning("a restore point cannot be read", reason=str(error))
    return found


def find_point(backup_dir: Path, name: str | Path) -> Path:
    """Return the folder of a restore point.

    Args:
        backup_dir: Where they are.
        name: Its name, `latest`, or the path of its folder wherever that is.

    Raises:
        RestorePointNotFound: There is none.
    """
    folders = _folders(backup_dir)
    if str(name) == "latest":
        if not folders:
            raise RestorePointNotFound("latest", hint=f"{backup_dir} has none. Make one with: mlops backup")
        return folders[0]
    named = Path(name).absolute() if Path(name).name != str(name) else backup_dir / name
    if not _NAME.fullmatch(named.name) or not named.is_dir():
        known = [folder.name for folder in folders]
        raise RestorePointNotFound(str(name), known=known, hint=f"{backup_dir} has {len(known)}: mlops backup --list")
    return named


def check_local(backup_dir: str) -> Path:
    """Return the folder of restore points as a path.

    Raises:
        InvalidInput: It is a URL.
    """
    if "://" in backup_dir:
        raise InvalidInput(
            f"model_registry.backup_dir is {backup_dir!r}; restore points are made in a folder of this machine. "
            "Name one, and copy it elsewhere with a tool of your choice."
        )
    return Path(backup_dir).expanduser().absolute()


def _folders(backup_dir: Path) -> list[Path]:
    """List the folders of restore points, the newest first."""
    with storage_errors(str(backup_dir)):
        found = [path for path in backup_dir.iterdir() if _NAME.fullmatch(path.name)] if backup_dir.is_dir() else []
    return sorted(found, key=lambda path: path.name, reverse=True)
