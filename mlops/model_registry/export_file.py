"""The file that carries one version between sites: a tar archive of one possible form, signed.

It holds, in this order and nothing else: `signature.json`, `manifest.json`, and `blobs/<digest>` in order of digests.
Nothing is compressed, and names, sizes and marks follow from the manifest alone, so a reader compares headers with
those it would write instead of interpreting them: links, paths, duplicates, bombs and hidden bytes have no way in. Any
`tar` can list it. What the manifest means is `transfer`'s business.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from mlops.artifacts import Blob
from mlops.errors import InvalidInput
from mlops.files import whole_file
from mlops.model_registry.errors import ExportDamaged, SiteNotTrusted
from mlops.model_registry.site_keys import SiteKey, has_signed

__all__ = ["LARGEST_MANIFEST", "ExportFile", "open_export", "write_export"]

LARGEST_MANIFEST = 16 << 20
"""Bytes of the largest manifest that is read."""

_FORMAT = "mlops-model-export-1"
_SIGNATURE, _MANIFEST, _BLOBS = "signature.json", "manifest.json", "blobs/"
_LARGEST_SIGNATURE = 4096
_BLOCK = 512
_END = bytes(2 * _BLOCK)
_LARGEST_MEMBER = 8**11 - 1
_SIZE_AT = slice(124, 135)
_SIZE = re.compile(rb"[0-7]{11}")
_CHUNK = 1 << 20
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)  # opening a pipe would wait for its writer


def write_export(
    path: str | os.PathLike[str],
    manifest: bytes,
    blobs: Iterable[Blob],
    read: Callable[[str], BinaryIO],
    *,
    key: SiteKey,
) -> Path:
    """Write a signed export; the file appears whole or not at all, and replaces one that is there.

    Args:
        read: Opens the content with a digest; it is proven while it is copied.

    Raises:
        InvalidInput: The manifest or a blob is too large for the format, or the path cannot be written.
    """
    target = Path(path)
    if target.is_dir() or not target.parent.is_dir():
        raise InvalidInput(f"{str(target)!r} cannot be written. Pass the path of a file in a folder that exists.")
    if len(manifest) > LARGEST_MANIFEST:
        raise InvalidInput(f"What is told of the version takes {len(manifest)} bytes; {LARGEST_MANIFEST} can be sent.")
    with whole_file(target) as draft, draft.open("xb") as file:
        _write_member(file, _SIGNATURE, io.BytesIO(_signature(manifest, key)))
        _write_member(file, _MANIFEST, io.BytesIO(manifest))
        for blob in sorted(set(blobs)):
            with read(blob.digest) as content:
                _write_member(file, _BLOBS + blob.digest, content, blob.size_bytes)
        file.write(_END)
    return target


@contextmanager
def open_export(path: str | os.PathLike[str], *, trusted: frozenset[str]) -> Iterator[ExportFile]:
    """Open an export whose manifest a trusted site has signed; the rest is proven by `ExportFile.check_blobs`.

    Raises:
        ExportDamaged: It is no export, or its signature is wrong.
        SiteNotTrusted: Its signature is of another site.
        InvalidInput: There is no such file, or it cannot be read.
    """
    with _open_regular(os.fspath(path)) as stream:
        yield ExportFile(stream, os.fspath(path), trusted=trusted)


def _open_regular(path: str) -> BinaryIO:
    try:
        handle = os.open(path, os.O_RDONLY | _NO_WAITING)
    except OSError as error:
        raise InvalidInput(f"{path!r} cannot be read: {error.strerror}. Pass a readable file.") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InvalidInput(f"{path!r} is not a regular file. Pass the path of an export.")
    return os.fdopen(handle, "rb")


class ExportFile:
    """An open export; its manifest is proven, its blobs are once `check_blobs` has returned.

    Attributes:
        site: The public key of the site that signed it.
        manifest: What that site tells of the version.
        signature: The signature of the manifest.
    """

    def __init__(self, stream: BinaryIO, path: str, *, trusted: frozenset[str]) -> None:
        self._stream = stream
        self._path = path
        self._blobs: dict[str, tuple[int, int]] = {}
        self._size = os.fstat(stream.fileno()).st_size
        told = self._read_small(_SIGNATURE, _LARGEST_SIGNATURE)
        self.manifest = self._read_small(_MANIFEST, LARGEST_MANIFEST)
        self._start = stream.tell()
        self.site, self.signature = self._check_signature(told, trusted)

    def damaged(self, reason: str) -> ExportDamaged:
        """Return the error that refuses this file."""
        return ExportDamaged(self._path, reason)

    def check_blobs(self, blobs: Sequence[Blob]) -> None:
        """Prove that the file holds these blobs, which are in order of their digests, and not one byte more.

        The file's length is compared before anything is read.

        Raises:
            ExportDamaged: It does not.
        """
        expected = self._start + len(_END) + sum(_BLOCK + _padded(blob.size_bytes) for blob in blobs)
        if self._size != expected:
            raise self.damaged(f"it has {self._size} bytes where its manifest accounts for {expected}")
        self._stream.seek(self._start)
        for blob in blobs:
            self._check_blob(blob)
        if self._stream.read(len(_END) + 1) != _END:
            raise self.damaged("it does not end as it should")

    def read(self, digest: str) -> bytes:
        """Return a checked blob's content, verified once more."""
        start, size = self._find(digest)
        self._stream.seek(start)
        content = self._stream.read(size)
        if hashlib.sha256(content).hexdigest() != digest:
            raise self.damaged(f"the content of {digest} changed while it was read")
        return content

    def open(self, digest: str) -> BinaryIO:
        """Open a checked blob as a stream; only one is open at a time."""
        start, size = self._find(digest)
        self._stream.seek(start)
        return cast("BinaryIO", io.BufferedReader(_Window(self._stream, size), _CHUNK))

    def _find(self, digest: str) -> tuple[int, int]:
        if digest not in self._blobs:
            raise self.damaged(f"it has no content {digest}, which it refers to")
        return self._blobs[digest]

    def _check_blob(self, blob: Blob) -> None:
        name = _BLOBS + blob.digest
        if self._stream.read(_BLOCK) != _header(name, blob.size_bytes):
            raise self.damaged(f"{name} is not where it should be")
        self._blobs[blob.digest] = (self._stream.tell(), blob.size_bytes)
        found, left = hashlib.sha256(), blob.size_bytes
        while left and (chunk := self._stream.read(min(left, _CHUNK))):
            found.update(chunk)
            left -= len(chunk)
        if left or found.hexdigest() != blob.digest or not self._skip_padding(blob.size_bytes):
            raise self.damaged(f"the content of {name} does not have this SHA-256")

    def _read_small(self, name: str, most: int) -> bytes:
        """Read a member whose size only its own header tells."""
        header = self._stream.read(_BLOCK)
        size = int(header[_SIZE_AT], 8) if _SIZE.fullmatch(header[_SIZE_AT]) else -1
        if size < 0 or header != _header(name, size):
            raise self.damaged(f"it is no export of a model version: {name} is not where it should be")
        if size > most:
            raise self.damaged(f"its {name} says to have {size} bytes, where at most {most} are read")
        content = self._stream.read(size)
        if len(content) != size or not self._skip_padding(size):
            raise self.damaged(f"its {name} is cut off")
        return content

    def _skip_padding(self, size: int) -> bool:
        padding = bytes(_padded(size) - size)
        return self._stream.read(len(padding)) == padding

    def _check_signature(self, told: bytes, trusted: frozenset[str]) -> tuple[str, str]:
        """Return the trusted key that signed the manifest, and its signature."""
        try:
            document = json.loads(told)
        except (ValueError, RecursionError) as error:
            raise self.damaged("its signature cannot be read") from error
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise self.damaged(f"its signature is not of the format {_FORMAT}, the only one that this version knows")
        site, signature = document.get("key"), document.get("signature")
        if told != _canonical(document) or not has_signed(site, signature, self.manifest):
            raise self.damaged("its signature is missing or wrong, so that anybody may have changed it")
        if site not in trusted:
            raise SiteNotTrusted(str(site))
        return str(site), str(signature)


class _Window(io.RawIOBase):
    """The next bytes of a stream, as a stream that ends after them."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        content = self._stream.read(min(len(view), self._left))
        view[: len(content)] = content
        self._left -= len(content)
        return len(content)


def _signature(manifest: bytes, key: SiteKey) -> bytes:
    return _canonical({"format": _FORMAT, "key": key.public, "signature": key.sign(manifest)})


def _canonical(document: Mapping[str, object]) -> bytes:
    """Return the one text of a signature, which has these three fields and no other."""
    fields = {name: document.get(name) for name in ("format", "key", "signature")}
    return json.dumps(fields, separators=(",", ":")).encode()


def _write_member(file: BinaryIO, name: str, content: BinaryIO, size: int | None = None) -> None:
    expected = len(content.getbuffer()) if isinstance(content, io.BytesIO) and size is None else size or 0
    file.write(_header(name, expected))
    written = 0
    while chunk := content.read(_CHUNK):
        written += file.write(chunk)
    if written != expected:
        raise InvalidInput(f"{name} has {written} bytes where {expected} were recorded. Run verify on the version.")
    file.write(bytes(_padded(expected) - expected))


def _header(name: str, size: int) -> bytes:
    """Return the header of a member as POSIX.1-1988 (ustar) has it; all but name and size are always the same."""
    if size > _LARGEST_MEMBER:
        raise InvalidInput(f"{name} has {size} bytes; one file of an export can have {_LARGEST_MEMBER}.")
    fields = [name.encode().ljust(100, b"\0"), b"0000644\0", b"0000000\0", b"0000000\0", b"%011o\0" % size]
    fields += [b"%011o\0" % 0, b" " * 8, b"0", bytes(100), b"ustar\x0000", bytes(32), bytes(32)]
    fields += [bytes(8), bytes(8), bytes(155 + 12)]
    content = b"".join(fields)
    return content[:148] + b"%06o\0 " % sum(content) + content[156:]


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
