"""What is known of a copy of a database: its files, tables and sequences."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pydantic import Field

from mlops.errors import Corrupted
from mlops.records import FrozenDict, FrozenMap, Record

__all__ = ["CopiedFile", "DatabaseCopy", "Made", "Progress", "silent"]

Progress = Callable[[int, int], object]
"""Called with what is done and what there is to do, in a unit of the caller's."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\.(db|copy)")


def silent(done: int, total: int) -> None:
    """Report nothing."""
    del done, total


class CopiedFile(Record):
    """A file of a copy.

    Attributes:
        name: Its name in the copy's folder.
        size_bytes: Its size.
        sha256: SHA-256 of its content, 64 hex digits.
    """

    name: str
    size_bytes: int = Field(ge=0)
    sha256: str

    @property
    def safe_name(self) -> str:
        """The name, once it is certain that it leads nowhere else.

        Raises:
            Corrupted: It is no name that a copy gives its files.
        """
        if not _NAME.fullmatch(self.name):
            raise Corrupted(f"The list of a database's copied files has a name that none can have: {self.name!r}.")
        return self.name


class DatabaseCopy(Record):
    """A copy of a database.

    Attributes:
        dialect: `sqlite` or `postgresql`.
        revision: Version of the schema.
        rows: Number of rows by table.
        columns: On PostgreSQL, the columns of each table in the order of its file.
        sequences: On PostgreSQL, by `table.column`, the last number that its sequence gave; 0 when none.
        files: The files.
    """

    dialect: str
    revision: str
    rows: FrozenMap = FrozenDict()
    columns: FrozenMap = FrozenDict()
    sequences: FrozenMap = FrozenDict()
    files: tuple[CopiedFile, ...]


class Made(NamedTuple):
    """What a backend wrote: the names of its files, and what else is to be known of them."""

    files: Sequence[str]
    rows: Mapping[str, int]
    columns: Mapping[str, Sequence[str]]
    sequences: Mapping[str, int]
