"""The installation's signing key: what makes a pickle ours, and therefore loadable.

A signature is an HMAC-SHA256 over the codec's name and the content's digest. The key comes from `MLOPS_SIGNING_KEY`, or
is made once, in a file that only its owner can read, beside the artifacts.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from mlops.artifacts.errors import SignatureRefused, storage_errors
from mlops.artifacts.storage import write_once
from mlops.errors import InvalidInput

__all__ = ["KEY_FILE", "SigningKey", "file_key"]

KEY_FILE = "signing.key"
_SHORTEST = 32
_MAKE_ONE = 'Make one with: python -c "import secrets; print(secrets.token_hex(32))"'
_IMPORT = (
    "Unpickling can run any code, so nothing of it was loaded. If you trust where it comes from, set MLOPS_SIGNING_KEY "
    f"to that installation's key (the content of its {KEY_FILE}), load the object, and save it again with your own key."
)


class SigningKey:
    """A secret that signs and verifies; it shows only its id.

    Args:
        value: The secret, at least 32 characters or bytes.

    Raises:
        InvalidInput: It is shorter.
    """

    __slots__ = ("_secret", "key_id")

    def __init__(self, value: str | bytes) -> None:
        self._secret = value.strip().encode() if isinstance(value, str) else value
        if len(self._secret) < _SHORTEST:
            raise InvalidInput(
                f"The signing key has {len(self._secret)} characters; it needs at least {_SHORTEST}. {_MAKE_ONE}"
            )
        self.key_id = hashlib.sha256(b"mlops signing key id\0" + self._secret).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"SigningKey(id={self.key_id})"

    def sign(self, codec: str, digest: str) -> str:
        """Return the signature `v1:<key id>:<hex>` of a content under a codec's name."""
        return f"v1:{self.key_id}:{self._mac(codec, digest)}"

    def verify(self, codec: str, digest: str, signature: str | None) -> None:
        """Return when this key has signed the content; otherwise say what is wrong.

        Raises:
            SignatureRefused: The signature is missing, of another installation, or wrong.
        """
        if not signature:
            raise SignatureRefused(f"Artifact {digest} ({codec}) is not signed. {_IMPORT}")
        version, _, rest = signature.partition(":")
        key_id, _, mac = rest.partition(":")
        if version != "v1" or key_id != self.key_id:
            raise SignatureRefused(
                f"Artifact {digest} ({codec}) was signed by another installation: its signature {signature[:40]!r} "
                f"does not name this installation's key {self.key_id}. {_IMPORT}"
            )
        if not hmac.compare_digest(mac.encode(), self._mac(codec, digest).encode()):
            raise SignatureRefused(f"Artifact {digest} ({codec}) has a wrong signature. {_IMPORT}")

    def derive(self, purpose: str) -> bytes:
        """Return 32 secret bytes for one other purpose; they tell nothing of this key or of those for others."""
        return hmac.new(self._secret, f"mlops derived key\0{purpose}".encode(), hashlib.sha256).digest()

    def _mac(self, codec: str, digest: str) -> str:
        return hmac.new(self._secret, f"mlops artifact\0{codec}\0{digest}".encode(), hashlib.sha256).hexdigest()


def file_key(folder: Path) -> SigningKey:
    """Return the key kept in `folder`, made on first use; processes that race agree on one.

    Raises:
        InvalidInput: Others than its owner can read the file, or it does not hold a key.
    """
    path = folder / KEY_FILE
    if not path.exists():
        with storage_errors(str(folder)):
            write_once(folder, KEY_FILE, secrets.token_hex(32).encode() + b"\n", mode=0o600)
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise InvalidInput(
            f"The signing key {path} has mode {mode:04o}, so that others can read it. If nobody else has, run: "
            f"chmod 600 '{path}'. If somebody may have, delete it: new pickles get a new key, old ones are refused."
        )
    return SigningKey(path.read_text(encoding="ascii"))
