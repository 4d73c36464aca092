"""`mlops data quarantine`: the bad rows of a run, and running them again once they are mended."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.data.access import DataDirOption, ImportsOption, ProjectOption, RunArgument, open_pipeline
from mlops.cli.data.running import follow
from mlops.cli.importing import imported
from mlops.cli.options import DatabaseOption, JsonOption

__all__ = ["show_quarantine", "told_row"]

_HEADS = ("line", "reasons", "cells")


def show_quarantine(
    run_id: RunArgument,
    *,
    rerun: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Run the rows of this mended copy again, joined with the good ones."),
    ] = None,
    imports: ImportsOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows to show.")] = 20,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the bad rows of a run with their lines and reasons; with --rerun, run them again after they were mended."""
    for module in imports or ():
        imported(module)
    with open_pipeline(database, data_dir, project, workers=0 if rerun is None else 1) as pipeline:
        if rerun is not None:
            follow(pipeline, pipeline.rerun_quarantine(run_id, rerun), as_json=as_json)
            return
        run = pipeline.get_pipeline_run(run_id)
        rows = pipeline.read_quarantine(run_id)
    if as_json:
        shown = rows.head(limit).to_dicts()
        output.write_json({"run_id": run_id, "path": run.quarantine_path, "total": rows.height, "rows": shown})
        return
    if rows.is_empty():
        output.write_text("No row of this run is bad.")
        return
    if output.is_terminal():
        told = [told_row(row) for row in rows.head(limit).to_dicts()]
        output.write_table(_HEADS, told, wrap=_HEADS[1:])
    else:
        output.write_table(rows.columns, rows.head(limit).rows())
    if len(rows) > limit:
        output.write_note(f"There are {len(rows) - limit} more in {run.quarantine_path}.")
    output.write_note(f"Mend a copy of {run.quarantine_path}, then: mlops data quarantine {run_id} --rerun COPY")


def told_row(row: Mapping[str, str | None]) -> list[Any]:
    """Return a bad row for people: its line, or else its number from 1, its reasons, and the cells that they are about.

    The cells are those of the columns that the reasons name; all that have a value where these name none; the whole
    text of a row that could not be read.
    """
    from mlops.data_pipeline.quarantine import LINE, NUMBER, REASONS, TEXT

    own = (NUMBER, LINE, REASONS, TEXT)
    number, line, reasons, text = (row.get(name) for name in own)
    named = [name for reason in (reasons or "").split("; ") for name in reason.rpartition(":")[0].split("+")]
    cells = {name: value for name, value in row.items() if name not in own}
    kept = [name for name in cells if name in named] or [name for name, value in cells.items() if value is not None]
    words = text if text is not None else ", ".join(f"{name} = {cells[name]!r}" for name in kept)
    place = int(line) if line is not None else f"row {int(number or 0) + 1}"
    return [place, reasons, words]
