"""Settings of a model as JSON that gives back the same Python values: tuples, dicts with any plain keys, arrays.

For the small documents beside native model files. Only plain values are taken, so that reading one makes nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.artifacts.codecs.protocol import is_instance
from mlops.artifacts.errors import CannotEncode
from mlops.errors import Corrupted

__all__ = ["pack", "unpack"]

_PLAIN = (str, bool, int, float, type(None))
_DEEPEST = 20
_ARRAY_KINDS = "biufUO"


def pack(value: Any, where: str = "value", depth: int = 0) -> Any:
    """Return a value as JSON has it; NumPy's numbers become plain ones, every kind of dict a dict.

    Raises:
        CannotEncode: Something inside is no plain value; the message says where.
    """
    if type(value) in _PLAIN:
        return value
    if is_instance(value, "numpy", "generic"):
        return pack(value.item(), where, depth)
    if depth > _DEEPEST:
        raise CannotEncode(f"{where} is nested too deeply to be kept beside a model.")
    if is_instance(value, "numpy", "ndarray"):
        return _pack_array(value, where, depth)
    if type(value) in {list, tuple}:
        items = [pack(item, f"{where}[{place}]", depth + 1) for place, item in enumerate(value)]
        return {type(value).__name__: items}
    if isinstance(value, dict):
        pairs = [[pack(key, where, depth + 1), pack(item, f"{where}.{key}", depth + 1)] for key, item in value.items()]
        return {"dict": pairs}
    raise CannotEncode(f"{where} is a {type(value).__qualname__}, which a native model file has no place for.")


def unpack(document: Any) -> Any:
    """Return the value that `pack` made a document of.

    Raises:
        Corrupted: It is no such document.
    """
    if type(document) in _PLAIN:
        return document
    if not isinstance(document, Mapping) or len(document) != 1:
        raise Corrupted("The settings beside the model are not what was written with it.")
    [(kind, content)] = document.items()
    try:
        return _UNPACK[kind](content)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Corrupted(f"The settings beside the model cannot be read: {type(error).__name__}: {error}.") from error


def _pack_array(array: Any, where: str, depth: int) -> Any:
    if array.dtype.kind not in _ARRAY_KINDS or array.ndim != 1:
        raise CannotEncode(f"{where} is an array of dtype {array.dtype} and shape {array.shape}; only lists are kept.")
    items = [pack(item, f"{where}[{place}]", depth + 1) for place, item in enumerate(array.tolist())]
    return {"array": [array.dtype.str, items]}


def _unpack_array(content: Any) -> Any:
    import numpy as np

    name, items = content
    dtype = np.dtype(str(name))
    values = [unpack(item) for item in items]
    if dtype.kind not in _ARRAY_KINDS or dtype.itemsize > _longest(values):
        raise ValueError(f"an array cannot have dtype {name}")
    return np.array(values, dtype=dtype) if dtype.kind != "O" else _objects(values)


def _longest(values: list[Any]) -> int:
    """Return the most bytes that one item needs, so that a dtype cannot ask for more memory than it has values for."""
    return max([16, *(4 * len(value) for value in values if isinstance(value, str))])


def _objects(values: list[Any]) -> Any:
    import numpy as np

    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


_UNPACK: Mapping[str, Any] = {
    "list": lambda items: [unpack(item) for item in items],
    "tuple": lambda items: tuple(unpack(item) for item in items),
    "dict": lambda pairs: {unpack(key): unpack(value) for key, value in pairs},
    "array": _unpack_array,
}
