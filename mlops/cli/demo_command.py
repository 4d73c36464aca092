"""`mlops demo`: the demonstration, as a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops.cli import output
from mlops.cli.options import JsonOption

__all__ = ["demo"]


def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where everything that it makes goes.")] = Path(
        "mlops_demo"
    ),
    *,
    as_json: JsonOption = False,
) -> None:
    """Mend a damaged table of real biopsies, track a dozen runs, register, promote, roll back and test the best."""
    from rich.console import Console

    from mlops.cli.demo import main

    outcome = main(folder, console=Console(stderr=as_json))
    if as_json:
        output.write_json(outcome)
