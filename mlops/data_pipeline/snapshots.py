"""Takes the snapshot of a run's input once; an attempt that takes over from a killed one finds it there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from mlops.data_pipeline.mended import joined_snapshot
from mlops.data_pipeline.reading import Snapshot, take_snapshot
from mlops.data_pipeline.run_options import resolved_source
from mlops.data_pipeline.workspace import Workspace, file_digest
from mlops.records import encode_json

if TYPE_CHECKING:
    from mlops.data_pipeline.execution import Observer, Request

__all__ = ["kept_snapshot"]

_PARQUET = "rows.parquet"
_TOLD = "snapshot.json"


def kept_snapshot(request: Request, workspace: Workspace, observer: Observer, *, share: float) -> Snapshot:
    """Return the snapshot of the run's input, taken by this attempt or, whole, by an earlier one.

    Args:
        share: Which fraction of the run's progress this is.
    """
    return _found(request, workspace.snapshot) or _taken(request, workspace, observer, share)


def _taken(request: Request, workspace: Workspace, observer: Observer, share: float) -> Snapshot:
    folder = workspace.work / "snapshot"
    folder.mkdir()
    schema, read = request.schema, request.options.read
    if request.first is not None:
        mended = Path(request.options.mended_path)
        snapshot = joined_snapshot(request.first, mended, folder / _PARQUET, schema=schema, options=read, folder=folder)
    else:
        snapshot = take_snapshot(
            resolved_source(request.run.input_data_path),
            folder / _PARQUET,
            columns=schema.columns,
            options=read,
            progress=lambda done, total: observer.progress(share * done, max(total, 1), "read"),
            cancelled=observer.check,
        )
    kept = snapshot.changed(path=str(workspace.snapshot / _PARQUET))
    (folder / _TOLD).write_text(encode_json(kept.to_document()), encoding="utf-8")
    workspace.keep_snapshot(folder)
    return kept


def _found(request: Request, folder: Path) -> Snapshot | None:
    """Return what an earlier attempt took, if it is whole and still what the input is."""
    try:
        snapshot = Snapshot.from_document(json.loads((folder / _TOLD).read_text(encoding="utf-8")))
        is_whole = (folder / _PARQUET).stat().st_size == snapshot.bytes
        has_text = snapshot.dialect is not None and request.first is None  # quarantine looks it up in the input
        is_same = not has_text or file_digest(Path(snapshot.source)) == snapshot.digest
    except (OSError, ValueError, KeyError):
        return None
    return snapshot if is_whole and is_same else None
