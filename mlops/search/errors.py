"""What can be wrong with a search.

InvalidInput
├── SearchSyntaxError   a filter or an order that cannot be read; points at the column
└── InvalidCursor       a cursor that is damaged, or that belongs to another search
"""

from __future__ import annotations

from mlops.errors import InvalidInput

__all__ = ["InvalidCursor", "SearchSyntaxError"]

_BEFORE = 60  # characters of the text shown on each side of the place at fault
_AFTER = 40


class SearchSyntaxError(InvalidInput):
    """A filter or an order that cannot be read.

    The message shows the text with a caret below the place at fault:

        metrics.acc > > 0.9
                      ^ column 15: expected a value …

    Attributes:
        text: The text as it was passed.
        column: Where the trouble begins, counted in characters from 1.
        reason: What is wrong there and what would be right.
    """

    def __init__(self, text: str, column: int, reason: str) -> None:
        self.text = text
        self.column = column
        self.reason = reason
        super().__init__(_pointed(text, column, reason))

    def __reduce__(self) -> tuple[type[SearchSyntaxError], tuple[str, int, str]]:
        return SearchSyntaxError, (self.text, self.column, self.reason)


class InvalidCursor(InvalidInput):
    """A cursor that no page of this search can have given."""


def _pointed(text: str, column: int, reason: str) -> str:
    """Draw the part of the text around the column, the caret and the reason."""
    at = column - 1
    start, end = max(0, at - _BEFORE), at + _AFTER
    left, right = "…" if start else "", "…" if end < len(text) else ""
    shown = "".join(sign if sign.isprintable() else " " for sign in text[start:end])
    return f"{left}{shown}{right}\n{' ' * (len(left) + at - start)}^ column {column}: {reason}"
