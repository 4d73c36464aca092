"""From a lab's raw table to trusted rows and features: schemas, validation, quality, runs.

The names below are loaded when first used, so that naming the package costs next to nothing.

Example:
    >>> from mlops.data_pipeline import DataSchema
    >>> schema = DataSchema(
    ...     name="Samples",
    ...     columns={"sample_id": {"type": "string", "primary_key": True}, "dose": {"type": "float", "min": 0}},
    ...     validation_rules={"dose": "dose <= 500 or is_null(dose)"},
    ... )
    >>> schema.primary_key
    ('sample_id',)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mlops.data_pipeline.errors import (
    FeatureConfigExists,
    FeatureConfigNotFound,
    MissingColumns,
    NamedRuleNotFound,
    OutputDamaged,
    PipelineFailed,
    PipelineRunNotFound,
    RuleError,
    RunCancelled,
    RunEnded,
    RunNotCompleted,
    SchemaExists,
    SchemaMismatch,
    SchemaNotFound,
    TooManyBadRows,
    UnknownColumns,
    UnreadableInput,
    UnsupportedFormat,
)

if TYPE_CHECKING:
    from mlops.data_pipeline.aio import DataPipeline
    from mlops.data_pipeline.entities import (
        ColumnSpec,
        ColumnType,
        DataSchema,
        FeatureEngineeringConfig,
        PipelineRun,
        RowRule,
        RunStatus,
        RunStep,
    )
    from mlops.data_pipeline.inspection import Validation
    from mlops.data_pipeline.named_rules import register_rule
    from mlops.data_pipeline.quality import QualityReport
    from mlops.data_pipeline.reading import ReadOptions
    from mlops.data_pipeline.schema_diff import SchemaDiff
    from mlops.data_pipeline.service import DataPipelineService

__all__ = [
    "ColumnSpec",
    "ColumnType",
    "DataPipeline",
    "DataPipelineService",
    "DataSchema",
    "FeatureConfigExists",
    "FeatureConfigNotFound",
    "FeatureEngineeringConfig",
    "MissingColumns",
    "NamedRuleNotFound",
    "OutputDamaged",
    "PipelineFailed",
    "PipelineRun",
    "PipelineRunNotFound",
    "QualityReport",
    "ReadOptions",
    "RowRule",
    "RuleError",
    "RunCancelled",
    "RunEnded",
    "RunNotCompleted",
    "RunStatus",
    "RunStep",
    "SchemaDiff",
    "SchemaExists",
    "SchemaMismatch",
    "SchemaNotFound",
    "TooManyBadRows",
    "UnknownColumns",
    "UnreadableInput",
    "UnsupportedFormat",
    "Validation",
    "register_rule",
]

_ENTITIES = (
    "ColumnSpec", "ColumnType", "DataSchema", "FeatureEngineeringConfig", "PipelineRun", "RowRule", "RunStatus",
    "RunStep",
)  # fmt: skip
_HOMES = {
    **dict.fromkeys(_ENTITIES, "mlops.data_pipeline.entities"),
    "DataPipeline": "mlops.data_pipeline.aio",
    "DataPipelineService": "mlops.data_pipeline.service",
    "QualityReport": "mlops.data_pipeline.quality",
    "ReadOptions": "mlops.data_pipeline.reading",
    "SchemaDiff": "mlops.data_pipeline.schema_diff",
    "Validation": "mlops.data_pipeline.inspection",
    "register_rule": "mlops.data_pipeline.named_rules",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the module that it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mlops.data_pipeline' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
