"""What metrics and columns of model versions may be, as types for the fields of records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, PlainValidator

from mlops.records import FrozenDict, thaw
from mlops.values import Words, check_name, measured_value, short_repr

__all__ = ["Columns", "MetricMap"]


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    doubled = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if doubled:
        raise ValueError(f"column {doubled[0]!r} is listed twice; every column has one name")
    return names


def _metric_map(values: object) -> FrozenDict:
    if not isinstance(values, Mapping):  # pydantic turns only ValueError into a report of the field
        raise ValueError(f"expected a mapping of metric names to numbers, not {short_repr(values)}")
    return FrozenDict({check_name(name, what="metric"): _number(name, value) for name, value in values.items()})


def _number(name: str, value: Any) -> float:
    try:
        return measured_value(value)
    except ValueError as error:
        raise ValueError(f"metric {name!r}: {error}") from error


Columns = Annotated[tuple[Words, ...], AfterValidator(_names)]
"""Names of columns in order, each once, as the table has them: spaces at their ends are part of them."""

MetricMap = Annotated[Mapping[str, float], PlainValidator(_metric_map), PlainSerializer(thaw)]
"""Names of metrics to numbers."""
