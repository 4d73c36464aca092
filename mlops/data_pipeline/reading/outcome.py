"""What the readers of all forms are given to report to, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from mlops.data_pipeline.column_spec import ColumnSpec
from mlops.data_pipeline.reading.options import Dialect, ReadOptions
from mlops.data_pipeline.reading.passes import Result

__all__ = ["Order", "Outcome", "Watch"]


class Outcome(NamedTuple):
    """A source that was written to a snapshot.

    Attributes:
        digest: SHA-256, in hexadecimal, of what was read.
        result: What was written.
        faults: Number of broken rows by fault.
        dialect: How the text is written; None for other than text.
        notes: What was decided, in sentences.
        first_line: Line, from 1, of the first row of a worksheet; 0 of what has other lines or none.
    """

    digest: str
    result: Result
    faults: Mapping[str, int]
    dialect: Dialect | None = None
    notes: tuple[str, ...] = ()
    first_line: int = 0

    def noted(self, note: str) -> Outcome:
        """Return this outcome with a further note before its others."""
        return self if note in self.notes else self._replace(notes=(note, *self.notes))


class Watch:
    """Tells the caller how far reading is, and lets it be stopped.

    Args:
        progress: Called with bytes done and bytes in all.
        cancelled: Called often; raises to stop.
        total: Bytes in all.
    """

    def __init__(
        self, progress: Callable[[int, int], object] | None, cancelled: Callable[[], object] | None, total: int
    ) -> None:
        self._progress = progress
        self._cancelled = cancelled
        self._total = total
        self._told = 0

    def check(self) -> None:
        """Give the caller the occasion to stop."""
        if self._cancelled is not None:
            self._cancelled()

    def bytes_read(self, done: int) -> None:
        """Tell how many bytes are behind us, at most a hundred times."""
        self.check()
        if self._progress is not None and (done >= self._total or done - self._told >= self._total // 100):
            self._told = done
            self._progress(done, self._total)


class Order(NamedTuple):
    """What is to be made of a source.

    Attributes:
        target: File to write.
        columns: Names of columns to what they have to be.
        options: How to read.
        watch: Where to report to.
    """

    target: Path
    columns: Mapping[str, ColumnSpec]
    options: ReadOptions
    watch: Watch
