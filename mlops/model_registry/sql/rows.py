"""Versions as rows and back, in the values that drivers take and give.

Columns are what a search names and what moves change; the document has everything else, and the metrics once more,
because a column cannot tell NaN from a metric that was not measured.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlops.artifacts import SavedArtifact
from mlops.database import read_moment, write_moment
from mlops.model_registry.entities import METRIC_FIELDS, ModelMetadata, ModelSignature, ModelStatus
from mlops.model_registry.sql.tables import models
from mlops.model_registry.stored import StoredVersion
from mlops.model_registry.versions import SemanticVersion
from mlops.records import FrozenDict, decode_json, encode_json

__all__ = ["COLUMNS", "driver_moment", "from_row", "moment", "to_row"]

COLUMNS = tuple(column.name for column in models.columns)
_IN_COLUMNS = ("project", "model_id", "version", "created_at", "status", "updated_at", "promoted_at", "is_protected")
_FIELDS = tuple(ModelMetadata.model_fields)
_IN_DOCUMENT = tuple(name for name in _FIELDS if name not in _IN_COLUMNS)
_COPIED = tuple(name for name in _FIELDS if name in COLUMNS and name not in {*_IN_COLUMNS, *METRIC_FIELDS, "signature"})
_MOMENTS = ("created_at", "updated_at", "promoted_at")
_FILES = ("saved", "sample", "answers")
_DEFAULTS = {name: ModelMetadata.model_fields[name].get_default(call_default_factory=True) for name in _FIELDS}


def to_row(stored: StoredVersion, dialect: str) -> tuple[Any, ...]:
    """Return the values of all columns, in order."""
    told, number = stored.metadata, SemanticVersion.parse(stored.version)
    row = {name: getattr(told, name) for name in (*_COPIED, *METRIC_FIELDS)}
    row |= dict(zip(("project", "model_id", "version"), (*stored.key, stored.version), strict=True))
    row |= {"major": number.major, "minor": number.minor, "patch": number.patch, "prerelease": number.prerelease_key}
    row |= {"version_id": stored.version_id, "digest": stored.saved.digest}
    row |= {"signature": encode_json(told.signature.model_dump()), "document": _document(stored)}
    row |= {"environment_digest": stored.environment_digest, "schema_version": StoredVersion.schema_version}
    row |= {"status": str(told.status), "is_protected": int(told.is_protected)}
    row |= {name: driver_moment(getattr(told, name), dialect) for name in _MOMENTS}
    row |= {"deleted_at": driver_moment(stored.deleted_at, dialect)}
    return tuple(row[name] for name in COLUMNS)


def from_row(row: Sequence[Any]) -> StoredVersion:
    """Build a version without validating once more what was validated when it was stored."""
    values = dict(zip(COLUMNS, row, strict=True))
    document = decode_json(values["document"])
    told = _DEFAULTS | {name: value for name, value in document["metadata"].items() if name in _DEFAULTS}
    told |= {name: values[name] for name in ("project", "model_id", "version")}
    told |= {name: moment(values[name]) for name in _MOMENTS}
    told |= {"status": ModelStatus(values["status"]), "is_protected": bool(values["is_protected"])}
    told |= {name: FrozenDict(told[name]) for name in ("metrics", "hyperparameters", "tags")}
    told |= {"feature_columns": tuple(told["feature_columns"]), "signature": _signature(values["signature"])}
    files = {name: _saved(document.get(name)) for name in _FILES}
    own = {"version_id": values["version_id"], "environment_digest": values["environment_digest"]}
    return StoredVersion.trusted(
        {**own, **files, "metadata": ModelMetadata.trusted(told), "deleted_at": moment(values["deleted_at"])}
    )


def driver_moment(value: datetime | None, dialect: str) -> str | datetime | None:
    """Return a time as a driver takes it."""
    return value if value is None or dialect == "postgresql" else write_moment(value)


def moment(value: str | datetime | None) -> datetime | None:
    """Read a time as a driver gives it: text on SQLite, in the session's zone on PostgreSQL."""
    if value is None:
        return None
    return read_moment(value) if isinstance(value, str) else value.astimezone(UTC)


def _document(stored: StoredVersion) -> str:
    told = {name: getattr(stored.metadata, name) for name in _IN_DOCUMENT if name != "signature"}
    document: dict[str, Any] = {"metadata": told}
    document |= {name: saved.to_document() for name in _FILES if (saved := getattr(stored, name)) is not None}
    return encode_json(document)


@functools.lru_cache(maxsize=256)
def _signature(text: str) -> ModelSignature:
    """Read a signature, which most versions of a model share."""
    return ModelSignature.from_document(decode_json(text))


def _saved(document: Mapping[str, Any] | None) -> SavedArtifact | None:
    if document is None:
        return None
    return SavedArtifact.trusted({**document, "details": FrozenDict(document["details"])})
