"""Wakes runners of other processes through Redis or Valkey, where `database.redis_url` is configured.

Who asks for jobs announces them, runners listen. Nothing depends on it: what is lost costs no more than the interval at
which a runner looks anyway, and a server that is gone is tried again with growing pauses, said once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mlops.config.masking import mask_passwords
from mlops.database import Database
from mlops.jobs.signals import QUEUED
from mlops.jobs.wakers import Waker, default_waker
from mlops.redis_client import redis_client

__all__ = ["RedisAnnouncer", "RedisWaker"]

_CHANNEL = "mlops:jobs"
_TIMEOUT_S = 2.0
_LISTEN_S = 0.25  # between looks whether to go on
_HEALTH_S = 10  # between questions whether a silent server is still there
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


class RedisAnnouncer:
    """Announces each queued job of this process, from a thread of its own, so that nobody who enqueues waits for it.

    Args:
        database: Where jobs are asked for.
        url: `redis://user:password@host:6379/0`, `rediss://…` or `unix://…`.

    Raises:
        MissingDependency: The package redis is not installed.
        InvalidInput: The URL cannot be one of Redis.
    """

    def __init__(self, database: Database, url: str) -> None:
        self._client = redis_client(url, timeout_s=_TIMEOUT_S, health_check_interval=_HEALTH_S)
        self._queued = threading.Event()
        self._trouble = _Trouble("other processes are not woken by Redis")
        self._thread = _Thread("mlops-jobs-announcer", self._announce, self._trouble, self._queued.set)
        self._stop_listening = database.bell.listen(QUEUED, lambda _: self._queued.set())

    def close(self) -> None:
        """Announce no more."""
        self._stop_listening()
        self._thread.stop()
        self._client.close()

    def _announce(self) -> None:
        """Tell once of everything that was queued since the last time."""
        self._queued.wait()
        self._queued.clear()
        if not self._thread.is_stopping:
            self._client.publish(_CHANNEL, b"queued")
            self._trouble.is_over()


class RedisWaker:
    """Sleeps as the database's own waker does, and is also woken by announcements of other processes.

    Args:
        database: Where the jobs are.
        url: As `RedisAnnouncer` takes it.
        inner: What it sleeps on; that of the database when left out.

    Raises:
        MissingDependency: The package redis is not installed.
        InvalidInput: The URL cannot be one of Redis.
    """

    def __init__(self, database: Database, url: str, inner: Waker | None = None) -> None:
        self._client: Any = redis_client(url, timeout_s=_TIMEOUT_S, health_check_interval=_HEALTH_S)
        self._inner = inner or default_waker(database)
        self.look_every_s = self._inner.look_every_s
        self._trouble = _Trouble("runners are not woken by Redis; they look by themselves")
        self._subscription: Any = None
        self._thread = _Thread("mlops-jobs-subscriber", self._listen, self._trouble, lambda: None)

    def wait(self, timeout_s: float) -> None:
        """Return when there may be work, or after the timeout."""
        self._inner.wait(timeout_s)

    def wake(self) -> None:
        """End the present or the next wait."""
        self._inner.wake()

    def close(self) -> None:
        """Listen no more."""
        self._thread.stop()
        self._unsubscribe()
        self._client.close()
        self._inner.close()

    def _listen(self) -> None:
        """Wait a moment for an announcement."""
        if self._trouble.is_present or self._subscription is None:
            self._subscribe()
        if self._subscription.get_message(timeout=_LISTEN_S) is not None:
            self._inner.wake()

    def _subscribe(self) -> None:
        """Begin to listen, and look at once for what was announced before."""
        self._unsubscribe()
        self._subscription = self._client.pubsub(ignore_subscribe_messages=True)
        self._subscription.subscribe(_CHANNEL)
        self._trouble.is_over()
        self._inner.wake()

    def _unsubscribe(self) -> None:
        if self._subscription is not None:
            self._subscription.close()


class _Trouble:
    """Whether the server is out of reach: said once, with growing pauses between tries."""

    def __init__(self, consequence: str) -> None:
        self._consequence = consequence
        self._tries = 0

    @property
    def is_present(self) -> bool:
        """Whether the last try failed."""
        return self._tries > 0

    def is_over(self) -> None:
        """Note that it works; say so if it did not."""
        if self._tries:
            _log().info("Redis is back")
        self._tries = 0

    def note(self, error: Exception) -> float:
        """Note a failure; return for how long to pause."""
        if not self._tries:
            _log().warning(self._consequence, reason=mask_passwords(f"{type(error).__name__}: {error}"))
        self._tries += 1
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self._tries - 1, 20))


class _Thread:
    """Takes steps until it is stopped, whatever the server does."""

    def __init__(self, name: str, step: Callable[[], None], trouble: _Trouble, wake: Callable[[], None]) -> None:
        self._step = step
        self._trouble = trouble
        self._wake = wake
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_stopping(self) -> bool:
        """Whether no further step is wanted."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        self._wake()
        self._thread.join()

    def _run(self) -> None:
        from redis.exceptions import RedisError

        while not self.is_stopping:
            try:
                self._step()
            except (RedisError, OSError, ValueError) as error:  # ValueError: a socket that was closed meanwhile
                self._stopping.wait(self._trouble.note(error))


def _log() -> Any:
    import structlog  # 90 ms that only trouble costs

    return structlog.get_logger("mlops.jobs")
