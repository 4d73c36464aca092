"""What can be wrong with restore points.

NotFound
├── RestorePointNotFound    none of this name, or none at all
├── DatabaseMissing         there is no database to back up
└── StoreMissing            the artifacts that a database refers to are not where they were
Conflict
├── TargetNotEmpty          a restore would replace what is there; nothing was changed
└── BackupRunning           another process makes a restore point in this folder
Corrupted
└── RestorePointDamaged     a file of it is not what was written; nothing was restored from it
"""

from __future__ import annotations

from mlops.errors import Conflict, Corrupted, NotFound

__all__ = [
    "BackupRunning",
    "DatabaseMissing",
    "RestorePointDamaged",
    "RestorePointNotFound",
    "StoreMissing",
    "TargetNotEmpty",
]


class RestorePointNotFound(NotFound):
    """There is no restore point of this name."""

    kind = "restore point"


class DatabaseMissing(NotFound):
    """There is no database to back up."""

    kind = "database"


class StoreMissing(NotFound):
    """An artifact store that a database refers to is neither where it was nor where the settings say."""

    kind = "artifact store"


class TargetNotEmpty(Conflict):
    """The place to restore into holds something that would be lost."""


class BackupRunning(Conflict):
    """Another process makes a restore point in the same folder."""


class RestorePointDamaged(Corrupted):
    """A restore point is not what was written; nothing was restored from it."""
