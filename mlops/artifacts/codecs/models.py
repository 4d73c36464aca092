"""scikit-learn models by skops: files that run no code, restored only from types on our list."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from mlops.artifacts.codecs.model_checks import check_model
from mlops.artifacts.codecs.protocol import Encoding, is_instance
from mlops.artifacts.codecs.skops_file import SkopsFile, UnreadableModel, trusted_types
from mlops.artifacts.errors import CannotEncode, UntrustedTypes

__all__ = ["SklearnCodec"]

_FAILURES = (
    TypeError,
    ValueError,
    AttributeError,
    KeyError,
    ImportError,
    IndexError,
    RecursionError,
    MemoryError,
    EOFError,
)


class SklearnCodec:
    """An estimator, fitted or not, alone or in a pipeline.

    Saving refuses (`CannotEncode`) what loading would refuse, so that such models are pickled and signed instead.
    """

    name = "sklearn"
    version = 1
    members = ("model.skops",)
    signed = False
    deterministic = False

    def handles(self, value: object) -> bool:
        """Take all that derives from scikit-learn's BaseEstimator."""
        return is_instance(value, "sklearn.base", "BaseEstimator")

    def encode(self, value: Any) -> Encoding:
        """Dump it and look at the file as a reader would."""
        import sklearn
        import skops
        from skops import io as skops_io

        try:
            content = skops_io.dumps(value)
            file = SkopsFile(content)
            file.audit(self._trusted)
        except (*_FAILURES, UntrustedTypes, UnreadableModel) as error:
            raise CannotEncode(f"skops cannot keep this model: {error}") from error
        details = {
            "type": f"{type(value).__module__}.{type(value).__qualname__}",
            "sklearn": sklearn.__version__,
            "skops": skops.__version__,
        }
        return Encoding({self.members[0]: content}, details, file.canonical_digest())

    def decode(self, members: Mapping[str, bytes]) -> Any:
        """Restore it after every type in the file was found on our list, and check it.

        Raises:
            UntrustedTypes: A type is not on the list; nothing was restored.
            UnreadableModel: The file is not one of skops', is forged, or needs another version of scikit-learn.
        """
        from skops import io as skops_io

        content = members[self.members[0]]
        file = SkopsFile(content)
        types = file.audit(self._trusted)
        file.check_arrays()
        try:
            model = skops_io.loads(content, trusted=types)
        except _FAILURES as error:
            raise UnreadableModel(
                f"The model cannot be restored here: {type(error).__name__}: {error}. "
                "Load it with the version of scikit-learn it was saved with (see the artifact's details)."
            ) from error
        check_model(model)
        return model

    @functools.cached_property
    def _trusted(self) -> dict[str, frozenset[str]]:
        return trusted_types()
