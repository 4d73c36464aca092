"""Waking runners by Redis: at once while it is there, and nothing but latency when it is not."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from mlops.database import Database
from mlops.errors import InvalidInput
from mlops.jobs import JobRunner, JobStatus, wait
from mlops.jobs.redis_waker import RedisAnnouncer, RedisWaker
from mlops.tests.fixtures import valkey_keeper
from mlops.tests.integration.jobs.conftest import EFFECT, LONG_S, Enqueue, until

Runner = Callable[..., JobRunner]


class Sleeper:
    """A waker that nothing in this process wakes by itself."""

    look_every_s = 60.0

    def __init__(self) -> None:
        self.woken = threading.Event()

    def wait(self, timeout_s: float) -> None:
        """Sleep."""
        self.woken.wait(timeout_s)
        self.woken.clear()

    def wake(self) -> None:
        """End the sleep."""
        self.woken.set()

    def close(self) -> None:
        """Hold nothing."""


class Server:
    """A Valkey that comes and goes at one address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder / 'socket'}"
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = valkey_keeper.start(self.folder)
        valkey_keeper.await_ready(self._process, self.folder)

    def stop(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def server() -> Iterator[Server]:
    """Return a server that runs, in a folder with a short name."""
    with tempfile.TemporaryDirectory(prefix="mlops-jobs-", dir="/tmp") as folder:
        one = Server(Path(folder))
        one.start()
        yield one
        one.stop()


@pytest.fixture
def announcer_of(lab: Database) -> Iterator[Callable[[str], RedisAnnouncer]]:
    """Return a function that announces on a server; closed at the end."""
    opened: list[RedisAnnouncer] = []

    def announce(url: str) -> RedisAnnouncer:
        opened.append(RedisAnnouncer(lab, url))
        return opened[-1]

    yield announce
    for one in opened:
        one.close()


@pytest.fixture
def waker_of(lab: Database) -> Iterator[Callable[[str], tuple[RedisWaker, Sleeper]]]:
    """Return a function that makes a waker on a server, and what it sleeps on; closed at the end."""
    opened: list[RedisWaker] = []

    def make(url: str) -> tuple[RedisWaker, Sleeper]:
        sleeper = Sleeper()
        opened.append(RedisWaker(lab, url, sleeper))
        return opened[-1], sleeper

    yield make
    for one in opened:
        one.close()


def test_an_announcement_wakes_a_sleeper(
    valkey_url: str, lab: Database, ask: Enqueue, announcer_of: Any, waker_of: Any
) -> None:
    """Which hears nothing else; it also looks once when it begins to listen."""
    waker, sleeper = waker_of(valkey_url)
    until(sleeper.woken.is_set)
    waker.wait(0)
    announcer_of(valkey_url)
    ask()
    assert sleeper.woken.wait(LONG_S)


def test_a_runner_goes_on_without_redis(
    server: Server, lab: Database, ask: Enqueue, runner_of: Runner, announcer_of: Any
) -> None:
    """Its loss is said once by each side, and its return; jobs are done all along."""
    with capture_logs() as logs:
        announcer_of(server.url)
        runner_of(EFFECT, waker=lambda database: RedisWaker(database, server.url))
        for change in (lambda: None, server.stop, server.start):
            change()
            assert wait(lab, ask(), LONG_S).status is JobStatus.SUCCEEDED
        until(lambda: (ask(), sum(entry["event"] == "Redis is back" for entry in logs) >= 2)[1])
    warnings = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
    assert sorted(warnings) == [
        "other processes are not woken by Redis",
        "runners are not woken by Redis; they look by themselves",
    ]


def test_a_server_that_never_was_costs_nothing_and_gives_nothing_away(
    lab: Database, ask: Enqueue, runner_of: Runner, announcer_of: Any
) -> None:
    """Jobs are done; the log has no password."""
    url = "redis://ann:hush@127.0.0.1:1/0"
    with capture_logs() as logs:
        announcer_of(url)
        runner_of(EFFECT, waker=lambda database: RedisWaker(database, url))
        assert wait(lab, ask(), LONG_S).status is JobStatus.SUCCEEDED
        until(lambda: len(logs) == 2)
    assert "hush" not in str(logs)


def test_a_url_that_cannot_be_is_refused(lab: Database) -> None:
    """Without its password in the message."""
    with pytest.raises(InvalidInput, match="redis_url") as refused:
        RedisAnnouncer(lab, "http://ann:hush@localhost")
    assert "hush" not in str(refused.value)
