"""`mlops models`: find, inspect, compare and verify registered models, and decide which version serves.

Each module holds the commands of one purpose; `access` opens the registry and reads `MODEL@VERSION`, `cells` decides
how values look.
"""

from __future__ import annotations

import typer

from mlops.cli.models import aliases, card, comparing, history, listing, moving, showing, transferring, verifying

__all__ = ["group"]


def group() -> typer.Typer:
    """Return the commands of `mlops models`."""
    app = typer.Typer(help="Find, inspect, compare, promote and verify registered models.", no_args_is_help=True)
    app.command("list")(listing.list_models)
    app.command()(showing.show)
    app.command("history")(history.show_history)
    app.command()(comparing.compare)
    app.command()(moving.promote)
    app.command()(moving.rollback)
    app.command()(aliases.alias)
    app.command("card")(card.write_card)
    app.command()(verifying.verify)
    app.command("export")(transferring.export_version)
    app.command("import")(transferring.import_version)
    return app
