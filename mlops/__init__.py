"""TracSeq MLOps: machine-learning operations for laboratories.

The names below are loaded when first used, so that `import mlops` costs next to nothing and configures nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from mlops.errors import MissingDependency, MLOpsError

if TYPE_CHECKING:
    from mlops.ab_testing import ABTestConfig, ABTestInteraction, ABTestManager
    from mlops.audit import AuditLogger
    from mlops.config import ConfigManager, Environment
    from mlops.data_pipeline import DataPipeline, DataSchema, FeatureEngineeringConfig
    from mlops.experiment_tracker import ExperimentConfig, ExperimentMetrics, ExperimentTracker
    from mlops.feature_store import Entity, FeatureStore, FeatureView
    from mlops.model_registry import ModelMetadata, ModelRegistry, ModelStatus

__all__ = [
    "ABTestConfig",
    "ABTestInteraction",
    "ABTestManager",
    "AuditLogger",
    "ConfigManager",
    "DataPipeline",
    "DataSchema",
    "Entity",
    "Environment",
    "ExperimentConfig",
    "ExperimentMetrics",
    "ExperimentTracker",
    "FeatureEngineeringConfig",
    "FeatureStore",
    "FeatureView",
    "MLOpsError",
    "ModelMetadata",
    "ModelRegistry",
    "ModelStatus",
    "__version__",
]

__version__ = "0.1.0"

_HOMES = {
    "ABTestConfig": "mlops.ab_testing",
    "ABTestInteraction": "mlops.ab_testing",
    "ABTestManager": "mlops.ab_testing",
    "AuditLogger": "mlops.audit",
    "ConfigManager": "mlops.config",
    "DataPipeline": "mlops.data_pipeline",
    "DataSchema": "mlops.data_pipeline",
    "Entity": "mlops.feature_store",
    "Environment": "mlops.config",
    "ExperimentConfig": "mlops.experiment_tracker",
    "ExperimentMetrics": "mlops.experiment_tracker",
    "ExperimentTracker": "mlops.experiment_tracker",
    "FeatureEngineeringConfig": "mlops.data_pipeline",
    "FeatureStore": "mlops.feature_store",
    "FeatureView": "mlops.feature_store",
    "ModelMetadata": "mlops.model_registry",
    "ModelRegistry": "mlops.model_registry",
    "ModelStatus": "mlops.model_registry",
}

_CORE = {
    "alembic": "alembic", "cloudpickle": "cloudpickle", "croniter": "croniter", "cryptography": "cryptography",
    "fsspec": "fsspec", "matplotlib": "matplotlib", "numpy": "numpy", "pandas": "pandas", "polars": "polars",
    "psutil": "psutil", "pyarrow": "pyarrow", "pydantic": "pydantic", "rich": "rich", "scipy": "scipy",
    "sklearn": "scikit-learn", "skops": "skops", "sqlalchemy": "sqlalchemy", "structlog": "structlog", "typer": "typer",
}  # fmt: skip
"""What the package cannot do without: names of modules and of the distributions that bring them."""


def _missing() -> list[str]:
    return [distribution for module, distribution in _CORE.items() if importlib.util.find_spec(module) is None]


if missing := _missing():  # one clear error at once, instead of another one at every turn
    raise MissingDependency(", ".join(missing), purpose="mlops")
del missing


def __getattr__(name: str) -> Any:
    """Load a public name from the part that it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mlops' has no attribute {name!r}; it offers {', '.join(sorted(_HOMES))}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
