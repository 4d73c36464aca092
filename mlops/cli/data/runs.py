"""`mlops data runs` and `show`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.cells import age_cell, metric_cell, status_cell
from mlops.cli.data.access import DataDirOption, ProjectOption, RunArgument, open_pipeline
from mlops.cli.options import CursorOption, DatabaseOption, JsonOption
from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.data_pipeline import PipelineRun

__all__ = ["Status", "list_runs", "show", "write_notes", "write_run"]

_HEADS = {
    "run": 0, "pipeline": 0, "status": 0, "rows": 0, "bad": 90, "quality": 100, "features": 120, "took": 109, "age": 0,
}  # fmt: skip
"""Headings on a terminal, and the least width of one that shows them: an id is never cut, nor all of a name."""
_EXACT_HEADS = (
    "run_id", "pipeline_id", "status", "input_rows", "quarantined_rows", "data_quality_score", "feature_count",
    "duration_seconds", "created_at",
)  # fmt: skip
_PATHS = (
    "output_data_path", "output_parquet_path", "feature_data_path", "feature_state_path", "quarantine_path",
    "report_path", "report_html_path",
)  # fmt: skip
_NOTES = ("notes", "warnings")  # what steps of a run have to tell people
_MOST_NOTES = 5


class Status(StrEnum):
    """The statuses of runs, again: importing the pipeline for them would slow down every command's start."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


def list_runs(
    pipeline_id: Annotated[str, typer.Argument(metavar="PIPELINE", help="Only runs of this pipeline.")] = "",
    *,
    status: Annotated[Status | None, typer.Option(help="Only runs with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most runs to list.")] = 50,
    cursor: CursorOption = None,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List runs, newest first."""
    with open_pipeline(database, data_dir, project) as pipeline:
        wanted = None if status is None else str(status)
        page = pipeline.list_pipeline_runs(pipeline_id, status=wanted, limit=limit, cursor=cursor)
    if as_json:
        output.write_json({"runs": [one.to_document() for one in page], "next_cursor": page.next_cursor})
        return
    if output.is_terminal():
        chosen = [place for place, least in enumerate(_HEADS.values()) if output.terminal_width() >= least]
        rows = [[_row(one)[place] for place in chosen] for one in page]
        output.write_table([list(_HEADS)[place] for place in chosen], rows, shorten=["pipeline"])
    else:
        output.write_table(_EXACT_HEADS, [_row(one) for one in page])
    output.write_way_on(page.next_cursor)


def show(
    run_id: RunArgument,
    *,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a run: its counts, steps, outputs, and why it failed if it did."""
    with open_pipeline(database, data_dir, project) as pipeline:
        found = pipeline.get_pipeline_run(run_id)
    write_run(found, as_json=as_json)


def write_run(run: PipelineRun, *, as_json: bool) -> None:
    """Print a run: facts, steps and outputs."""
    if as_json:
        output.write_json(run.to_document())
        return
    files = {name: Path(path) for name in _PATHS if (path := getattr(run, name))}
    folders = {str(file.parent) for file in files.values()}
    is_short = output.is_terminal() and len(folders) == 1
    output.write_facts(_facts(run) | ({"folder": folders.pop()} if is_short else {}), as_json=False)
    if run.steps:
        rows = [[step.name, step.rows_in, step.rows_out, _seconds(step.seconds)] for step in run.steps]
        output.write_table(["step", "rows in", "rows out", "took"], rows)
    paths = [
        [name.removesuffix("_path").replace("_", " "), file.name if is_short else str(file)]
        for name, file in files.items()
    ]
    if paths:
        output.write_table(["file", "name" if is_short else "path"], paths)
    write_notes([note for step in run.steps for kind in _NOTES for note in step.details.get(kind, ())])
    if run.quarantine_path and run.quarantined_rows:
        output.write_note(f"The bad rows and how to mend them: mlops data quarantine {run.run_id}")


def write_notes(notes: Sequence[str]) -> None:
    """Print the first of many notes."""
    for note in notes[:_MOST_NOTES]:
        output.write_note(note)
    if len(notes) > _MOST_NOTES:
        output.write_note(f"And {len(notes) - _MOST_NOTES:,} more such notes.")


def _facts(run: PipelineRun) -> dict[str, Any]:
    facts = {
        "run": run.run_id,
        "pipeline": run.pipeline_id,
        "status": status_cell(run.status),
        "input": run.input_data_path,
        "rows": run.input_rows,
        "good": run.output_rows,
        "quarantined": run.quarantined_rows,
        "quality": metric_cell(run.data_quality_score),
        "features": run.feature_count,
        "took": _seconds(run.duration_seconds),
        "outputs of": run.cached_from,
        "error": run.error,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _row(run: PipelineRun) -> list[Any]:
    from mlops import clock

    assert run.created_at is not None  # every stored run has it
    return [
        run.run_id,
        run.pipeline_id,
        status_cell(run.status),
        run.input_rows,
        run.quarantined_rows,
        metric_cell(run.data_quality_score),
        run.feature_count,
        _seconds(run.duration_seconds),
        age_cell(run.created_at, clock.now()),
    ]


def _seconds(seconds: float | None) -> Cell:
    from mlops.formatting import format_duration

    return Cell(seconds, format_duration(seconds))
