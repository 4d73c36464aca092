"""What names, keys and feature types may be; every type knows its column in Polars and its form in an online row."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, PlainSerializer, PlainValidator

from mlops.clock import from_microseconds, microseconds
from mlops.errors import InvalidInput
from mlops.records import FrozenDict, thaw

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "ColumnName",
    "FeatureType",
    "KeyType",
    "Name",
    "Tags",
    "Text",
    "as_stored",
    "check_label",
    "check_value",
    "from_stored",
    "read_moment",
]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_LONGEST_COLUMN = 250


class FeatureType(StrEnum):
    """What a feature's values are."""

    INTEGER = "integer"
    FLOAT = "float"
    STRING = "string"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    DATE = "date"

    @property
    def is_number(self) -> bool:
        """Whether means and quantiles of it make sense."""
        return self in {FeatureType.INTEGER, FeatureType.FLOAT, FeatureType.BOOLEAN}

    def column(self) -> pl.DataType:
        """Return the type of its column."""
        import polars as pl

        return {
            FeatureType.INTEGER: pl.Int64(),
            FeatureType.FLOAT: pl.Float64(),
            FeatureType.STRING: pl.String(),
            FeatureType.BOOLEAN: pl.Boolean(),
            FeatureType.DATETIME: pl.Datetime("us", "UTC"),
            FeatureType.DATE: pl.Date(),
        }[self]

    @classmethod
    def of_column(cls, dtype: pl.DataType) -> FeatureType | None:
        """Return the type of a column's values; None when no feature can hold them."""
        import polars as pl

        if dtype.is_integer():
            return cls.INTEGER
        if dtype.is_float() or dtype.is_decimal():
            return cls.FLOAT
        found = {pl.Boolean: cls.BOOLEAN, pl.Date: cls.DATE, pl.Datetime: cls.DATETIME}.get(dtype.base_type())
        if found is None and dtype.base_type() in {pl.String, pl.Categorical, pl.Enum}:
            return cls.STRING
        return found


class KeyType(StrEnum):
    """What the values of a join key are."""

    STRING = "string"
    INTEGER = "integer"

    def column(self) -> pl.DataType:
        """Return the type of its column."""
        import polars as pl

        return pl.String() if self is KeyType.STRING else pl.Int64()


def _check_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            "a name starts with a letter or an underscore and has up to 100 letters, digits and underscores"
        )
    if "__" in name.strip("_"):
        raise ValueError("a name has no double underscore, which stands between view and feature in columns")
    return name


def _check_column(name: str) -> str:
    if not 0 < len(name) <= _LONGEST_COLUMN or not name.isprintable() or name != name.strip():
        raise ValueError(f"a column's name has 1 to {_LONGEST_COLUMN} printable characters, no space at either end")
    return name


def _check_text(text: str) -> str:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("text with a NUL character or half of a surrogate pair cannot be stored; remove it")
    return text


def _check_tags(tags: object) -> FrozenDict:
    if not isinstance(tags, Mapping):
        raise ValueError("expected a mapping of tags to text")
    return FrozenDict({_check_text(str(name)): _check_text(str(text)) for name, text in tags.items()})


Name = Annotated[str, AfterValidator(_check_name)]
"""A name of an entity or view: letters, digits and single underscores."""

ColumnName = Annotated[str, AfterValidator(_check_column)]
"""A name of a column, and so of a feature or a join key, as tables have them: spaces inside are allowed."""

Text = Annotated[str, AfterValidator(_check_text)]
"""Text that both databases can hold."""

Tags = Annotated[Mapping[str, str], PlainValidator(_check_tags), PlainSerializer(thaw)]
"""Names of tags to text."""


def read_moment(value: Any, *, where: str) -> datetime:
    """Return a time as an aware datetime in UTC; one without a zone is taken as UTC.

    Raises:
        InvalidInput: It is none.
    """
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day, tzinfo=UTC)
    if isinstance(found, datetime):
        with contextlib.suppress(OverflowError):  # UTC has no such time in the years 1 to 9999
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    raise InvalidInput(f"{where} is {value!r}, which is no time. Pass a datetime, or text such as 2026-05-03T14:30.")


def check_label(label: str) -> str:
    """Return a name that people give to something they save.

    Raises:
        InvalidInput: It is empty, too long, or has unprintable characters.
    """
    try:
        return _check_column(label)
    except ValueError as error:
        raise InvalidInput(f"{label!r} is no name: {error}.") from error


_KINDS: Mapping[FeatureType, tuple[type, ...]] = {
    FeatureType.INTEGER: (int,),
    FeatureType.FLOAT: (float, int),
    FeatureType.STRING: (str,),
    FeatureType.BOOLEAN: (bool,),
    FeatureType.DATETIME: (datetime, str, date),
    FeatureType.DATE: (date, str),
}


def check_value(name: str, dtype: FeatureType, value: Any) -> Any:
    """Return a single value in its feature's type; NumPy's scalars are taken as Python's.

    Raises:
        InvalidInput: It is of another type.
    """
    plain: Any = value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value
    if plain is None:
        return None
    is_odd_bool = type(plain) is bool and dtype is not FeatureType.BOOLEAN
    if is_odd_bool or not issubclass(type(plain), _KINDS[dtype]):
        raise InvalidInput(f"Feature {name!r} is {value!r}, a {type(value).__name__}; its type is {dtype}.")
    if dtype is FeatureType.DATETIME:
        return read_moment(plain, where=f"Feature {name!r}")
    if dtype is FeatureType.DATE:
        return read_moment(plain, where=f"Feature {name!r}").date()
    if dtype is FeatureType.INTEGER and not -(2**63) <= plain < 2**63:
        raise InvalidInput(f"Feature {name!r} is {value!r}; an integer feature has 64 bits.")
    return float(plain) if dtype is FeatureType.FLOAT else plain


def as_stored(dtype: FeatureType) -> Callable[[Any], Any] | None:
    """Return what turns a value into its form in an online row; None when it stays as it is."""
    if dtype is FeatureType.DATETIME:
        return lambda value: None if value is None else microseconds(value)
    if dtype is FeatureType.DATE:
        return lambda value: None if value is None else value.toordinal()
    return None


def from_stored(dtype: FeatureType) -> Callable[[Any], Any] | None:
    """Return what `as_stored` undoes; None when there is nothing to undo."""
    if dtype is FeatureType.DATETIME:
        return lambda value: None if value is None else from_microseconds(value)
    if dtype is FeatureType.DATE:
        return lambda value: None if value is None else date.fromordinal(value)
    return None
