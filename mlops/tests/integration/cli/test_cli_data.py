"""`mlops data` on real databases: infer, validate, profile, run, runs, show, quarantine, cancel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops.data_pipeline import DataPipelineService
from mlops.tests.fixtures.command import Outcome
from mlops.tests.integration.data_pipeline.conftest import samples, samples_schema

Mlops = Callable[..., Outcome]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with a clean table and one with two bad rows."""
    monkeypatch.chdir(tmp_path)
    samples(12).write_csv("clean.csv")
    samples(12, dose=[-1.0, *[1.0] * 10, 500.0]).write_csv("table.csv")
    Path("schema.json").write_text(json.dumps(samples_schema().to_document()))
    return tmp_path


@pytest.fixture
def data(mlops: Mlops, database_url: str, here: Path) -> Mlops:
    """Return a function that runs `mlops data` on each of the databases."""

    def run(command: str, *words: str) -> Outcome:
        kept = [] if command in {"infer", "validate", "profile"} else ["--data-dir", str(here / "kept")]
        place = [] if command == "infer" else ["--database", database_url, *kept]
        return mlops("data", command, *words, *place)

    return run


def document(done: Outcome) -> Any:
    assert done.status == 0, done.err
    return json.loads(done.out)


def test_from_a_table_to_a_run_and_its_quarantine(data: Mlops, here: Path) -> None:
    """Infer, correct, validate, run, look, mend, run again: each command says what comes next."""
    assert "mlops data validate clean.csv --schema own.json" in data("infer", "clean.csv", "-o", "own.json").err
    checked = data("validate", "table.csv", "--schema", "schema.json")
    assert (checked.status, "10 of 12 rows fit samples 1.0; 2 do not." in checked.out) == (1, True)
    assert "dose:range" in checked.out
    done = document(data("run", "table.csv", "--schema", "schema.json", "--json"))
    assert (done["status"], done["output_rows"], done["quarantined_rows"]) == ("completed", 10, 2)
    assert done["run_id"] in data("runs").out
    assert "quarantine" in data("show", done["run_id"]).out
    shown = data("quarantine", done["run_id"])
    assert f"mlops data quarantine {done['run_id']} --rerun COPY" in shown.err
    mended = Path(done["quarantine_path"]).read_text().replace("-1.0", "1.0").replace("500.0", "50.0")
    Path("mended.csv").write_text(mended)
    again = document(data("quarantine", done["run_id"], "--rerun", "mended.csv", "--json"))
    assert (again["output_rows"], again["quarantined_rows"]) == (12, 0)


def test_json_is_what_the_records_say(data: Mlops) -> None:
    """For programs: the same fields as in Python."""
    assert document(data("infer", "clean.csv", "--json"))["columns"]["dose"]["type"] == "float"
    checked = data("validate", "table.csv", "--schema", "schema.json", "--json")
    assert json.loads(checked.out)["bad_rows"] == 2
    assert document(data("profile", "table.csv", "--schema", "schema.json", "--json"))["score"]["value"] < 1
    done = document(data("run", "table.csv", "--schema", "schema.json", "--json"))
    listed = document(data("runs", "--json"))
    assert [run["run_id"] for run in listed["runs"]] == [done["run_id"]]
    assert document(data("show", done["run_id"], "--json")) == done
    rows = document(data("quarantine", done["run_id"], "--json"))["rows"]
    assert [row["quarantine_row"] for row in rows] == ["0", "11"]


def test_a_run_without_a_schema_infers_one(data: Mlops) -> None:
    """And says which; run again on the same table, it is the same schema and the outputs are taken over."""
    first = data("run", "clean.csv", "--json")
    assert "held against what it seems to be" in first.err
    assert json.loads(first.out)["quarantined_rows"] == 0
    assert document(data("run", "clean.csv", "--json"))["cached_from"] == json.loads(first.out)["run_id"]
    assert document(data("run", "clean.csv", "--no-cache", "--json"))["cached_from"] is None


def test_a_run_without_a_schema_reads_as_it_is_told(data: Mlops) -> None:
    """Separator and encoding hold for the inference too."""
    Path("odd.csv").write_bytes("name|größe\nMüller|1\n".encode("cp1252"))
    done = document(data("run", "odd.csv", "--separator", "|", "--encoding", "cp1252", "--json"))
    assert Path(done["output_data_path"]).read_text() == "name|größe\nMüller|1\n"


def test_features_come_from_a_file_or_by_name(data: Mlops) -> None:
    """A configuration of a JSON file is stored, and found by its name afterwards."""
    Path("features.json").write_text(json.dumps({"name": "doses", "numeric_features": ["dose"]}))
    words = ("run", "clean.csv", "--schema", "schema.json", "--features")
    assert document(data(*words, "features.json", "--json"))["feature_count"] == 1
    assert document(data(*words, "doses", "--json"))["cached_from"] is not None


def test_options_of_a_run(data: Mlops) -> None:
    """The limit fails the run; Parquet alone; a name of its own; lists by pipeline and status."""
    words = ("run", "table.csv", "--schema", "schema.json", "--pipeline", "nightly")
    failed = data(*words, "--max-bad-fraction", "0.1")
    assert failed.status == 1
    assert "2 of 12 rows (16.67%)" in failed.err
    done = document(data(*words, "--parquet", "--json"))
    assert done["output_data_path"].endswith("output.parquet")
    assert len(document(data("runs", "nightly", "--json"))["runs"]) == 2
    assert len(document(data("runs", "--status", "failed", "--json"))["runs"]) == 1


def test_a_profile_can_be_written_as_a_page(data: Mlops) -> None:
    """One file that needs nothing else."""
    told = data("profile", "table.csv", "--html", "page.html")
    assert "12 rows, 6 columns, quality" in told.out
    assert Path("page.html").read_text().startswith("<!doctype html>")


def test_a_run_is_cancelled_once(data: Mlops, database_url: str, here: Path) -> None:
    """A pending one ends at once; one that is over cannot be cancelled."""
    with DataPipelineService(database_url, here / "kept", workers=0) as pipeline:
        run_id = pipeline.run_pipeline("p", here / "clean.csv", pipeline.create_schema(samples_schema()))
    assert document(data("cancel", run_id, "--json"))["status"] == "cancelled"
    assert "is cancelled; only a pending or running one" in data("cancel", run_id).err


ERRORS = [
    (("validate", "table.csv"), "Name a schema by --schema"),
    (("validate", "none.csv", "--schema", "schema.json"), "there is no such file"),
    (("validate", "table.csv", "--schema", "none.json"), "'none.json' cannot be read as JSON"),
    (("run", "none.csv", "--schema", "schema.json"), "there is no such file"),
    (("run", "table.csv", "--schema", "none"), "'none'"),
    (("run", "table.csv", "--schema", "schema.json", "--features", "none"), "'none'"),
]


@pytest.mark.parametrize(("words", "expected"), ERRORS)
def test_errors_are_sentences(data: Mlops, words: tuple[str, ...], expected: str) -> None:
    """On stderr, with status 1 and without a traceback."""
    failed = data(*words)
    assert failed.status == 1
    assert expected in failed.err
    assert "Traceback" not in failed.err


def test_a_run_that_is_not_there_is_told(data: Mlops) -> None:
    """For each command that wants one."""
    document(data("run", "clean.csv", "--schema", "schema.json", "--json"))
    for command in ("show", "quarantine", "cancel"):
        failed = data(command, "none")
        assert (failed.status, "'none'" in failed.err) == (1, True)


def test_a_database_that_is_not_there_is_not_made(mlops: Mlops, here: Path) -> None:
    """Looking never creates a file; it says how one comes to be."""
    failed = mlops("data", "runs", "--database", f"sqlite:///{here}/none.db")
    assert failed.status == 1
    assert "mlops data run TABLE" in failed.err
    assert not (here / "none.db").exists()


def test_no_rows_are_shown_of_a_clean_run(data: Mlops) -> None:
    """There is no quarantine, and that is said."""
    done = document(data("run", "clean.csv", "--schema", "schema.json", "--json"))
    assert data("quarantine", done["run_id"]).out.strip() == "No row of this run is bad."
