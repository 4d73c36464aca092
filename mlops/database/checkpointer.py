"""Moves what writers have put into SQLite's write-ahead log on into the database file, off the writers' path."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import structlog

from mlops.database.writer_lock import WriterLock

__all__ = ["Checkpointer"]

_LOOK_BYTES = 4 << 20  # below this a checkpoint costs more than the log does
_BOUND_BYTES = 64 << 20  # above this, sustained writing is held up for a moment so that the log can start anew
_LOG = structlog.get_logger(__name__)


class Checkpointer:
    """A background thread that checkpoints one SQLite file when its log has grown.

    A passive checkpoint blocks nobody but cannot restart the log while writers keep appending, so past a bound it takes
    the writer lock for the little that is left.
    """

    def __init__(self, path: Path, lock: WriterLock) -> None:
        self._path = path
        self._log_path = path.with_name(path.name + "-wal")
        self._lock = lock
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
            except (sqlite3.Error, OSError) as error:
                _LOG.warning(
                    "checkpoint failed; the log grows until the next one", database=str(self._path), error=str(error)
                )

    def _log_bytes(self) -> int:
        return self._log_path.stat().st_size if self._log_path.exists() else 0

    def _checkpoint(self) -> None:
        if self._log_bytes() < _LOOK_BYTES:
            return
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=0)
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if self._log_bytes() < _BOUND_BYTES:
                return
            self._lock.acquire()
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._lock.release()
        finally:
            connection.close()
