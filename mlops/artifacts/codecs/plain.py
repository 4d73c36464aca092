"""Bytes, text, and JSON with NaN and infinities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlops.artifacts.codecs.protocol import Encoding, is_instance
from mlops.artifacts.errors import CannotEncode
from mlops.errors import Corrupted
from mlops.records import decode_json, encode_json

__all__ = ["BytesCodec", "JsonCodec", "TextCodec"]

_DEEPEST = 200  # beyond this, recursion is what ends it


class BytesCodec:
    """Bytes as they are."""

    name = "bytes"
    version = 1
    members = ("content.bin",)
    signed = False
    deterministic = True

    def handles(self, value: object) -> bool:
        """Take bytes, and no subclass of it."""
        return type(value) is bytes

    def encode(self, value: bytes) -> Encoding:
        """Store them as they are."""
        return Encoding({self.members[0]: value})

    def decode(self, members: Mapping[str, bytes]) -> bytes:
        """Return them."""
        return members[self.members[0]]


class TextCodec:
    """Text as UTF-8; lone surrogates survive."""

    name = "text"
    version = 1
    members = ("content.txt",)
    signed = False
    deterministic = True

    def handles(self, value: object) -> bool:
        """Take str, and no subclass of it."""
        return type(value) is str

    def encode(self, value: str) -> Encoding:
        """Write UTF-8."""
        return Encoding({self.members[0]: value.encode("utf-8", "surrogatepass")}, {"characters": len(value)})

    def decode(self, members: Mapping[str, bytes]) -> str:
        """Read UTF-8."""
        return _text(members[self.members[0]])


class JsonCodec:
    """What JSON can give back unchanged: None, booleans, numbers, text, lists, and dicts with text keys.

    NaN and infinities survive. NumPy's numbers become plain ones. Tuples, sets and dicts with other keys would come
    back as something else, so they are left to other codecs.
    """

    name = "json"
    version = 1
    members = ("value.json",)
    signed = False
    deterministic = True

    def handles(self, value: object) -> bool:
        """Take what comes back equal."""
        return _is_json(value, 0)

    def encode(self, value: Any) -> Encoding:
        """Write compact JSON with sorted keys."""
        try:
            text = encode_json(value)
        except ValueError as error:  # an integer of more digits than Python prints
            raise CannotEncode(f"It cannot be written as JSON: {error}.") from error
        return Encoding({self.members[0]: text.encode("utf-8", "surrogatepass")})

    def decode(self, members: Mapping[str, bytes]) -> Any:
        """Read what `encode` wrote."""
        text = _text(members[self.members[0]])
        try:
            return decode_json(text)
        except (ValueError, RecursionError) as error:
            raise Corrupted(f"The file is not JSON: {error}.") from error


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise Corrupted(f"The file is not text in UTF-8: {error}.") from error


def _is_json(value: object, depth: int) -> bool:
    if value is None or type(value) in {str, bool, int, float}:
        return True
    if depth > _DEEPEST:
        return False
    if type(value) is list:
        return all(_is_json(item, depth + 1) for item in value)
    if type(value) is dict:
        is_mark = len(value) == 1 and "$number" in value  # how records write NaN
        return not is_mark and all(type(key) is str and _is_json(item, depth + 1) for key, item in value.items())
    return _is_plain_number(value)


def _is_plain_number(value: object) -> bool:
    if is_instance(value, "numpy", "bool"):
        return True
    if is_instance(value, "numpy", "integer") or is_instance(value, "numpy", "floating"):
        number = value.item()  # type: ignore[attr-defined]
        return type(number) in {int, float} and (number == value or math.isnan(number))
    return False
