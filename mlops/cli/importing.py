"""Imports a site's own modules, which register their job handlers and transformations."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from mlops.errors import InvalidInput

__all__ = ["imported"]


def imported(name: str) -> Any:
    """Import a module as `python -m` would in the current folder, and return it.

    Raises:
        InvalidInput: There is none.
    """
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as `python -m` has it; the command's own first entry is its folder of programs
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # it is there, and something that it needs is not
        raise InvalidInput(
            f"--import {name}: there is no module {error.name!r} in {folder} or among the installed packages. "
            "Start in the folder of your program, or set PYTHONPATH."
        ) from error
