"""`mlops features`: what features there are, what they are now, and how they got there.

Each module holds one command; `access` opens the store and reads entities such as `sample_id=S-1`.
"""

from __future__ import annotations

import typer

from mlops.cli.features import getting, history, listing, materializing, showing

__all__ = ["group"]


def group() -> typer.Typer:
    """Return the commands of `mlops features`."""
    app = typer.Typer(help="Find, inspect, materialise and read features.", no_args_is_help=True)
    app.command("list")(listing.list_views)
    app.command()(showing.show)
    app.command("get")(getting.get)
    app.command()(materializing.materialize)
    app.command("history")(history.show_history)
    return app
