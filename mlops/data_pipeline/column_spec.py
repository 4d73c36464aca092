"""What a schema demands of one column, refused where it cannot be meant: bounds of text, a pattern that is none.

Only the demand is here; `checks` turns it into expressions over a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from mlops.data_pipeline.patterns import pattern_problem
from mlops.data_pipeline.typed_values import ORDERED_TYPES, TEXT_TYPES, ColumnType, normal_value, python_value
from mlops.errors import did_you_mean
from mlops.records import Json, Record
from mlops.values import Words, short_repr

__all__ = ["ColumnSpec"]

_TYPES = frozenset(kind.value for kind in ColumnType)
_OTHER_NAMES = {
    "str": "string", "text": "string", "varchar": "string", "object": "string", "int": "integer", "int64": "integer",
    "number": "float", "double": "float", "float64": "float", "numeric": "float", "bool": "boolean",
    "timestamp": "datetime", "categorical": "category", "enum": "category",
}  # fmt: skip


def _type_name(value: object) -> object:
    if isinstance(value, str) and value not in _TYPES:
        other = _OTHER_NAMES.get(value.lower())
        hint = f"Did you mean {other!r}?" if other else did_you_mean(value, _TYPES)
        raise ValueError(f"{value!r} is no type of a column; types are {', '.join(ColumnType)}. {hint}".rstrip())
    return value


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class ColumnSpec(Record):
    """What the cells of one column have to be. Every demand but `nullable` is of the cells that have a value.

    Attributes:
        type: `string`, `integer`, `float`, `boolean`, `datetime`, `date` or `category`.
        nullable: Whether a cell may be empty, and whether the whole column may be missing. A primary key may not.
        unique: Whether every value may occur once only; the first row of a value is good, later ones are not.
        primary_key: Whether this column, together with all others so marked, identifies a row.
        min: Smallest value allowed, of numbers, dates and moments. NaN is outside of any bounds.
        max: Largest value allowed.
        allowed_values: All values that are allowed; empty for any.
        regex: Pattern that the whole text has to match, in the syntax of Rust's regex crate (no look-around).
        min_length: Fewest characters of a text.
        max_length: Most characters of a text.
        units: Unit of the numbers, such as `ng/uL`. It is part of what the schema means and is not converted.
        format: Formats in which dates or moments are written, such as `%d.%m.%Y`, tried in order; one may be given as
            plain text. Empty means ISO 8601.
        description: For people.

    Example:
        >>> ColumnSpec(type="float", min=0, units="ng/uL").min
        0.0
    """

    type: Annotated[ColumnType, BeforeValidator(_type_name)]
    nullable: bool = True
    unique: bool = False
    primary_key: bool = False
    min: Json = None
    max: Json = None
    allowed_values: tuple[Json, ...] = ()
    regex: Words = ""
    min_length: int | None = Field(None, ge=0)
    max_length: int | None = Field(None, ge=0)
    units: Words = ""
    format: Annotated[tuple[Words, ...], BeforeValidator(_as_tuple)] = ()
    description: Words = ""

    @model_validator(mode="before")
    @classmethod
    def _normalised(cls, values: Any) -> Any:
        """Bring bounds and allowed values into the form of the type, before they become JSON."""
        kind = values.get("type") if isinstance(values, Mapping) else None
        if not isinstance(kind, str) or kind not in _TYPES:
            return values  # the field's own validator says what is wrong with it
        found = {**values, **_normal_fields(ColumnType(kind), values)}
        if found.get("primary_key") is True:
            found.setdefault("nullable", False)
        return found

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        _check_kinds(self)
        _check_order(self)
        if self.primary_key and self.nullable:
            raise ValueError("a primary key cannot be nullable; remove nullable=True or primary_key=True")
        if self.regex:
            _check_regex(self.regex)
        return self


def _normal_fields(kind: ColumnType, values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if kind in ORDERED_TYPES:
        for name in ("min", "max"):
            if values.get(name) is not None:
                found[name] = _normal(kind, name, values[name])
    allowed = values.get("allowed_values")
    if isinstance(allowed, list | tuple | set | frozenset):
        ordered = allowed if isinstance(allowed, list | tuple) else sorted(allowed, key=repr)
        found["allowed_values"] = tuple(dict.fromkeys(_normal(kind, "allowed_values", value) for value in ordered))
    return found


def _normal(kind: ColumnType, field: str, value: object) -> Any:
    bound = (
        ColumnType.FLOAT
        if kind is ColumnType.INTEGER and isinstance(value, float) and field != "allowed_values"
        else kind
    )
    try:
        return normal_value(bound, value)
    except ValueError as error:
        raise ValueError(f"{field} of a column of type {kind}: {error}") from error


def _check_kinds(spec: ColumnSpec) -> None:
    """Refuse demands that a column of this type cannot have."""
    for name in ("min", "max"):
        if getattr(spec, name) is not None and spec.type not in ORDERED_TYPES:
            hint = f"use {name}_length" if spec.type in TEXT_TYPES else "use allowed_values"
            raise ValueError(f"a column of type {spec.type} has no {name} ({getattr(spec, name)!r}); {hint}")
    for name in ("regex", "min_length", "max_length"):
        if getattr(spec, name) not in {None, ""} and spec.type not in TEXT_TYPES:
            raise ValueError(f"{name} ({getattr(spec, name)!r}) is for text, and the column's type is {spec.type}")
    if spec.format and spec.type not in {ColumnType.DATE, ColumnType.DATETIME}:
        raise ValueError(f"format ({spec.format[0]!r}) is for dates and moments, and the column's type is {spec.type}")
    for pattern in spec.format:
        if "%" not in pattern:
            raise ValueError(f"format {pattern!r} has no part such as %Y, %m or %d; write it as '%d.%m.%Y'")


def _check_order(spec: ColumnSpec) -> None:
    if spec.min is not None and spec.max is not None and _is_above(spec):
        raise ValueError(f"min {spec.min!r} is above max {spec.max!r}, so that no value is allowed; swap them")
    shortest, longest = spec.min_length, spec.max_length
    if shortest is not None and longest is not None and shortest > longest:
        raise ValueError(f"min_length {shortest} is above max_length {longest}, so that no text is allowed; swap them")


def _is_above(spec: ColumnSpec) -> bool:
    low, high = (python_value(spec.type, bound) for bound in (spec.min, spec.max))
    try:
        return bool(low > high)
    except TypeError as error:
        raise ValueError(
            f"min {spec.min!r} and max {spec.max!r}: one has a time zone and the other has none"
        ) from error


def _check_regex(pattern: str) -> None:
    """Compile a pattern with the engine that will run it."""
    problem = pattern_problem(pattern)
    if problem:
        raise ValueError(
            f"regex {short_repr(pattern)} does not compile: {problem}; write it as Rust's regex crate has it"
        )
