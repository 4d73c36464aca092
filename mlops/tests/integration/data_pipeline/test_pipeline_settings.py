"""Settings of the data pipeline, set as a site would set them, by their variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops.data_pipeline import DataPipeline, PipelineFailed
from mlops.tests.integration.data_pipeline.conftest import run, samples


@pytest.fixture(autouse=True)
def table(tmp_path: Path) -> Path:
    """Return a table whose tenth row is bad."""
    samples(10, dose=[*[1.0] * 9, -1.0]).write_csv(tmp_path / "table.csv")
    return tmp_path / "table.csv"


def test_setting_data_dir_decides_where_outputs_live(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that a run wrote lies below the configured folder."""
    monkeypatch.setenv("MLOPS_DATA_DIR", str(tmp_path / "outputs here"))
    with DataPipeline().sync as pipeline:
        done = run(pipeline, table)
    assert all(Path(path).is_relative_to(tmp_path / "outputs here") for path in done.output_digests)


def test_setting_pipeline_default_project_is_that_of_runs_that_name_none(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs and schemas without a project are in the configured one."""
    monkeypatch.setenv("MLOPS_DATA_PIPELINE_DEFAULT_PROJECT", "haematology")
    with DataPipeline().sync as pipeline:
        assert run(pipeline, table).project == "haematology"
        assert [schema.project for schema in pipeline.list_schemas()] == ["haematology"]


def test_setting_max_bad_fraction_fails_runs_with_more_bad_rows(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One bad row of ten is too much for 5 %, unless the call allows more."""
    monkeypatch.setenv("MLOPS_DATA_PIPELINE_MAX_BAD_FRACTION", "0.05")
    with DataPipeline().sync as pipeline:
        with pytest.raises(PipelineFailed, match=r"max_bad_fraction allows 5.00%"):
            run(pipeline, table)
        assert run(pipeline, table, max_bad_fraction=0.1).quarantined_rows == 1
