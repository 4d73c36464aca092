"""Consistent copies of a whole database while writers go on, and putting such a copy in a database's place.

A copy is taken inside a read transaction, so that its owner can read on the same snapshot what else belongs to it. It
replaces the content of a database in one transaction: whoever has the database open sees all of the old or all of the
new, and so does whoever opens it after a crash.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from mlops.database import backup_postgresql, backup_sqlite, schema
from mlops.database.backup_records import CopiedFile, DatabaseCopy, Progress, silent
from mlops.database.errors import SchemaMismatch
from mlops.database.registry import Database
from mlops.database.transaction import Transaction
from mlops.errors import Conflict, Corrupted, InvalidInput

__all__ = [
    "CopiedFile",
    "DatabaseCopy",
    "Progress",
    "copy_database",
    "find_rows",
    "refuse_foreign",
    "replace_database",
    "verify_copy",
]


def copy_database(tx: Transaction, folder: Path, *, progress: Progress = silent) -> DatabaseCopy:
    """Copy all our tables, as this read transaction sees them, into files of an existing, empty folder.

    Args:
        tx: A read transaction; what it has read and will read agrees with the copy.
        folder: Where the files go; they are on the disk when this returns.
        progress: Called with what is done and what there is to do.

    Raises:
        Corrupted: SQLite finds the copied file damaged, so the database is.
        StorageFull: No room is left for the files.
    """
    backend = backup_sqlite if tx.dialect == "sqlite" else backup_postgresql
    rows = count_rows(tx) if tx.dialect == "sqlite" else {}
    made = backend.copy_out(tx, folder, schema.table_names(), progress)
    files = tuple(_described(folder / name) for name in made.files)
    return DatabaseCopy(
        dialect=tx.dialect,
        revision=schema.revision_of(tx) or "",
        rows={**rows, **made.rows},
        columns=made.columns,
        sequences=made.sequences,
        files=files,
    )


def verify_copy(copy: DatabaseCopy, folder: Path, *, progress: Progress = silent) -> None:
    """Read all files of a copy again; return when each is what was written.

    Raises:
        Corrupted: A file is missing or changed; the message names the first one.
    """
    for done, file in enumerate(copy.files):
        progress(done, len(copy.files))
        path = folder / file.safe_name
        if not path.is_file():
            raise Corrupted(f"{path} is missing. Use another restore point.")
        if _described(path) != file:
            raise Corrupted(f"{path} is damaged: its content is not what was written. Use another restore point.")
    progress(len(copy.files), len(copy.files))


def refuse_foreign(copy: DatabaseCopy, database: Database) -> None:
    """Return when this copy can go into this database.

    Raises:
        InvalidInput: It is a copy of the other kind of database.
        SchemaMismatch: Its schema is newer than this package.
    """
    if copy.dialect != database.dialect:
        raise InvalidInput(
            f"The copy is of a {copy.dialect} database, and {database.masked_url} is {database.dialect}. "
            f"Restore into a {copy.dialect} database."
        )
    known = schema.revisions()
    if copy.revision not in known:
        raise SchemaMismatch(
            f"The copy has schema version {copy.revision!r}; this mlops can restore {', '.join(known)}. "
            "Restore with the release of tracseq-mlops that the restore point names, then upgrade."
        )


def replace_database(
    database: Database,
    copy: DatabaseCopy,
    folder: Path,
    *,
    overwrite: bool,
    prepare: Callable[[Transaction], object],
    progress: Progress = silent,
) -> None:
    """Put a verified copy in the place of all that is in a database, in one transaction.

    Args:
        database: The target. Other users of it, in this process and others, go on with the new content.
        copy: The copy.
        folder: Where its files are.
        overwrite: Whether rows that are there may go.
        prepare: Called with a transaction on the new content before anybody else sees it.
        progress: Called with what is done and what there is to do.

    Raises:
        Conflict: The database has rows and `overwrite` is false, or another restore is at work.
        StorageFull: No room is left; the database is as it was.
    """

    def check(tx: Transaction) -> None:
        table = None if overwrite else find_rows(tx)
        if table is not None:
            raise Conflict(
                f"{database.masked_url} is not empty: table {table} has rows. Restore into an empty database, or "
                "pass overwrite=True (--overwrite) to lose what is there."
            )

    backend = backup_sqlite if copy.dialect == "sqlite" else backup_postgresql
    backend.replace(database, copy, folder, check=check, prepare=prepare, progress=progress)


def find_rows(tx: Transaction) -> str | None:
    """Return the name of a table that has rows, None when no table of ours has any."""
    for name in schema.table_names():
        if name != "alembic_version" and tx.execute(sa.text(f'SELECT 1 FROM "{name}" LIMIT 1')).first():  # noqa: S608
            return name
    return None


def count_rows(tx: Transaction) -> dict[str, int]:
    """Return the number of rows of each table of ours."""
    names = schema.table_names()
    return {name: int(tx.execute(sa.text(f'SELECT count(*) FROM "{name}"')).scalar_one()) for name in names}  # noqa: S608


def _described(path: Path) -> CopiedFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return CopiedFile(name=path.name, size_bytes=os.fstat(file.fileno()).st_size, sha256=digest)
