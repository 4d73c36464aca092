"""The store of the data pipeline on SQLAlchemy Core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mlops.data_pipeline.entities import DataSchema, FeatureEngineeringConfig, PipelineRun, RunStatus
from mlops.data_pipeline.sql.documents import VersionedDocuments
from mlops.data_pipeline.sql.tables import feature_configs, pipeline_runs, schemas
from mlops.database import Transaction
from mlops.errors import InvalidInput
from mlops.records import decode_json, encode_json
from mlops.search import Page

__all__ = ["SqlPipelineStore"]

_DOCUMENT_VERSION = 1
_MOST_LISTED = 10_000


class SqlPipelineStore:
    """`PipelineStore` in SQL; it keeps nothing between transactions."""

    def __init__(self) -> None:
        self._schemas = VersionedDocuments(schemas, "schema_id", DataSchema)
        self._configs = VersionedDocuments(feature_configs, "config_id", FeatureEngineeringConfig)

    def insert_schema(self, tx: Transaction, schema: DataSchema) -> bool:
        """Store a schema, unless it is taken."""
        return self._schemas.insert(tx, schema)

    def find_schema(
        self, tx: Transaction, *, project: str, schema_id: str = "", name: str = "", version: str = ""
    ) -> DataSchema | None:
        """Return a schema by id, or by name and version."""
        return self._schemas.find(tx, project=project, key=schema_id, name=name, version=version)

    def list_schemas(self, tx: Transaction, *, project: str, name: str = "") -> list[DataSchema]:
        """Return a project's schemas."""
        return self._schemas.list(tx, project=project, name=name)

    def insert_config(self, tx: Transaction, config: FeatureEngineeringConfig) -> bool:
        """Store a feature configuration, unless it is taken."""
        return self._configs.insert(tx, config)

    def find_config(
        self, tx: Transaction, *, project: str, config_id: str = "", name: str = "", version: str = ""
    ) -> FeatureEngineeringConfig | None:
        """Return a feature configuration by id, or by name and version."""
        return self._configs.find(tx, project=project, key=config_id, name=name, version=version)

    def list_configs(self, tx: Transaction, *, project: str, name: str = "") -> list[FeatureEngineeringConfig]:
        """Return a project's feature configurations."""
        return self._configs.list(tx, project=project, name=name)

    def insert_run(self, tx: Transaction, run: PipelineRun) -> None:
        """Store a new run."""
        values = {
            "run_id": run.run_id,
            "project": run.project,
            "pipeline_id": run.pipeline_id,
            "cache_key": "",
            "created_at": run.created_at,
            "schema_version": _DOCUMENT_VERSION,
            **_changing(run),
        }
        tx.execute(sa.insert(pipeline_runs).values(values))

    def update_run(self, tx: Transaction, run: PipelineRun, *, cache_key: str = "") -> None:
        """Replace what is stored of a run."""
        changed = {**_changing(run), "cache_key": cache_key}
        tx.execute(sa.update(pipeline_runs).where(pipeline_runs.c.run_id == run.run_id).values(changed))

    def find_run(self, tx: Transaction, run_id: str, *, is_locked: bool = False) -> PipelineRun | None:
        """Return a run."""
        query = sa.select(pipeline_runs.c.document).where(pipeline_runs.c.run_id == run_id)
        text = tx.execute(query.with_for_update() if is_locked else query).scalar()
        return None if text is None else _read(text)

    def is_way_known(self, tx: Transaction, way: str) -> bool:
        """Return whether any completed run has a key of this way."""
        key = pipeline_runs.c.cache_key
        query = sa.select(key).where(key >= f"{way}:", key < f"{way};").limit(1)
        return bool(way) and tx.execute(query).scalar() is not None

    def list_inputs(self, tx: Transaction, run_ids: Sequence[str]) -> list[str]:
        """Return the inputs of those of these runs that there are."""
        query = sa.select(pipeline_runs.c.document).where(pipeline_runs.c.run_id.in_(run_ids))
        return [_read(text).input_data_path for text in tx.execute(query).scalars()]

    def find_equal_run(self, tx: Transaction, cache_key: str) -> PipelineRun | None:
        """Return the newest completed run with this key."""
        if not cache_key:
            return None
        table = pipeline_runs.c
        query = sa.select(table.document).where(table.cache_key == cache_key).order_by(table.run_id.desc()).limit(1)
        text = tx.execute(query).scalar()
        return None if text is None else _read(text)

    def list_runs(
        self,
        tx: Transaction,
        *,
        project: str,
        pipeline_id: str = "",
        status: RunStatus | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[PipelineRun]:
        """Return a page of runs, the newest first."""
        if not 1 <= limit <= _MOST_LISTED:
            raise InvalidInput(f"limit is {limit}; a page has 1 to {_MOST_LISTED} runs. Use next_cursor for more.")
        table = pipeline_runs.c
        wanted: list[Any] = [table.project == project]
        wanted += [table.pipeline_id == pipeline_id] if pipeline_id else []
        wanted += [table.status == str(status)] if status is not None else []
        wanted += [table.run_id < cursor] if cursor is not None else []
        query = sa.select(table.document).where(*wanted).order_by(table.run_id.desc()).limit(limit + 1)
        found = [_read(text) for text in tx.execute(query).scalars()]
        return Page(found[:limit], found[limit - 1].run_id if len(found) > limit else None)


def _changing(run: PipelineRun) -> dict[str, Any]:
    return {
        "status": str(run.status),
        "input_digest": run.input_digest,
        "job_id": run.job_id,
        "document": encode_json(run.to_document()),
    }


def _read(text: str) -> PipelineRun:
    return PipelineRun.from_document(decode_json(text))
