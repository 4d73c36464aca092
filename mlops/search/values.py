"""How free-form values, such as a run's parameters, are seen by a search: a text, and a number if they are one."""

from __future__ import annotations

import math
from typing import Any

from mlops.records import decode_json, encode_json

__all__ = ["text_and_number"]


def text_and_number(value: Any) -> tuple[str, float | None]:
    """Return the text and the number by which a free-form value is found and sorted.

    The text of a str is itself and that of anything else its compact JSON. The number is there for int and float, but
    not for bool, NaN, or an int beyond the range of float.

    Raises:
        InvalidInput: JSON cannot hold the value.

    Example:
        >>> text_and_number("adam"), text_and_number(5), text_and_number(True)
        (('adam', None), ('5', 5.0), ('true', None))
    """
    if isinstance(value, str):
        return str(value), None
    text = encode_json(value)
    plain = decode_json(text)
    return text, _number(plain) if isinstance(plain, int | float) and not isinstance(plain, bool) else None


def _number(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return None if math.isnan(number) else number
