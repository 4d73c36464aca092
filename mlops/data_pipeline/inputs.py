"""Inputs that are tables in memory: kept as Parquet, so that a run on them can be resumed and told of.

They are kept as long as the jobs of the runs on them are. What nobody tells of, because a process was killed before it
had stored its run, is as old then.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.clock import NewId
from mlops.data_pipeline.failures import translated
from mlops.data_pipeline.reading.tables import as_frame, is_frame
from mlops.data_pipeline.run_options import check_source
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["kept_input", "remove_unused_inputs"]

_OURS = re.compile(r"[0-9a-zA-Z][0-9a-zA-Z_-]{0,99}\.(parquet|part)")


def kept_input(data: str | os.PathLike[str] | pd.DataFrame | pl.DataFrame, folder: Path, *, new_id: NewId) -> str:
    """Return the source of a run: a path or URL as it is kept, a table written to a file of its own.

    Raises:
        InvalidInput: It is neither, or the URL has a password in it.
        StorageFull: No room is left for the table.
    """
    if isinstance(data, str | os.PathLike):
        return check_source(os.fspath(data))
    frame = _as_polars(data)
    folder.mkdir(parents=True, exist_ok=True)
    file, unfinished = folder / f"{new_id()}.parquet", folder / f"{new_id()}.part"
    try:
        frame.write_parquet(unfinished, compression="lz4")
        unfinished.rename(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise translated(error, folder) from error
    return str(file.absolute())


def remove_unused_inputs(folder: Path, *, before: datetime, used: Callable[[], Iterable[str]]) -> int:
    """Remove tables that were written before a moment and that nobody uses.

    Args:
        folder: Where they are.
        before: An aware datetime.
        used: Returns the inputs that are in use. Asked after the folder was looked through, and only when something in
            it is old enough; compared by name, wherever the folder was then.

    Returns:
        How many were removed.
    """
    old = [file for file in _tables(folder) if _is_older(file, before)]
    names = {Path(one).name for one in used()} if old else set()
    unused = [file for file in old if file.name not in names]
    for file in unused:
        file.unlink(missing_ok=True)
    return len(unused)


def _tables(folder: Path) -> list[Path]:
    try:
        return [file for file in sorted(folder.iterdir()) if _OURS.fullmatch(file.name)]
    except FileNotFoundError:
        return []


def _is_older(file: Path, before: datetime) -> bool:
    try:
        return file.stat().st_mtime < before.timestamp()
    except FileNotFoundError:  # another process has removed it
        return False


def _as_polars(data: Any) -> pl.DataFrame:
    import polars as pl

    if isinstance(data, pl.LazyFrame):
        return data.collect(engine="streaming")
    if is_frame(data):
        return as_frame(data)
    raise InvalidInput(
        f"The input is a {type(data).__name__}; a run takes a path, the URL of a database, or a DataFrame of "
        "pandas or Polars."
    )
