"""Which classes a test counts apart in its tables of truths and predictions, so that no stream of labels widens them.

With a positive label there are two: it, and all others. Without one the first `MOST_CLASSES` classes are counted apart,
and which they are is part of the test's statistics; later ones, and those with long names, count as `OTHER`.
"""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["LONGEST_CLASS", "MOST_CLASSES", "OTHER", "Classes"]

MOST_CLASSES = 100
"""Classes that a test without a positive label counts apart."""

LONGEST_CLASS = 250
"""Bytes of a class as JSON that can be counted apart: two of them must fit into the key of a row."""

OTHER = "*"
"""Stands for every class that is not counted apart; as JSON it is none itself."""


class Classes:
    """The classes that a test counts apart.

    Args:
        positive: The positive label as JSON; None without one.
        known: Classes that were counted apart before.
    """

    def __init__(self, positive: str | None, known: Collection[str]) -> None:
        self._positive = positive
        self._known = set(known)

    def counted_as(self, name: str) -> tuple[str, bool]:
        """Return what a class counts as, and whether that is a class that was not known before.

        Example:
            >>> classes = Classes(None, ())
            >>> classes.counted_as('"sick"'), classes.counted_as('"sick"'), Classes('"sick"', ()).counted_as('"well"')
            (('"sick"', True), ('"sick"', False), ('*', False))
        """
        if self._positive is not None:
            return (name if name == self._positive else OTHER), False
        if name in self._known:
            return name, False
        if len(self._known) >= MOST_CLASSES or len(name.encode()) > LONGEST_CLASS:
            return OTHER, False
        self._known.add(name)
        return name, True
