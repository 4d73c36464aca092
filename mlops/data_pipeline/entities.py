"""The nouns of the data pipeline: schemas, feature configurations, and the runs that apply them.

All are frozen records. Nothing here reads a clock, a disk or a database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, PlainSerializer, PlainValidator, model_validator
from pydantic.config import JsonDict

from mlops.data_pipeline.column_spec import ColumnSpec
from mlops.data_pipeline.feature_config import FeatureEngineeringConfig
from mlops.data_pipeline.row_rules import RowRule, check_rules, rules_of
from mlops.data_pipeline.snapshot_columns import is_own
from mlops.data_pipeline.typed_values import ColumnType
from mlops.errors import InvalidRecord
from mlops.records import FrozenDict, FrozenMap, Record, encode_json
from mlops.values import Name, OptionalName, TagMap, Words, short_repr

__all__ = [
    "ENDED",
    "SERVER_FIELDS",
    "ColumnSpec",
    "ColumnType",
    "DataSchema",
    "FeatureEngineeringConfig",
    "PipelineRun",
    "RowRule",
    "RunStatus",
    "RunStep",
]

_SERVER: JsonDict = {"readOnly": True}


def _column_map(value: object) -> FrozenDict:
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"expected a mapping of column names to what each has to be, not {short_repr(value)}")
    return FrozenDict({_column_name(name): _column_spec(name, spec) for name, spec in value.items()})


def _column_name(name: object) -> str:
    if not isinstance(name, str) or not name or "\0" in name:
        raise ValueError(f"{name!r} is no name of a column; names are text of at least one character")
    if is_own(name):
        raise ValueError(f"column {name!r}: names that begin with two underscores are the pipeline's own; rename it")
    return name


def _column_spec(name: str, spec: object) -> ColumnSpec:
    if isinstance(spec, ColumnSpec):
        return spec
    if isinstance(spec, str):
        spec = {"type": spec}
    if not isinstance(spec, Mapping):
        raise ValueError(f"column {name!r}: expected a type or a mapping such as {{'type': 'float'}}, not {spec!r}")
    try:
        return ColumnSpec(**spec)
    except InvalidRecord as error:
        raise ValueError(f"column {name!r}: {' '.join(error.problems)}") from error


def _documents(columns: Mapping[str, ColumnSpec]) -> dict[str, Any]:
    return {name: spec.model_dump(mode="json") for name, spec in columns.items()}


ColumnMap = Annotated[Mapping[str, ColumnSpec], PlainValidator(_column_map), PlainSerializer(_documents)]
"""Names of columns, in order, to what each has to be; a mapping or the bare name of a type makes a `ColumnSpec`."""


class DataSchema(Record):
    """What the rows of a table have to be. A version of a schema never changes once it is stored.

    Fields of `SERVER_FIELDS` are decided by the pipeline: leave them alone when creating.

    Attributes:
        schema_id: Empty to be given one.
        name: Shared by all versions of the schema; unique in its project together with the version.
        version: The version's own text, `1.0` or the like.
        columns: Names to `ColumnSpec`, or to dicts such as `{"type": "float", "nullable": True}`, in order.
        validation_rules: Conditions across columns: a mapping of names to expressions, or a list of `RowRule` or of
            dicts such as `{"name": "dose", "expression": "dose <= 2 * max_dose", "severity": "warning"}`.
        unknown_columns: What becomes of a table with further columns: `allow` and `warn` keep them, `refuse` fails.
        project: Empty means the configured default.
        created_by: The actor at hand.

    Example:
        >>> schema = DataSchema(name="Samples", columns={"sample_id": "string", "dose": {"type": "float", "min": 0}})
        >>> schema.columns["dose"].min
        0.0
    """

    schema_id: OptionalName = ""
    name: Name
    version: Name = "1.0"
    description: Words = ""
    columns: ColumnMap
    validation_rules: tuple[RowRule, ...] = ()
    unknown_columns: Literal["allow", "warn", "refuse"] = "warn"
    tags: TagMap = FrozenDict()
    project: OptionalName = ""

    created_at: AwareDatetime | None = Field(None, json_schema_extra=_SERVER)
    created_by: Words = Field("", json_schema_extra=_SERVER)

    @model_validator(mode="before")
    @classmethod
    def _parts_made(cls, values: Any) -> Any:
        """Make the columns and rules of what was given, so that an error speaks of the one at fault alone."""
        makers = {"columns": _column_map, "validation_rules": rules_of}
        return {name: makers[name](value) if name in makers else value for name, value in values.items()}

    @model_validator(mode="after")
    def _rules_fit(self) -> Self:
        check_rules(self.validation_rules, {name: spec.type for name, spec in self.columns.items()})
        return self

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of all that decides about rows; names, descriptions and tags do not."""
        meaning = {
            "columns": [
                [name, spec.model_dump(mode="json", exclude={"description"})] for name, spec in self.columns.items()
            ],
            "rules": [rule.model_dump(mode="json", exclude={"description"}) for rule in self.validation_rules],
            "unknown_columns": self.unknown_columns,
        }
        return hashlib.sha256(encode_json(meaning).encode()).hexdigest()

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the columns that together identify a row; empty when none is marked."""
        return tuple(name for name, spec in self.columns.items() if spec.primary_key)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of this schema, with its digest and the order of its columns, which JSON loses."""
        return {**super().to_document(), "column_order": list(self.columns), "digest": self.digest}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a stored document; see `Record.from_document`."""
        columns = document.get("columns") or {}
        order = [name for name in document.get("column_order", ()) if name in columns]
        ordered = {name: columns[name] for name in dict.fromkeys([*order, *columns])}
        return super().from_document({**document, "columns": ordered})


SERVER_FIELDS: frozenset[str] = frozenset(
    name for name, field in DataSchema.model_fields.items() if field.json_schema_extra is _SERVER
)
"""Fields of `DataSchema` and `FeatureEngineeringConfig` that the pipeline decides."""


class RunStatus(StrEnum):
    """Where a pipeline run stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})
"""Statuses that a run does not leave."""


class RunStep(Record):
    """One step of a run.

    Attributes:
        name: `read`, `validate`, `assess`, `features`, `publish` and the like.
        rows_in: Rows it was given; None when it does not deal in rows.
        rows_out: Rows it passed on.
        seconds: How long it took.
        details: Further facts by name.
    """

    name: Name
    rows_in: int | None = Field(None, ge=0)
    rows_out: int | None = Field(None, ge=0)
    seconds: float = Field(0.0, ge=0)
    details: FrozenMap = FrozenDict()


class PipelineRun(Record):
    """One application of a schema and a feature configuration to an input.

    Once completed, `output_rows + quarantined_rows == input_rows`.

    Attributes:
        run_id: Sortable by creation.
        pipeline_id: The caller's name for what is run again and again.
        input_format: `csv`, `tsv`, `excel`, `parquet`, `jsonl` or `sql`.
        input_digest: SHA-256 of the input's bytes.
        data_schema_version: The schema's own version.
        feature_config_id: None for a run without features.
        options: What else the caller asked for, by name.
        input_rows: None until they were counted, as the other counts.
        feature_count: Columns of the feature table, the target left out.
        data_quality_score: From 0 to 1.
        output_data_path: Good rows in the input's format.
        output_parquet_path: Good rows as Parquet.
        feature_data_path: The feature table as Parquet.
        feature_state_path: The fitted state as JSON.
        quarantine_path: Bad rows with their reasons; None when there are none.
        report_path: The quality report as JSON.
        report_html_path: The quality report as a page.
        output_digests: SHA-256 of each file that the run published, by its path.
        progress: From 0 to 1.
        current_step: What an unfinished run is doing: `read`, `validate`, `assess`, `features`, `write` or `publish`.
        error: What failed, in a sentence.
        error_details: The failing column, sample values and the like.
        cached_from: The run whose outputs these are.
        job_id: The job that does the work.
    """

    run_id: Name
    pipeline_id: Name
    project: OptionalName = ""
    status: RunStatus = RunStatus.PENDING
    input_data_path: Words
    input_format: Words = ""
    input_digest: Words = ""
    schema_id: Words = ""
    data_schema_version: Words = ""
    schema_digest: Words = ""
    feature_config_id: Words | None = None
    feature_config_digest: Words = ""
    options: FrozenMap = FrozenDict()
    input_rows: int | None = Field(None, ge=0)
    output_rows: int | None = Field(None, ge=0)
    quarantined_rows: int | None = Field(None, ge=0)
    feature_count: int | None = Field(None, ge=0)
    data_quality_score: float | None = Field(None, ge=0, le=1)
    output_data_path: Words | None = None
    output_parquet_path: Words | None = None
    feature_data_path: Words | None = None
    feature_state_path: Words | None = None
    quarantine_path: Words | None = None
    report_path: Words | None = None
    report_html_path: Words | None = None
    output_digests: FrozenMap = FrozenDict()
    steps: tuple[RunStep, ...] = ()
    progress: float = Field(0.0, ge=0, le=1)
    current_step: Words = ""
    error: Words | None = None
    error_details: FrozenMap = FrozenDict()
    cached_from: Words | None = None
    job_id: Words | None = None
    created_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    created_by: Words = ""

    @property
    def is_ended(self) -> bool:
        """Whether the run completed, failed or was cancelled."""
        return self.status in ENDED

    @property
    def duration_seconds(self) -> float | None:
        """Seconds from start to end; None while it lacks either."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()
