"""A skops file before anything of it is restored: how large it unpacks, which types it names, what identifies it.

The audit is our own: it visits every state in the file's schema and compares role and exact type with
`trusted_types.toml`. skops checks again when it loads, against the types found here and no others.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import math
import tomllib
import zipfile
import zlib
from collections.abc import Mapping
from importlib import resources
from typing import Any, NamedTuple

from mlops.artifacts.errors import UntrustedTypes
from mlops.errors import Corrupted

__all__ = ["SkopsFile", "UnreadableModel", "trusted_types"]

_SCHEMA = "schema.json"
_PROTOCOLS = (2,)  # what skops 0.13 to 0.16 write; older ones restore with weaker checks
_ROOM_BYTES = 64 << 20
_MOST_EXPANSION = 100
_LONGEST_HEADER = 1 << 16
_LOCAL_HEADER = 30  # bytes before a file's name, in the zip format
_NAMES_IN_UTF8 = 0x800  # the one flag that does not change how a file is read
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    TypeError,
    RecursionError,
    EOFError,
    NotImplementedError,
)


class UnreadableModel(Corrupted):
    """A model file that is not what its format's library writes; nothing of it was handed out."""


def trusted_types() -> dict[str, frozenset[str]]:
    """Return our list: for each role of skops, the exact names of the types that may be restored in it."""
    text = resources.files("mlops.artifacts.codecs").joinpath("trusted_types.toml").read_text(encoding="utf-8")
    return {role: frozenset(names) for role, names in tomllib.loads(text).items()}


class SkopsFile:
    """The parsed schema of a skops file, with its size within bounds.

    Raises:
        UnreadableModel: It is not such a file, is of another protocol, or would unpack to far more than its size.
    """

    def __init__(self, content: bytes) -> None:
        try:
            self._content = memoryview(content)
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            self._bound_size(len(content))
            self._schema, self._states = _parse(self._zip.read(_SCHEMA))
            protocol = self._schema["protocol"]
        except _BROKEN as error:
            raise UnreadableModel(
                f"The file is not a model that skops wrote: {type(error).__name__}: {error}."
            ) from error
        if type(protocol) is not int or protocol not in _PROTOCOLS:
            raise UnreadableModel(f"The file has protocol {protocol!r}; this version reads {_PROTOCOLS[-1]}.")

    def audit(self, trusted: Mapping[str, frozenset[str]]) -> list[str]:
        """Return the names of all types in the file, all of them trusted in the role they have there.

        Raises:
            UntrustedTypes: Some are not; nothing was restored.
        """
        named = {_named(state) for state in self._states}
        found = {(str(role), f"{module}.{name}") for role, module, name in named}
        foreign = {_shown(role, name) for role, name in found if name not in trusted.get(role, ())}
        if foreign:
            raise UntrustedTypes(tuple(sorted(foreign)))
        return sorted({name for _, name in found})

    def check_arrays(self) -> None:
        """Compare each array's header with the bytes after it, before NumPy makes room for what the header says.

        Raises:
            UnreadableModel: One of them does not fit.
        """
        try:
            for info in self._zip.infolist():
                if info.filename.endswith(".npy"):
                    _check_array(info, self._begin(info))
                elif info.filename.endswith(".npz"):
                    inner = _inner_zip(self._zip, info.filename)
                    for member in inner.infolist():
                        _check_array(member, _begin(inner, member))
        except _BROKEN as error:
            raise UnreadableModel(f"The model file is damaged or forged: {error}.") from error

    def canonical_digest(self) -> str:
        """Return the identity of the model: without memory ids, times, versions of skops, and chosen file names.

        Two dumps of one fitted model agree, and so does a dump of the model after it was reloaded. The schema is
        normalised in place, so that this comes last.
        """
        for state in self._states:  # what is inside comes first
            state.pop("__id__", None)
            if isinstance(state.get("file"), str):
                state["file"] = _content_digest(state["file"], self._read(state["file"]))
            if state["__loader__"] == "SetNode":
                state["content"] = sorted(state["content"], key=_compact)
        model = {key: value for key, value in self._schema.items() if key not in {"protocol", "_skops_version"}}
        return hashlib.sha256(_compact(model).encode()).hexdigest()

    def _read(self, name: str) -> bytes:
        """Return the content of a file in the zip."""
        info = self._zip.getinfo(name)
        place = _place(self._content, info)
        return self._zip.read(info) if place is None else bytes(self._content[place])

    def _begin(self, info: zipfile.ZipInfo) -> bytes:
        """Return the beginning of a file in the zip."""
        place = _place(self._content, info)
        return _begin(self._zip, info) if place is None else bytes(self._content[place][:_LONGEST_HEADER])

    def _bound_size(self, stored: int) -> None:
        """Refuse zip bombs, and zips in them that are."""
        names = self._zip.namelist()
        if len(set(names)) < len(names):
            raise ValueError("it holds two files of one name")
        most = _ROOM_BYTES + _MOST_EXPANSION * stored
        total = sum(info.file_size for info in self._zip.infolist())
        _within(total, most)
        for name in names:
            if name.endswith(".npz"):
                total += sum(info.file_size for info in _inner_zip(self._zip, name).infolist())
                _within(total, most)


def _parse(text: bytes) -> tuple[Any, list[dict[str, Any]]]:
    """Return a schema with every state in it, inner ones first: whatever skops could be led to, wherever it stands."""
    states: list[dict[str, Any]] = []

    def keep(item: dict[str, Any]) -> dict[str, Any]:
        if isinstance(item.get("__loader__"), str):
            states.append(item)
        return item

    return json.loads(text, object_hook=keep), states


def _named(state: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return a state's role and the type it names, module and class."""
    role, module, name = state["__loader__"], state.get("__module__"), state.get("__class__")
    return role, module if type(module) is str else str(module), name if type(name) is str else str(name)


def _place(content: memoryview, info: zipfile.ZipInfo) -> slice | None:
    """Return where a file of a zip stands as it is, as zipfile itself would read it; None where it is packed.

    Models have thousands of small arrays, and opening each by zipfile takes longer than all else done with them.
    """
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & ~_NAMES_IN_UTF8:
        return None
    header = bytes(content[info.header_offset : info.header_offset + _LOCAL_HEADER])
    if header[:4] != b"PK\3\4" or info.compress_size != info.file_size:
        return None
    start = info.header_offset + _LOCAL_HEADER + sum(int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    return slice(start, start + info.file_size) if start + info.file_size <= len(content) else None


def _shown(role: str, name: str) -> str:
    calls = role in {"MethodNode", "OperatorFuncNode", "ConstructorFromReduceNode"}
    return f"{name} (as {role})" if calls else name


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _within(total: int, most: int) -> None:
    if total > most:
        raise ValueError(f"it would unpack to {total} bytes, and {most} is the most for a file of its size")


def _inner_zip(outer: zipfile.ZipFile, name: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(outer.read(name)))


class _Header(NamedTuple):
    """What an `.npy` file says of its array, and where its numbers begin."""

    offset: int
    values: int
    dtype: Any


def _begin(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as file:
        return file.read(_LONGEST_HEADER)


def _check_array(info: zipfile.ZipInfo, begin: bytes) -> None:
    header = _header(begin)
    if header.dtype.hasobject or header.values * header.dtype.itemsize != info.file_size - header.offset:
        raise ValueError(f"{info.filename} does not hold {header.values} values of dtype {header.dtype}")


def _header(content: bytes) -> _Header:
    """Read the header of an `.npy` file; models have thousands of arrays with a few different ones."""
    if content[:6] != b"\x93NUMPY" or len(content) < 12:
        raise ValueError("an array is not an .npy file")
    start, size = (10, 2) if content[6] == 1 else (12, 4)
    end = start + int.from_bytes(content[start - size : start], "little")
    return _parse_header(content[:end])


@functools.lru_cache(maxsize=256)
def _parse_header(content: bytes) -> _Header:
    from numpy.lib import format as npy

    file = io.BytesIO(content)
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    return _Header(file.tell(), math.prod(shape), dtype)


def _content_digest(name: str, content: bytes) -> str:
    if name.endswith(".npz"):
        with zipfile.ZipFile(io.BytesIO(content)) as inner:
            parts = [f"{member}:{_array_digest(inner.read(member))}" for member in sorted(inner.namelist())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return _array_digest(content) if name.endswith(".npy") else hashlib.sha256(content).hexdigest()


def _array_digest(content: bytes) -> str:
    """Hash an array's file; of records without the padding between fields, which is whatever memory held."""
    import numpy as np

    header = _header(content)
    names = header.dtype.names or ()
    packed = np.dtype([(name, header.dtype[name]) for name in names])
    if packed.itemsize in {0, header.dtype.itemsize}:
        return hashlib.sha256(content).hexdigest()
    records = np.frombuffer(content, header.dtype, count=header.values, offset=header.offset)
    return hashlib.sha256(content[: header.offset] + records.astype(packed).tobytes()).hexdigest()
