"""Who takes part in a test: conditions on fields of the request's context, all of which must hold.

`{"site": "north", "lot": ["A", "B"], "age": {"min": 18, "below": 65}, "instrument": {"pattern": "^X-"}}` takes requests
of the northern site, of two lots, of adults under 65, on instruments whose name begins so. A field that the context
lacks fails every condition but `{"exists": false}`. `user_id` is a field too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mlops.errors import InvalidInput, did_you_mean
from mlops.values import short_repr

__all__ = ["Audience", "read_filters"]

Condition = Callable[[Any], bool]

_LONGEST = 1000  # letters of a value that a pattern looks at, which bounds what a bad pattern can cost
_ABSENT = object()


class Audience:
    """The conditions of a test, read once.

    Example:
        >>> adults = read_filters({"age": {"min": 18}})
        >>> adults.includes("u1", {"age": 20}), adults.includes("u2", {"age": 3}), adults.includes("u3", None)
        (True, False, False)
    """

    __slots__ = ("_conditions",)

    def __init__(self, conditions: Mapping[str, tuple[Condition, ...]]) -> None:
        self._conditions = conditions

    def includes(self, user_id: str, context: Mapping[str, Any] | None) -> bool:
        """Tell whether a request belongs to the audience.

        Raises:
            InvalidInput: The context has no fields.
        """
        fields = context or {}
        if not isinstance(fields, dict | Mapping):  # dict first: it is quicker to tell
            raise InvalidInput(f"context is {short_repr(fields)}; pass the request's fields by name, as a dict.")
        for name, conditions in self._conditions.items():
            value = user_id if name == "user_id" and name not in fields else fields.get(name, _ABSENT)
            if not all(condition(value) for condition in conditions):
                return False
        return True


def read_filters(filters: Mapping[str, Any]) -> Audience:
    """Return the audience that `user_filters` describe.

    Raises:
        InvalidInput: A condition cannot be read.
    """
    return Audience({name: _conditions(name, wanted) for name, wanted in filters.items()})


def _conditions(field: str, wanted: Any) -> tuple[Condition, ...]:
    if isinstance(wanted, Mapping):
        if not wanted:
            raise InvalidInput(f"user_filters[{field!r}] is empty. It takes {', '.join(_WORDS)}.")
        return tuple(_condition(field, word, value) for word, value in wanted.items())
    if isinstance(wanted, list | tuple):
        return (_condition(field, "in", wanted),)
    return (_condition(field, "equals", wanted),)


def _condition(field: str, word: str, wanted: Any) -> Condition:
    if word not in _WORDS:
        near = did_you_mean(word, _WORDS) or f"Conditions are {', '.join(_WORDS)}."
        raise InvalidInput(f"user_filters[{field!r}] has the condition {word!r}. {near}")
    try:
        return _WORDS[word](wanted)
    except (TypeError, ValueError, re.error) as error:
        raise InvalidInput(f"user_filters[{field!r}][{word!r}] cannot be {short_repr(wanted)}: {error}.") from error


def _equals(wanted: Any) -> Condition:
    return partial(_same, wanted)


def _same(wanted: Any, value: Any) -> bool:
    """True is not 1 here, though Python takes them for equal."""
    return bool(wanted == value) and isinstance(wanted, bool) == isinstance(value, bool)


def _among(wanted: Any) -> Condition:
    if not isinstance(wanted, list | tuple):
        raise TypeError("a list is expected")
    values = tuple(wanted)
    return lambda value: any(_same(one, value) for one in values)


def _not_among(wanted: Any) -> Condition:
    is_among = _among(wanted)
    return lambda value: value is not _ABSENT and not is_among(value)


def _bound(compare: Callable[[Any, Any], bool]) -> Callable[[Any], Condition]:
    def make(limit: Any) -> Condition:
        if isinstance(limit, bool) or not isinstance(limit, int | float | str) or limit != limit:  # noqa: PLR0124 (NaN)
            raise TypeError("a number or a text is expected")
        kinds: tuple[type, ...] = (str,) if isinstance(limit, str) else (int, float)
        return lambda value: isinstance(value, kinds) and not isinstance(value, bool) and compare(value, limit)

    return make


def _pattern(wanted: Any) -> Condition:
    searched = re.compile(wanted)
    return lambda value: isinstance(value, str) and searched.search(value[:_LONGEST]) is not None


def _exists(wanted: Any) -> Condition:
    if not isinstance(wanted, bool):
        raise TypeError("true or false is expected")
    return lambda value: (value is not _ABSENT) == wanted


_WORDS: dict[str, Callable[[Any], Condition]] = {
    "equals": _equals,
    "in": _among,
    "not_in": _not_among,
    "min": _bound(lambda value, limit: value >= limit),
    "max": _bound(lambda value, limit: value <= limit),
    "above": _bound(lambda value, limit: value > limit),
    "below": _bound(lambda value, limit: value < limit),
    "pattern": _pattern,
    "exists": _exists,
}
