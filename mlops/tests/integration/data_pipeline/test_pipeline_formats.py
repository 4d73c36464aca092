"""One table in every form that an input may have: the same rows come out, in the input's form and as Parquet."""

from __future__ import annotations

import gzip
import io
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mlops.data_pipeline import DataPipelineService, DataSchema, PipelineFailed, PipelineRun, ReadOptions
from mlops.errors import InvalidInput
from mlops.tests.integration.data_pipeline.conftest import MakePipeline, run, samples, samples_schema


def as_csv(table: pl.DataFrame, **told: Any) -> bytes:
    file = io.BytesIO()
    table.write_csv(file, **told)
    return file.getvalue()


def as_excel(table: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    table.write_excel(file)
    return file.getvalue()


def as_parquet(table: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    table.write_parquet(file)
    return file.getvalue()


WRITERS: dict[str, Callable[[pl.DataFrame], bytes]] = {
    "table.csv": as_csv,
    "table.tsv": lambda table: as_csv(table, separator="\t"),
    "semicolons.csv": lambda table: as_csv(table, separator=";"),
    "table.csv.gz": lambda table: gzip.compress(as_csv(table)),
    "table.jsonl": lambda table: table.write_ndjson().encode(),
    "table.jsonl.gz": lambda table: gzip.compress(table.write_ndjson().encode()),
    "table.xlsx": as_excel,
    "table.parquet": as_parquet,
}
READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    "table.csv": pl.read_csv,
    "table.tsv": lambda file: pl.read_csv(file, separator="\t"),
    "semicolons.csv": lambda file: pl.read_csv(file, separator=";"),
    "table.csv.gz": pl.read_csv,
    "table.jsonl": pl.read_ndjson,
    "table.jsonl.gz": lambda file: pl.read_ndjson(gzip.decompress(file.read_bytes())),
    "table.xlsx": pl.read_excel,
    "table.parquet": pl.read_parquet,
}


def plain(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with the types that every form can hold."""
    return table.with_columns(pl.col("taken").cast(pl.String), pl.col("dose").cast(pl.Float64))


def good_rows(done: PipelineRun, pipeline: DataPipelineService) -> pl.DataFrame:
    assert done.output_rows is not None
    assert done.quarantined_rows is not None
    assert done.output_rows + done.quarantined_rows == done.input_rows
    return pipeline.read_output(done.run_id).collect()


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_gives_the_same_rows(sqlite_pipeline: DataPipelineService, tmp_path: Path, name: str) -> None:
    """Types are the schema's whatever the form could say of them, and the copy in the input's form agrees."""
    table = samples(20, dose=[1.5, None, *range(2, 20)])
    (tmp_path / name).write_bytes(WRITERS[name](table))
    done = run(sqlite_pipeline, tmp_path / name)
    assert_frame_equal(good_rows(done, sqlite_pipeline), table)
    assert done.output_data_path is not None
    output = Path(done.output_data_path)
    assert output.suffixes == Path(name).suffixes
    assert_frame_equal(plain(READERS[name](output)), plain(table))


GERMAN = "id;Gerät;dosis;am\r\nS1;Mühle;1,5;01.02.2026\r\nS2;Größe;2,0;28.02.2026\r\n"
NOTATIONS = {
    "cp1252.csv": lambda text: text.encode("cp1252"),
    "cp1252.csv.gz": lambda text: gzip.compress(text.encode("cp1252")),
    "utf-16.csv": lambda text: text.encode("utf-16"),
    "marked.csv": lambda text: text.encode("utf-8-sig"),
    "plain.csv": lambda text: text.encode(),
}


@pytest.mark.parametrize("name", NOTATIONS)
def test_text_is_written_as_the_input_is(sqlite_pipeline: DataPipelineService, tmp_path: Path, name: str) -> None:
    """In its encoding, with its separator, line ends, decimal commas and dates: what read it reads the output too."""
    (tmp_path / name).write_bytes(NOTATIONS[name](GERMAN))
    columns = {"id": "string", "Gerät": "string", "dosis": "float", "am": {"type": "date", "format": "%d.%m.%Y"}}
    schema = sqlite_pipeline.create_schema(DataSchema(name="german", columns=columns))
    read = ReadOptions(decimal_comma=True)
    run_id = sqlite_pipeline.run_pipeline("german", tmp_path / name, schema, read=read, wait=True)
    output = Path(str(sqlite_pipeline.get_pipeline_run(run_id).output_data_path))
    unpacked = gzip.decompress(output.read_bytes()) if output.suffix == ".gz" else output.read_bytes()
    assert unpacked == NOTATIONS[name.removesuffix(".gz")](GERMAN)


@pytest.mark.parametrize("name", WRITERS)
def test_bad_rows_of_every_form_go_to_quarantine(
    sqlite_pipeline: DataPipelineService, tmp_path: Path, name: str
) -> None:
    """With their number, the cells as they were, and why."""
    bad = {"kind": ["bone", *["blood"] * 19], "dose": [*[1.0] * 18, -1.0, 2.0]}
    (tmp_path / name).write_bytes(WRITERS[name](samples(20, **bad)))
    done = run(sqlite_pipeline, tmp_path / name)
    assert_frame_equal(good_rows(done, sqlite_pipeline), samples(20, **bad)[1:18].vstack(samples(20, **bad)[19:]))
    found = sqlite_pipeline.read_quarantine(done.run_id)
    assert found["quarantine_row"].to_list() == ["0", "18"]
    assert found["quarantine_reasons"].to_list() == ["kind:allowed", "dose:range"]
    assert (found["kind"][0], float(found["dose"][1])) == ("bone", -1.0)


def test_tables_in_memory_are_inputs_too(sqlite_pipeline: DataPipelineService) -> None:
    """Of Polars, lazy or not, and of pandas; they are kept, so that the run can be resumed."""
    table = samples(20)
    for data in (table, table.lazy(), table.to_pandas()):
        done = run(sqlite_pipeline, data, use_cache=False)
        assert_frame_equal(good_rows(done, sqlite_pipeline), table)
        assert Path(done.input_data_path).is_file()


def test_pandas_tables_with_missing_and_mixed_cells(sqlite_pipeline: DataPipelineService) -> None:
    """Missing cells are empty whatever pandas calls them; a column of mixed objects is held against its type."""
    import pandas as pd

    table = samples(4).to_pandas()
    table["dose"] = pd.Series([1.0, float("nan"), "many", 2], dtype=object)
    table["taken"] = [pd.Timestamp("2026-03-01"), pd.NaT, pd.Timestamp("2026-03-02"), pd.NaT]
    done = run(sqlite_pipeline, table)
    assert good_rows(done, sqlite_pipeline)["dose"].to_list() == [1.0, None, 2.0]
    assert sqlite_pipeline.read_quarantine(done.run_id)["dose"].to_list() == ["many"]


@pytest.mark.parametrize("data", [[1, 2], {"a": [1]}, 7, None])
def test_other_objects_are_no_inputs(sqlite_pipeline: DataPipelineService, data: Any) -> None:
    """They are refused before anything is begun."""
    schema = sqlite_pipeline.create_schema(samples_schema())
    with pytest.raises(InvalidInput, match="a run takes a path"):
        sqlite_pipeline.run_pipeline("p", data, schema)
    assert list(sqlite_pipeline.list_pipeline_runs()) == []


@pytest.fixture
def lims(tmp_path: Path) -> Path:
    """Return a SQLite file of a laboratory, which nobody may write to."""
    table = samples(10).with_columns(pl.col("taken").cast(pl.String), pl.col("approved").cast(pl.Int64))
    file = tmp_path / "lims.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE samples (sample_id, kind, dose, count, taken, approved)")
        connection.executemany("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)", table.rows())
    connection.close()
    file.chmod(0o444)
    return file


def test_a_query_is_an_input(sqlite_pipeline: DataPipelineService, lims: Path) -> None:
    """A SELECT on a database of the laboratory, which is opened for reading only."""
    before = lims.read_bytes()
    query = ReadOptions(query="SELECT * FROM samples WHERE sample_id < 'S005' ORDER BY sample_id")
    done = run(sqlite_pipeline, f"sqlite:///{lims}", read=query)
    assert_frame_equal(good_rows(done, sqlite_pipeline), samples(5).vstack(samples(5)[:0]))
    assert done.input_format == "sql"
    assert lims.read_bytes() == before
    assert done.output_data_path == done.output_parquet_path


def test_a_query_may_not_write(sqlite_pipeline: DataPipelineService, lims: Path) -> None:
    """Anything but a SELECT fails the run, and the database stays as it was."""
    with pytest.raises(PipelineFailed, match="only SELECT"):
        run(sqlite_pipeline, f"sqlite:///{lims}", read=ReadOptions(query="DELETE FROM samples"))


def test_the_database_of_a_query_is_found_from_any_folder(
    sqlite_pipeline: DataPipelineService, lims: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative URL means what it meant where the run was begun."""
    monkeypatch.chdir(lims.parent)
    done = run(sqlite_pipeline, "sqlite:///lims.db", read=ReadOptions(query="SELECT * FROM samples"))
    assert done.input_data_path == f"sqlite:///{lims}"


def test_a_password_comes_from_the_environment_of_the_worker(
    sqlite_pipeline: DataPipelineService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run keeps the variable's name, and neither it nor its error tells the value."""
    monkeypatch.setenv("LIMS_PASSWORD", "s3cr3t/@:")
    source = "postgresql://lab:${LIMS_PASSWORD}@127.0.0.1:1/lims"
    query = ReadOptions(query="SELECT 'S1' AS sample_id, true AS approved")
    run_id = sqlite_pipeline.run_pipeline("p", source, sqlite_pipeline.create_schema(samples_schema()), read=query)
    with pytest.raises(PipelineFailed) as failed:
        sqlite_pipeline.wait(run_id)
    kept = sqlite_pipeline.get_pipeline_run(run_id)
    assert "${LIMS_PASSWORD}" in kept.input_data_path
    assert "s3cr3t" not in f"{failed.value} {kept}"


def test_numbers_with_commas_come_out_with_commas(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """A table that was read with decimal commas is written with them."""
    file = tmp_path / "table.csv"
    file.write_text("sample_id;dose;approved\nS1;1,5;true\nS2;2,25;false\n")
    done = run(sqlite_pipeline, file, read=ReadOptions(decimal_comma=True))
    assert done.output_data_path is not None
    assert "S1;" in (text := Path(done.output_data_path).read_text())
    assert "1,5;" in text
    assert "2,25;" in text


def test_parquet_alone_on_request(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """With `output_format` the copy in the input's form is left out."""
    samples().write_csv(tmp_path / "table.csv")
    done = run(sqlite_pipeline, tmp_path / "table.csv", output_format="parquet")
    assert done.output_data_path == done.output_parquet_path
    assert not [path for path in done.output_digests if path.endswith("output.csv")]


def test_cells_that_look_like_formulas_stay_text(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """In the workbook that comes out, too: nothing is computed when it is opened."""
    cells = ["=CMD()", "+1", "@SUM(A1)", "-1", "https://example.org", "plain"]
    samples(6, sample_id=cells).write_csv(tmp_path / "table.csv")
    done = run(sqlite_pipeline, tmp_path / "table.csv")
    assert good_rows(done, sqlite_pipeline)["sample_id"].to_list() == cells
    table = pl.DataFrame({"sample_id": cells, "approved": [True] * 6})
    file = tmp_path / "table.xlsx"
    table.write_excel(file)
    done = run(sqlite_pipeline, file, samples_schema())
    assert done.output_data_path is not None
    import openpyxl

    sheet = openpyxl.load_workbook(done.output_data_path).active
    assert sheet is not None
    assert [(row[0].value, row[0].data_type) for row in sheet.iter_rows(min_row=2)] == [(cell, "s") for cell in cells]


def test_relative_paths_mean_what_they_meant_at_the_call(
    make_pipeline: MakePipeline, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going elsewhere after the call changes neither where the input is nor where the outputs go."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    samples().write_csv("table.csv")
    pipeline = make_pipeline(sqlite_url, data_dir="./out")
    run_id = pipeline.run_pipeline("p", "./table.csv", pipeline.create_schema(samples_schema()))
    monkeypatch.chdir(tmp_path / "elsewhere")
    done = pipeline.wait(run_id)
    assert done.input_data_path == str(tmp_path / "table.csv")
    assert Path(done.output_data_path or "").is_relative_to(tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []
