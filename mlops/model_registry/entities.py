"""The nouns of the model registry: what a caller tells of a model version, what is read back, and how it moved.

All are frozen records. Nothing here reads a clock, a disk or a database.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from pydantic import AwareDatetime, Field, model_validator
from pydantic.config import JsonDict

from mlops.model_registry.values import Columns, MetricMap
from mlops.records import FrozenDict, Json, Record
from mlops.values import Name, OptionalName, ParamMap, TagMap, Words

__all__ = [
    "METRIC_FIELDS",
    "SERVER_FIELDS",
    "Column",
    "ModelMetadata",
    "ModelMove",
    "ModelSignature",
    "ModelStatus",
    "MoveKind",
    "RegisteredVersion",
]


class ModelStatus(StrEnum):
    """Where a model version stands."""

    TRAINING = "training"
    VALIDATING = "validating"
    STAGING = "staging"
    PRODUCTION = "production"
    ARCHIVED = "archived"
    FAILED = "failed"


class MoveKind(StrEnum):
    """Why a version's status changed."""

    REGISTER = "register"
    IMPORT = "import"
    PROMOTE = "promote"
    DEMOTE = "demote"
    ARCHIVE = "archive"
    ROLLBACK = "rollback"
    FAIL = "fail"
    DELETE = "delete"


class Column(Record):
    """One named input or output of a model.

    Attributes:
        name: The column's name; `input` for a plain array, `prediction` and `probability` for what a model answers.
        dtype: `bool`, a NumPy number type such as `float64`, `number` (any of these), `string`, `category`, `datetime`,
            `duration`, `binary`, or `unknown`, which goes with everything.
        shape: Sizes of one row's value: `()` for a single value, `(30,)` for 30 numbers. None stands for any size.
        is_optional: Whether it may be left out, or missing in some rows.
        classes: The labels a classifier answers with, in its order; empty where not known.
    """

    name: Words
    dtype: str = "unknown"
    shape: tuple[int | None, ...] = ()
    is_optional: bool = False
    classes: tuple[Json, ...] = ()


class ModelSignature(Record):
    """What a model takes and what it answers; a side that is not known is empty.

    Attributes:
        inputs: Columns in the order the model takes them.
        outputs: Columns in the order the model answers.
    """

    inputs: tuple[Column, ...] = ()
    outputs: tuple[Column, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> ModelSignature:
        for side, columns in (("input", self.inputs), ("output", self.outputs)):
            names = [column.name for column in columns]
            doubled = [name for name in names if names.count(name) > 1] if len(set(names)) < len(names) else []
            if doubled:
                raise ValueError(f"{side} {doubled[0]!r} is there twice; every column has one name")
        return self


_SERVER: JsonDict = {"readOnly": True}


class ModelMetadata(Record):
    """Everything told and known of one version of a model.

    Fields of `SERVER_FIELDS` are decided by the registry: leave them alone when registering.

    Attributes:
        model_id: Name that all versions of the model share.
        version: A semantic version such as `1.2.0`; empty to be given the next one.
        metrics: Further metrics by name. None or absent means not measured; NaN is a value.
        training_data_hash: SHA-256 of the training data, as a dataset fingerprint has it.
        hyperparameters: Names to JSON values. They are searched as `params.<name>`.
        feature_columns: Names of the input columns in order.
        tags: Names to text, or a list of words, each of which becomes a tag with the value `true`.
        intended_use: Who should use the model for what; stands on the model card.
        limitations: Where it fails or must not be used; stands on the model card.
        project: Unique together with the model id and the version; empty means the configured default.
        experiment_id: The run that trained it.
        pipeline_run_id: The pipeline run that made its data.
        created_by: Empty means the actor at hand.
        promoted_at: When it last went to production.
        canonical_digest: Identity of the model's content.
        size_bytes: Size of its files.
        codec: The format of its files.
        signature: What it takes and answers.
        version_reason: Why it has this number.
        is_protected: Whether nobody may delete it.
    """

    model_id: Name
    version: str = ""
    name: Words = ""
    description: Words = ""
    model_type: Words = ""
    framework: Words = ""
    algorithm: Words = ""
    accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1_score: float | None = None
    confidence_score: float | None = None
    metrics: MetricMap = FrozenDict()
    training_data_hash: Words = ""
    training_duration_seconds: float | None = Field(None, ge=0)
    hyperparameters: ParamMap = FrozenDict()
    feature_columns: Columns = ()
    created_by: Words = ""
    tags: TagMap = FrozenDict()
    notes: Words = ""
    intended_use: Words = ""
    limitations: Words = ""
    project: OptionalName = ""
    experiment_id: str | None = None
    pipeline_run_id: str | None = None
    dataset_name: Words = ""
    dataset_version: Words = ""

    status: ModelStatus = Field(ModelStatus.TRAINING, json_schema_extra=_SERVER)
    created_at: AwareDatetime | None = Field(None, json_schema_extra=_SERVER)
    updated_at: AwareDatetime | None = Field(None, json_schema_extra=_SERVER)
    promoted_at: AwareDatetime | None = Field(None, json_schema_extra=_SERVER)
    canonical_digest: str = Field("", json_schema_extra=_SERVER)
    size_bytes: int = Field(0, ge=0, json_schema_extra=_SERVER)
    codec: str = Field("", json_schema_extra=_SERVER)
    signature: ModelSignature = Field(default_factory=ModelSignature, json_schema_extra=_SERVER)
    version_reason: str = Field("", json_schema_extra=_SERVER)
    is_protected: bool = Field(False, json_schema_extra=_SERVER)

    def _repr_html_(self) -> str:
        from mlops.model_registry.notebook import version_html

        return version_html(self)

    @staticmethod
    def _page_html_(versions: Sequence[ModelMetadata]) -> str:
        from mlops.model_registry.notebook import versions_html

        return versions_html(versions)

    def measured(self) -> dict[str, float]:
        """Return all metrics that were measured, the five fields first, by name.

        Example:
            >>> ModelMetadata(model_id="m", accuracy=0.95, metrics={"auc": 0.99}).measured()
            {'accuracy': 0.95, 'auc': 0.99}
        """
        fields = {name: getattr(self, name) for name in METRIC_FIELDS}
        return {**{name: value for name, value in fields.items() if value is not None}, **self.metrics}


class RegisteredVersion(Record):
    """What became of a registration.

    Attributes:
        metadata: The version that holds the content now.
        is_new: Whether it was made for it; otherwise it held this content before, and nothing changed.
    """

    metadata: ModelMetadata
    is_new: bool


METRIC_FIELDS = ("accuracy", "precision", "recall", "f1_score", "confidence_score")
"""Metrics that `ModelMetadata` has a field for, in order."""

SERVER_FIELDS: frozenset[str] = frozenset(
    name for name, field in ModelMetadata.model_fields.items() if field.json_schema_extra is _SERVER
)
"""Fields of `ModelMetadata` that the registry decides."""


class ModelMove(Record):
    """One change of a version's status: who, when, why.

    Attributes:
        sequence: Number of the move among all moves of the model, from 1.
        from_status: None for the first move of a version.
        to_status: None when the version was deleted.
        replaced_version: The version that went out of production for this one.
    """

    move_id: str
    project: str
    model_id: str
    sequence: int = Field(ge=1)
    version: str
    from_status: ModelStatus | None = None
    to_status: ModelStatus | None = None
    kind: MoveKind
    actor: str = ""
    reason: str = ""
    at: AwareDatetime
    replaced_version: str | None = None
