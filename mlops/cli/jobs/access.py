"""The database that the commands work on, and the arguments that many of them share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from mlops.cli.databases import existing_database

if TYPE_CHECKING:
    from mlops.database import Database

__all__ = ["JobArgument", "ReasonOption", "open_jobs"]

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="Id of a job.")]
ReasonOption = Annotated[str, typer.Option(help="Why, for the job's log and the audit log.")]


@contextmanager
def open_jobs(url: str | None) -> Iterator[Database]:
    """Open a database, and close it after the block.

    Raises:
        DatabaseNotFound: It is a SQLite file that does not exist.
    """
    from mlops.database import open_database

    hint = "Start a worker there first: mlops worker, or name another by --database."
    with open_database(existing_database(url, hint=hint)) as database:
        yield database
