"""SHA-256 digests as names: what a valid one is, and streams that compute or prove one while bytes pass by."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from mlops.artifacts.errors import ArtifactCorrupted
from mlops.errors import InvalidInput

__all__ = ["CHUNK_BYTES", "HashingWriter", "VerifiedReader", "check_digest", "read_chunks", "sha256"]

CHUNK_BYTES = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def sha256(content: bytes | memoryview) -> str:
    """Return the SHA-256 of these bytes as 64 lower-case hex digits."""
    return hashlib.sha256(content).hexdigest()


def check_digest(digest: str) -> str:
    """Return the digest when it is one; nothing else may become part of a path.

    Raises:
        InvalidInput: It is not 64 lower-case hex digits.
    """
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise InvalidInput(
            f"{digest!r} is not a digest. A digest is a SHA-256 as 64 lower-case hex digits, as put_bytes() returns it."
        )
    return digest


def read_chunks(stream: BinaryIO, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Yield what is left in a stream in chunks of at most `size` bytes, none of them empty."""
    while chunk := stream.read(size):
        yield chunk


class HashingWriter(io.RawIOBase):
    """A sink that computes the SHA-256 and the size of what passes through it; the target stays open."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def writable(self) -> bool:
        """Always true."""
        return True

    def write(self, content: object, /) -> int:
        """Hash and pass on all of `content`."""
        view = memoryview(content).cast("B")  # type: ignore[arg-type]
        for start in range(0, len(view), CHUNK_BYTES):  # hashed and written while it is in the processor's cache
            chunk = view[start : start + CHUNK_BYTES]
            self._hash.update(chunk)
            self._target.write(chunk)
        self.size_bytes += len(view)
        return len(view)

    def digest(self) -> str:
        """Return the SHA-256 of everything written so far."""
        return self._hash.hexdigest()


class VerifiedReader(io.RawIOBase):
    """A stream that proves its content before it hands out the last chunk of it.

    One chunk is always held back, so that a reader who reaches the end of the stream has read verified content, and
    one who meets damage never gets all of it.

    Raises:
        ArtifactCorrupted: From `read`, when the content is not the digest's.
    """

    def __init__(self, source: BinaryIO, digest: str, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._source = source
        self._digest = digest
        self._chunk_bytes = chunk_bytes
        self._hash = hashlib.sha256()
        self._ready = memoryview(b"")
        self._held: bytes | None = None

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: object, /) -> int:
        """Fill `buffer` with the next bytes; 0 at the end."""
        if not self._ready:
            self._ready = memoryview(self._advance())
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def close(self) -> None:
        """Close the source too."""
        if not self.closed:
            self._source.close()
        super().close()

    def _advance(self) -> bytes:
        if self._held is None:
            self._held = self._next()
        current, self._held = self._held, self._next() if self._held else b""
        return current

    def _next(self) -> bytes:
        chunk = self._source.read(self._chunk_bytes)
        if chunk:
            self._hash.update(chunk)
        elif self._hash.hexdigest() != self._digest:
            raise ArtifactCorrupted(self._digest, "its content does not have this SHA-256")
        return chunk
