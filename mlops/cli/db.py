"""`mlops db`: the tables of the database and their version."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from mlops.cli import output
from mlops.cli.errors import DatabaseNotFound
from mlops.cli.options import JsonOption

if TYPE_CHECKING:
    from mlops.database import Database

__all__ = ["group"]

_TABLES = (
    "mlops.ab_testing.sql.tables",
    "mlops.artifacts.references",
    "mlops.audit.tables",
    "mlops.data_pipeline.sql.tables",
    "mlops.events.tables",
    "mlops.experiment_tracker.sql.tables",
    "mlops.feature_store.sql.tables",
    "mlops.jobs.tables",
    "mlops.model_registry.sql.tables",
)
"""The modules that declare tables; what none of them declared is not looked at."""

UrlOption = Annotated[
    str | None, typer.Option("--url", help="URL of the database. (default: the configured one)", show_default=False)
]


def group() -> typer.Typer:
    """Return the commands of `mlops db`."""
    app = typer.Typer(help="Create, upgrade and check the tables of the database.", no_args_is_help=True)
    for command in (upgrade, current, check):
        app.command()(command)
    return app


def upgrade(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Create the tables, or bring them to the version that this release needs."""
    from mlops.database import upgrade as bring_to_head

    with _as_it_is(url) as database:
        facts = {"database": database.masked_url, "revision": bring_to_head(database)}
    output.write_facts(facts, as_json=as_json)


def current(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show the version of the tables, and the newest one that this release knows."""
    from mlops.database import current as read_revision
    from mlops.database import head

    with _existing(url) as database:
        facts = {"database": database.masked_url, "revision": read_revision(database), "newest": head()}
    output.write_facts(facts, as_json=as_json)


def check(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Compare the tables with those this release expects; exit with status 1 when they differ."""
    from mlops.database import check as compare

    for module in _TABLES:
        importlib.import_module(module)
    with _existing(url) as database:
        shown, differences = database.masked_url, compare(database)
    if as_json:
        output.write_json({"database": shown, "differences": differences})
    else:
        output.write_text("\n".join(differences) or "The tables are as this release expects.")
    if differences:
        raise typer.Exit(1)


@contextmanager
def _existing(url: str | None) -> Iterator[Database]:
    with _as_it_is(url) as database:
        if database.path is not None and not database.path.exists():
            raise DatabaseNotFound(database.masked_url, hint="Create it with: mlops db upgrade")
        yield database


@contextmanager
def _as_it_is(url: str | None) -> Iterator[Database]:
    """Open the named database, or the configured one, without upgrading it as `open_database` does."""
    from mlops.config import ConfigManager
    from mlops.database import Database, DatabaseSettings
    from mlops.database.location import locate

    section = ConfigManager().load_config().database
    limits = DatabaseSettings(section.pool_size, section.max_connections, section.lock_timeout_s)
    database = Database(locate(url or section.url), limits)
    try:
        yield database
    finally:
        database.shut()
