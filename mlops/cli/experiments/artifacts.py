"""`mlops experiments artifacts` and `download`: what a run kept, and how to get it as files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.cells import age_cell, size_cell, value_cell
from mlops.cli.experiments.access import ExperimentArgument, TrackingDirOption, open_tracker
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.experiment_tracker import ExperimentArtifact

__all__ = ["ARTIFACT_HEADS", "artifact_row", "download", "list_artifacts"]

ARTIFACT_HEADS = ("artifact", "type", "kept as", "size", "age", "description")
_NAMES = ("name", "artifact_type", "codec", "size_bytes", "created_at", "description")


def list_artifacts(
    experiment: ExperimentArgument,
    *,
    database: DatabaseOption = None,
    tracking_dir: TrackingDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the artifacts of an experiment, oldest first."""
    from mlops import clock
    from mlops.cli.experiments.references import find_experiment

    with open_tracker(database, tracking_dir) as tracker:
        found = find_experiment(tracker, experiment)
        artifacts = tracker.list_artifacts(found.experiment_id)
    if as_json:
        output.write_json({"artifacts": [artifact.to_document() for artifact in artifacts]})
        return
    rows = [artifact_row(artifact, clock.now()) for artifact in artifacts]
    if rows or not output.is_terminal():
        output.write_table(ARTIFACT_HEADS if output.is_terminal() else _NAMES, rows)
    if not rows:
        output.write_note(f"{found.name} has no artifacts. run.log_artifact(name, object) keeps one.")


def artifact_row(artifact: ExperimentArtifact, now: datetime) -> list[Any]:
    """Return one row of `ARTIFACT_HEADS`."""
    size, age = size_cell(artifact.size_bytes), age_cell(artifact.created_at, now)
    words = [artifact.name, artifact.artifact_type, artifact.codec]
    return [*words, size, age, value_cell(artifact.description)]


def download(
    experiment: ExperimentArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the artifact, as `artifacts` lists it.")],
    *,
    target: Annotated[
        Path, typer.Option("--output", help="File to write, or a folder to write into.", show_default=False)
    ] = Path(),
    database: DatabaseOption = None,
    tracking_dir: TrackingDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an artifact as the file or folder it is kept as; its content is verified. Nothing in it is run."""
    from mlops.cli.experiments.references import find_experiment

    with open_tracker(database, tracking_dir) as tracker, output.working("Downloading…"):
        found = find_experiment(tracker, experiment)
        path = tracker.download_artifact(found.experiment_id, name, target)
    if as_json:
        output.write_json({"experiment_id": found.experiment_id, "artifact": name, "path": str(path)})
    else:
        output.write_text(str(path))
