"""Runs a handler in a process of its own, with a limit of memory, and kills it when it must end.

The worker keeps the lease and the heartbeat; the child opens the database itself and is given the lease's token, so
that its `commit` is fenced as ever. It hears from the worker through one inherited pipe and reports through another;
when the worker dies, the kernel kills it, and so does the pipe's end. What runs in it is `child`.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from mlops.errors import InvalidInput
from mlops.jobs.attempt import Attempt
from mlops.jobs.context import JobContext
from mlops.jobs.descriptors import readable
from mlops.jobs.entities import JobProgress
from mlops.jobs.errors import JobProcessFailed, LeaseLost, MemoryExceeded, PermanentFailure
from mlops.jobs.signals import ENDED
from mlops.records import decode_json

__all__ = ["IsolatedRun", "isolated"]

_LOOK_EVERY_S = 0.05
_FAMILY_EVERY = 20  # looks; finding a process' children reads the table of all processes
_AFTER_CLOSING_S = 0.001  # it closes its end of the pipe by ending, a moment before it has ended
_GRACE_S = 2.0  # between being told to end and being killed
_MEGABYTE = 1_000_000
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from mlops.jobs.child import main; main(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))"
)


class ChildTraceback(Exception):
    """The traceback of what a handler raised in its process; the cause of what is raised for it here."""

    def __str__(self) -> str:
        """Return it as Python prints it."""
        return f"\n{self.args[0]}"


@dataclass(frozen=True)
class IsolatedRun:
    """A handler's function that runs in a process of its own; made by `isolated`.

    Attributes:
        target: `module:function`.
        memory_limit_mb: Resident memory, of the process and its children, beyond which it is killed; None for no limit.
    """

    target: str
    memory_limit_mb: float | None = None

    def __call__(self, context: JobContext) -> Any:
        """Run the function for a job, and return what it returns.

        Raises:
            JobInterrupted: The attempt had to end.
            MemoryExceeded: It took too much memory.
            PermanentFailure: The function raised that, or `InvalidInput`.
            JobProcessFailed: It raised something else, or its process died.
        """
        with _started(self.target, context) as child:
            child.follow(self.memory_limit_mb)
        return child.result()


def isolated(target: Callable[[JobContext], Any] | str, *, memory_limit_mb: float | None = None) -> IsolatedRun:
    """Have a handler run in a process of its own: it may leak, crash or hang without harm to the worker.

    Starting the process takes some tenths of a second. When the job is cancelled or its time is up, the handler is told
    so at its next `check` and killed two seconds later. The limit is on resident memory, which is looked at twenty
    times a second, that of processes it started once a second: address space, which the kernel could limit, is no
    measure of what numpy or polars use.

    Args:
        target: A function at the top of a module, or `module:function`, which only the child imports.
        memory_limit_mb: Megabytes (10^6 bytes) beyond which it is killed and the job fails, without another attempt.

    Raises:
        InvalidInput: Another process could not import it, or the limit is not above 0.

    Example:
        >>> isolated("lab.batches:recompute", memory_limit_mb=2_000).target
        'lab.batches:recompute'
    """
    if memory_limit_mb is not None and not memory_limit_mb > 0:
        raise InvalidInput(f"memory_limit_mb is {memory_limit_mb}; allowed are numbers above 0, or None for no limit.")
    name = target if isinstance(target, str) else _name_of(target)
    if not all(name.partition(":")[::2]):
        raise InvalidInput(f"{name!r} names no function. Write 'module:function', such as 'lab.batches:recompute'.")
    return IsolatedRun(name, memory_limit_mb)


class _Child:
    """A running child, seen from the worker's thread that waits for it."""

    def __init__(self, process: subprocess.Popen[bytes], orders: int, reports: int, context: JobContext) -> None:
        self._process = process
        self._orders = orders
        self._reports = reports
        self._context = context
        self._attempt: Attempt = context.state
        self._unread = b""
        self._answer: dict[str, Any] = {}
        self._kill_at: float | None = None
        self._over: MemoryExceeded | None = None

    def tell(self, message: dict[str, Any]) -> None:
        """Send the child a line."""
        with suppress(BrokenPipeError):  # it has ended; its reports say how
            _write_all(self._orders, json.dumps(message).encode() + b"\n")

    def follow(self, memory_limit_mb: float | None) -> None:
        """Read what it reports until it ends, and end it when it must."""
        for look in itertools.count():
            if self._has_ended():
                break
            self._read(_LOOK_EVERY_S)
            self._end_in_time()
            if memory_limit_mb is not None:
                self._watch(memory_limit_mb, with_family=look % _FAMILY_EVERY == 0)
        while self._read(0.0):
            continue

    def kill(self) -> None:
        """End it, with whatever it started and did not end."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # it leads a session of its own
            self._process.wait()

    def result(self) -> Any:
        """Return what the function returned, or raise what it raised."""
        if self._over is not None:
            raise self._over
        if "result" in self._answer:
            return decode_json(self._answer["result"])
        if (reason := self._attempt.interruption) is not None:
            raise reason
        raise _error(self._answer.get("error"), self._process.returncode)

    def _has_ended(self) -> bool:
        """Look without reaping it, so that its group can still be named."""
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _read(self, wait_s: float) -> bool:
        """Take in what has been reported; say whether anything was."""
        ready = readable([self._reports], wait_s)
        received = os.read(self._reports, 65_536) if ready else b""
        if ready and not received:
            time.sleep(_AFTER_CLOSING_S)
        *lines, self._unread = (self._unread + received).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))
        return bool(received)

    def _hear(self, report: dict[str, Any]) -> None:
        match report:
            case {"progress": progress}:
                self._attempt.say(JobProgress(**progress))
            case {"log": [level, message]}:
                self._attempt.log(level, message)
            case {"has_ended": _}:
                self._attempt.has_ended = True
                self._context.database.bell.ring(ENDED, self._attempt.job.job_id)
            case _:
                self._answer = report

    def _end_in_time(self) -> None:
        reason = self._attempt.interruption
        if reason is None or (self._attempt.has_ended and not self._attempt.is_abandoned):
            return  # after its end the job is nobody's any more, which must not cut off its cleaning up
        if self._kill_at is None:
            grace_s = 0.0 if isinstance(reason, LeaseLost) else min(_GRACE_S, self._attempt.lease.length_s / 4)
            self._kill_at = time.monotonic() + grace_s
            self.tell({"interruption": [type(reason).__name__, str(reason)]})
        if time.monotonic() >= self._kill_at:
            self.kill()

    def _watch(self, limit_mb: float, *, with_family: bool) -> None:
        if self._over is not None:
            return
        used_mb = _resident_bytes(self._process.pid, with_family=with_family) / _MEGABYTE
        if used_mb > limit_mb:
            self.kill()
            self._over = MemoryExceeded(
                f"Its process used {used_mb:.0f} MB of memory and was killed; its limit is {limit_mb:g} MB. "
                "Raise memory_limit_mb of its handler, or have it do less at once."
            )


@contextmanager
def _started(target: str, context: JobContext) -> Iterator[_Child]:
    """Start a child; it is dead when the block ends."""
    with closing(_Pipe()) as orders, closing(_Pipe()) as reports:
        command = [sys.executable, *(f"-W{option}" for option in sys.warnoptions), "-c", _BOOT]
        command += [json.dumps(sys.path), str(orders.reader), str(reports.writer), str(os.getpid())]
        process = subprocess.Popen(  # noqa: S603 (this Python, our own words)
            command, stdin=subprocess.DEVNULL, pass_fds=(orders.reader, reports.writer), start_new_session=True
        )
        orders.close_reader()
        reports.close_writer()
        child = _Child(process, orders.writer, reports.reader, context)
        try:
            child.tell(_order(target, context))
            yield child
        finally:
            child.kill()


def _order(target: str, context: JobContext) -> dict[str, Any]:
    attempt: Attempt = context.state
    return {
        "target": target,
        "url": context.database.url,  # with its password, so not among the arguments, which everybody can read
        "job": attempt.job.to_document(),
        "lease": list(attempt.lease),
        "is_counted": attempt.is_counted,
    }


class _Pipe:
    """Both ends of a pipe, each closed once."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self._open = {self.reader, self.writer}

    def close_reader(self) -> None:
        self._close(self.reader)

    def close_writer(self) -> None:
        self._close(self.writer)

    def close(self) -> None:
        self.close_reader()
        self.close_writer()

    def _close(self, end: int) -> None:
        if end in self._open:
            self._open.remove(end)
            os.close(end)


def _write_all(end: int, data: bytes) -> None:
    while data:
        data = data[os.write(end, data) :]


def _resident_bytes(pid: int, *, with_family: bool) -> int:
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *(process.children(recursive=True) if with_family else [])]
        return sum(one.memory_info().rss for one in family)
    except psutil.NoSuchProcess:  # it, or one of them, has just ended
        return 0


def _error(report: dict[str, Any] | None, status: int) -> Exception:
    """Return what a child's end amounts to."""
    if report is None:
        died = f"by signal {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        return JobProcessFailed(f"Its process ended {died} before its handler did. Look at the worker's output.")
    kind = PermanentFailure if report["is_permanent"] else JobProcessFailed
    error = kind(report["summary"])
    error.__cause__ = ChildTraceback(report["traceback"])
    return error


def _name_of(function: Callable[[JobContext], Any]) -> str:
    """Return `module:function`, if another process can find the function by it."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    found: Any = None
    if module not in {None, "__main__"} and name is not None and "<" not in name:
        found = importlib.import_module(str(module))
        for part in name.split("."):
            found = getattr(found, part, None)
    if found is not function:
        raise InvalidInput(
            f"{name or function!r} of {module} cannot run in a process of its own, which has to import it. "
            "Define it at the top of a module that is not the program itself; not a lambda, not inside a function."
        )
    return f"{module}:{name}"
