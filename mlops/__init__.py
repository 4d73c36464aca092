"""TracSeq MLOps: machine-learning operations for laboratories.

The names below are loaded when first used, so that `import mlops` costs next to nothing and configures nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from mlops.errors import MissingDependency, MLOpsError

if TYPE_CHECKING:
    from mlops.config import ConfigManager, Environment
    from mlops.experiment_tracker import ExperimentConfig, ExperimentMetrics, ExperimentTracker

__all__ = [
    "ConfigManager",
    "Environment",
    "ExperimentConfig",
    "ExperimentMetrics",
    "ExperimentTracker",
    "MLOpsError",
    "__version__",
]

__version__ = "0.1.0"

_HOMES = {
    "ConfigManager": "mlops.config",
    "Environment": "mlops.config",
    "ExperimentConfig": "mlops.experiment_tracker",
    "ExperimentMetrics": "mlops.experiment_tracker",
    "ExperimentTracker": "mlops.experiment_tracker",
}

for _package in ("numpy", "pydantic", "sqlalchemy", "structlog"):  # what every part imports at once
    if importlib.util.find_spec(_package) is None:
        raise MissingDependency(_package, purpose="mlops")
del _package


def __getattr__(name: str) -> Any:
    """Load a public name from the part that it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mlops' has no attribute {name!r}; it offers {', '.join(sorted(_HOMES))}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
