"""What shares, filters and metrics of tests may be, as types for the fields of records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator

from mlops.records import FrozenDict, thaw
from mlops.values import check_name, measured_value, short_repr

__all__ = ["Finite", "NumberMap", "Shares", "Terms"]


def _number_map(values: object) -> FrozenDict:
    if not isinstance(values, Mapping):  # pydantic turns only ValueError into a report of the field
        raise ValueError(f"expected a mapping of names to numbers, not {short_repr(values)}")
    return FrozenDict({check_name(name): _number(name, value) for name, value in values.items()})


def _number(name: str, value: Any) -> float:
    try:
        return measured_value(value)
    except ValueError as error:
        raise ValueError(f"{name!r}: {error}") from error


def _shares(values: object) -> FrozenDict:
    shares = _number_map(values)
    wrong = next((f"{name!r} has the share {share!r}" for name, share in shares.items() if not 0 <= share <= 1), None)
    if wrong is not None:
        raise ValueError(f"{wrong}; a share is a number from 0 to 1")
    return shares


def _once_each(names: tuple[str, ...]) -> tuple[str, ...]:
    doubled = [name for name in names if names.count(name) > 1] if len(set(names)) < len(names) else []
    if doubled:
        raise ValueError(f"{doubled[0]!r} is listed twice; list each once")
    return tuple(check_name(name) for name in names)


Finite = Annotated[float, Field(allow_inf_nan=False)]
"""A number that is neither NaN nor infinite."""

NumberMap = Annotated[Mapping[str, float], PlainValidator(_number_map), PlainSerializer(thaw)]
"""Names to numbers, NaN and the infinities included."""

Shares = Annotated[Mapping[str, float], PlainValidator(_shares), PlainSerializer(thaw)]
"""Names of variants to shares of the traffic, each from 0 to 1."""

Terms = Annotated[tuple[str, ...], AfterValidator(_once_each)]
"""Names in order, each once."""
