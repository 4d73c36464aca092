"""How values that are not text are written as text, so that a schema's types can read them again without loss."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Any

__all__ = ["cell_text"]


def cell_text(value: object) -> str | None:
    """Return a value as the text of a cell, None for none.

    Example:
        >>> cell_text(True), cell_text(0.1), cell_text(None), cell_text([1, "a"]), cell_text(b"\\x01")
        ('true', '0.1', None, '[1, "a"]', '01')
    """
    if value is None or isinstance(value, str):
        return value
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(value)
    return str(value)


_WRITERS: tuple[tuple[tuple[type, ...], Callable[[Any], str]], ...] = (
    ((bool,), lambda value: "true" if value else "false"),
    ((float,), repr),
    ((Decimal,), lambda value: format(value, "f")),
    ((date, time), lambda value: value.isoformat()),
    ((bytes, bytearray, memoryview), lambda value: bytes(value).hex()),
    ((list, tuple, dict), lambda value: json.dumps(value, ensure_ascii=False, default=str)),
)
