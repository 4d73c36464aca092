"""What an interaction says: what it measured, its stratum and its prediction; the same when logged and from the log.

Every number in `response_data` is a metric, nested ones by their path with dots; `prediction` is the answer that a
label judges. A number whose name one of the manager's own metrics has stands as `response_data.<name>`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import PydanticSerializationError, to_json

from mlops.ab_testing.entities import ABTestConfig, ABTestInteraction
from mlops.ab_testing.errors import InteractionRefused
from mlops.ab_testing.measures import KNOWN
from mlops.ab_testing.stored import LoggedInteraction
from mlops.clock import from_microseconds
from mlops.errors import InvalidInput
from mlops.records import decode_json, encode_json

__all__ = ["ABSENT", "Facts", "encode", "facts_of", "facts_of_logged", "measured"]

PREDICTION = "prediction"
ABSENT = object()
"""Stands where an interaction has no prediction; None is one."""

_MOST_NUMBERS = 64
_LONGEST_NAME = 100
_LONGEST_STRATUM = 100
_DAY_US = 86_400_000_000
_MISSING = "—"

Values = tuple[tuple[str, float], ...]


class Facts(NamedTuple):
    """What the aggregates take from an interaction.

    Attributes:
        values: What was measured, by metric.
        covariate: The value before the test, where the design names one and the request has it.
        prediction: The answer that a label judges, or `ABSENT`.
    """

    interaction_id: str
    variant: str
    user_id: str
    phase: int
    logged_phase: int
    stratum: str
    day: str
    request_id: str | None
    values: Values
    covariate: float | None
    prediction: Any


def measured(interaction: ABTestInteraction) -> Values:
    """Return what an interaction measures, by metric.

    Raises:
        InteractionRefused: A number is NaN or infinite, a name is too long, or there are too many.
    """
    try:
        return _values(
            interaction.latency_ms,
            interaction.success,
            interaction.conversion,
            interaction.value,
            interaction.response_data,
        )
    except ValueError as error:
        raise InteractionRefused(interaction.interaction_id, str(error)) from error


def encode(interaction: ABTestInteraction) -> str:
    """Return everything of an interaction that has no column of its own, as JSON that `facts_of_logged` reads."""
    document: dict[str, Any] = {
        "request": dict(interaction.request_data.items()),
        "response": dict(interaction.response_data.items()),
    }
    for name in ("latency_ms", "success", "conversion", "value"):
        if (given := getattr(interaction, name)) is not None:
            document[name] = given
    try:
        text = to_json(document, inf_nan_mode="constants", fallback=dict).decode()
    except PydanticSerializationError:  # half a character, as in names of files with undecodable bytes
        return encode_json(document)
    is_special = "$" in text or "NaN" in text or "Infinity" in text  # what is written in our own way, or may be
    return encode_json(document) if is_special else text


def facts_of(
    config: ABTestConfig, interaction: ABTestInteraction, values: Values, *, place: tuple[str, int, int], at: int
) -> Facts:
    """Return the facts of an interaction as it is logged.

    Args:
        place: The variant, the phase of the user's first exposure, and the phase that is open.
        at: Microseconds since 1970.

    Raises:
        InteractionRefused: Its stratum or covariate cannot be.
    """
    told = (interaction.request_data, interaction.response_data, values)
    where = (*place, interaction.user_id, at, interaction.request_id or None)
    return _facts(config, interaction.interaction_id, where, told)


def facts_of_logged(config: ABTestConfig, logged: LoggedInteraction) -> Facts:
    """Return the facts of a row of the log: the same that they were when it was logged."""
    document = decode_json(logged.document)
    request, response = document["request"], document["response"]
    get = document.get
    values = _values(get("latency_ms"), get("success"), get("conversion"), get("value"), response)
    where = (logged.variant, logged.phase, logged.logged_phase, logged.user_id, logged.at, logged.request_id)
    return _facts(config, logged.interaction_id, where, (request, response, values))


def _facts(
    config: ABTestConfig,
    interaction_id: str,
    where: tuple[str, int, int, str, int, str | None],
    told: tuple[Mapping[str, Any], Mapping[str, Any], Values],
) -> Facts:
    variant, phase, logged_phase, user_id, at, request_id = where
    request, response, values = told
    try:
        stratum = _stratum(config.strata, request) if config.strata else ""
        covariate = _covariate(config.cuped, request) if config.cuped else None
    except ValueError as error:
        raise InteractionRefused(interaction_id, str(error)) from error
    prediction = response.get(PREDICTION, ABSENT)
    place = (interaction_id, variant, user_id, phase, logged_phase, stratum, day_of(at), request_id)
    return Facts(*place, values, covariate, prediction)


_days: dict[int, str] = {}


def day_of(at: int) -> str:
    """Return the UTC day of a moment in microseconds, such as `2026-11-23`."""
    number = at // _DAY_US
    if number not in _days:
        if len(_days) > 10_000:
            _days.clear()
        _days[number] = from_microseconds(number * _DAY_US).date().isoformat()
    return _days[number]


def _values(
    latency_ms: float | None,
    success: bool | None,
    conversion: bool | None,
    value: float | None,
    response: Mapping[str, Any],
) -> Values:
    found: list[tuple[str, float]] = []
    if latency_ms is not None:
        found.append(("latency_ms", float(latency_ms)))
    if success is not None:
        found.append(("success", 1.0 if success else 0.0))
    if conversion is not None:
        found.append(("conversion", 1.0 if conversion else 0.0))
    if value is not None:
        found.append(("value", float(value)))
    _add_numbers(response, "", found)
    if len(found) > _MOST_NUMBERS:
        raise InvalidInput(f"It has {len(found)} numbers; {_MOST_NUMBERS} at most are metrics. Put others in a list.")
    return tuple(found)


def _add_numbers(response: Mapping[str, Any], path: str, found: list[tuple[str, float]]) -> None:
    for key, value in response.items():
        if isinstance(value, str) or (key == PREDICTION and not path):
            continue
        name = f"{path}{key}" if path else key
        if isinstance(value, int | float):
            found.append((_metric_name(name), _finite(name, value)))
        elif isinstance(value, Mapping):
            _add_numbers(value, f"{name}.", found)


def _metric_name(name: str) -> str:
    if name in KNOWN:
        return f"response_data.{name}"
    if len(name) > _LONGEST_NAME or not name or not name.isprintable():
        raise InvalidInput(
            f"response_data has a number named {name[:40]!r}; names of metrics have 1 to {_LONGEST_NAME} printable "
            "characters."
        )
    return name


def _finite(name: str, value: float) -> float:
    try:
        number = float(value)
    except OverflowError as error:
        raise InvalidInput(f"response_data[{name!r}] is beyond what a double can hold.") from error
    if not math.isfinite(number):
        raise InvalidInput(f"response_data[{name!r}] is {number!r}; pass finite numbers, or leave it out.")
    return number


def _stratum(names: tuple[str, ...], request: Mapping[str, Any]) -> str:
    parts = []
    for name in names:
        value = request.get(name)
        text = _MISSING if value is None else value if isinstance(value, str) else encode_json(value)
        if len(text) > _LONGEST_STRATUM or "\0" in text:
            raise InvalidInput(
                f"request_data[{name!r}] is {text[:40]!r}…; a stratum has {_LONGEST_STRATUM} characters."
            )
        parts.append(text)
    return " · ".join(parts)


def _covariate(name: str, request: Mapping[str, Any]) -> float | None:
    value = request.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInput(f"request_data[{name!r}] is {value!r}; the covariate is a finite number, or absent.")
    return float(value)
