"""What can be wrong with the words of a command, beyond what the services say.

InvalidInput
├── AmbiguousName       a word fits several things; `candidates` describes them
└── ConfirmationNeeded  nobody is there to be asked, and --yes was not given
NotFound
└── DatabaseNotFound    reading would create an empty database
"""

from __future__ import annotations

from collections.abc import Sequence

from mlops.errors import InvalidInput, NotFound

__all__ = ["AmbiguousName", "ConfirmationNeeded", "DatabaseNotFound"]


class AmbiguousName(InvalidInput):
    """A word that fits several things.

    Attributes:
        name: The word.
        candidates: One line for each thing it fits.
    """

    def __init__(self, name: str, *, kind: str, candidates: Sequence[str], has_more: bool = False) -> None:
        self.name = name
        self.candidates = tuple(candidates)
        count = f"more than {len(candidates)}" if has_more else str(len(candidates))
        super().__init__(f"{name!r} fits {count} {kind}s. Name one by its id:")


class ConfirmationNeeded(InvalidInput):
    """Something that cannot be undone was asked for where nobody can be asked back."""


class DatabaseNotFound(NotFound):
    """A SQLite file that is not there; reading it would create it."""

    kind = "database"
