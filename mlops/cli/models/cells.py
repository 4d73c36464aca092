"""How facts about model versions look in tables, beside those of `mlops.cli.cells`."""

from __future__ import annotations

from mlops.cli.output import Cell

__all__ = ["status_cell", "status_style", "version_cell"]

_STYLES = {
    "training": "blue",
    "validating": "blue",
    "staging": "yellow",
    "production": "bold green",
    "archived": "dim",
    "failed": "red",
}


def status_style(status: str) -> str:
    """Return the colour of a status."""
    return _STYLES[status]


def status_cell(status: str) -> Cell:
    """Return a status, for people with a dot in its colour; it is filled where the version serves or may."""
    dot = "○" if status in {"archived", "failed"} else "●"
    return Cell(str(status), f"{dot} {status}", status_style(status))


def version_cell(version: str) -> Cell:
    """Return the number of a version."""
    return Cell(version, version, "cyan")
