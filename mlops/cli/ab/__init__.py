"""`mlops ab`: plan, create, run and read A/B tests of models.

Each module holds the commands of one purpose; `access` opens the manager and reads designs from files.
"""

from __future__ import annotations

import typer

from mlops.cli.ab import creating, listing, moving, planning, reporting, standing, verifying

__all__ = ["group"]


def group() -> typer.Typer:
    """Return the commands of `mlops ab`."""
    app = typer.Typer(help="Plan, run and read A/B tests of models.", no_args_is_help=True)
    app.command("list")(listing.list_tests)
    app.command("plan")(planning.plan_test)
    app.command("create")(creating.create)
    app.command("start")(moving.start)
    app.command("pause")(moving.pause)
    app.command("resume")(moving.resume)
    app.command("stop")(moving.stop)
    app.command("status")(standing.status)
    app.command("report")(reporting.report)
    app.command("verify")(verifying.verify)
    return app
