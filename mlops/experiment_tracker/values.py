"""What metrics, steps and ids of experiments may be, as types for the fields of records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, PlainSerializer, PlainValidator

from mlops.records import FrozenDict, thaw
from mlops.values import OptionalName, check_name, measured_value, short_repr

__all__ = ["RESERVED_METRICS", "Epoch", "Measured", "MeasuredMap", "NewIdentifier", "Step"]

RESERVED_METRICS = frozenset({"step", "epoch", "timestamp"})
"""Names that no metric may have: a history has a column of each beside the metrics."""

_STEP_LIMIT = 2**63  # steps are signed 64-bit integers in both databases
_EPOCH_LIMIT = 2**53  # epochs pass through a column of doubles on their way into a DataFrame

NewIdentifier = Annotated[OptionalName, Field(max_length=100)]
"""An id of at most 100 characters, which fits every index, or empty text for a generated one."""


def _measured_or_none(value: object) -> float | None:
    return value if type(value) is float else None if value is None else measured_value(value)


def _measured_map(values: object) -> FrozenDict:
    if not isinstance(values, Mapping):  # pydantic turns only ValueError into a report of the field
        raise ValueError(f"expected a mapping of metric names to numbers, not {short_repr(values)}")
    found = {}
    for name, value in values.items():
        if check_name(name, what="metric") in RESERVED_METRICS:
            raise ValueError(
                f"metric {name!r} has the name of a column of histories; pass it as {name}=…, or rename it"
            )
        if value is not None:
            found[name] = _measured_named(name, value)
    return FrozenDict(found)


def _measured_named(name: str, value: object) -> float:
    try:
        return measured_value(value)
    except ValueError as error:
        raise ValueError(f"metric {name!r}: {error}") from error


Measured = Annotated[float | None, PlainValidator(_measured_or_none)]
MeasuredMap = Annotated[Mapping[str, float], PlainValidator(_measured_map), PlainSerializer(thaw)]
Step = Annotated[int, Field(ge=-_STEP_LIMIT, lt=_STEP_LIMIT)]
Epoch = Annotated[int, Field(ge=-_EPOCH_LIMIT, le=_EPOCH_LIMIT)]
