"""Universal Binary JSON as xgboost writes it, read with every length checked against the bytes that are there.

Only that subset is read: text keys, typed arrays of numbers, lists and objects. What is there twice, nested too deeply
or left over at the end is refused, so that no second reader can see something else in the same bytes.
Reference: Universal Binary JSON Specification, draft 12, https://ubjson.org.
"""

from __future__ import annotations

import struct
from typing import Any

__all__ = ["read_ubjson"]

_NUMBERS = {
    ord(marker): struct.Struct(form)
    for marker, form in {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d"}.items()
}
_LENGTHS = frozenset(b"iUIlL")
_ARRAYS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_CONSTANTS = {ord("T"): True, ord("F"): False, ord("Z"): None}
_TEXT, _OBJECT, _END, _ARRAY, _TYPE, _COUNT = b"S{}[$#"
_DEEPEST = 16


def read_ubjson(content: bytes) -> Any:
    """Return the document: dicts, lists, text, numbers, and NumPy arrays for typed arrays.

    Raises:
        ValueError: It is not such a document.
    """
    reader = _Reader(content)
    try:
        value = reader.value(0)
    except (struct.error, IndexError) as error:
        raise ValueError(f"it ends too early: {error}") from error
    if reader.place != len(content):
        raise ValueError(f"{len(content) - reader.place} bytes follow the document")
    return value


class _Reader:
    """A place in the content. Every step forward is checked: by struct and by indexing, or by `_take`."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.place = 0

    def value(self, depth: int) -> Any:
        marker = self._marker()
        if marker in _NUMBERS:
            return self._number(marker)
        if marker == _ARRAY:
            return self._array(depth + 1)
        if marker == _TEXT:
            return self._text()
        if marker == _OBJECT:
            return self._object(depth + 1)
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        raise ValueError(f"there is no value that begins with {chr(marker)!r}")

    def _marker(self) -> int:
        self.place += 1
        return self._content[self.place - 1]

    def _number(self, marker: int) -> Any:
        form = _NUMBERS[marker]
        [number] = form.unpack_from(self._content, self.place)
        self.place += form.size
        return number

    def _take(self, size: int) -> bytes:
        end = self.place + size
        if size < 0 or end > len(self._content):
            raise ValueError(f"{size} bytes are announced, and {len(self._content) - self.place} are left")
        taken = self._content[self.place : end]
        self.place = end
        return taken

    def _length(self) -> int:
        marker = self._marker()
        if marker not in _LENGTHS:
            raise ValueError(f"a length cannot begin with {chr(marker)!r}")
        return int(self._number(marker))

    def _text(self) -> str:
        return self._take(self._length()).decode()

    def _object(self, depth: int) -> dict[str, Any]:
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        found: dict[str, Any] = {}
        while self._content[self.place] != _END:
            key = self._text()
            if key in found:
                raise ValueError(f"{key!r} is there twice")
            found[key] = self.value(depth)
        self.place += 1
        return found

    def _array(self, depth: int) -> Any:
        """Read a typed array of numbers, or a list with its length before it."""
        sign = self._marker()
        kind = self._marker() if sign == _TYPE else None
        if (self._marker() if kind else sign) != _COUNT or depth > _DEEPEST:
            raise ValueError("an array has no length, or is nested too deeply")
        length = self._length()
        if kind:
            return self._typed(chr(kind), length)
        if not 0 <= length <= len(self._content) - self.place:
            raise ValueError(f"{length} items are announced, and {len(self._content) - self.place} bytes are left")
        return [self.value(depth) for _ in range(length)]

    def _typed(self, kind: str, length: int) -> Any:
        import numpy as np

        if kind not in _ARRAYS:
            raise ValueError(f"there are no arrays of {kind!r}")
        dtype = np.dtype(_ARRAYS[kind])
        return np.frombuffer(self._take(length * dtype.itemsize), dtype)
