"""The composition root: every part of the platform, opened from one configuration and closed together."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from mlops import clock
from mlops.clock import NewId, Now
from mlops.config import ConfigManager, Environment, MLOpsConfig
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    from mlops.audit import AuditLogger
    from mlops.experiment_tracker import ExperimentTracker
    from mlops.model_registry import ModelRegistry

__all__ = ["Platform"]


class Platform:
    """The parts of the platform, sharing one database; make it with `Platform.open`.

    Attributes:
        config: The configuration that all parts were opened with.
        registry: Models and their versions; `registry.sync` for scripts.
        tracker: Experiments; `tracker.sync` for scripts.
        audit: Who did what.
    """

    def __init__(
        self,
        config: MLOpsConfig,
        *,
        registry: ModelRegistry,
        tracker: ExperimentTracker,
        audit: AuditLogger,
        resources: ExitStack,
    ) -> None:
        self.config = config
        self.registry = registry
        self.tracker = tracker
        self.audit = audit
        self._resources = resources
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        config: MLOpsConfig | None = None,
        environment: Environment | str | None = None,
        *,
        now: Now = clock.now,
        new_id: NewId = clock.new_id,
    ) -> Self:
        """Open every part; nothing stays open when one of them cannot be.

        Args:
            config: The configuration; None loads it as `ConfigManager().load_config(environment)` does.
            environment: Which environment's configuration to load.
            now: The clock of all parts.
            new_id: The source of ids of all parts.

        Raises:
            InvalidInput: Both a configuration and an environment were given.
            ConfigurationError: A setting cannot be used.
            DatabaseUnavailable: The database cannot be reached.
        """
        if config is not None and environment is not None:
            raise InvalidInput(
                f"Platform.open got a configuration for {config.environment} and the environment {environment!r}. "
                "Pass one of them."
            )
        from mlops.audit import AuditLogger
        from mlops.experiment_tracker import ExperimentTracker
        from mlops.model_registry import ModelRegistry

        chosen = config or ConfigManager().load_config(environment)
        with ExitStack() as opened:
            audit = AuditLogger(config=chosen, now=now)
            opened.callback(audit.close)
            registry = ModelRegistry(config=chosen, now=now, new_id=new_id)
            opened.callback(registry.sync.close)
            tracker = ExperimentTracker(config=chosen, now=now, new_id=new_id)
            opened.callback(tracker.sync.close)
            resources = opened.pop_all()
        return cls(chosen, registry=registry, tracker=tracker, audit=audit, resources=resources)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"Platform({self.registry.sync!r}, {self.tracker.sync!r})"

    def close(self) -> None:
        """Close every part, the last opened first; one that fails does not keep the others open. Twice is once."""
        with self._lock:
            resources, self._resources = self._resources, ExitStack()
        resources.close()

    async def aclose(self) -> None:
        """Close every part without holding up the event loop. Twice is once."""
        await asyncio.to_thread(self.close)
