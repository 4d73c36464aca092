"""What is recorded of where a result came from: the machine and its packages, the source, the data."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import AfterValidator

from mlops.records import FrozenDict, FrozenMap, Record, encode_json

__all__ = ["DatasetFingerprint", "EnvironmentCapture", "GitState"]

_LONGEST_NAME = 250


def _check_name(name: str) -> str:
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise ValueError(
            f"name {name[:60]!r} cannot be a name. Names have 1 to {_LONGEST_NAME} printable characters, "
            "with no space at either end."
        )
    return name


Name = Annotated[str, AfterValidator(_check_name)]


class GitState(Record):
    """Which source a run was started from.

    Attributes:
        commit: Full hash of the commit that is checked out; None in a repository without one.
        branch: Branch name; None when a commit is checked out directly.
        is_dirty: Whether tracked files differ from the commit.
        remote_url: Where the repository came from, without credentials; None when it has no remote.
    """

    commit: str | None = None
    branch: str | None = None
    is_dirty: bool = False
    remote_url: str | None = None


class EnvironmentCapture(Record):
    """The machine, the interpreter and the source a run was started in.

    Attributes:
        process_id: The operating system's number of the process.
        argv: The command line.
        memory_bytes: Physical memory of the machine.
        packages: Installed distributions, name to version.
        git: The source's state; None outside a repository.
    """

    python_version: str
    implementation: str = ""
    platform: str = ""
    hostname: str = ""
    user: str = ""
    process_id: int = 0
    argv: tuple[str, ...] = ()
    working_directory: str = ""
    cpu_count: int | None = None
    memory_bytes: int | None = None
    packages: FrozenMap = FrozenDict()
    git: GitState | None = None

    def digest(self) -> str:
        """Return the SHA-256 of its document as compact JSON, by which equal environments are stored once."""
        return hashlib.sha256(encode_json(self.to_document()).encode()).hexdigest()


class DatasetFingerprint(Record):
    """What identifies the data of a run without keeping it.

    Attributes:
        name: What the run calls it.
        role: Its part in the run, such as `training` or `validation`.
        digest: SHA-256 of the content, in hexadecimal.
        rows: Number of rows; None when the data have none.
        columns: Number of columns; None when the data have none.
        column_types: Each column's name and type, in order.
        source: Where the data came from, such as a path; empty when not told.
    """

    name: Name
    role: str = ""
    digest: str
    rows: int | None = None
    columns: int | None = None
    column_types: tuple[tuple[str, str], ...] = ()
    source: str = ""
