"""The data pipeline's rows on SQLite and PostgreSQL."""

from __future__ import annotations

from mlops.data_pipeline.sql.store import SqlPipelineStore

__all__ = ["SqlPipelineStore"]
