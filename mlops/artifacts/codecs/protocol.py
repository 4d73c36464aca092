"""What a codec is: the way from an object to bytes and back, and what it promises."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

__all__ = ["Codec", "Encoding", "Member", "is_exactly", "is_instance"]

Member = bytes | Callable[[BinaryIO], object]
"""A file's content, or what writes it to a binary sink, so that it can be hashed and stored in one pass."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """An object as files.

    Attributes:
        members: Content by file name, the codec's `members`.
        details: What a reader would like to know without loading it; JSON values.
        canonical_digest: Identity of the object where its files differ from dump to dump.
        warning: Why this is a pickle although a safer codec claims such objects; logged.
    """

    members: Mapping[str, Member]
    details: Mapping[str, Any] = field(default_factory=dict)
    canonical_digest: str | None = None
    warning: str = ""


class Codec(Protocol):
    """Turns one kind of object into files and back.

    Obligations: `decode(encode(value))` equals `value`, with its types; a codec that cannot keep this for a value
    raises `CannotEncode`, from `encode` or while a member is written. `handles` is quick and imports nothing. `decode`
    runs no code that the content brings, unless `signed` is true: then it is only called for content with a valid
    signature.

    Attributes:
        name: Kept with the object for ever; a codec is found by it.
        version: Raised when the files change; `decode` reads all versions up to it.
        members: The names of the files it writes; one member is stored as a plain blob.
        signed: Whether only content signed by this installation may be decoded.
        deterministic: Whether the same object always gives the same bytes.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def members(self) -> tuple[str, ...]: ...

    @property
    def signed(self) -> bool: ...

    @property
    def deterministic(self) -> bool: ...

    def handles(self, value: object) -> bool:
        """Tell whether this codec is for such objects."""

    def encode(self, value: Any) -> Encoding:
        """Return the object as files."""

    def decode(self, members: Mapping[str, bytes]) -> Any:
        """Return the object that verified files hold."""


def is_exactly(value: object, module: str, kind: str) -> bool:
    """Tell whether `value` is of this class of a heavy package, and not of a subclass, which may hold more."""
    return is_instance(value, module, kind) and type(value) is getattr(sys.modules[module], kind)


def is_instance(value: object, module: str, kind: str) -> bool:
    """Tell whether `value` is an instance of a class of a heavy package, which is not imported for the question."""
    loaded = sys.modules.get(module)
    wanted = getattr(loaded, kind, None)
    return wanted is not None and isinstance(value, wanted)
