"""Inputs that are tables in memory: kept as Parquet, so that a run on them can be resumed and told of."""

from __future__ import annotations

import os
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

__all__ = ["kept_input"]


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
