"""One attempt at a job in this process: what its handler said so far, and whether it must stop.

Shared by the handler's thread, which speaks through `JobContext`, and the heart's, which carries it to the database.
"""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from mlops import clock
from mlops.clock import Now
from mlops.jobs.ending import Lease, LogLine
from mlops.jobs.entities import Job, JobProgress
from mlops.jobs.errors import JobCancelled, JobInterrupted

__all__ = ["Attempt", "News", "storable"]

_MOST_LINES = 10_000  # per attempt
_MOST_CHARACTERS = 20_000  # per line


class News(NamedTuple):
    """What a handler said since it was last written down."""

    progress: JobProgress | None
    lines: list[LogLine]

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return self.progress is not None or bool(self.lines)


class Attempt:
    """An attempt at a job; safe to use from any thread.

    Attributes:
        job: The job as it was when it was taken.
        lease: The right to it.
        number: Which attempt it is, from 1.
        is_counted: Whether `job.attempts` knows of it; jobs taken in advance are counted when they end.
        has_ended: Whether the handler itself marked the job as done, in a transaction that committed.
        is_abandoned: Whether nobody waits for its handler any more.
        limit_s: Seconds that it may take; 0 when it may take for ever.
    """

    def __init__(self, job: Job, lease: Lease, *, is_counted: bool = True, now: Now = clock.now) -> None:
        self.job = job
        self.lease = lease
        self.is_counted = is_counted
        self.number = job.attempts if is_counted else job.attempts + 1
        self.has_ended = False
        self.is_abandoned = False
        self.limit_s = 0.0
        self._now = now
        self._deadline: float | None = None
        self._lock = threading.Lock()
        self._interruption: JobInterrupted | None = None
        self._progress: JobProgress | None = None
        self._lines: list[LogLine] = []
        self._logged = 0

    def begin(self, timeout_s: float | None) -> None:
        """Start counting its time."""
        self.limit_s = timeout_s or 0.0
        self._deadline = time.monotonic() + timeout_s if timeout_s else None

    def overdue_s(self) -> float:
        """Return for how many seconds it should have ended; negative before, and when it may take for ever."""
        return -1.0 if self._deadline is None else time.monotonic() - self._deadline

    @property
    def interruption(self) -> JobInterrupted | None:
        """What its handler should end by, None while it may go on."""
        return self._interruption

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody wanted it to end."""
        return isinstance(self._interruption, JobCancelled)

    def interrupt(self, error: JobInterrupted) -> None:
        """Have the handler end at its next check; the first reason counts."""
        with self._lock:
            self._interruption = self._interruption or error

    def say(self, progress: JobProgress) -> None:
        """Note how far it is."""
        with self._lock:
            self._progress = progress

    def log(self, level: str, message: str) -> None:
        """Note a line; beyond ten thousand of an attempt they are only counted."""
        with self._lock:
            self._logged += 1
            if self._logged <= _MOST_LINES:
                self._lines.append(LogLine(self._now(), level, storable(message)))

    def take_news(self) -> News:
        """Hand over what nobody has written down yet."""
        with self._lock:
            news = News(self._progress, self._lines)
            self._progress, self._lines = None, []
            return news

    def put_back(self, news: News) -> None:
        """Take over again what could not be written."""
        with self._lock:
            self._progress = self._progress or news.progress
            self._lines = [*news.lines, *self._lines]

    def last_progress(self) -> JobProgress | None:
        """Hand over how far it was at the end, if that is not written down."""
        with self._lock:
            progress, self._progress = self._progress, None
            return progress

    def last_lines(self) -> list[LogLine]:
        """Hand over the lines left at the end, with one that tells how many were not kept."""
        lines = self.take_news().lines
        if (beyond := self._logged - _MOST_LINES) > 0:
            lines.append(LogLine(self._now(), "warning", f"{beyond} more lines were not kept."))
        return lines


def storable(text: str, most: int = _MOST_CHARACTERS) -> str:
    """Return text as both databases take it: without NUL and half characters, and not too long."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= most else clean[:most] + f"… ({len(clean) - most} more characters)"
