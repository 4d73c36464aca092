"""Outputs of an equal run are taken over once they are verified, and only those of an equal run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlops import jobs
from mlops.data_pipeline import DataPipelineService, PipelineRun, ReadOptions
from mlops.tests.integration.data_pipeline.conftest import MakePipeline, run, samples, samples_config, samples_schema


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a file with a table of samples, one of them bad."""
    samples(12, dose=[-1.0, *[1.0] * 11]).write_csv(tmp_path / "table.csv")
    return tmp_path / "table.csv"


def test_an_equal_run_takes_the_outputs_over(pipeline: DataPipelineService, table: Path) -> None:
    """Without reading anything anew; it says whose outputs they are, and has their counts, score and digests."""
    first = run(pipeline, table, config=samples_config())
    second = run(pipeline, table, config=samples_config())
    third = run(pipeline, table, config=samples_config(), pipeline_id="another")
    assert (second.cached_from, third.cached_from) == (first.run_id, first.run_id)
    assert [step.name for step in second.steps] == ["reuse"]
    told = (
        "input_rows", "output_rows", "quarantined_rows", "feature_count", "data_quality_score", "output_digests",
        "output_data_path", "quarantine_path", "report_path", "input_digest", "progress",
    )  # fmt: skip
    assert [getattr(second, name) for name in told] == [getattr(first, name) for name in told]
    assert pipeline.read_features(second.run_id).collect().equals(pipeline.read_features(first.run_id).collect())


def test_the_same_bytes_under_another_path_are_equal(sqlite_pipeline: DataPipelineService, table: Path) -> None:
    """What counts is the content."""
    first = run(sqlite_pipeline, table)
    copy = shutil.copy(table, table.parent / "copy.csv")
    assert run(sqlite_pipeline, copy).cached_from == first.run_id


OTHERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "schema": lambda _: {"schema": samples_schema(version="2", validation_rules={"r": "dose < 50"})},
    "features": lambda _: {"config": samples_config(version="2", scaling_method="robust")},
    "limit": lambda _: {"max_bad_fraction": 0.9},
    "output": lambda _: {"output_format": "parquet"},
    "reading": lambda _: {"read": ReadOptions(null_values=("-",))},
    "cache": lambda _: {"use_cache": False},
    "input": lambda table: {"data": samples(11).write_csv(table)},
    "name": lambda table: {"data": shutil.copy(table, table.with_suffix(".tsv"))},
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_run_that_differs_is_not_equal(sqlite_pipeline: DataPipelineService, table: Path, other: str) -> None:
    """By schema, features, an option, the input's content or the form that its name says."""
    told: dict[str, Any] = {"config": samples_config()}
    run(sqlite_pipeline, table, **told)
    changed = OTHERS[other](table)
    data = changed.pop("data", None) or table
    read = {"read": ReadOptions(separator=",")} if other == "name" else {}
    assert run(sqlite_pipeline, data, **{**told, **changed, **read}).cached_from is None


@pytest.mark.parametrize("harm", ["changed", "removed"])
def test_a_damaged_output_is_not_reused(sqlite_pipeline: DataPipelineService, table: Path, harm: str) -> None:
    """All is made anew, the run's job tells why, and the next run takes the new outputs over."""
    first = run(sqlite_pipeline, table)
    report = Path(first.report_path or "")
    report.unlink() if harm == "removed" else report.write_text(report.read_text() + " ")
    second = run(sqlite_pipeline, table)
    assert second.cached_from is None
    assert run(sqlite_pipeline, table).cached_from == second.run_id
    with sqlite_pipeline._database.read() as tx:
        assert "are not used" in "".join(line.message for line in jobs.job_logs(tx, second.job_id or ""))


def test_a_query_is_never_taken_for_equal(sqlite_pipeline: DataPipelineService, sqlite_url: str) -> None:
    """A database has to be asked to know what is in it."""
    query = ReadOptions(query="SELECT 'S1' AS sample_id, 1 AS approved")
    assert [run(sqlite_pipeline, sqlite_url, read=query).cached_from for _ in range(2)] == [None, None]


def test_functions_among_the_steps_are_run_every_time(sqlite_pipeline: DataPipelineService, table: Path) -> None:
    """What a function does cannot be read off it; an expression can be compared."""
    sqlite_pipeline.register_transformation("doubled", lambda rows: rows.with_columns(twice=pl.col("dose") * 2))
    config = samples_config(numeric_features=["twice"], custom_transformations=["doubled"])
    for _ in range(2):
        assert run(sqlite_pipeline, table, config=config).cached_from is None


def test_a_rule_that_means_something_else_is_not_equal(sqlite_pipeline: DataPipelineService, table: Path) -> None:
    """A named rule is compared by its expression."""
    schema = samples_schema(validation_rules=[{"name": "r", "polars_name": "low"}])
    sqlite_pipeline.register_rule("low", lambda: pl.col("dose") < 50)
    first = run(sqlite_pipeline, table, schema)
    assert run(sqlite_pipeline, table, schema).cached_from == first.run_id
    sqlite_pipeline.register_rule("low", lambda: pl.col("dose") < 0.5)
    second = run(sqlite_pipeline, table, schema)
    assert (second.cached_from, second.quarantined_rows) == (None, 12)


def test_projects_may_share_outputs(make_pipeline: MakePipeline, sqlite_url: str, table: Path) -> None:
    """Whoever has the same input, schema and features has the same outputs."""
    first: PipelineRun = run(make_pipeline(sqlite_url, project="here"), table)
    assert run(make_pipeline(sqlite_url, project="there"), table).cached_from == first.run_id
