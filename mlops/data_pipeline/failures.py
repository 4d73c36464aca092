"""What a failed run tells of its error: a sentence, and the values that identify the trouble."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops.errors import InvalidInput, MLOpsError, StorageFull
from mlops.records import encode_json
from mlops.values import storable

__all__ = ["details_of", "sentence_of", "translated"]

_TELLING = ("column", "columns", "line", "path", "samples", "rule", "bad_rows", "rows", "limit", "near", "name")
_NO_ROOM = "No space left on device"  # how Polars tells it, without a number
_PLAN = "\n\nResolved plan until failure:"
_LONGEST = 4_000


def translated(error: Exception, folder: Path) -> Exception:
    """Return the error that stands for one of the system or of Polars; others as they are.

    Args:
        folder: Where the run writes.
    """
    is_ours = isinstance(error, MLOpsError)
    if getattr(error, "errno", None) == errno.ENOSPC or (_NO_ROOM in str(error) and not is_ours):
        return StorageFull(
            f"No room is left on the disk of {str(folder)!r}. Nothing of the run was kept; free some space and run it "
            "again."
        )
    if isinstance(error, OSError) and not is_ours and _is_within(error.filename, folder):
        return InvalidInput(f"{error.filename!r} cannot be written: {error.strerror}. Name a data_dir that can.")
    return error


def _is_within(file: object, folder: Path) -> bool:
    return isinstance(file, str | Path) and Path(file).is_relative_to(folder)


def sentence_of(error: Exception) -> str:
    """Return an error as the sentence that a run keeps: of those of Polars not the plan of the query, which follows."""
    text = str(error) if isinstance(error, MLOpsError) else f"{type(error).__name__}: {str(error).split(_PLAN)[0]}"
    return storable(text)[:_LONGEST]


def details_of(error: Exception) -> Mapping[str, Any]:
    """Return the attributes of an error that say where the trouble is, as JSON values, and the error's class."""
    found: dict[str, Any] = {"type": type(error).__name__}
    for name in _TELLING:
        value = getattr(error, name, None)
        if value not in (None, "", ()) and _is_json(value):
            found[name] = value
    return found


def _is_json(value: Any) -> bool:
    try:
        encode_json(value)
    except (TypeError, ValueError):
        return False
    return True
