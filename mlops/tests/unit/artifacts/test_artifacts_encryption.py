"""Encryption at rest: what is written comes back, and nothing else does."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.artifacts.encryption import (
    PLAIN_CHUNK_BYTES,
    DecryptingReader,
    EncryptingWriter,
    EncryptionKey,
    encrypted_size,
)
from mlops.artifacts.errors import ArtifactCorrupted, EncryptionKeyRefused
from mlops.errors import InvalidInput

KEY = EncryptionKey(bytes(range(32)))
HEADER = 56
SEALED = PLAIN_CHUNK_BYTES + 16
DIGEST = "0" * 64


def seal(content: bytes, key: EncryptionKey = KEY) -> bytes:
    target = io.BytesIO()
    writer = EncryptingWriter(target, key)
    writer.write(content)
    writer.finish()
    return target.getvalue()


def unseal(sealed: bytes, key: EncryptionKey = KEY) -> bytes:
    return io.BufferedReader(DecryptingReader(io.BytesIO(sealed), key, DIGEST)).read()


@pytest.mark.parametrize("size", [0, 1, PLAIN_CHUNK_BYTES - 1, PLAIN_CHUNK_BYTES, PLAIN_CHUNK_BYTES + 1, 700_000])
def test_content_of_any_size_comes_back(size: int) -> None:
    """Sizes around the chunk's borders survive, and take the room that was foretold."""
    content = bytes(size)
    sealed = seal(content)
    assert unseal(sealed) == content
    assert len(sealed) == encrypted_size(size)


@given(st.lists(st.binary(max_size=64)))
def test_pieces_written_one_by_one_come_back_as_one(pieces: list[bytes]) -> None:
    """How the writer is fed does not matter."""
    target = io.BytesIO()
    writer = EncryptingWriter(target, KEY)
    for piece in pieces:
        writer.write(piece)
    writer.finish()
    assert unseal(target.getvalue()) == b"".join(pieces)


def test_the_same_content_is_never_encrypted_alike() -> None:
    """Salts and nonces are random, so that equal files cannot be recognised."""
    assert seal(b"benign") != seal(b"benign")


@given(st.integers(min_value=0, max_value=HEADER + 16 + 6 - 1), st.integers(min_value=1, max_value=255))
def test_a_byte_changed_anywhere_is_refused(position: int, change: int) -> None:
    """Header, content and tag are all authenticated."""
    sealed = bytearray(seal(b"benign"))
    sealed[position] ^= change
    with pytest.raises((ArtifactCorrupted, EncryptionKeyRefused)):
        unseal(bytes(sealed))


def chunks() -> tuple[bytes, bytes, bytes, bytes]:
    sealed = seal(bytes(2 * PLAIN_CHUNK_BYTES) + b"end")
    first, second = HEADER + SEALED, HEADER + 2 * SEALED
    return sealed[:HEADER], sealed[HEADER:first], sealed[first:second], sealed[second:]


@pytest.mark.parametrize("order", ["12", "1", "", "213", "1233", "113", "23", "13", "3"])
def test_chunks_left_out_repeated_or_exchanged_are_refused(order: str) -> None:
    """A file is its chunks, all of them, in order, and nothing after the last."""
    header, *parts = chunks()
    with pytest.raises(ArtifactCorrupted):
        unseal(header + b"".join(parts[int(number) - 1] for number in order))


def test_an_appended_byte_is_refused() -> None:
    """What follows the last chunk makes it not the last."""
    with pytest.raises(ArtifactCorrupted):
        unseal(seal(b"benign") + b"x")


def test_another_key_is_named_in_the_refusal() -> None:
    """A wrong key is a clear error, not damage."""
    with pytest.raises(EncryptionKeyRefused, match=r"MLOPS_ENCRYPTION_KEY"):
        unseal(seal(b"benign"), EncryptionKey(bytes(32)))


def test_hex_and_base64_name_the_same_key() -> None:
    """Both spellings that the documentation gives are understood."""
    secret = bytes(range(200, 232))
    spellings = [secret.hex(), base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode()]
    assert {EncryptionKey(text).key_id for text in spellings} == {EncryptionKey(secret).key_id}


@pytest.mark.parametrize("value", ["", "secret", "0" * 63, base64.b64encode(bytes(31)).decode(), "ü" * 44])
def test_what_is_no_key_is_refused_with_the_way_to_make_one(value: str) -> None:
    """A passphrase is not a key."""
    with pytest.raises(InvalidInput, match=r"secrets\.token_hex\(32\)"):
        EncryptionKey(value)


def test_a_key_does_not_show_its_secret() -> None:
    """Only an id appears in reprs and logs."""
    assert bytes(range(32)).hex() not in repr(KEY)
