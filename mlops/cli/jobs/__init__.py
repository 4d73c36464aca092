"""`mlops jobs`: look at work that goes on in the background, stop it, have it tried again; and at its schedules.

Each module holds the commands of one purpose; `access` opens the database, `cells` decides how values look.
"""

from __future__ import annotations

import typer

from mlops.cli.jobs import control, listing, logs, schedules, showing

__all__ = ["group"]


def group() -> typer.Typer:
    """Return the commands of `mlops jobs`."""
    app = typer.Typer(help="List, follow, cancel and retry jobs, and see their schedules.", no_args_is_help=True)
    app.command("list")(listing.list_all)
    app.command()(showing.show)
    app.command("logs")(logs.show_logs)
    app.command()(control.cancel)
    app.command()(control.retry)
    app.command("schedules")(schedules.show_schedules)
    return app
