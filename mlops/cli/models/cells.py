"""How facts about model versions look in tables, beside those of `mlops.cli.cells`."""

from __future__ import annotations

from mlops.cli.output import Cell

__all__ = ["version_cell"]


def version_cell(version: str) -> Cell:
    """Return the number of a version."""
    return Cell(version, version, "cyan")
