"""Handlers that other processes import."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from typing import Any

from mlops.audit import current_actor
from mlops.jobs import JobContext, PermanentFailure
from mlops.tests.integration.jobs.conftest import write_effect


def report(context: JobContext) -> Any:
    """Say everything that can be said."""
    context.log("begun", level="warning")
    context.progress(1, total=2, message="half")
    sys.stdout.write("printed\n")
    return {"pid": os.getpid(), "actor": current_actor(), "attempt": context.attempt, "plate": context.payload["plate"]}


def effect(context: JobContext) -> None:
    """Commit effect and end together; what follows changes nothing."""
    with context.commit(result="done") as tx:
        write_effect(tx, context.job_id)
    raise RuntimeError("after the commit")


def fail(context: JobContext) -> None:
    """End in one of several bad ways."""
    match context.payload["how"]:
        case "raise":
            raise ValueError("boom")
        case "permanent":
            raise PermanentFailure("never")
        case "exit":
            sys.exit(3)
        case "crash":
            ctypes.string_at(0)
        case "quit":
            os._exit(7)


def grow(context: JobContext) -> None:
    """Take more and more memory, a little at a time."""
    taken = []
    while True:
        taken.append(b"x" * 10_000_000)
        time.sleep(0.02)


def check_for_ever(context: JobContext) -> None:
    """Work until told to end, and clean up."""
    context.log(f"pid {os.getpid()}")
    try:
        while True:
            context.check()
            time.sleep(0.01)
    finally:
        context.log("cleaned up")


def hang(context: JobContext) -> None:
    """Start a process of its own, and never look up again."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    context.log(f"pid {os.getpid()}")
    context.log(f"pid {child.pid}")
    time.sleep(600)


def commit_and_hang(context: JobContext) -> None:
    """End the job, and stay."""
    with context.commit(result=os.getpid()) as tx:
        write_effect(tx, context.job_id)
    time.sleep(600)


def say_too_much(context: JobContext) -> str:
    """Return and log more than a job can keep."""
    context.log("x" * 50_000_000)
    return "x" * 50_000_000


NO_FUNCTION = 7
