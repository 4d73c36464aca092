"""What every record of the package is made of: frozen fields, strict input, tolerant reading.

A `Record` refuses unknown fields with a near match when a caller makes one, and ignores them when it is read back from
storage, so that a newer writer and an older reader can share a database. Containers inside a record are frozen too.
"""

from __future__ import annotations

import contextvars
import json
import math
import re
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from functools import lru_cache
from operator import itemgetter
from typing import Annotated, Any, ClassVar, Self, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from mlops.errors import InvalidInput, InvalidRecord, did_you_mean

__all__ = ["FrozenDict", "FrozenMap", "Json", "Record", "decode_json", "encode_json", "freeze", "thaw"]

_MARK = "$number"  # how a float that JSON has no word for is written inside free-form values
_LIKE_MARK = re.compile(r"\$+number")  # a mapping that has such a key as its only one is written with one more $
_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


_SCALARS = frozenset({str, int, float, bool, type(None)})  # asked first: an abstract class answers slowly
_EXACT = _SCALARS - {float}  # what JSON holds as it is


class FrozenDict(Mapping[str, Any]):
    """An immutable mapping with text keys that is hashable when its values are; prints like a dict."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Any] | None = None) -> None:
        self._items = {
            str(key): value if type(value) in _SCALARS else freeze(value) for key, value in (items or {}).items()
        }

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or the default; like the next three a dict's own, quicker than those of abstract classes."""
        return self._items.get(key, default)

    def keys(self) -> KeysView[str]:
        """Return a view of the keys."""
        return self._items.keys()

    def values(self) -> ValuesView[Any]:
        """Return a view of the values."""
        return self._items.values()

    def items(self) -> ItemsView[str, Any]:
        """Return a view of the pairs."""
        return self._items.items()

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return FrozenDict, (thaw(self),)


def freeze(value: Any) -> Any:
    """Return `value` with every dict and list inside it made immutable."""
    if type(value) in _SCALARS or isinstance(value, FrozenDict):
        return value
    if isinstance(value, Mapping):
        return FrozenDict(value)
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    return value


def thaw(value: Any) -> Any:
    """Return `value` with frozen mappings as dicts and tuples as lists, as JSON has them."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(item) for item in value]
    return value


def _plain(value: Any, where: str) -> Any:
    """Reduce a value to what JSON can hold, numpy scalars included, or say where it cannot be."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        number = float(value)
        return number if math.isfinite(number) else {_MARK: _name(number)}
    if isinstance(value, Mapping):
        return _escaped(
            {str(key): item if type(item) in _EXACT else _plain(item, f"{where}.{key}") for key, item in value.items()}
        )
    if isinstance(value, list | tuple):
        return [item if type(item) in _EXACT else _plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return _plain(value.item(), where)
    raise InvalidInput(
        f"{where} is a {type(value).__name__}, which JSON cannot hold. "
        "Pass text, numbers, booleans, None, or lists and dicts of these; keep other objects as artifacts."
    )


def _name(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _escaped(value: dict[str, Any]) -> dict[str, Any]:
    return {f"${key}": item for key, item in value.items()} if _is_like_mark(value) else value


def _unmark(value: dict[str, Any]) -> Any:
    if not _is_like_mark(value):
        return value
    [(key, item)] = value.items()
    if key == _MARK:
        return _NUMBERS.get(item, value) if isinstance(item, str) else value
    return {key[1:]: item}


def _is_like_mark(value: dict[str, Any]) -> bool:
    return len(value) == 1 and _LIKE_MARK.fullmatch(next(iter(value))) is not None


def encode_json(value: Any, *, where: str = "value") -> str:
    """Write a free-form value as compact JSON with sorted keys; NaN and the infinities survive.

    Raises:
        InvalidInput: Something inside cannot be held by JSON; the message says where.
    """
    plain = _plain(value, where)
    text = _ENCODER.encode(plain)
    if not text.isascii() and _SURROGATE.search(text):  # half a character, as in names of files with undecodable bytes
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def decode_json(text: str) -> Any:
    """Read what `encode_json` wrote."""
    return (_DECODER if "$" in text or _ESCAPED_MARK in text else _PLAIN_DECODER).decode(text)


_DECODER = json.JSONDecoder(object_hook=_unmark)
_PLAIN_DECODER = json.JSONDecoder()  # where no mark can be: a hook in Python takes longer than all the reading
_ESCAPED_MARK = "\\u0024"  # as another program may write the dollar


def _json_value(value: Any) -> Any:
    return freeze(decode_json(json.dumps(_plain(value, "value"))))


def _json_map(value: Any) -> Any:
    if value is None:
        return FrozenDict()
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a mapping of names to values, not {value!r}")
    if all(type(key) is str and _is_as_read(key) and _is_as_read(item) for key, item in value.items()):
        return FrozenDict(value)
    return _json_value(value)


def _is_as_read(value: Any) -> bool:
    """Tell of a plain value that JSON gives back just this; of others that may be so, it says no."""
    return type(value) in _SCALARS and (type(value) is not str or value.isascii())


Json = Annotated[Any, BeforeValidator(_json_value), PlainSerializer(thaw)]
"""A free-form JSON value, frozen."""

FrozenMap = Annotated[
    Mapping[str, Any],
    BeforeValidator(_json_map),
    AfterValidator(freeze),  # pydantic makes a dict of any mapping
    PlainSerializer(thaw),
]
"""A free-form mapping of names to JSON values, frozen."""

_reading = contextvars.ContextVar("reading a stored document", default=False)  # also for the records inside it
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
AnyRecord = TypeVar("AnyRecord", bound="Record")


@lru_cache(maxsize=512)
def _fields_of(
    cls: type[BaseModel],
) -> tuple[tuple[str, ...], Callable[[Mapping[str, Any]], tuple[Any, ...]], set[str]]:
    """Return the names of a record's fields, what reads them of values, and the set of them, which nobody changes."""
    names = tuple(cls.__pydantic_fields__)  # `model_fields` asks who is allowed to see them
    read = itemgetter(*names) if len(names) > 1 else lambda values: tuple(values[name] for name in names)
    return names, read, set(names)


class Record(BaseModel):
    """Base of all records: frozen, strict when made, tolerant when read.

    Class attributes:
        schema_version: Version written beside a stored document.
        upcasters: For each older version, the pure function that turns its document into the next version's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", protected_namespaces=())

    schema_version: ClassVar[int] = 1
    upcasters: ClassVar[Mapping[int, Upcaster]] = {}

    def __init__(self, /, **values: Any) -> None:
        if _reading.get():
            values = {name: value for name, value in values.items() if name in type(self).model_fields}
        try:
            self.__pydantic_validator__.validate_python(values, self_instance=self)
        except ValidationError as error:
            raise invalid_record(type(self), error) from None

    def changed(self, **values: Any) -> Self:
        """Return a copy with these fields replaced, validated like a new record."""
        return type(self)(**{**dict(self), **values})

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of this record, its schema version included."""
        return {**self.model_dump(mode="json"), "schema_version": self.schema_version}

    @classmethod
    def trusted(cls, values: Mapping[str, Any]) -> Self:
        """Make a record of values for all its fields, validated before they were stored; nothing is checked.

        What pydantic's `model_construct` does, quicker: a page of experiments would spend most of its time there.
        """
        names, read, given = _fields_of(cls)
        return _made(cls, dict(zip(names, read(values), strict=True)), given)

    @classmethod
    def trusted_rows(cls, columns: Mapping[str, Iterable[Any]]) -> list[Self]:
        """Make many records of columns of values for all their fields, as `trusted` makes one; nothing is checked."""
        names, _, given = _fields_of(cls)
        rows = zip(*(columns[name] for name in names), strict=True)
        return [_made(cls, dict(zip(names, row, strict=True)), given) for row in rows]

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a stored document: upcast it to this version, ignore what this version does not know.

        Raises:
            InvalidRecord: A field that this version does know cannot be what is stored.
        """
        values = dict(document)
        for version in range(int(values.pop("schema_version", 1)), cls.schema_version):
            values = cls.upcasters[version](values)
        token = _reading.set(True)
        try:
            return cls(**values)
        finally:
            _reading.reset(token)


def _made(cls: type[AnyRecord], fields: dict[str, Any], given: set[str]) -> AnyRecord:
    """Return a record with these fields, none of them checked, in the order in which the class has them."""
    record, put = cls.__new__(cls), object.__setattr__
    put(record, "__dict__", fields)
    put(record, "__pydantic_fields_set__", given)
    put(record, "__pydantic_extra__", None)
    put(record, "__pydantic_private__", None)
    return record


def invalid_record(record: type[BaseModel], error: ValidationError) -> InvalidRecord:
    """Turn pydantic's report into one sentence per field, with near matches for unknown names."""
    return InvalidRecord(record.__name__, [_problem(record, cast("dict[str, Any]", item)) for item in error.errors()])


def _problem(record: type[BaseModel], item: Mapping[str, Any]) -> str:
    path = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden" and len(item["loc"]) == 1:
        hint = did_you_mean(path, record.model_fields) or f"Its fields are {', '.join(record.model_fields)}."
        return f"Unknown field {path!r}. {hint}"
    if item["type"] == "missing":
        return f"Field {path!r} is required."
    text = str(item["msg"]).removeprefix("Value error, ")
    if not path:  # of the record as a whole
        return text if text.endswith("?") else f"{text.rstrip('.')}."
    return f"Field {path!r}: {text[:1].lower()}{text[1:].rstrip('.')}, got {_short(item['input'])}."


def _short(value: object, most: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"
