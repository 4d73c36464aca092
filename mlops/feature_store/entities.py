"""The nouns of the feature store: what is described, by which features, from where, and what became of it.

All are frozen records. Nothing here reads a clock, a disk or a database.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, PlainSerializer, field_validator, model_validator
from pydantic.config import JsonDict

from mlops.feature_store.values import ColumnName, FeatureType, KeyType, Name, Tags, Text
from mlops.records import FrozenDict, FrozenMap, Record, thaw

__all__ = [
    "Entity",
    "Feature",
    "FeatureSource",
    "FeatureView",
    "Materialization",
    "MaterializationStatus",
    "OnDemandView",
    "SourceFormat",
    "TrainingSet",
    "ValueStatus",
]

JoinKeys = Annotated[Mapping[ColumnName, KeyType], Field(min_length=1), PlainSerializer(thaw)]
Words = Annotated[Mapping[str, str], PlainSerializer(thaw)]
_SERVER: JsonDict = {"readOnly": True}


class Entity(Record):
    """What features describe, such as a sample, a patient or an instrument.

    Attributes:
        name: Name in its project.
        join_keys: Columns that together say which one is meant, in order, each with the type of its values. A tuple of
            names means text.
        project: Empty means the store's.

    Example:
        >>> Entity(name="sample", join_keys=("sample_id",)).join_keys
        {'sample_id': <KeyType.STRING: 'string'>}
    """

    name: Name
    join_keys: JoinKeys
    description: Text = ""
    project: str = ""

    @field_validator("join_keys", mode="before")
    @classmethod
    def _names_are_text_keys(cls, keys: Any) -> Any:
        words = (keys,) if isinstance(keys, str) else keys
        return words if isinstance(words, Mapping) else dict.fromkeys(words, KeyType.STRING)

    @field_validator("join_keys", mode="after")
    @classmethod
    def _frozen(cls, keys: Mapping[str, KeyType]) -> Mapping[str, KeyType]:
        return FrozenDict({str(name): KeyType(kind) for name, kind in keys.items()})


class Feature(Record):
    """One column of a view."""

    name: ColumnName
    dtype: FeatureType
    description: Text = ""


class SourceFormat(StrEnum):
    """How a source is kept."""

    PARQUET = "parquet"
    CSV = "csv"
    FRAME = "frame"  # rows that were handed over and are kept among the store's files


class FeatureSource(Record):
    """Where a view's rows come from.

    Attributes:
        path: A file, or a pattern of files such as `runs/*.parquet`; for a frame, the digest of the stored rows.
        pipeline_run_id: The pipeline run that made the file; None for a file of other origin.
    """

    path: Text = Field(min_length=1)
    format: SourceFormat
    pipeline_run_id: str | None = None

    @classmethod
    def of(cls, origin: Any) -> FeatureSource:
        """Return the source that a path, or a completed pipeline run with its Parquet output, stands for.

        Raises:
            ValueError: It is neither, or a file of another kind than Parquet or CSV.
        """
        if isinstance(origin, cls):
            return origin
        run_id = getattr(origin, "run_id", None)
        path = getattr(origin, "output_parquet_path", None) or getattr(origin, "output_data_path", origin)
        if run_id is not None and path is None:
            raise ValueError(f"pipeline run {run_id!r} has no output; wait until it is completed")
        if not isinstance(path, str | os.PathLike):
            raise ValueError("a source is a path, a pipeline run with an output, or a FeatureSource")
        text = os.fspath(path)
        for ending, kind in {".parquet": SourceFormat.PARQUET, ".csv": SourceFormat.CSV}.items():
            if text.lower().endswith(ending):
                return cls(path=text, format=kind, pipeline_run_id=run_id)
        raise ValueError(
            "a source is a .parquet or .csv file; hand other rows over as a frame: apply_view(view, frame=…)"
        )


class FeatureView(Record):
    """Features of one entity from one source, at points in time.

    Attributes:
        entity: Name of the entity; the source has its join keys as columns.
        source: A path of Parquet or CSV, a pipeline run, or None where a frame is handed to `apply_view`.
        event_timestamp: Column of the time from which on a row is true.
        created_timestamp: Column of the time at which a row became known; None when the source does not say, so that
            rows count as known from their event on.
        features: Names with types; empty takes every other column of the source.
        ttl: Age at which a value is too old to be used; None for never.
        version: Number of this content; a server's field, as are the following.
        digest: SHA-256 of the content: entity, source, columns, types and TTL.
    """

    name: Name
    entity: Name
    source: FeatureSource | None = None
    event_timestamp: ColumnName = "event_timestamp"
    created_timestamp: ColumnName | None = None
    features: tuple[Feature, ...] = ()
    ttl: timedelta | None = None
    tags: Tags = FrozenDict()
    owner: Text = ""
    description: Text = ""
    project: str = ""

    version: int = Field(0, ge=0, json_schema_extra=_SERVER)
    view_id: str = Field("", json_schema_extra=_SERVER)
    digest: str = Field("", json_schema_extra=_SERVER)
    created_at: AwareDatetime | None = Field(None, json_schema_extra=_SERVER)
    created_by: str = Field("", json_schema_extra=_SERVER)

    @field_validator("source", mode="before")
    @classmethod
    def _any_origin(cls, origin: Any) -> Any:
        return (
            FeatureSource(**origin)
            if isinstance(origin, Mapping)
            else None
            if origin is None
            else FeatureSource.of(origin)
        )

    @field_validator("features", mode="before")
    @classmethod
    def _names_with_types(cls, features: Any) -> Any:
        if isinstance(features, Mapping):
            return tuple({"name": name, "dtype": dtype} for name, dtype in features.items())
        return features

    @model_validator(mode="after")
    def _columns_are_apart(self) -> FeatureView:
        names = [feature.name for feature in self.features]
        names += [name for name in (self.event_timestamp, self.created_timestamp) if name]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"column {doubled[0]!r} has two meanings; every feature and time is a column of its own")
        if self.ttl is not None and self.ttl <= timedelta(0):
            raise ValueError("ttl is longer than nothing; leave it out for values that never expire")
        return self

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(feature.name for feature in self.features)


class OnDemandView(Record):
    """Features that are computed when they are asked for, from other features and from values of the request.

    Attributes:
        inputs: For each input of the state, the feature it comes from as `view:feature`; an input that is left out
            comes with the request, or in training as a column of the entity rows.
        state: Document of the `FeatureState` that computes them, in training and in serving alike.
        features: Names of what it computes; a server's field.
    """

    name: Name
    inputs: Words = FrozenDict()
    state: FrozenMap
    tags: Tags = FrozenDict()
    owner: Text = ""
    description: Text = ""
    project: str = ""

    features: tuple[str, ...] = Field((), json_schema_extra=_SERVER)
    version: int = Field(0, ge=0, json_schema_extra=_SERVER)
    view_id: str = Field("", json_schema_extra=_SERVER)
    digest: str = Field("", json_schema_extra=_SERVER)
    created_at: AwareDatetime | None = Field(None, json_schema_extra=_SERVER)
    created_by: str = Field("", json_schema_extra=_SERVER)

    @field_validator("state", mode="before")
    @classmethod
    def _documents(cls, state: Any) -> Any:
        return state.to_document() if isinstance(state, Record) else state

    @field_validator("inputs", mode="after")
    @classmethod
    def _frozen(cls, inputs: Mapping[str, str]) -> Mapping[str, str]:
        return FrozenDict(inputs)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return self.features


class ValueStatus(StrEnum):
    """What is to be thought of an online value."""

    PRESENT = "present"
    MISSING = "missing"
    STALE = "stale"


class MaterializationStatus(StrEnum):
    """Where a materialisation stands; `interrupted` is one whose process ended before it did."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Materialization(Record):
    """One transfer of a view's last values to the online store.

    Attributes:
        start: Events after this moment were looked at; None for all.
        end: Events up to this moment were looked at.
        rows_read: Entities found in the range.
        rows_written: Entities brought to the online store so far; values there that are newer stay.
        beat_at: When it last wrote.
        error: Why it failed; empty unless it did.
    """

    run_id: str
    project: str
    view: str
    version: int
    view_id: str
    start: AwareDatetime | None = None
    end: AwareDatetime
    status: MaterializationStatus = MaterializationStatus.RUNNING
    rows_read: int = 0
    rows_written: int = 0
    source_digest: str = ""
    actor: str = ""
    started_at: AwareDatetime
    beat_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    error: str = ""


class TrainingSet(Record):
    """A training set that was saved: what was asked, of what, as of when, and what came of it.

    Attributes:
        digest: Identity of the rows: their columns, types and values in order, whatever file holds them.
        features: What was asked, as `view@version:feature`.
        as_of: Rows that became known later are not in it.
        is_pandas: Whether the entity rows came as pandas, and so are the rows returned.
        view_ids: The view versions that it was made of.
        sources: SHA-256 of every view's source at that time, by `view@version`.
        blobs: SHA-256 of the stored files: the `entities` asked for and the `rows` that came of them.
    """

    training_set_id: str
    project: str
    name: str
    digest: str
    features: tuple[str, ...]
    timestamp_column: str
    full_feature_names: bool = False
    as_of: AwareDatetime
    rows: int
    is_pandas: bool = False
    view_ids: tuple[str, ...] = ()
    sources: FrozenMap = FrozenDict()
    blobs: FrozenMap = FrozenDict()
    created_by: str = ""
