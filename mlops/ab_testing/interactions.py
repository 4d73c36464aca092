"""What an interaction says: what it measured, its stratum and its prediction; the same when logged and from the log.

Every number in `response_data` is a metric, nested ones by their path with dots; `prediction` is the answer that a
label judges. A number whose name one of the manager's own metrics has stands as `response_data.<name>`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic_core import PydanticSerializationError, to_json

from mlops.ab_testing.entities import ABTestConfig, ABTestInteraction
from mlops.ab_testing.errors import InteractionRefused
from mlops.ab_testing.measures import KNOWN
from mlops.ab_testing.stored import LoggedInteraction
from mlops.clock import from_microseconds
from mlops.errors import InvalidInput
from mlops.records import decode_json, encode_json
from mlops.values import short_repr

__all__ = ["ABSENT", "LARGEST", "Facts", "Values", "encode", "facts_of", "facts_of_logged", "measured"]

PREDICTION = "prediction"
ABSENT = object()
"""Stands where an interaction has no prediction; None is one."""

LARGEST = 1e60
"""The greatest size of a value: squares of the variance of sums, which tests of means need, stay doubles."""

_MOST_NUMBERS = 64
_LONGEST_NAME = 100
_LONGEST_FIELD = 100
_LONGEST_STRATUM = 250  # with a test's id and a metric's name it must fit into the key of a row
_DAY_US = 86_400_000_000
_MISSING = "—"

Values = Mapping[str, float]
"""What was measured, by metric."""


class Facts(NamedTuple):
    """What the aggregates take from an interaction.

    Attributes:
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
        InteractionRefused: A number or the prediction is NaN or infinite, a name is too long, or there are too many.
    """
    prediction = interaction.response_data.get(PREDICTION)
    if not isinstance(prediction, str) and _is_no_number(prediction):
        reason = f"its prediction is {short_repr(prediction)}. Pass what was answered, or no prediction where none was."
        raise InteractionRefused(interaction.interaction_id, reason)
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


def _is_no_number(value: object) -> bool:
    """Tell whether a prediction is NaN or infinite, or has such a part."""
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, tuple) and any(_is_no_number(part) for part in value)


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
        InteractionRefused: Its stratum or covariate cannot be, or no label of a regression could judge its prediction.
    """
    prediction = interaction.response_data.get(PREDICTION, ABSENT)
    if config.task == "regression" and prediction is not ABSENT and not _is_judged(prediction):
        reason = (
            f"its prediction is {short_repr(prediction)}, and a regression is judged by numbers up to ±{LARGEST:g}."
        )
        raise InteractionRefused(interaction.interaction_id, f"{reason} Pass the number, or no prediction.")
    stratum, covariate = _grouped(config, interaction.interaction_id, interaction.request_data)
    return Facts(
        interaction.interaction_id,
        place[0],
        interaction.user_id,
        place[1],
        place[2],
        stratum,
        day_of(at),
        interaction.request_id or None,
        values,
        covariate,
        prediction,
    )


def _is_judged(prediction: Any) -> bool:
    is_number = isinstance(prediction, int | float) and not isinstance(prediction, bool)
    return is_number and -LARGEST <= prediction <= LARGEST


def facts_of_logged(config: ABTestConfig, logged: LoggedInteraction) -> Facts:
    """Return the facts of a row of the log: the same that they were when it was logged."""
    document = decode_json(logged.document)
    response, get = document["response"], document.get
    stratum, covariate = _grouped(config, logged.interaction_id, document["request"])
    return Facts(
        logged.interaction_id,
        logged.variant,
        logged.user_id,
        logged.phase,
        logged.logged_phase,
        stratum,
        day_of(logged.at),
        logged.request_id,
        _values(get("latency_ms"), get("success"), get("conversion"), get("value"), response),
        covariate,
        response.get(PREDICTION, ABSENT),
    )


def _grouped(config: ABTestConfig, interaction_id: str, request: Mapping[str, Any]) -> tuple[str, float | None]:
    """Return the stratum of a request and its covariate."""
    if not config.strata and not config.cuped:
        return "", None
    try:
        stratum = _stratum(config.strata, request) if config.strata else ""
        return stratum, _covariate(config.cuped, request) if config.cuped else None
    except ValueError as error:
        raise InteractionRefused(interaction_id, str(error)) from error


def day_of(at: int) -> str:
    """Return the UTC day of a moment in microseconds, such as `2026-11-23`."""
    return _day(at // _DAY_US)


@lru_cache(maxsize=10_000)
def _day(number: int) -> str:
    return from_microseconds(number * _DAY_US).date().isoformat()


def _values(
    latency_ms: float | None,
    success: bool | None,
    conversion: bool | None,
    value: float | None,
    response: Mapping[str, Any],
) -> Values:
    found: dict[str, float] = {}
    if latency_ms is not None:
        found["latency_ms"] = _bounded("latency_ms", latency_ms)
    if success is not None:
        found["success"] = 1.0 if success else 0.0
    if conversion is not None:
        found["conversion"] = 1.0 if conversion else 0.0
    if value is not None:
        found["value"] = _bounded("value", value)
    _add_numbers(response, "", found)
    if len(found) > _MOST_NUMBERS:
        raise InvalidInput(f"It has {len(found)} numbers; {_MOST_NUMBERS} at most are metrics. Put others in a list.")
    return found


def _add_numbers(response: Mapping[str, Any], path: str, found: dict[str, float]) -> None:
    for key, value in response.items():
        if isinstance(value, str) or (key == PREDICTION and not path):
            continue
        name = f"{path}{key}" if path else key
        if isinstance(value, int | float):
            metric = _metric_name(name)
            if metric in found:
                raise InvalidInput(f"response_data has two numbers named {metric!r}; give each a name of its own.")
            found[metric] = _bounded(metric, value)
        elif isinstance(value, Mapping):
            _add_numbers(value, f"{name}.", found)


@lru_cache(maxsize=4096)
def _metric_name(name: str) -> str:
    if name in KNOWN:
        return f"response_data.{name}"
    if len(name) > _LONGEST_NAME or not name or not name.isprintable():
        raise InvalidInput(
            f"response_data has a number named {name[:40]!r}; names of metrics have 1 to {_LONGEST_NAME} printable "
            "characters."
        )
    return name


def _bounded(name: str, value: float) -> float:
    """Return a number that statistics can be made of."""
    try:
        number = float(value)
    except OverflowError as error:
        raise InvalidInput(f"{name!r} is beyond what a double can hold; {_ALLOWED}.") from error
    if -LARGEST <= number <= LARGEST:
        return number
    raise InvalidInput(f"{name!r} is {number!r}; {_ALLOWED}.")


_ALLOWED = f"pass finite numbers up to ±{LARGEST:g}, or leave it out"


def _stratum(names: tuple[str, ...], request: Mapping[str, Any]) -> str:
    parts = []
    for name in names:
        value = request.get(name)
        text = _MISSING if value is None else value if isinstance(value, str) else encode_json(value)
        if len(text) > _LONGEST_FIELD or "\0" in text:
            raise InvalidInput(
                f"request_data[{name!r}] is {text[:40]!r}…; a stratum has at most {_LONGEST_FIELD} characters."
            )
        parts.append(text)
    stratum = " · ".join(parts)
    if len(stratum) > _LONGEST_STRATUM:
        raise InvalidInput(
            f"The stratum {stratum[:40]!r}… has more than {_LONGEST_STRATUM} characters; use short codes."
        )
    return stratum


def _covariate(name: str, request: Mapping[str, Any]) -> float | None:
    value = request.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise InvalidInput(f"request_data[{name!r}] is {short_repr(value)}; the covariate is a number, or absent.")
    return _bounded(f"request_data.{name}", value)
