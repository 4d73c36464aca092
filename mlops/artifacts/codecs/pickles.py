"""Any other Python object by cloudpickle: signed when saved, and unpickled only under a valid signature."""

from __future__ import annotations

import pickle
import platform
from collections.abc import Mapping
from typing import Any, BinaryIO

from mlops.artifacts.codecs.protocol import Encoding, is_instance
from mlops.artifacts.errors import CannotEncode
from mlops.errors import Corrupted

__all__ = ["PickleCodec"]

_CANNOT = (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError, NotImplementedError)
_UNREADABLE = (pickle.UnpicklingError, AttributeError, ImportError, EOFError, IndexError, TypeError, ValueError)
_SAFER = (
    ("sklearn.base", "BaseEstimator"),
    ("pandas", "DataFrame"),
    ("numpy", "ndarray"),
    ("xgboost", "Booster"),
    ("lightgbm", "Booster"),
    ("onnx", "ModelProto"),
)


class PickleCodec:
    """Takes anything that cloudpickle takes, functions and classes of notebooks included.

    The store signs what this writes, and calls `decode` only after the signature has been verified.
    """

    name = "pickle"
    version = 1
    members = ("object.pkl",)
    signed = True
    deterministic = False

    def handles(self, value: object) -> bool:  # noqa: ARG002 - anything goes
        """Take everything."""
        return True

    def encode(self, value: Any) -> Encoding:
        """Pickle it."""
        kind = f"{type(value).__module__}.{type(value).__qualname__}"

        def write(sink: BinaryIO) -> None:
            import cloudpickle

            try:
                cloudpickle.dump(value, sink, protocol=5)
            except _CANNOT as error:
                raise CannotEncode(f"A {kind} cannot be pickled: {error}.") from error

        return Encoding(
            {self.members[0]: write}, {"type": kind, "python": platform.python_version()}, None, _warning(value)
        )

    def decode(self, members: Mapping[str, bytes]) -> Any:
        """Unpickle it."""
        try:
            return pickle.loads(members[self.members[0]])  # noqa: S301 - the store verified this installation's signature
        except _UNREADABLE as error:
            raise Corrupted(
                f"The pickle cannot be read here: {type(error).__name__}: {error}. "
                "Load it where the code and the package versions are the ones it was saved with."
            ) from error


def _warning(value: object) -> str:
    """Say so when a person would expect a format that runs no code."""
    for module, kind in _SAFER:
        if is_instance(value, module, kind):
            return (
                f"This {type(value).__qualname__} holds types that have no safe format here; it was kept as a signed "
                "pickle, which only this installation loads."
            )
    return ""
