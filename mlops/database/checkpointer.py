"""Moves what writers have put into SQLite's write-ahead log on into the database file, off the writers' path."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from mlops.database.writer_lock import WriterLock
from mlops.errors import Conflict, Unavailable

__all__ = ["Checkpointer"]

_FRAME_HEAD = 24  # bytes before each page in the log
_PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)"
_MOST_REPEATED, _LITTLE = 3, 512  # times, and pages: to move so few takes no longer than to wait for the disk


class Checkpointer:
    """A background thread that checkpoints one SQLite file when its log has grown.

    A passive checkpoint blocks nobody but cannot restart the log while writers keep appending, so past a bound it is
    repeated, each time with less to move, and then takes the writer lock for the little that is left. The file then
    keeps its length and is written anew from its beginning: cutting it off would hold up writers for some 50 ms longer,
    so that is done only to a file far beyond the bound.

    Args:
        path: The database file.
        lock: Its writer lock.
        look_bytes: Length of the log below which a checkpoint costs more than the log does.
        bound_bytes: Length above which sustained writing is held up for a moment so that the log can start anew.
        most_bytes: Length above which the file is cut off as well, as after a long read that kept it growing.
    """

    def __init__(
        self,
        path: Path,
        lock: WriterLock,
        *,
        look_bytes: int = 4 << 20,
        bound_bytes: int = 64 << 20,
        most_bytes: int = 256 << 20,
    ) -> None:
        self._path = path
        self._log_path = path.with_name(path.name + "-wal")
        self._lock = lock
        self._look_bytes = look_bytes
        self._bound_bytes = bound_bytes
        self._most_bytes = most_bytes
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def notice(self) -> None:
        """Say that something was written; called by the holder of the writer lock."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mlops-checkpointer", daemon=True)
            self._thread.start()
        self._wake.set()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._stopping:
                return
            try:
                self._checkpoint()
            except Conflict:  # the database was closed meanwhile
                return
            except (sqlite3.Error, OSError, Unavailable) as error:
                import structlog  # 90 ms that only a failure costs

                structlog.get_logger(__name__).warning(
                    "checkpoint failed; the log grows until the next one", database=str(self._path), error=str(error)
                )

    def _log_bytes(self) -> int:
        return self._log_path.stat().st_size if self._log_path.exists() else 0

    def _checkpoint(self) -> None:
        if self._log_bytes() < self._look_bytes:
            return
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=0)
        try:
            _, frames, moved = connection.execute(_PASSIVE).fetchone()
            (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
            if frames * (page_bytes + _FRAME_HEAD) < self._bound_bytes:  # of the file's length much may be from before
                return
            for _ in range(_MOST_REPEATED):
                before, (_, _, moved) = moved, connection.execute(_PASSIVE).fetchone()
                if moved - before < _LITTLE:
                    break
            mode = "RESTART" if self._log_bytes() < self._most_bytes else "TRUNCATE"
            self._lock.acquire()
            try:
                connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
            finally:
                self._lock.release()
        finally:
            connection.close()
