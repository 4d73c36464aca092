"""Pipelines on real databases, and a small table of samples to run through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlops.data_pipeline import DataPipelineService, DataSchema, FeatureEngineeringConfig, PipelineRun

MakePipeline = Callable[..., DataPipelineService]


@pytest.fixture
def make_pipeline(tmp_path: Path) -> Iterator[MakePipeline]:
    """Yield what opens a pipeline on a database; all of them are closed afterwards.

    Name it after the fixture of the database: its pipelines have to be closed before that goes.
    """
    opened: list[DataPipelineService] = []

    def make(url: str, **told: Any) -> DataPipelineService:
        opened.append(DataPipelineService(url, told.pop("data_dir", tmp_path / "kept"), **told))
        return opened[-1]

    yield make
    for pipeline in opened:
        pipeline.close()


@pytest.fixture
def pipeline(database_url: str, make_pipeline: MakePipeline) -> DataPipelineService:
    """Return a pipeline on SQLite and on PostgreSQL in turn."""
    return make_pipeline(database_url)


@pytest.fixture
def sqlite_pipeline(sqlite_url: str, make_pipeline: MakePipeline) -> DataPipelineService:
    """Return a pipeline on SQLite, for what does not depend on the database."""
    return make_pipeline(sqlite_url)


def samples_schema(**told: Any) -> DataSchema:
    """Return the schema of `samples`."""
    columns = {
        "sample_id": {"type": "string", "primary_key": True},
        "kind": {"type": "category", "allowed_values": ["blood", "tissue"]},
        "dose": {"type": "float", "min": 0, "max": 100},
        "count": {"type": "integer"},
        "taken": {"type": "date"},
        "approved": {"type": "boolean", "nullable": False},
    }
    return DataSchema(**{"name": "samples", "columns": columns, **told})


def samples(rows: int = 30, **columns: Any) -> pl.DataFrame:
    """Return a table whose rows all fit `samples_schema`."""
    found = pl.DataFrame(
        {
            "sample_id": [f"S{row:03}" for row in range(rows)],
            "kind": ["blood" if row % 3 else "tissue" for row in range(rows)],
            "dose": [row * 1.5 % 90 for row in range(rows)],
            "count": [row * row for row in range(rows)],
            "taken": [date(2026, 3, row % 28 + 1) for row in range(rows)],
            "approved": [row % 2 == 0 for row in range(rows)],
        }
    )
    return found.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def samples_config(**told: Any) -> FeatureEngineeringConfig:
    """Return a configuration of features for `samples`."""
    fields = {"name": "samples", "numeric_features": ["dose", "count"], "categorical_features": ["kind"], **told}
    return FeatureEngineeringConfig(**fields)


def lines(*rows: str) -> str:
    """Return a CSV file of samples with these rows below the header."""
    return "\n".join(["sample_id,kind,dose,count,taken,approved", *rows, ""])


def run(pipeline: DataPipelineService, data: Any, schema: DataSchema | None = None, **told: Any) -> PipelineRun:
    """Run a table through the pipeline, and return the run once it has completed."""
    config = told.pop("config", None)
    run_id = pipeline.run_pipeline(
        told.pop("pipeline_id", "samples"),
        data,
        pipeline.create_schema(schema or samples_schema()),
        pipeline.create_feature_config(config) if config else None,
        **told,
    )
    return pipeline.wait(run_id, timeout_s=120)


def left_behind(folder: Path) -> list[str]:
    """Return what stands in a pipeline's folder beside published outputs."""
    files = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in files if not name.startswith(("runs/", "inputs/")) or name.endswith(".part"))
