"""What names, tags and parameters of model versions may be, as types for the fields of records.

Each refuses what one of the databases could not hold, so that SQLite and PostgreSQL accept and return the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, PlainValidator

from mlops.records import FrozenDict, FrozenMap, encode_json, thaw

__all__ = ["Columns", "MetricMap", "Name", "OptionalName", "ParamMap", "TagMap", "Words", "check_name", "check_text"]

_LONGEST_NAME = 250


def check_name(name: object, *, what: str = "name") -> str:
    """Return a name of a model, metric, parameter or tag when it can be one.

    Raises:
        ValueError: It is not text, is empty, is longer than 250 characters, or has unprintable characters.
    """
    if not isinstance(name, str):
        raise ValueError(f"{what} {name!r} is a {type(name).__name__}; names are text")
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise ValueError(
            f"{what} {name[:60]!r} cannot be a name; names have 1 to {_LONGEST_NAME} printable characters, "
            "with no space at either end"
        )
    return name


def check_text(text: str) -> str:
    """Refuse the few texts that a database cannot hold."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("text with a NUL character or half of a surrogate pair cannot be stored; remove it")
    return text


def _optional_name(name: str) -> str:
    return check_name(name) if name else name


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    doubled = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if doubled:
        raise ValueError(f"column {doubled[0]!r} is listed twice; every column has one name")
    return names


def _metric_map(values: object) -> FrozenDict:
    if not isinstance(values, Mapping):  # pydantic turns only ValueError into a report of the field
        raise ValueError("expected a mapping of metric names to numbers")
    return FrozenDict({check_name(name, what="metric"): _number(name, value) for name, value in values.items()})


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"metric {name!r} is one number that a double can hold ({error})") from error


def _tag_map(values: object) -> FrozenDict:
    """Accept a mapping, or a list of words that stand for themselves."""
    if isinstance(values, Mapping):
        return FrozenDict({check_name(name, what="tag"): _tag_text(text) for name, text in values.items()})
    if isinstance(values, Iterable) and not isinstance(values, str):
        return FrozenDict({check_name(word, what="tag"): "true" for word in values})
    raise ValueError("expected a mapping of tags to text, or a list of words")


def _tag_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return check_text(str(value))
    raise ValueError(f"a tag's value is text, not a {type(value).__name__}; keep structures as hyperparameters")


def _check_params(params: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, value in params.items():
        check_name(name, what="parameter")
        check_text(value if isinstance(value, str) else encode_json(value))
    return params


Words = Annotated[str, AfterValidator(check_text)]
"""Text that both databases can hold."""

Name = Annotated[str, AfterValidator(check_name)]
"""A name of 1 to 250 printable characters."""

OptionalName = Annotated[str, AfterValidator(_optional_name)]
"""A name, or empty text where something else decides."""

Columns = Annotated[tuple[Words, ...], AfterValidator(_names)]
"""Names of columns in order, each once, as the table has them: spaces at their ends are part of them."""

MetricMap = Annotated[Mapping[str, float], PlainValidator(_metric_map), PlainSerializer(thaw)]
"""Names of metrics to numbers."""

ParamMap = Annotated[FrozenMap, AfterValidator(_check_params)]
"""Names of parameters to JSON values."""

TagMap = Annotated[Mapping[str, str], PlainValidator(_tag_map), PlainSerializer(thaw)]
"""Names of tags to text."""
