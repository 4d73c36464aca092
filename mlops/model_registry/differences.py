"""When two values of a version count as the same, and nested values as rows with dotted names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["ABSENT", "changed_names", "flat", "same"]

ABSENT = object()
"""Stands where a mapping has no such name."""


def flat(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested mappings as one, with dots between names; lists stay whole.

    Example:
        >>> flat("params", {"optimizer": {"lr": 0.1}, "depth": 3})
        {'params.optimizer.lr': 0.1, 'params.depth': 3}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{prefix}.{name}" if prefix else name
        is_nested = isinstance(value, Mapping) and len(value) > 0
        found |= flat(path, value) if is_nested else {path: value}
    return found


def same(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are the same setting: NaN is itself, 1 is 1.0, but True is not 1."""
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left) and math.isnan(right):
        return True
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def changed_names(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the names, nested ones with dots, whose values differ or that only one side has, sorted."""
    before, after = flat("", old), flat("", new)
    names = sorted(before.keys() | after.keys())
    return [name for name in names if not same(before.get(name, ABSENT), after.get(name, ABSENT))]
