"""The only doors of time and randomness: now() and new_id().

Code that needs either takes it as an argument with these as defaults, so that a test can hand in its own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["EPOCH", "NewId", "Now", "from_microseconds", "microseconds", "new_id", "now"]

Now = Callable[[], datetime]
NewId = Callable[[], str]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_COUNTER_BITS = 12  # RFC 9562, rand_a used as a counter within one millisecond


def now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)


def microseconds(moment: datetime) -> int:
    """Return whole microseconds since 1970-01-01 UTC of an aware datetime."""
    return (moment - EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Return the aware UTC datetime that is `count` microseconds after 1970-01-01."""
    return EPOCH + count * _MICROSECOND


class _IdSource:
    """UUIDv7 ids that never go back within a process, even when the clock does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def reset_lock(self) -> None:
        self._lock = threading.Lock()

    def next(self) -> str:
        tick = (time.time_ns() // 1_000_000) << _COUNTER_BITS
        with self._lock:
            self._last = tick = max(tick, self._last + 1)
        stamp, counter = tick >> _COUNTER_BITS, tick & ((1 << _COUNTER_BITS) - 1)
        random = int.from_bytes(os.urandom(8), "big") >> 2
        number = stamp << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_ids = _IdSource()
os.register_at_fork(after_in_child=_ids.reset_lock)


def new_id() -> str:
    """Return a new UUIDv7 (RFC 9562) as text: unique anywhere, and in order of creation within a process."""
    return _ids.next()
