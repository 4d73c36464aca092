"""What names, texts, tags, parameters and measured numbers may be, as types for the fields of records.

Each refuses what one of the databases could not hold, so that SQLite and PostgreSQL accept and return the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator

from mlops.records import FrozenDict, FrozenMap, encode_json, thaw

__all__ = [
    "Name",
    "OptionalName",
    "ParamMap",
    "TagMap",
    "Term",
    "Words",
    "check_name",
    "check_text",
    "measured_value",
    "short_repr",
    "storable",
]

_LONGEST_NAME = 250
_SPECIAL = frozenset({"NaN", "Infinity", "-Infinity"})  # what JSON documents hold in place of such numbers


def check_name(name: str, *, what: str = "name") -> str:
    """Return a name of a metric, parameter, tag or artifact when it can be one.

    Raises:
        ValueError: It is not text, is empty, is longer than 250 characters, or has unprintable characters.
    """
    if not isinstance(name, str):
        raise ValueError(f"{what} {name!r} is a {type(name).__name__}; names are text.")
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise ValueError(
            f"{what} {name[:60]!r} cannot be a name. Names have 1 to {_LONGEST_NAME} printable characters, "
            "with no space at either end."
        )
    return name


def check_text(text: str) -> str:
    """Refuse the few texts that a database cannot hold."""
    if "\0" in text:
        raise ValueError("text with a NUL character cannot be stored; remove it")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("text with half of a surrogate pair cannot be stored; decode it with errors='replace'")
    return text


def storable(text: str) -> str:
    """Return any text with what a database cannot hold replaced, for texts that nobody can be asked to correct."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()


def measured_value(value: object) -> float:
    """Return a measured number as a float: Python, numpy and torch scalars, one-element arrays, booleans as 0 and 1.

    Example:
        >>> measured_value(3), measured_value(True), measured_value("NaN")
        (3.0, 1.0, nan)

    Raises:
        ValueError: It is not one number, or too large for a double.
    """
    if type(value) is float:
        return value
    try:
        if not isinstance(value, str) or value in _SPECIAL:
            single = value.item() if hasattr(value, "item") else value
            return float(single)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise ValueError(f"a metric is one number that a double can hold, not {short_repr(value)} ({error})") from error
    raise ValueError(f"a metric is a number, not the text {short_repr(value)}; keep text as a tag or a parameter")


def short_repr(value: object) -> str:
    """Return what a value looks like in an error message, in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _tag_map(value: object) -> FrozenDict:
    """Accept a mapping, or a list of words that stand for themselves."""
    if isinstance(value, Mapping):
        return FrozenDict({check_name(name, what="tag"): _tag_text(text) for name, text in value.items()})
    if isinstance(value, Iterable) and not isinstance(value, str):
        return FrozenDict({check_name(word, what="tag"): "true" for word in value})
    raise ValueError(f"expected a mapping of tags to text, or a list of words, not {short_repr(value)}")


def _tag_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return check_text(str(value))
    raise ValueError(f"a tag's value is text, not {short_repr(value)}; keep structures as parameters")


def _check_params(params: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, value in params.items():
        check_name(name, what="parameter")
        check_text(value if isinstance(value, str) else encode_json(value))
    return params


ParamMap = Annotated[FrozenMap, AfterValidator(_check_params)]
"""Names of parameters to JSON values."""

TagMap = Annotated[Mapping[str, str], PlainValidator(_tag_map), PlainSerializer(thaw)]
"""Names of tags to text; a list of words stands for tags that are `true`."""

Words = Annotated[str, AfterValidator(check_text)]
"""Text that both databases can hold."""

Name = Annotated[str, AfterValidator(check_name)]
"""A name of 1 to 250 printable characters."""


def _optional_name(name: str) -> str:
    return check_name(name) if name else name


OptionalName = Annotated[str, AfterValidator(_optional_name)]
"""A name, or empty text where something else decides."""

Term = Annotated[str, Field(min_length=1, max_length=250, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A word or name of 1 to 250 characters, control characters excluded; spaces at its ends are part of it."""
