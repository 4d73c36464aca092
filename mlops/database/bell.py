"""Tells others in this process, at once, that something was committed; what nobody listens to is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Bell"]

Listener = Callable[[Any], object]


class Bell:
    """Topics and who listens to them. Each open database has one; safe to use from any thread.

    Example:
        >>> bell = Bell()
        >>> heard = []
        >>> stop = bell.listen("jobs", heard.append)
        >>> bell.ring("jobs", "one is there")
        >>> stop()
        >>> bell.ring("jobs", "another one")
        >>> heard
        ['one is there']
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, list[Listener]] = {}

    def listen(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Have a function called with every message of a topic, in the ringing thread; it must return soon.

        Returns:
            What ends that; harmless when called again.
        """
        with self._lock:
            self._listeners[topic] = [*self._listeners.get(topic, ()), listener]
        return lambda: self._forget(topic, listener)

    def ring(self, topic: str, message: object = None) -> None:
        """Hand a message to all who listen; call it by `Transaction.after_commit` if it tells of what was written."""
        for listener in self._listeners.get(topic, ()):
            listener(message)

    def _forget(self, topic: str, listener: Listener) -> None:
        with self._lock:
            self._listeners[topic] = [other for other in self._listeners.get(topic, ()) if other is not listener]
