"""What can go wrong with features.

InvalidInput
├── UnsuitableColumn         a column's type or values cannot become the kind of feature that was asked for
└── NothingToLearnFrom       there are no training rows
NotFound
├── ColumnNotFound           a plan or state names a column that the frame does not have
└── TransformationNotFound   a custom step of that name is not registered in this process
"""

from __future__ import annotations

from collections.abc import Iterable

from mlops.errors import InvalidInput, NotFound

__all__ = ["ColumnNotFound", "NothingToLearnFrom", "TransformationNotFound", "UnsuitableColumn"]


class UnsuitableColumn(InvalidInput):
    """A column that cannot become the features that were asked for.

    Attributes:
        column: Its name.
    """

    def __init__(self, column: str, trouble: str) -> None:
        self.column = column
        super().__init__(f"Column {column!r} {trouble}")


class NothingToLearnFrom(InvalidInput):
    """There are no training rows."""

    def __init__(self) -> None:
        super().__init__("Features were to be fitted on no rows at all. Pass at least one training row.")


class ColumnNotFound(NotFound):
    """A column that was to be read is not in the frame."""

    kind = "column"

    def __init__(self, name: str, *, known: Iterable[str] = ()) -> None:
        columns = tuple(known)
        shown = ", ".join(columns[:20]) + (", …" if len(columns) > 20 else "")
        super().__init__(name, known=columns, hint=f"The rows have: {shown}." if columns else "The rows have none.")


class TransformationNotFound(NotFound):
    """A custom step that nobody registered in this process."""

    kind = "transformation"

    def __init__(self, name: str, *, known: Iterable[str] = ()) -> None:
        hint = "Register it with register_transformation in this process; commands do so by --import MODULE."
        super().__init__(name, known=known, hint=hint)
