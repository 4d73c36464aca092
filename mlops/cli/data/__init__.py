"""`mlops data`: look at tables, hold them against schemas, and run the pipeline on them.

Each module holds the commands of one purpose; `access` opens the pipeline and reads schemas from files or by name.
"""

from __future__ import annotations

import typer

from mlops.cli.data import looking, quarantine, running, runs, schemas

__all__ = ["group"]


def group() -> typer.Typer:
    """Return the commands of `mlops data`."""
    app = typer.Typer(help="Validate, profile and process tables.", no_args_is_help=True)
    app.command()(looking.infer)
    app.command()(looking.validate)
    app.command()(schemas.diff)
    app.command("profile")(looking.profile_table)
    app.command("run")(running.run)
    app.command()(running.cancel)
    app.command("runs")(runs.list_runs)
    app.command()(runs.show)
    app.command("quarantine")(quarantine.show_quarantine)
    return app
