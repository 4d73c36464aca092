"""Numbers and categories of one row, from their entries: each function takes a raw value and gives its outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from mlops.features.row_values import as_category, as_number
from mlops.features.state import LabelColumn, NumericColumn, OneHotColumn, TargetColumn

__all__ = ["encoded_values", "encoding_table", "numeric_values", "onehot_values"]

Values = Callable[[Any], Sequence[float]]


def numeric_values(column: NumericColumn) -> Values:
    """Return the function from a number to the filled and scaled one."""
    name, center, scale = column.name, column.center, column.scale
    missing = (math.nan if column.fill is None else (column.fill - center) / scale,)
    is_finite = math.isfinite

    def values(value: Any) -> tuple[float, ...]:
        if value.__class__ is not float:
            value = as_number(value, name)
        return ((value - center) / scale,) if is_finite(value) else missing

    return values


def onehot_values(column: OneHotColumn, places: Sequence[int]) -> Values:
    """Return the function from a category to a 1 at its place among these and 0 elsewhere."""
    slots = {column.categories[place]: slot for slot, place in enumerate(places)}
    name, fill = column.name, column.fill
    blank = [0.0] * len(places)

    def values(value: Any) -> list[float]:
        if value.__class__ is not str:
            value = as_category(value, name)
        category = fill if value is None else value
        slot = None if category is None else slots.get(category)
        row = blank.copy()
        if slot is not None:
            row[slot] = 1.0
        return row

    return values


def encoded_values(column: LabelColumn | TargetColumn, places: Sequence[int]) -> Values:
    """Return the function from a category to its position, or to its mean targets at these places."""
    rows, unknown = encoding_table(column, places)
    table = dict(zip(column.categories, rows, strict=True))
    missing = unknown if column.fill is None else table.get(column.fill, unknown)
    name = column.name

    def values(value: Any) -> tuple[float, ...]:
        if value.__class__ is not str:
            value = as_category(value, name)
        return missing if value is None else table.get(value, unknown)

    return values


def encoding_table(
    column: LabelColumn | TargetColumn, places: Sequence[int]
) -> tuple[list[tuple[float, ...]], tuple[float, ...]]:
    """Return the outputs at these places of every known category, in order, and those of an unknown one."""
    if isinstance(column, LabelColumn):
        rows: list[tuple[float, ...]] = [(float(position),) for position in range(len(column.categories))]
        unknown: tuple[float, ...] = (-1.0,)
    else:
        rows, unknown = list(zip(*column.encodings, strict=True)), column.prior
    return [tuple(row[place] for place in places) for row in rows], tuple(unknown[place] for place in places)
