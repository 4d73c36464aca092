"""What can go wrong with artifacts.

NotFound
└── ArtifactNotFound          no blob with this digest is in the store
Corrupted
└── ArtifactCorrupted         stored bytes are not the ones that were put; nothing was handed out
PermissionDenied
└── UntrustedArtifact         loading it could run foreign code, so nothing of it was loaded
    ├── SignatureRefused      a pickle without a signature of this installation's key
    └── UntrustedTypes        a model file with types outside our list; `types` names them
InvalidInput
├── UnsafeFolder              a folder, or a folder's manifest, with links or paths that lead outside
└── CannotEncode              this codec cannot hold this object; another one is tried
Conflict
├── EncryptionKeyRefused      a blob is encrypted, and the key at hand is not the one that opens it
└── StoreShared               several databases use the store, so none may collect garbage in it
Unavailable
├── StorageUnavailable        the folder or remote store cannot serve the request
└── StorageFull               (mlops.errors) no room is left; nothing half-written stays
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from mlops.errors import Conflict, Corrupted, InvalidInput, NotFound, PermissionDenied, StorageFull, Unavailable

__all__ = [
    "ArtifactCorrupted",
    "ArtifactNotFound",
    "CannotEncode",
    "EncryptionKeyRefused",
    "SignatureRefused",
    "StorageFull",
    "StorageUnavailable",
    "StoreShared",
    "UnsafeFolder",
    "UntrustedArtifact",
    "UntrustedTypes",
    "storage_errors",
]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ArtifactNotFound(NotFound):
    """No blob with this digest is in the store."""

    kind = "artifact"


class ArtifactCorrupted(Corrupted):
    """Stored bytes are not the ones that were put.

    Attributes:
        digest: SHA-256 of the content that was asked for.
    """

    def __init__(self, digest: str, reason: str) -> None:
        self.digest = digest
        super().__init__(f"Artifact {digest} is damaged: {reason}. Restore it from a backup, or save the object again.")


class UntrustedArtifact(PermissionDenied):
    """Loading this could run code that nobody here vouches for; nothing of it was loaded."""


class SignatureRefused(UntrustedArtifact):
    """A pickle that this installation's key has not signed."""


class UntrustedTypes(UntrustedArtifact):
    """A model file that holds types outside our list.

    Attributes:
        types: Their fully qualified names, sorted.
    """

    def __init__(self, types: tuple[str, ...]) -> None:
        self.types = types
        super().__init__(
            f"The model file holds types that are not on the list of trusted types: {', '.join(types)}. "
            "Nothing of it was loaded. If its origin is beyond doubt, load it with skops and save the object here."
        )


class UnsafeFolder(InvalidInput):
    """A folder or a manifest that holds links, special files, or paths that lead outside."""


class CannotEncode(InvalidInput):
    """This codec cannot hold this object."""


class EncryptionKeyRefused(Conflict):
    """A blob is encrypted, and no key, or another key, is at hand."""


class StoreShared(Conflict):
    """Several databases use this store, so that none of them knows all references."""


class StorageUnavailable(Unavailable):
    """The folder or remote store cannot serve the request now."""


@contextmanager
def storage_errors(place: str) -> Iterator[None]:
    """Translate what operating systems and remote stores raise; a missing file stays `FileNotFoundError`.

    Args:
        place: The store's root, for the message.

    Raises:
        StorageFull: No room or no quota is left.
        StorageUnavailable: Anything else that the storage refuses.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        if error.errno in _FULL:
            raise StorageFull(
                f"{place} is full ({reason}). Nothing was stored; free some space and try again."
            ) from error
        raise StorageUnavailable(f"{place} cannot serve the request: {reason}.") from error
