"""Waiting for pipes and sockets by their numbers, however many files the process has open."""

from __future__ import annotations

import math
import select
from collections.abc import Iterable

__all__ = ["readable"]


def readable(descriptors: Iterable[int], timeout_s: float) -> set[int]:
    """Return those that can be read from, or have ended, as soon as there is one; none after the timeout.

    `select.select` refuses numbers above a thousand, which a server with many connections has.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(math.ceil(max(0.0, timeout_s) * 1_000))}
