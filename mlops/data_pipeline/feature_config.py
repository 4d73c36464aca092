"""What features a pipeline makes of a table's good rows: the user's words for it, and the plan that they stand for."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator
from pydantic.config import JsonDict

from mlops.errors import InvalidRecord
from mlops.features.plan import FeaturePlan
from mlops.features.splitting import Split
from mlops.records import FrozenDict, FrozenMap, Record, encode_json, thaw
from mlops.values import Name, OptionalName, TagMap, Words

__all__ = ["FeatureEngineeringConfig"]

_SERVER: JsonDict = {"readOnly": True}


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not name or names.count(name) > 1:
            raise ValueError(f"{name!r} is {'listed twice' if name else 'no name'}; list every column once")
    return names


Names = Annotated[tuple[Words, ...], AfterValidator(_each_once)]
"""Names in order, each once."""


class FeatureEngineeringConfig(Record):
    """How features are made. A version of a configuration never changes once it is stored.

    Attributes:
        config_id: Empty to be given one.
        name: Shared by all versions; unique in its project together with the version.
        numeric_features: Columns imputed and scaled. Columns may be named here that a schema does not know.
        categorical_features: Columns encoded.
        text_features: Columns turned into TF-IDF weights of their words.
        datetime_features: Columns turned into year, month, day, weekday, hour and the like.
        target_column: What is to be predicted; it is passed through, and needed for target encoding and selection by
            mutual information.
        imputation_strategy: What stands for an empty number.
        imputation_value: The number of `constant`, and of a column without any value.
        scaling_method: How numbers are scaled.
        encoding_method: How categories become numbers; `target` is out of fold on the training part.
        variance_threshold: Drop features whose variance is at most this.
        correlation_threshold: Drop the later of two features that are correlated more than this.
        mutual_information: Keep this many features, those that tell most about the target.
        max_features: Most features kept; None for all.
        split: How rows are divided; features are fitted on the training part alone. Also a dict such as
            `{"method": "group", "column": "patient_id"}`. None fits on all rows.
        custom_transformations: Names of registered transformations, in the order in which they are applied, before
            everything else.
        options: Further fields of `mlops.features.FeaturePlan` by name, such as `{"missing_indicators": True}`.
        project: Empty means the configured default.
    """

    config_id: OptionalName = ""
    name: Name
    version: Name = "1.0"
    description: Words = ""
    numeric_features: Names = ()
    categorical_features: Names = ()
    text_features: Names = ()
    datetime_features: Names = ()
    target_column: Words | None = None
    imputation_strategy: Literal["mean", "median", "constant", "none"] = "mean"
    imputation_value: float = Field(0.0, allow_inf_nan=False)
    scaling_method: Literal["standard", "minmax", "robust", "none"] = "standard"
    encoding_method: Literal["onehot", "label", "target"] = "onehot"
    variance_threshold: float | None = Field(None, ge=0)
    correlation_threshold: float | None = Field(None, gt=0, le=1)
    mutual_information: int | None = Field(None, ge=1)
    max_features: int | None = Field(None, ge=1)
    split: Split | None = Field(default_factory=Split)
    custom_transformations: Names = ()
    options: FrozenMap = FrozenDict()
    tags: TagMap = FrozenDict()
    project: OptionalName = ""

    created_at: AwareDatetime | None = Field(None, json_schema_extra=_SERVER)
    created_by: Words = Field("", json_schema_extra=_SERVER)

    @model_validator(mode="after")
    def _has_a_plan(self) -> Self:
        try:
            self.plan()
        except InvalidRecord as error:
            raise ValueError(" ".join(error.problems)) from error
        return self

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Names of all columns that features are made of, in the order in which they are listed."""
        return self.numeric_features + self.categorical_features + self.text_features + self.datetime_features

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of all that decides about features; names, descriptions and tags do not."""
        labels = {"config_id", "name", "version", "description", "tags", "project", "created_at", "created_by"}
        return hashlib.sha256(encode_json(self.model_dump(mode="json", exclude=labels)).encode()).hexdigest()

    def plan(self) -> FeaturePlan:
        """Return what is to be fitted, in the words of `mlops.features`.

        Example:
            >>> FeatureEngineeringConfig(name="Lab", numeric_features=["dose"], options={"cyclic": True}).plan().cyclic
            True
        """
        named = {name: getattr(self, field) for field, name in _PLAN_FIELDS.items()}
        doubled = sorted(named.keys() & self.options.keys())
        if doubled:
            field = next(field for field, name in _PLAN_FIELDS.items() if name == doubled[0])
            raise InvalidRecord("FeatureEngineeringConfig", [f"Option {doubled[0]!r} is a field here: pass {field}=…."])
        return FeaturePlan(**named, **thaw(self.options))


_PLAN_FIELDS = {
    "numeric_features": "numeric",
    "categorical_features": "categorical",
    "text_features": "text",
    "datetime_features": "datetime",
    "custom_transformations": "steps",
    "target_column": "target",
    "imputation_strategy": "numeric_imputation",
    "imputation_value": "numeric_fill",
    "scaling_method": "scaling",
    "encoding_method": "encoding",
    "variance_threshold": "variance_threshold",
    "correlation_threshold": "correlation_threshold",
    "mutual_information": "mutual_information",
    "max_features": "max_features",
}
"""Fields of a configuration to those of the plan."""
