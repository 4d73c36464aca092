"""Keeps a process alive while jobs that it asked for itself are running here, or can be taken up here.

At a program's end Python waits for threads that are no daemons; this is the only one of a runner, and it exists only
while it has something to wait for. A program that is ended by Ctrl-C is not kept.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Keeper", "Own"]

_LOOK_EVERY_S = 0.5  # whether Ctrl-C has ended the program


class Own(NamedTuple):
    """What a keeper waited for at some moment.

    Attributes:
        additions: How many jobs it had been told of by then.
        job_ids: Those it waited for.
    """

    additions: int
    job_ids: frozenset[str]


class Keeper:
    """Counts the jobs that this process asked for and that have not ended; safe to use from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._own: set[str] = set()
        self._additions = 0
        self._thread: threading.Thread | None = None

    def add(self, job_id: str) -> None:
        """Wait for one more."""
        with self._changed:
            self._own.add(job_id)
            self._additions += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._stay, name="mlops-jobs-keeper", daemon=False)
                self._thread.start()

    def discard(self, job_ids: Iterable[str]) -> None:
        """Wait for these no more."""
        with self._changed:
            self._own.difference_update(job_ids)
            self._changed.notify_all()

    def own(self) -> Own:
        """Return what it waits for, to be looked up in the database by a transaction that begins afterwards."""
        with self._changed:
            return Own(self._additions, frozenset(self._own))

    def review(self, own: Own, *, is_any_doable: bool) -> None:
        """Stop waiting when nothing of it can be done here; called while the runner is idle.

        As long as something can, jobs that wait for it may follow, so all are kept; so they are when one was added
        since, which the next review will know of.
        """
        with self._changed:
            if not is_any_doable and own.additions == self._additions:
                self._own.clear()
                self._changed.notify_all()

    def wait(self, timeout_s: float | None) -> bool:
        """Return True once there is nothing to wait for, or False after the timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._own, timeout_s)

    def stop(self) -> None:
        """Wait for nothing more."""
        with self._changed:
            self._own.clear()
            self._changed.notify_all()

    def _stay(self) -> None:
        with self._changed:
            while self._own and not _is_interrupted():
                self._changed.wait(_LOOK_EVERY_S)
            self._thread = None


def _is_interrupted() -> bool:
    """Say whether Ctrl-C has ended the program: Python keeps the error that it printed at the main thread's end."""
    return not threading.main_thread().is_alive() and getattr(sys, "last_type", None) is KeyboardInterrupt
