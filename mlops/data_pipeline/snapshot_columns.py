"""Names of the columns that a snapshot has of its own beside those of the table."""

from __future__ import annotations

__all__ = ["FAULT", "ORIGINAL_LINE", "RAW", "ROW", "is_own", "raw_name"]

ROW = "__row__"
"""Number of the row in the input, from 0, blank lines not counted."""

FAULT = "__fault__"
"""What is wrong with a row that is broken as such; null in all others."""

ORIGINAL_LINE = "__original_line__"
"""Line of the input on which a mended row stood; only in the snapshots of runs on mended rows."""

RAW = "__raw__"
"""Beginning of the name of a column's companion, which holds the text of the cells that did not parse."""


_RESERVED = "__"


def is_own(column: str) -> bool:
    """Return whether a column is a snapshot's own; no column of a table may be called so."""
    return column.startswith(_RESERVED)


def raw_name(column: str) -> str:
    """Return the name of a column's companion."""
    return f"{RAW}{column}"
