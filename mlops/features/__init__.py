"""Features: what columns become before a model sees them, learned from training rows once and applied anywhere alike.

A plan says what is wanted, fitting makes a state of it (one JSON document), and three executors read that: `transform`
for frames, `compile_row` for single rows, `to_onnx` for servers without Python. Nothing here reads files or databases.

Example:
    >>> import polars as pl
    >>> from mlops.features import FeaturePlan, compile_row, fit, transform
    >>> samples = pl.DataFrame({"ph": [6.0, None, 8.0, 7.0], "kind": ["blood", "serum", "blood", None]})
    >>> plan = FeaturePlan(numeric=("ph",), categorical=("kind",), scaling="minmax")
    >>> state = fit(plan, samples.head(3))
    >>> state.feature_names
    ('ph', 'kind=blood', 'kind=serum')
    >>> transform(state, samples).rows()
    [(0.0, 1.0, 0.0), (0.5, 0.0, 1.0), (1.0, 1.0, 0.0), (0.5, 1.0, 0.0)]
    >>> compile_row(state)({"ph": 7.0, "kind": None})
    [0.5, 1.0, 0.0]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mlops.features.errors import ColumnNotFound, NothingToLearnFrom, TransformationNotFound, UnsuitableColumn
from mlops.features.plan import FeaturePlan, TextOptions
from mlops.features.state import FeatureState

if TYPE_CHECKING:
    from mlops.features.closure import compile_row
    from mlops.features.counting import Statistics, fit_statistics, merge
    from mlops.features.custom import (
        Transformation,
        get_transformation,
        register_transformation,
        registered_transformations,
    )
    from mlops.features.fitting import finish, fit
    from mlops.features.folds import OutOfFold, fit_out_of_fold, transform_training
    from mlops.features.onnx_graph import to_onnx
    from mlops.features.splitting import Split, split
    from mlops.features.transforming import transform

__all__ = [
    "ColumnNotFound",
    "FeaturePlan",
    "FeatureState",
    "NothingToLearnFrom",
    "OutOfFold",
    "Split",
    "Statistics",
    "TextOptions",
    "Transformation",
    "TransformationNotFound",
    "UnsuitableColumn",
    "compile_row",
    "finish",
    "fit",
    "fit_out_of_fold",
    "fit_statistics",
    "get_transformation",
    "merge",
    "register_transformation",
    "registered_transformations",
    "split",
    "to_onnx",
    "transform",
    "transform_training",
]

_HOMES = {
    "OutOfFold": "mlops.features.folds",
    "Split": "mlops.features.splitting",
    "Statistics": "mlops.features.counting",
    "Transformation": "mlops.features.custom",
    "compile_row": "mlops.features.closure",
    "finish": "mlops.features.fitting",
    "fit": "mlops.features.fitting",
    "fit_out_of_fold": "mlops.features.folds",
    "fit_statistics": "mlops.features.counting",
    "get_transformation": "mlops.features.custom",
    "merge": "mlops.features.counting",
    "register_transformation": "mlops.features.custom",
    "registered_transformations": "mlops.features.custom",
    "split": "mlops.features.splitting",
    "to_onnx": "mlops.features.onnx_graph",
    "transform": "mlops.features.transforming",
    "transform_training": "mlops.features.folds",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the module that it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mlops.features' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
