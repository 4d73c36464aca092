"""AES-256-GCM at rest: a file as a sequence of authenticated chunks, so that it can be streamed in both directions.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015, "Online authenticated-encryption and its
nonce-reuse misuse-resistance"): a key of its own for each file, derived by HKDF-SHA256 from the store's key and a
random salt; a nonce of a random prefix, the chunk's number and a flag on the last chunk. Chunks that are changed, left
out, repeated, exchanged or appended therefore fail to decrypt. The header is authenticated with every chunk.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import os
import re
import struct
from typing import Any, BinaryIO

from mlops.artifacts.errors import ArtifactCorrupted, EncryptionKeyRefused
from mlops.errors import InvalidInput

__all__ = ["DecryptingReader", "EncryptingWriter", "EncryptionKey", "encrypted_size"]

PLAIN_CHUNK_BYTES = 256 * 1024
_TAG_BYTES = 16
_MAGIC = b"MLOPSENC\x01"
_HEADER = struct.Struct(">9s8s32s7s")  # magic and version, key id, salt, nonce prefix
_NONCE = struct.Struct(">7sIB")


class EncryptionKey:
    """The 256-bit key of a store; it shows only its id.

    Args:
        value: 32 bytes as hex (64 digits) or base64, or the 32 bytes themselves.

    Raises:
        InvalidInput: It is anything else.
    """

    __slots__ = ("_secret", "key_id")

    def __init__(self, value: str | bytes) -> None:
        self._secret = value if isinstance(value, bytes) else _decode_key(value)
        if len(self._secret) != 32:
            raise _not_a_key(f"has {len(self._secret)} bytes")
        self.key_id = hashlib.sha256(b"mlops encryption key id\0" + self._secret).digest()[:8]

    def __repr__(self) -> str:
        return f"EncryptionKey(id={self.key_id.hex()})"

    def cipher(self, salt: bytes) -> Any:
        """Return the AES-GCM cipher of the file with this salt."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return AESGCM(HKDF(SHA256(), 32, salt, b"mlops artifact file").derive(self._secret))


def encrypted_size(plain_bytes: int) -> int:
    """Return how many bytes a file of `plain_bytes` takes when it is encrypted."""
    chunks = max(1, -(-plain_bytes // PLAIN_CHUNK_BYTES))
    return _HEADER.size + plain_bytes + chunks * _TAG_BYTES


class EncryptingWriter(io.RawIOBase):
    """A sink that encrypts what is written into `target`; `finish()` writes the last chunk. The target stays open."""

    def __init__(self, target: BinaryIO, key: EncryptionKey) -> None:
        salt, self._prefix = os.urandom(32), os.urandom(7)
        self._target = target
        self._cipher = key.cipher(salt)
        self._header = _HEADER.pack(_MAGIC, key.key_id, salt, self._prefix)
        self._pending = bytearray()
        self._count = 0
        target.write(self._header)

    def writable(self) -> bool:
        """Always true."""
        return True

    def write(self, content: object, /) -> int:
        """Encrypt all full chunks that are known not to be the last."""
        view = memoryview(content).cast("B")  # type: ignore[arg-type]
        self._pending += view
        while len(self._pending) > PLAIN_CHUNK_BYTES:
            self._seal(bytes(self._pending[:PLAIN_CHUNK_BYTES]), last=False)
            del self._pending[:PLAIN_CHUNK_BYTES]
        return len(view)

    def finish(self) -> None:
        """Write the last chunk, which may be empty; without it the file does not decrypt."""
        self._seal(bytes(self._pending), last=True)
        self._pending.clear()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        nonce = _NONCE.pack(self._prefix, self._count, last)
        self._target.write(self._cipher.encrypt(nonce, chunk, self._header))
        self._count += 1


class DecryptingReader(io.RawIOBase):
    """A stream of the plaintext of an encrypted file; every byte it hands out is authenticated.

    Raises:
        ArtifactCorrupted: When opened or read: a chunk is not what was written, or chunks are missing or added.
        EncryptionKeyRefused: When opened: the file was written with another key.
    """

    def __init__(self, source: BinaryIO, key: EncryptionKey, digest: str) -> None:
        self._source, self._digest = source, digest
        self._header = source.read(_HEADER.size)
        if len(self._header) < _HEADER.size or not self._header.startswith(_MAGIC):
            raise ArtifactCorrupted(digest, "its encryption header is not one of this version")
        _, key_id, salt, self._prefix = _HEADER.unpack(self._header)
        if key_id != key.key_id:
            raise EncryptionKeyRefused(
                f"Artifact {digest} was encrypted with key {key_id.hex()}, not with the given key {key.key_id.hex()}. "
                "Set MLOPS_ENCRYPTION_KEY to the key it was stored with."
            )
        self._cipher = key.cipher(salt)
        self._sealed = self._read_sealed()
        self._count = 0
        self._ready = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: object, /) -> int:
        """Fill `buffer` with the next bytes of plaintext; 0 at the end."""
        if not self._ready and not self._ended:
            self._ready = memoryview(self._open_next())
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

    def _open_next(self) -> bytes:
        from cryptography.exceptions import InvalidTag

        sealed, following = self._sealed, self._read_sealed()
        self._sealed, self._ended = following, not following
        nonce = _NONCE.pack(self._prefix, self._count, self._ended)
        self._count += 1
        try:
            return bytes(self._cipher.decrypt(nonce, sealed, self._header))
        except (InvalidTag, ValueError) as error:
            raise ArtifactCorrupted(
                self._digest, f"chunk {self._count} of its encrypted file is not authentic"
            ) from error

    def _read_sealed(self) -> bytes:
        wanted, parts = PLAIN_CHUNK_BYTES + _TAG_BYTES, []
        while wanted and (part := self._source.read(wanted)):
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)


def _decode_key(text: str) -> bytes:
    text = text.strip()
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        return base64.b64decode(text, altchars=b"-_" if {"-", "_"} & set(text) else None, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _not_a_key(f"is {len(text)} characters that are neither hex nor base64") from error


def _not_a_key(trouble: str) -> InvalidInput:
    return InvalidInput(
        f"The encryption key {trouble}. It must be 32 bytes as base64 or as 64 hex digits. Make one with: "
        'python -c "import secrets; print(secrets.token_hex(32))"'
    )
