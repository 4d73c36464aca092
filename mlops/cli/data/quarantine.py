"""`mlops data quarantine`: the bad rows of a run, and running them again once they are mended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops.cli import output
from mlops.cli.data.access import DataDirOption, ProjectOption, RunArgument, open_pipeline
from mlops.cli.data.running import follow
from mlops.cli.data.runs import write_run
from mlops.cli.options import DatabaseOption, JsonOption

__all__ = ["show_quarantine"]


def show_quarantine(
    run_id: RunArgument,
    *,
    rerun: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Run the rows of this mended copy again, joined with the good ones."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows to show.")] = 20,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the bad rows of a run with their lines and reasons; with --rerun, run them again after they were mended."""
    with open_pipeline(database, data_dir, project, workers=0 if rerun is None else 1) as pipeline:
        if rerun is not None:
            write_run(follow(pipeline, pipeline.rerun_quarantine(run_id, rerun)), as_json=as_json)
            return
        run = pipeline.get_pipeline_run(run_id)
        rows = pipeline.read_quarantine(run_id)
    if as_json:
        output.write_json({"run_id": run_id, "path": run.quarantine_path, "rows": rows.head(limit).to_dicts()})
        return
    if rows.is_empty():
        output.write_text("No row of this run is bad.")
        return
    output.write_table(rows.columns, rows.head(limit).rows(), wrap=rows.columns)
    if len(rows) > limit:
        output.write_note(f"There are {len(rows) - limit} more in {run.quarantine_path}.")
    output.write_note(f"Mend a copy of {run.quarantine_path}, then: mlops data quarantine {run_id} --rerun COPY")
