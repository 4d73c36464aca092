"""The composition root: every part of the platform, opened from one configuration and closed together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from mlops import clock
from mlops.clock import NewId, Now
from mlops.config import ConfigManager, Environment, MLOpsConfig
from mlops.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from mlops.audit import AuditLogger
    from mlops.data_pipeline import DataPipeline
    from mlops.database import Database
    from mlops.experiment_tracker import ExperimentTracker
    from mlops.feature_store import FeatureStore
    from mlops.jobs import JobHandler, JobRunner
    from mlops.model_registry import ModelRegistry

__all__ = ["Parts", "Platform"]


@dataclass(frozen=True)
class Parts:
    """The parts of a platform, opened.

    Attributes:
        registry: Models and their versions.
        tracker: Experiments.
        pipeline: From raw tables to features.
        features: Features of entities.
        audit: Who did what.
        database: What all of them share.
    """

    registry: ModelRegistry
    tracker: ExperimentTracker
    pipeline: DataPipeline
    features: FeatureStore
    audit: AuditLogger
    database: Database


class Platform:
    """The parts of the platform, sharing one database and one runner of jobs; make it with `Platform.open`.

    Attributes:
        config: The configuration that all parts were opened with.
        registry: Models and their versions; `registry.sync` for scripts.
        tracker: Experiments; `tracker.sync` for scripts.
        pipeline: From raw tables to features; `pipeline.sync` for scripts.
        features: Features of entities; `features.sync` for scripts.
        audit: Who did what.
        database: What all parts share.
        jobs: What does the parts' jobs in this process; None while it does none.
    """

    def __init__(
        self, config: MLOpsConfig, parts: Parts, resources: ExitStack, *, now: Now = clock.now, new_id: NewId
    ) -> None:
        self.config = config
        self.registry = parts.registry
        self.tracker = parts.tracker
        self.pipeline = parts.pipeline
        self.features = parts.features
        self.audit = parts.audit
        self.database = parts.database
        self.jobs: JobRunner | None = None
        self._added: list[JobHandler] = []
        self._resources = resources
        self._lock = threading.Lock()
        self._now = now
        self._new_id = new_id

    @classmethod
    def open(
        cls,
        config: MLOpsConfig | None = None,
        environment: Environment | str | None = None,
        *,
        workers: int = 1,
        now: Now = clock.now,
        new_id: NewId = clock.new_id,
    ) -> Self:
        """Open every part; nothing stays open when one of them cannot be.

        Args:
            config: The configuration; None loads it as `ConfigManager().load_config(environment)` does.
            environment: Which environment's configuration to load.
            workers: How many jobs of the parts this process does at once; 0 leaves them to others, such as
                `mlops worker`, or to `start_jobs`.
            now: The clock of all parts.
            new_id: The source of ids of all parts.

        Raises:
            InvalidInput: Both a configuration and an environment were given, or a number of workers below 0.
            ConfigurationError: A setting cannot be used.
            DatabaseUnavailable: The database cannot be reached.
        """
        if config is not None and environment is not None:
            raise InvalidInput(
                f"Platform.open got a configuration for {config.environment} and the environment {environment!r}. "
                "Pass one of them."
            )
        chosen = config or ConfigManager().load_config(environment)
        with ExitStack() as opened:
            parts = _open_parts(chosen, opened, now, new_id)
            platform = cls(chosen, parts, opened.pop_all(), now=now, new_id=new_id)
        try:
            if workers:
                platform.start_jobs(workers)
        except BaseException:
            platform.close()
            raise
        return platform

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._give_back_jobs(kind)
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await asyncio.to_thread(self._give_back_jobs, kind)
        await self.aclose()

    def __repr__(self) -> str:
        return f"Platform({self.registry.sync!r}, {self.tracker.sync!r})"

    def job_handlers(self) -> list[JobHandler]:
        """Return what does the jobs of all parts, of the platform itself, and those that were added."""
        from mlops.platform.scheduled import upkeep_handlers

        own = upkeep_handlers(self.config, now=self._now, new_id=self._new_id)
        parts = [*self.pipeline.sync.job_handlers(), *self.features.sync.job_handlers()]
        return [*parts, *own, *self._added]

    def add_job_handlers(self, handlers: Iterable[JobHandler]) -> None:
        """Have further kinds of jobs done in this process once `start_jobs` is called.

        Raises:
            Conflict: The jobs have been started already.
        """
        if self.jobs is not None:
            raise Conflict(
                "The platform does jobs already and takes no further handlers. Open it by Platform.open(workers=0), "
                "add the handlers, then call start_jobs()."
            )
        self._added += handlers

    def start_jobs(
        self,
        workers: int = 1,
        *,
        capabilities: Iterable[str] = (),
        around: Callable[[JobHandler], JobHandler] | None = None,
    ) -> JobRunner:
        """Do jobs in this process from now on, those of schedules included.

        Args:
            workers: How many at once.
            capabilities: What this process has, to be matched with what jobs require.
            around: Makes of each handler the one that is used, such as one that logs beside.

        Raises:
            Conflict: They have been started already.
            InvalidInput: Two handlers are of one kind, or there is no worker.
        """
        from mlops.jobs import JobRunner
        from mlops.jobs.redis_waker import RedisWaker
        from mlops.jobs.wakers import default_waker
        from mlops.platform.scheduled import declare_schedules

        if self.jobs is not None:
            raise Conflict("The platform does jobs already. Close it, and open it with the number of workers wanted.")
        redis_url, handlers = self.config.database.redis_url, self.job_handlers()
        runner = JobRunner(
            self.database,
            [around(handler) for handler in handlers] if around else handlers,
            workers=workers,
            capabilities=capabilities,
            waker=(lambda database: RedisWaker(database, redis_url)) if redis_url else default_waker,
            schedules=True,
            now=self._now,
            new_id=self._new_id,
        )
        declare_schedules(self.database, self.config, now=self._now, new_id=self._new_id)
        runner.start()
        self.jobs = runner
        self._resources.callback(_end_jobs, runner)
        return runner

    def close(self) -> None:
        """Wait for the jobs that this process asked for and can do, then close every part. Twice is once.

        A block that Ctrl-C ends, or a cancellation, gives its jobs back instead, for the next process to begin again.
        One part that fails does not keep the others open. Close `jobs` before to wait for less.
        """
        with self._lock:
            resources, self._resources = self._resources, ExitStack()
        resources.close()

    async def aclose(self) -> None:
        """Close every part without holding up the event loop. Twice is once."""
        await asyncio.to_thread(self.close)

    def _give_back_jobs(self, kind: type[BaseException] | None) -> None:
        """Wait for no job when the block was left by Ctrl-C or a cancellation."""
        from mlops.jobs.runner import is_interruption

        if self.jobs is not None and is_interruption(kind):
            self.jobs.close(0.0)


def _open_parts(config: MLOpsConfig, opened: ExitStack, now: Now, new_id: NewId) -> Parts:
    """Open the parts one after the other; what is open is closed by the stack, the last one first."""
    from mlops.audit import AuditLogger
    from mlops.data_pipeline import DataPipeline
    from mlops.database import configured_database
    from mlops.experiment_tracker import ExperimentTracker
    from mlops.feature_store import FeatureStore
    from mlops.model_registry import ModelRegistry

    database = opened.enter_context(configured_database(config=config))
    _announce_jobs(config, database, opened)
    audit = AuditLogger(config=config, now=now)
    opened.callback(audit.close)
    registry = ModelRegistry(config=config, now=now, new_id=new_id)
    opened.callback(registry.sync.close)
    tracker = ExperimentTracker(config=config, now=now, new_id=new_id)
    opened.callback(tracker.sync.close)
    pipeline = DataPipeline(config=config, workers=0, now=now, new_id=new_id)
    opened.callback(pipeline.sync.close)
    features = FeatureStore(config=config, now=now, new_id=new_id)
    opened.callback(features.sync.close)
    return Parts(registry, tracker, pipeline, features, audit, database)


def _announce_jobs(config: MLOpsConfig, database: Database, opened: ExitStack) -> None:
    """Wake workers elsewhere by Redis, where there is one."""
    if config.database.redis_url is not None:
        from mlops.jobs.redis_waker import RedisAnnouncer

        opened.callback(RedisAnnouncer(database, config.database.redis_url).close)


def _end_jobs(runner: JobRunner) -> None:
    timeout_s: float | None = 0.0  # who interrupts the wait waits for nothing more
    try:
        runner.finish()
        timeout_s = None
    finally:
        runner.close(timeout_s)
