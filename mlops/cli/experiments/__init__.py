"""`mlops experiments`: find, inspect, compare, plot and clean up tracked runs.

Each module holds the commands of one purpose; `access` opens the tracker, `references` finds what a word means, `cells`
and `columns` decide how values look.
"""

from __future__ import annotations

import typer

from mlops.cli.experiments import artifacts, comparing, listing, plotting, removal, showing

__all__ = ["group"]


def group() -> typer.Typer:
    """Return the commands of `mlops experiments`."""
    app = typer.Typer(help="Find, inspect, compare, plot and clean up experiments.", no_args_is_help=True)
    app.command("list")(listing.list_experiments)
    app.command()(showing.show)
    app.command()(comparing.compare)
    app.command()(plotting.plot)
    app.command("artifacts")(artifacts.list_artifacts)
    app.command()(artifacts.download)
    app.command()(removal.delete)
    app.command()(removal.restore)
    app.command("gc")(removal.collect_garbage)
    return app
