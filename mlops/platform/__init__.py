"""The platform as a whole: its parts opened from one configuration, and restore points of all that they keep.

Example:
    >>> import tempfile
    >>> from mlops.config import ConfigManager
    >>> folder = tempfile.mkdtemp()
    >>> config = ConfigManager(environ={}).load_config(
    ...     database={"url": f"sqlite:///{folder}/lab.db"},
    ...     model_registry={"registry_path": f"{folder}/models", "backup_dir": f"{folder}/backups"},
    ...     experiment_tracking={"tracking_dir": f"{folder}/experiments", "capture_environment": False},
    ... )
    >>> with Platform.open(config) as platform, platform.tracker.sync.run("assay") as run:
    ...     _ = run.log_artifact("notes", "all wells read")
    >>> point = create_restore_point(config)
    >>> point.blobs, [one.name == point.name for one in list_restore_points(config)]
    (1, [True])
    >>> verify_restore_point("latest", config) == point
    True
"""

from __future__ import annotations

from mlops.platform.errors import (
    BackupRunning,
    DatabaseMissing,
    RestorePointDamaged,
    RestorePointNotFound,
    StoreMissing,
    TargetNotEmpty,
)
from mlops.platform.opening import Platform
from mlops.platform.points import RestorePoint, StoreCopy
from mlops.platform.restore_points import (
    create_if_due,
    create_restore_point,
    list_restore_points,
    prune,
    verify_restore_point,
)
from mlops.platform.restoring import restore

__all__ = [
    "BackupRunning",
    "DatabaseMissing",
    "Platform",
    "RestorePoint",
    "RestorePointDamaged",
    "RestorePointNotFound",
    "StoreCopy",
    "StoreMissing",
    "TargetNotEmpty",
    "create_if_due",
    "create_restore_point",
    "list_restore_points",
    "prune",
    "restore",
    "verify_restore_point",
]
