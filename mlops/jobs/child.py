"""What runs in the process of an isolated handler: it hears orders and reports, and dies with its worker.

Two things see to that, for each alone can be too late: the kernel's PDEATHSIG, which follows the thread that started
this process and waits for it, and the end of the inherited pipe.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlops.audit import acting_as
from mlops.database import open_database
from mlops.errors import InvalidInput
from mlops.jobs import errors
from mlops.jobs.attempt import Attempt, storable
from mlops.jobs.context import JobContext
from mlops.jobs.documents import encode_document
from mlops.jobs.ending import Lease
from mlops.jobs.entities import Job, JobProgress
from mlops.jobs.errors import PermanentFailure

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1
_PERMANENT = (PermanentFailure, InvalidInput, ImportError)


def main(orders: int, reports: int, parent: int) -> None:
    """Do the job that the first order names; report its result or error.

    Args:
        orders: Descriptor to read lines from.
        reports: Descriptor to write lines to.
        parent: The worker's process.
    """
    _die_with(parent)
    heard = os.fdopen(orders, "r", encoding="utf-8")
    reporter = _Reporter(reports)
    attempt = _ChildAttempt(order := json.loads(heard.readline()), reporter)
    threading.Thread(target=_listen, args=(heard, attempt), name="mlops-job-orders", daemon=True).start()
    reporter.send(_answer(order, attempt, reporter))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that the handler left behind must not keep the process


class _Reporter:
    """Sends lines to the worker, from any thread."""

    def __init__(self, end: int) -> None:
        self._lock = threading.Lock()
        self._file = os.fdopen(end, "w", encoding="utf-8")

    def send(self, report: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(json.dumps(report) + "\n")
            self._file.flush()


class _ChildAttempt(Attempt):
    """An attempt that reports what is said instead of keeping it."""

    def __init__(self, order: dict[str, Any], reporter: _Reporter) -> None:
        super().__init__(Job.from_document(order["job"]), Lease(*order["lease"]), is_counted=order["is_counted"])
        self._reporter = reporter

    def say(self, progress: JobProgress) -> None:
        """Report how far it is."""
        self._reporter.send({"progress": progress.model_dump()})

    def log(self, level: str, message: str) -> None:
        """Report a line."""
        self._reporter.send({"log": [level, storable(message)]})


class _ChildContext(JobContext):
    """A context that reports at once when the handler has ended its job."""

    def __init__(self, attempt: Attempt, database: Any, reporter: _Reporter) -> None:
        super().__init__(attempt, database)
        self._reporter = reporter

    def _note_end(self) -> None:
        super()._note_end()
        self._reporter.send({"has_ended": True})


def _answer(order: dict[str, Any], attempt: Attempt, reporter: _Reporter) -> dict[str, Any]:
    try:
        with open_database(order["url"]) as database, acting_as(attempt.job.created_by):
            result = _function(order["target"])(_ChildContext(attempt, database, reporter))
            return {"result": encode_document(result, "result", attempt.job.kind)}
    except BaseException as error:  # noqa: BLE001 (sys.exit() in a handler is an error of the handler)
        plain = isinstance(error, PermanentFailure)
        return {
            "error": {
                "summary": str(error) if plain else f"{type(error).__name__}: {error}",
                "traceback": "".join(traceback.format_exception(error)),
                "is_permanent": isinstance(error, _PERMANENT),
            }
        }


def _function(target: str) -> Callable[[JobContext], Any]:
    module, _, name = target.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise InvalidInput(f"{target!r} is no function. Write module:function, such as lab.batches:recompute.")
    function: Callable[[JobContext], Any] = found
    return function


def _listen(heard: Any, attempt: Attempt) -> None:
    """Pass on why the handler must end; end the process when the worker is gone."""
    for line in heard:
        name, message = json.loads(line)["interruption"]
        attempt.interrupt(getattr(errors, name)(message))
    os._exit(1)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with contextlib.suppress(OSError):  # some containers forbid even that
            Path("/proc/self/oom_score_adj").write_text("500")  # short of memory, the kernel ends this first
    if os.getppid() != parent:  # it died before the kernel knew
        os._exit(1)
