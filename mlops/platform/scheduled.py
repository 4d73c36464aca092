"""What the platform does by itself, as jobs: restore points that are due, retention of models, removal of old jobs.

A process offers and schedules only what its own configuration wants. What it does not want it leaves alone: another
process of the site, such as the one that runs `mlops worker`, may want it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mlops import clock
from mlops.clock import NewId, Now
from mlops.config import MLOpsConfig
from mlops.database import Database
from mlops.jobs import JobContext, JobHandler, Misfire, prune, schedule

__all__ = ["BACKUP", "PRUNING", "RETENTION", "declare_schedules", "upkeep_handlers"]

BACKUP = "platform.backup"
"""Kind and schedule of restore points; each hour it is looked whether one is due."""
RETENTION = "registry.retention"
"""Kind and schedule of retention; each night."""

PRUNING = "jobs.prune"
"""Kind and schedule of the removal of old ended jobs, and of tables that only they knew; each night."""

_SCHEDULES = {
    BACKUP: ("7 * * * *", 60.0),
    RETENTION: ("37 2 * * *", 600.0),
    PRUNING: ("17 3 * * *", 600.0),
}  # cron, jitter in seconds
_ACTOR = "scheduler"


def upkeep_handlers(config: MLOpsConfig, *, now: Now = clock.now, new_id: NewId = clock.new_id) -> list[JobHandler]:
    """Return what does the jobs that a configuration wants."""
    own = {
        BACKUP: JobHandler(BACKUP, _Backup(config, now, new_id)),
        RETENTION: JobHandler(RETENTION, _Retention(config, now, new_id)),
        PRUNING: JobHandler(PRUNING, _Pruning(config, now, new_id)),
    }
    return [own[kind] for kind in _wanted(config)]


def declare_schedules(
    database: Database, config: MLOpsConfig, *, now: Now = clock.now, new_id: NewId = clock.new_id
) -> None:
    """Make the schedules that a configuration wants, where they are not there; paused ones stay paused."""
    for kind in _wanted(config):
        cron, jitter_s = _SCHEDULES[kind]
        with database.write() as tx:
            schedule(
                tx,
                name=kind,
                kind=kind,
                cron=cron,
                jitter_s=jitter_s,
                misfire=Misfire.RUN_ONCE,
                actor=_ACTOR,
                now=now,
                new_id=new_id,
            )


def _wanted(config: MLOpsConfig) -> Iterator[str]:
    if config.model_registry.backup_enabled:
        yield BACKUP
    if config.model_registry.automatic_cleanup:
        yield RETENTION
    if config.jobs.keep_ended_days:
        yield PRUNING


@dataclass(frozen=True)
class _Backup:
    """Makes a restore point when one is due, and removes the oldest beyond `backup_keep`."""

    config: MLOpsConfig
    now: Now
    new_id: NewId

    def __call__(self, job: JobContext) -> dict[str, Any]:
        from mlops.platform.restore_points import create_if_due, prune

        def report(stage: str, done: int, total: int) -> None:
            job.check()
            job.progress(done, total, stage)

        point = create_if_due(self.config, progress=report, now=self.now, new_id=self.new_id)
        if point is None:
            return {"made": None, "removed": []}
        keep = self.config.model_registry.backup_keep
        return {"made": point.name, "removed": prune(self.config, keep=keep) if keep else []}


@dataclass(frozen=True)
class _Pruning:
    """Removes jobs that ended long ago, some at a time, so that nobody waits long for the database; then inputs."""

    config: MLOpsConfig
    now: Now
    new_id: NewId

    def __call__(self, job: JobContext) -> dict[str, Any]:
        from mlops.data_pipeline import DataPipelineService

        before = self.now() - timedelta(days=self.config.jobs.keep_ended_days)
        removed = self._prune(job, before)
        with closing(DataPipelineService(config=self.config, workers=0, now=self.now, new_id=self.new_id)) as pipeline:
            return {"removed": removed, "inputs": pipeline.remove_unused_inputs(before)}

    def _prune(self, job: JobContext, before: datetime) -> int:
        removed = 0
        while True:
            job.check()
            with job.database.write() as tx:
                found = prune(tx, ended_before=before)
            if not found:
                return removed
            removed += found


@dataclass(frozen=True)
class _Retention:
    """Applies retention to all models of all projects."""

    config: MLOpsConfig
    now: Now
    new_id: NewId

    def __call__(self, job: JobContext) -> dict[str, Any]:
        from mlops.model_registry import ModelRegistryService

        with closing(ModelRegistryService(config=self.config, now=self.now, new_id=self.new_id)) as registry:
            projects = registry.list_projects()
        deleted: list[str] = []
        for done, project in enumerate(projects):
            job.check()
            job.progress(done, len(projects), project)
            with closing(
                ModelRegistryService(config=self.config, project=project, now=self.now, new_id=self.new_id)
            ) as registry:
                deleted += [f"{project}/{one.model_id}@{one.version}" for one in registry.apply_retention().deleted]
        return {"deleted": deleted}
