"""`mlops features history`: what became of a view."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops.cli import output
from mlops.cli.cells import status_style
from mlops.cli.features.access import ProjectOption, StoreDirOption, ViewArgument, open_store
from mlops.cli.options import DatabaseOption, JsonOption
from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.feature_store import FeatureHistory, Materialization

__all__ = ["show_history"]

_HEADS = ("when (UTC)", "version", "what", "until", "entities", "who", "remark")


def show_history(
    view: ViewArgument,
    *,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    store_dir: StoreDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what became of a view, the newest first: versions applied and materialisations."""
    with open_store(database, store_dir, project) as store:
        found = store.history(view)
    if as_json:
        output.write_json(found.to_document())
    else:
        output.write_table(_HEADS, _rows(found), wrap=["remark"])


def _rows(found: FeatureHistory) -> list[list[Any]]:
    rows = [_run(run) for run in found.materializations]
    for version in found.versions:
        remark = "serves online" if version.version == found.serving_version else ""
        what = Cell("applied", "applied", "bold")
        rows.append([_minute(version.created_at), version.version, what, None, None, version.created_by, remark])
    return sorted(rows, key=lambda row: row[0].value, reverse=True)


def _run(run: Materialization) -> list[Any]:
    told = "materialised" if run.status == "completed" else f"filling {run.status}"
    status = Cell(str(run.status), told, status_style(run.status))
    until = _minute(run.end) if run.end != run.started_at else Cell(run.end, "")
    return [_minute(run.started_at), run.version, status, until, run.rows_written, run.actor, run.error]


def _minute(moment: datetime | None) -> Cell:
    return Cell(moment, "" if moment is None else f"{moment:%Y-%m-%d %H:%M}")
