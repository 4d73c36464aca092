"""Models: versions that mean something, files that are proven whenever they are read, a history that is complete.

Example:
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> folder = tempfile.mkdtemp()
    >>> registry = ModelRegistry(f"{folder}/models", f"sqlite:///{folder}/lab.db").sync
    >>> for depth in (2, 3):
    ...     model = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, y)
    ...     told = ModelMetadata(model_id="iris", accuracy=model.score(X, y))
    ...     _ = registry.register_model(model, told, {"max_depth": depth}, sample=X)
    >>> [version.version for version in registry.list_versions("iris")]
    ['1.1.0', '1.0.0']
    >>> registry.get_model_metadata("iris", "1.1.0").version_reason
    'Minor after 1.0.0: Hyperparameters changed: max_depth.'
    >>> for version in ("1.0.0", "1.1.0"):
    ...     _ = registry.promote_model("iris", version, ModelStatus.PRODUCTION)
    >>> registry.rollback_model("iris", reason="complaints from the north site").version
    '1.0.0'
    >>> model, metadata = registry.get_model("iris", "production")
    >>> metadata.version, model.get_depth(), registry.verify("iris").is_sound
    ('1.0.0', 2, True)
    >>> registry.close()

The same operations are coroutines on the registry itself: `await registry.promote_model(...)`.
"""

from __future__ import annotations

from mlops.model_registry.aio import ModelRegistry
from mlops.model_registry.entities import (
    Column,
    ModelMetadata,
    ModelMove,
    ModelSignature,
    ModelStatus,
    MoveKind,
    RegisteredVersion,
)
from mlops.model_registry.errors import (
    AliasNotFound,
    ContentRegistered,
    ExportDamaged,
    ModelNotFound,
    MoveRefused,
    NothingToRollBackTo,
    SiteNotTrusted,
    UnfittedModelWarning,
    VersionInUse,
    VersionNotFound,
    VersionTaken,
)
from mlops.model_registry.retention import RetentionReport, Verdict
from mlops.model_registry.service import ModelRegistryService
from mlops.model_registry.stored import VerifyReport

__all__ = [
    "AliasNotFound",
    "Column",
    "ContentRegistered",
    "ExportDamaged",
    "ModelMetadata",
    "ModelMove",
    "ModelNotFound",
    "ModelRegistry",
    "ModelRegistryService",
    "ModelSignature",
    "ModelStatus",
    "MoveKind",
    "MoveRefused",
    "NothingToRollBackTo",
    "RegisteredVersion",
    "RetentionReport",
    "SiteNotTrusted",
    "UnfittedModelWarning",
    "Verdict",
    "VerifyReport",
    "VersionInUse",
    "VersionNotFound",
    "VersionTaken",
]
