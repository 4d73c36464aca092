"""The tracker that the commands work on, and the arguments and options that many of them share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from mlops.cli.databases import existing_database

if TYPE_CHECKING:
    from mlops.experiment_tracker import ExperimentTrackerService

__all__ = ["ExperimentArgument", "ExperimentsArgument", "TrackingDirOption", "open_tracker"]

TrackingDirOption = Annotated[
    str | None,
    typer.Option(
        "--tracking-dir", help="Folder or URL of the artifacts. (default: the configured one)", show_default=False
    ),
]


ExperimentArgument = Annotated[
    str, typer.Argument(metavar="ID", help="An experiment: its id, the beginning or end of it, or its name.")
]
ExperimentsArgument = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Experiments: ids, beginnings or ends of them, or names.")
]


@contextmanager
def open_tracker(database: str | None, tracking_dir: str | None) -> Iterator[ExperimentTrackerService]:
    """Open the experiments of a database, and close them after the block.

    Raises:
        DatabaseNotFound: It is a SQLite file that does not exist.
    """
    from mlops.experiment_tracker import ExperimentTrackerService

    hint = "Track a run there first, as `mlops demo` shows, or name another by --database."
    url = existing_database(database, hint=hint)
    with closing(ExperimentTrackerService(tracking_dir, url)) as tracker:
        yield tracker
