"""`mlops features materialize`: last values brought to the online store."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from mlops.cli import output
from mlops.cli.features.access import ProjectOption, StoreDirOption, ViewArgument, open_store
from mlops.cli.moments import read_moment
from mlops.cli.options import DatabaseOption, JsonOption
from mlops.cli.progress import progress_bars

__all__ = ["materialize"]

_MOMENT = "Such as 2026-05-03T14:30 (UTC) or 7d ago."


def materialize(
    view: ViewArgument,
    *,
    start: Annotated[str | None, typer.Option(help=f"Look at events after this moment only. {_MOMENT}")] = None,
    end: Annotated[str | None, typer.Option(help=f"Look at events up to this moment. {_MOMENT} (default: now)")] = None,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    store_dir: StoreDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the last values of a view to the online store, from where the last run ended; done twice is done once."""
    since = None if start is None else read_moment(start, "--start")
    until = None if end is None else read_moment(end, "--end")
    with open_store(database, store_dir, project) as store, progress_bars() as report:
        stage = f"materialise {view}"
        report(stage, 0, None)  # reading the source takes its time too
        run = store.materialize(view, since, until, progress=partial(report, stage))
    if as_json:
        output.write_json(run.to_document())
        return
    begin = "the beginning" if run.start is None else f"{run.start:%Y-%m-%d %H:%M:%S}"
    output.write_text(
        f"{run.view}@{run.version}: {run.rows_written} entities with events from {begin} to {run.end:%Y-%m-%d %H:%M:%S}"
    )
