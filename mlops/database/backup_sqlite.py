"""Copies of SQLite databases by SQLite's own online backup, in both directions.

Taking a copy reads the pages of one snapshot. Putting one back writes the pages as one transaction of the target, under
its writer lock: programs that have the file open go on, and a crash leaves the old content or the new.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from mlops.database.backup_records import DatabaseCopy, Made, Progress
from mlops.database.errors import DatabaseBusy, translate, unusable
from mlops.database.registry import Database, open_database
from mlops.database.transaction import Transaction
from mlops.database.writer_lock import WriterLock
from mlops.errors import Conflict, Corrupted, Unavailable

__all__ = ["FILE", "copy_out", "replace", "set_aside"]

FILE = "mlops.db"
_PAGES = 2048  # 8 MB between two calls of the progress
_PATIENCE_S = 60.0
_COMPANIONS = ("-wal", "-shm", "-journal")


def copy_out(tx: Transaction, folder: Path, tables: Sequence[str], progress: Progress) -> Made:
    """Write what the transaction sees as one SQLite file without a log beside it."""
    del tables  # a file has them all
    path = folder / FILE
    with _translated(str(path)), contextlib.closing(sqlite3.connect(path, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode=OFF")
        copy.execute("PRAGMA synchronous=OFF")
        _driver(tx).backup(copy, pages=_PAGES, progress=_reporter(progress, str(path)))
    with _translated(str(path)), contextlib.closing(sqlite3.connect(path, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Corrupted(f"The database is damaged ({verdict}), so it cannot be backed up. Restore an earlier copy.")
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return Made([FILE], {}, {}, {})


def replace(
    database: Database,
    copy: DatabaseCopy,
    folder: Path,
    *,
    check: Callable[[Transaction], None],
    prepare: Callable[[Transaction], object],
    progress: Progress,
) -> None:
    """Prepare a working copy beside the target, brought to the newest schema; then publish it in one transaction."""
    target = _path(database)
    with _workroom(target) as room:
        working = room / FILE
        with _translated(str(working)):
            shutil.copyfile(folder / copy.files[0].safe_name, working)
        with open_database(_url(working)) as prepared:
            with prepared.write() as tx:
                prepare(tx)
            with prepared.read() as tx, _writer_lock(target):
                with database.read() as present:
                    check(present)
                _publish(tx, target, progress)


def set_aside(path: Path, ending: str) -> Path:
    """Rename a file that is no database any more, with what SQLite keeps beside it; return its new name."""
    with _writer_lock(path):
        for companion in (*_COMPANIONS, ""):  # the file last: as long as it is there, this can be done again
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + companion).replace(path.with_name(path.name + ending + companion))
    return path.with_name(path.name + ending)


def _publish(tx: Transaction, target: Path, progress: Progress) -> None:
    with _translated(str(target)), contextlib.closing(sqlite3.connect(target, isolation_level=None)) as destination:
        destination.execute("PRAGMA journal_mode=WAL")
        destination.execute("PRAGMA synchronous=FULL")
        destination.execute("PRAGMA wal_autocheckpoint=0")
        _driver(tx).backup(destination, pages=_PAGES, progress=_reporter(progress, str(target)))
        destination.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # readers may keep it from ending: no harm


def _reporter(progress: Progress, place: str) -> Callable[[int, int, int], None]:
    """Return what SQLite calls after each piece: reports, and gives up on a lock that a foreign program keeps."""
    deadline = time.monotonic() + _PATIENCE_S

    def report(status: int, remaining: int, total: int) -> None:
        nonlocal deadline
        if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            if time.monotonic() > deadline:
                raise DatabaseBusy(f"{place} is locked by a program that is not part of mlops. Close it and try again.")
            return
        deadline = time.monotonic() + _PATIENCE_S
        progress(total - remaining, total)

    return report


@contextlib.contextmanager
def _workroom(target: Path) -> Iterator[Path]:
    """Give an empty folder beside the target, for one restore at a time; what a killed one left there goes."""
    room = target.with_name(f".{target.name}.restoring")
    with _translated(str(target)):
        handle = os.open(target.with_name(f"{target.name}.restore"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"Another restore into {target} is at work. Wait for its end.") from None
        _clear(room)
        with _translated(str(target)):
            room.mkdir()
        yield room
    finally:
        _clear(room)
        os.close(handle)


def _clear(room: Path) -> None:
    if room.exists():
        shutil.rmtree(room)


@contextlib.contextmanager
def _writer_lock(path: Path) -> Iterator[None]:
    lock = WriterLock(path.with_name(path.name + ".writer"), _PATIENCE_S)
    try:
        lock.acquire()
        try:
            yield
        finally:
            lock.release()
    finally:
        lock.close()


@contextlib.contextmanager
def _translated(place: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, place, outcome="Nothing was changed.") or Unavailable(f"{place}: {error}.") from error
    except OSError as error:
        raise unusable(error, place) from error


def _driver(tx: Transaction) -> sqlite3.Connection:
    """Return the connection; a query makes sure that its snapshot is taken, which holds for all pieces of a copy."""
    driver: Any = tx.connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return driver


def _path(database: Database) -> Path:
    assert database.path is not None
    return database.path


def _url(path: Path) -> str:
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)
