"""The key pair by which a site signs the versions it gives away, and by which others know that they are from it.

Ed25519, so that sites share no secret. The private half is derived from the installation's signing key, so it needs no
keeping of its own; the public half is text such as `ed25519:3d40…`, which people compare and pass as `trust=`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlops.errors import InvalidInput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from mlops.artifacts.signing import SigningKey

__all__ = ["SiteKey", "has_signed", "read_trust"]

_PREFIX = "ed25519:"
_KEY = re.compile(r"ed25519:[0-9a-f]{64}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{128}", re.ASCII)
_CONTEXT = b"mlops model export 1\0"  # no other signature of this key can be taken for one of an export


class SiteKey:
    """This installation's key pair; it shows only its public half.

    Attributes:
        public: The public key as text.
    """

    def __init__(self, installation: SigningKey) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._private: Ed25519PrivateKey = Ed25519PrivateKey.from_private_bytes(
            installation.derive("model exports, ed25519")
        )
        self.public = _PREFIX + self._private.public_key().public_bytes_raw().hex()

    def __repr__(self) -> str:
        return f"SiteKey({self.public!r})"

    def sign(self, content: bytes) -> str:
        """Return the signature of a content as 128 hex digits; the same content has always the same."""
        return self._private.sign(_CONTEXT + content).hex()


def has_signed(public: object, signature: object, content: bytes) -> bool:
    """Tell whether the owner of a public key signed a content; whatever is no key or no signature did not."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not (isinstance(public, str) and _KEY.fullmatch(public)):
        return False
    if not (isinstance(signature, str) and _SIGNATURE.fullmatch(signature)):
        return False
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public.removeprefix(_PREFIX)))
    try:
        key.verify(bytes.fromhex(signature), _CONTEXT + content)
    except InvalidSignature:
        return False
    return True


def read_trust(trust: str | Iterable[str]) -> frozenset[str]:
    """Return the public keys that a caller trusts, given as one or as several.

    Raises:
        InvalidInput: One of them is no public key.
    """
    keys = [trust] if isinstance(trust, str) else list(trust)
    for key in keys:
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise InvalidInput(
                f"{key!r} is no public key of a site. One is 'ed25519:' and 64 hex digits, as transfer_key() of the "
                "exporting site tells it."
            )
    return frozenset(keys)
