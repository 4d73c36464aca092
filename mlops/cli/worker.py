"""`mlops worker`: a process that does jobs until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli.importing import imported
from mlops.cli.options import DatabaseOption

if TYPE_CHECKING:
    from mlops.jobs import JobContext, JobHandler, JobRunner
    from mlops.platform import Platform

__all__ = ["worker"]

_LOOK_EVERY_S = 0.2


def worker(
    *,
    imports: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="MODULE",
            help="Import this module first, as a program in this folder would; its `register(platform)`, if there is "
            "one, adds handlers. May be repeated.",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Jobs done at once.")] = 1,
    capability: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="What this process has that jobs may require, such as gpu. May be repeated."),
    ] = None,
    drain: Annotated[
        bool, typer.Option("--drain", "--once", help="End when no job is left that could be taken up now.")
    ] = False,
    grace: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long a stopped worker waits for its jobs.")
    ] = 10.0,
    database: DatabaseOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Log JSON lines on a terminal too.")] = False,
) -> None:
    """Do jobs until SIGTERM or Ctrl-C; what is not done then is given back to other workers."""
    from mlops.cli.logging import configure_logging
    from mlops.config import ConfigManager
    from mlops.platform import Platform

    configure_logging(level="INFO", as_json=as_json)
    logging.getLogger("alembic.runtime.plugins").setLevel("WARNING")  # what it loads is no news
    sections: dict[str, Any] = {"database": {"url": database}} if database else {}
    config = ConfigManager().load_config(**sections)
    stop = _Stop()
    with Platform.open(config, workers=0) as platform:
        for name in imports or ():
            _register(imported(name), platform)
        runner = _start(platform, workers, capability or ())
        _wait(runner, stop, until_drained=drain)
        _log().info("worker stops", worker=runner.worker)
        runner.close(grace)


def _start(platform: Platform, workers: int, capabilities: list[str] | tuple[str, ...]) -> JobRunner:
    runner = platform.start_jobs(workers, capabilities=capabilities, around=_told)
    _log().info(
        "worker does jobs",
        worker=runner.worker,
        pid=os.getpid(),
        database=platform.database.masked_url,
        kinds=list(runner.kinds),
        workers=workers,
    )
    return runner


def _wait(runner: JobRunner, stop: _Stop, *, until_drained: bool) -> None:
    while not (stop.is_wanted or (until_drained and runner.is_drained())):
        time.sleep(_LOOK_EVERY_S)


class _Stop:
    """Whether a signal wants the worker to stop; the second one ends the process, and its leases run out."""

    def __init__(self) -> None:
        self.is_wanted = False  # no Event: its lock may be held where the signal strikes
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        self.is_wanted = True


def _register(module: Any, platform: Platform) -> None:
    register = getattr(module, "register", None)
    if callable(register):
        register(platform)


def _told(handler: JobHandler) -> JobHandler:
    """Return a handler that logs when it begins and ends."""
    return replace(handler, run=_Told(handler.run))


class _Told:
    """A handler's function that tells of itself."""

    def __init__(self, run: Callable[[JobContext], Any]) -> None:
        self._run = run

    def __call__(self, job: JobContext) -> Any:
        log = _log().bind(kind=job.job.kind, job=job.job_id, attempt=job.attempt)
        began = time.monotonic()
        log.info("job begins")
        try:
            result = self._run(job)
        except BaseException as error:
            log.warning("job does not succeed", seconds=_since(began), error=f"{type(error).__name__}: {error}")
            raise
        log.info("job is done", seconds=_since(began))
        return result


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _log() -> Any:
    import structlog

    return structlog.get_logger("mlops.worker")
