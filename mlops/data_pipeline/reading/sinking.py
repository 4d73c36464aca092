"""Runs a lazy table into a Parquet file while the caller looks on."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import polars as pl

from mlops.data_pipeline.snapshot_columns import ROW

__all__ = ["Sink", "rows_a_group", "scratch_file"]

_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.02
_CELLS_A_GROUP = 400_000
_FEWEST_ROWS, _MOST_ROWS = 5_000, 100_000  # of a group


class Sink:
    """A table on its way into a file, in Polars' own threads.

    Args:
        frame: What to write, with `__row__`.
        file: Where to write it, open.
        watched: Columns of which is wanted whether they have any value.

    Attributes:
        filled: Those of the watched columns that have one, as far as rows were written.
    """

    def __init__(self, frame: pl.LazyFrame, file: BinaryIO, *, watched: Sequence[str] = ()) -> None:
        self.filled: set[str] = set()
        self._is_stopped = False
        self._is_over = False
        dtype = frame.collect_schema()[ROW]
        gate = pl.map_batches([ROW, *watched], self._pass, return_dtype=dtype, is_elementwise=True).alias(ROW)
        # not compressed: a file between passes, smaller than the text that it came from, and read five times; without
        # statistics: every pass looks at all rows
        lazy = frame.with_columns(gate).sink_parquet(
            file, compression="uncompressed", statistics=False, row_group_size=rows_a_group(frame), lazy=True
        )
        self._query = lazy.collect(background=True, engine="streaming")

    def wait(self, check: Callable[[], object]) -> None:
        """Return once the file is complete.

        Args:
            check: Called every few milliseconds; raises to give up.

        Raises:
            polars.exceptions.PolarsError: The table cannot be computed.
        """
        pause = _FIRST_PAUSE_S
        while not self._is_complete():
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
            check()

    def stop(self) -> None:
        """Give up, and return once no thread works on the table any more; what was written is of no use.

        Polars' own `cancel` lets a query that has begun run to its end, and a query that nobody waits for ends the
        process when it fails.
        """
        self._is_stopped = True
        with suppress(pl.exceptions.PolarsError):
            self.wait(lambda: None)

    def _is_complete(self) -> bool:
        """Ask Polars, which tells of an end once and then never again."""
        if not self._is_over:
            try:
                self._is_over = self._query.fetch() is not None
            except BaseException:
                self._is_over = True
                raise
        return self._is_over

    def _pass(self, parts: Sequence[pl.Series]) -> pl.Series:
        """Let rows through until the sink is stopped."""
        if self._is_stopped:
            raise pl.exceptions.ComputeError("the reading was stopped")
        rows, *watched = parts
        self.filled.update(part.name for part in watched if part.null_count() < len(part))
        return rows


def rows_a_group(frame: pl.LazyFrame) -> int:
    """Return how many rows of a snapshot are read at a time.

    Few, because Polars reads a dozen groups ahead of what works on them: in groups of 90,000 rows of 20 columns that
    alone is half a gigabyte, in groups of 20,000 a fifth of it, at the same speed.
    """
    columns = len(frame.collect_schema())
    return min(_MOST_ROWS, max(_FEWEST_ROWS, _CELLS_A_GROUP // columns))


@contextmanager
def scratch_file(folder: Path, prefix: str) -> Iterator[Path]:
    """Give the path of a new file in `folder`, which is removed at the end of the block if it is still there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{prefix}{secrets.token_hex(8)}"
    path.touch(exist_ok=False)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
