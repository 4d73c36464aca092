"""Work killed at every one of its steps: by a process that forks a child for each, which kills itself there.

The process has imported all that the children need and has opened no database, so that a child costs a fork. Steps are
the calls that change files or commit. A child dies right before one of them, when all that the one before did is there;
finer steps are the statements of transactions, and the moments right after each call.
"""

from __future__ import annotations

import functools
import itertools
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from mlops.database import Transaction
from mlops.database.sqlite import SQLiteBackend

__all__ = ["Kill", "Tell", "die_at_every_step", "in_child", "read_kills"]

_FILE_CALLS = ("fsync", "link", "mkdir", "rename", "replace", "rmdir", "unlink")
_COMMITS = ((SQLiteBackend, "commit"), (Connection, "commit"))
_STATEMENTS = ("execute", "insert_rows", "run", "run_many")
_MOST_STEPS = 1_000

Tell = Callable[[str], None]


class Kill(NamedTuple):
    """A turn: how a child ended and what it left.

    Attributes:
        step: Where it killed itself; None when it came to its end.
        outcome: What was found afterwards.
    """

    step: str | None
    outcome: str


def die_at_every_step(
    prepare: Callable[[], object], work: Callable[[Tell], object], look: Callable[[], str], *, finely: bool = False
) -> None:
    """Kill the work at its first step, then at its second and so on until it ends; print what was found after each.

    Args:
        prepare: Run in this process before each turn; opens no database.
        work: Run in a child; it may name steps of its own by calling what it is given.
        look: Run in another child, after that; says in a word what it found.
        finely: Whether to take the finer steps too.
    """
    for fatal in range(_MOST_STEPS):
        prepare()
        step = in_child(functools.partial(_work_until, fatal, work, finely=finely))
        sys.stdout.write(f"{step or '-'} {in_child(lambda tell: tell(look()))}\n")
        sys.stdout.flush()
        if not step:
            return
    raise AssertionError(f"the work has more than {_MOST_STEPS} steps")


def read_kills(printed: str) -> list[Kill]:
    """Read what `die_at_every_step` printed."""
    pairs = [line.split() for line in printed.splitlines()]
    return [Kill(None if step == "-" else step, outcome) for step, outcome in pairs]


def in_child(work: Callable[[Tell], object]) -> str:
    """Run work in a fork of this process; return what it told, also when it killed itself after that."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os._exit(_run(work, lambda text: _write(writing, text)))
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        told = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0 and not (told and status == -signal.SIGKILL):
        raise AssertionError(f"the child ended with status {status}; what it printed stands above")
    return told


def _run(work: Callable[[Tell], object], tell: Tell) -> int:
    """Run work in the child; return the status to exit with."""
    try:
        work(tell)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0


def _write(descriptor: int, text: str) -> None:
    os.write(descriptor, text.encode())


def _work_until(fatal: int, work: Callable[[Tell], object], tell: Tell, *, finely: bool) -> None:
    number = itertools.count()

    def step(name: str) -> None:
        if next(number) == fatal:
            tell(name)
            os.kill(os.getpid(), signal.SIGKILL)

    _watch(step, finely=finely)
    work(step)


def _watch(step: Tell, *, finely: bool) -> None:
    """Have each of the calls announce itself."""
    for name in _FILE_CALLS:
        setattr(os, name, _announced(getattr(os, name), name, step, after=finely))
    for owner, name in _COMMITS:
        setattr(owner, name, _announced(getattr(owner, name), name, step, after=finely))
    for name in _STATEMENTS if finely else ():
        setattr(Transaction, name, _announced(getattr(Transaction, name), name, step, after=False))


def _announced(call: Callable[..., Any], name: str, step: Tell, *, after: bool) -> Callable[..., Any]:
    @functools.wraps(call)
    def announced(*arguments: Any, **named: Any) -> Any:
        step(f"before-{name}")
        result = call(*arguments, **named)
        if after:
            step(f"after-{name}")
        return result

    return announced
