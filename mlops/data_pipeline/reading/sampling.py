"""A few hundred thousand cells from all over a text file, to choose by how its columns are read."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mlops.data_pipeline.reading.options import Dialect, ReadOptions

__all__ = ["sample_text"]

_WINDOWS = 24
_WINDOW = 1 << 17


def sample_text(
    path: Path, names: Sequence[str], dialect: Dialect, options: ReadOptions, *, header_end: int
) -> pl.DataFrame:
    """Return rows of a plain text file, all cells as text, null where there is no value.

    The rows come from windows at equal distances. What a cut line or a quote makes of a window's rows does no harm: the
    sample decides how columns are tried to be read, not what they become.
    """
    frames = [_rows(window, names, dialect, options) for window in _windows(path, header_end)]
    return pl.concat([_empty(names), *frames])


def _windows(path: Path, begin: int) -> list[bytes]:
    size = path.stat().st_size - begin
    with path.open("rb") as file:
        file.seek(begin)
        if size <= _WINDOWS * _WINDOW:
            return [file.read()]
        found = []
        for number in range(_WINDOWS):
            file.seek(begin + number * (size - _WINDOW) // (_WINDOWS - 1))
            window = file.read(_WINDOW)
            found.append(window[window.find(b"\n") + 1 if number else 0 : window.rfind(b"\n") + 1])
        return found


def _rows(window: bytes, names: Sequence[str], dialect: Dialect, options: ReadOptions) -> pl.DataFrame:
    if not window.strip():
        return _empty(names)
    try:
        return pl.read_csv(
            io.BytesIO(window),
            has_header=False,
            schema=dict.fromkeys(names, pl.String),
            separator=dialect.separator,
            null_values=options.nulls,
            encoding="utf8-lossy",
            extra_columns="ignore",
            missing_columns="insert",
        )
    except pl.exceptions.PolarsError:
        return _empty(names)  # quotes in odd places; another window, or the pass itself, will tell


def _empty(names: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
