"""The types of columns: their names, which of them goes into which, and how they are read off arrays and tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

__all__ = ["UNKNOWN", "accepts", "dtype_name", "is_missing"]

UNKNOWN = "unknown"
_KINDS = {"M": "datetime", "m": "duration", "U": "string", "T": "string", "S": "binary", "V": "binary"}
_OBJECTS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((str,), "string"),
    ((bool,), "bool"),
    ((int,), "int64"),
    ((int, float), "float64"),
    ((bytes,), "binary"),
    ((dt.datetime,), "datetime"),
    ((dt.timedelta,), "duration"),
)
_NUMBERS = frozenset(
    {"bool", "float16", "float32", "float64"} | {f"{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64)}
)
_EXACT = 53  # bits of a double that hold whole numbers


def accepts(wanted: str, given: str) -> bool:
    """Tell whether a column of type `wanted` can take every value of a column of type `given`.

    Numbers widen: whole numbers go into larger ones and into floats, floats into wider floats, booleans into all.
    Text and categories go into each other. `unknown` goes with everything: nothing is known to break.

    Example:
        >>> accepts("float64", "int32"), accepts("int32", "float64"), accepts("string", "float64")
        (True, False, False)
    """
    if UNKNOWN in {wanted, given} or wanted == given:
        return True
    if wanted == "number" or given == "number":
        return wanted in {"number", "float64"} and given in _NUMBERS | {"number"}
    if wanted in _NUMBERS and given in _NUMBERS:
        return _widens(wanted, given)
    return {wanted, given} == {"string", "category"}


def _widens(wanted: str, given: str) -> bool:
    if given == "bool" or wanted == "bool":
        return given == "bool"
    if given.startswith("float"):
        return wanted.startswith("float") and _bits(wanted) >= _bits(given)
    if wanted.startswith("float"):
        return wanted == "float64" or _bits(wanted) > _bits(given)
    low, high = _range(given)
    return _range(wanted)[0] <= low and high <= _range(wanted)[1]


def _bits(name: str) -> int:
    return int(name.removeprefix("u").removeprefix("int").removeprefix("float"))


def _range(name: str) -> tuple[int, int]:
    bits = _bits(name)
    return (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def dtype_name(values: Any) -> str:
    """Return the type of an array or a column of pandas; an array of objects is looked into.

    Args:
        values: A NumPy array, or a pandas Series or Index.
    """
    dtype = values.dtype
    numpy_dtype = getattr(dtype, "numpy_dtype", dtype)  # of Int64 and its kind
    if str(dtype) == "category":
        return "category"
    if getattr(dtype, "name", "").startswith(("str", "large_string")):
        return "string"
    kind, name = getattr(numpy_dtype, "kind", "O"), str(getattr(numpy_dtype, "name", ""))
    if name in _NUMBERS:
        return name
    if kind == "O":
        return _objects_name(values)
    return _KINDS.get(kind, UNKNOWN)


def _objects_name(values: Any) -> str:
    """Return the one type that all objects that are not missing share."""
    found: set[type] = set()
    for value in _items(values):
        if not is_missing(value):
            found.add(type(value.item()) if hasattr(value, "item") and not hasattr(value, "shape") else type(value))
    for types, name in _OBJECTS:
        if found and found <= set(types):
            return name
    return UNKNOWN


def _items(values: Any) -> Iterable[Any]:
    return values.ravel() if hasattr(values, "ravel") else values  # type: ignore[no-any-return]


def is_missing(value: Any) -> bool:
    """Tell whether a single value stands for none: None, NaN, NaT, NA."""
    if value is None:
        return True
    if type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN is the only float that is not itself
