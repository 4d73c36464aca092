"""`mlops data` on real databases: infer, validate, profile, run, runs, show, quarantine, cancel."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops.cli.data.quarantine import told_row
from mlops.cli.data.running import follow
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
        kept = [] if command in {"infer", "validate", "profile", "diff"} else ["--data-dir", str(here / "kept")]
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
    """Separator and encoding hold for the inference too, and for the output."""
    Path("odd.csv").write_bytes("name|größe\nMüller|1\n".encode("cp1252"))
    done = document(data("run", "odd.csv", "--separator", "|", "--encoding", "cp1252", "--json"))
    assert Path(done["output_data_path"]).read_text("cp1252") == "name|größe\nMüller|1\n"


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


def test_a_failed_run_is_json_too(data: Mlops) -> None:
    """Programs find the error and where it is in what is printed; people on the other channel."""
    failed = data("run", "table.csv", "--schema", "schema.json", "--max-bad-fraction", "0.1", "--json")
    told = json.loads(failed.out)
    assert (failed.status, told["status"], told["error_details"]["column"]) == (1, "failed", "dose")
    assert "2 of 12 rows (16.67%)" in failed.err


def test_a_database_is_read_by_a_query(data: Mlops) -> None:
    """A table of the laboratory's system is looked at and run as a file is."""
    with sqlite3.connect("lims.db") as lims:
        lims.execute("CREATE TABLE samples AS SELECT 'S1' AS sample_id, 1.5 AS dose")
    source = ("sqlite:///lims.db", "--query", "SELECT * FROM samples")
    assert document(data("infer", *source, "--json"))["name"] == "lims"
    assert "1 row, 2 columns" in data("profile", *source).out
    done = document(data("run", *source, "--json"))
    assert (done["pipeline_id"], done["input_format"], done["output_rows"]) == ("lims", "sql", 1)


def test_a_sheet_and_decimal_commas_are_read_when_named(data: Mlops) -> None:
    """What cannot be found out is said, and what to type next says it again."""
    Path("german.csv").write_text("probe;wert\nP1;1,5\n")
    assert "decimal_comma" in data("infer", "german.csv").out
    said = data("infer", "german.csv", "--decimal-comma", "-o", "german.json")
    assert "mlops data validate german.csv --schema german.json --decimal-comma" in said.err
    assert data("validate", "german.csv", "--schema", "german.json", "--decimal-comma").status == 0
    samples(3).write_excel("book.xlsx", worksheet="Samples")
    assert "Its sheets are 'Samples'" in data("infer", "book.xlsx", "--sheet", "Sample").err
    assert document(data("infer", "book.xlsx", "--sheet", "Samples", "--json"))["columns"]["dose"]["type"] == "float"


def test_an_instruments_preamble_and_words_for_nothing_are_named(data: Mlops) -> None:
    """The line of the header and further words for no value are said, and said again for the next command."""
    Path("plate.csv").write_text("Instrument,QS5\n\nwell,ct\nA1,21.5\nA2,Undetermined\n")
    options = ("--header-line", "3", "--null", "Undetermined")
    said = data("infer", "plate.csv", *options, "-o", "plate.json")
    assert "--schema plate.json --header-line 3 --null Undetermined" in said.err
    assert document(data("validate", "plate.csv", "--schema", "plate.json", *options, "--json"))["bad_rows"] == 0
    done = document(data("run", "plate.csv", "--schema", "plate.json", *options, "--json"))
    assert Path(done["output_data_path"]).read_text() == "well,ct\nA1,21.5\nA2,\n"


def test_a_module_of_transformations_is_imported_when_named(
    data: Mlops, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration that needs a site's own steps can be run from the command line."""
    Path("lab_steps.py").write_text(
        "import polars as pl\nfrom mlops.features import register_transformation\n"
        "register_transformation('twice', (pl.col('dose') * 2).alias('twice'))\n"
    )
    Path("steps.json").write_text('{"name": "t", "numeric_features": ["twice"], "custom_transformations": ["twice"]}')
    monkeypatch.syspath_prepend(here)
    done = document(data("run", "clean.csv", "--features", "steps.json", "--import", "lab_steps", "--json"))
    assert done["feature_count"] == 1


def test_a_module_of_rules_is_imported_when_named(
    data: Mlops, here: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schema with named rules is one for every command that takes a schema; without the module it says what to do."""
    rule = f"few_{database_url[:6]}"  # the process keeps it for the other database
    Path(f"{rule}.py").write_text(
        "import polars as pl\nfrom mlops.data_pipeline import register_rule\n"
        f"register_rule('{rule}', lambda: pl.col('dose') < 2)\n"
    )
    Path("doses.csv").write_text("dose\n1\n3\n")
    rules = [{"name": "few", "polars_name": rule}]
    Path("doses.json").write_text(json.dumps({"name": "d", "columns": {"dose": "float"}, "validation_rules": rules}))
    monkeypatch.syspath_prepend(here)
    assert "--import MODULE" in data("validate", "doses.csv", "--schema", "doses.json").err
    named = ("doses.csv", "--schema", "doses.json", "--import", rule, "--json")
    assert json.loads(data("validate", *named).out)["counts"]["rule:few"] == 1
    assert document(data("profile", *named))["score"]["value"] < 1
    assert document(data("run", *named))["quarantined_rows"] == 1


def test_a_run_tells_what_was_decided_and_where_its_bad_rows_are(data: Mlops) -> None:
    """On standard error, behind its facts, and again when it is shown."""
    Path("west.csv").write_bytes("id,dose\nKöln,1\nBonn,much\n".encode("cp1252"))
    Path("west.json").write_text('{"name": "west", "columns": {"id": "string", "dose": "float"}}')
    done = data("run", "west.csv", "--schema", "west.json")
    run_id = done.out.split()[1]
    assert "was read as cp1252" in done.err
    assert f"mlops data quarantine {run_id}" in done.err
    assert data("show", run_id).err == done.err


def test_a_proposal_has_what_people_edit(data: Mlops) -> None:
    """Each column's type, whether it may be empty, and what else was found; nothing that goes without saying."""
    data("infer", "clean.csv", "-o", "own.json")
    written = json.loads(Path("own.json").read_text())
    assert written["columns"]["dose"] == {"type": "float", "nullable": False}
    assert set(written) == {"name", "version", "columns", "validation_rules", "unknown_columns"}


def test_lines_are_named_as_an_editor_has_them(data: Mlops) -> None:
    """The same cell stands on the same line for every command."""
    words = ("table.csv", "--schema", "schema.json")
    assert "line 2: dose = -1.0" in data("validate", *words).out
    Path("broken.csv").write_text("a,b\n1,2\n3\n")
    assert "'ragged' (line 3)" in data("profile", "broken.csv").out
    assert "the first on line 3" in data("infer", "broken.csv").err


def test_many_notes_are_cut(data: Mlops) -> None:
    """A table of thousands of columns that the schema does not know does not fill the screen."""
    names = [f"c{place}" for place in range(40)]
    Path("wide.csv").write_text(f"{','.join(names)}\n{','.join('1' for _ in names)}\n")
    Path("one.json").write_text(json.dumps({"name": "one", "columns": {"c0": "integer"}}))
    said = data("validate", "wide.csv", "--schema", "one.json").err
    assert said.count("is not in the schema") <= 5


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (["0", "7", "dose:range", "S1", "9", None], [7, "dose:range", "dose = '9'"]),
        (
            ["0", None, "dose:type; sample+dose:unique", "S1", "x", None],
            ["row 1", "dose:type; sample+dose:unique", "sample = 'S1', dose = 'x'"],
        ),
        (["4", "9", "rule:r", "S1", None, None], [9, "rule:r", "sample = 'S1'"]),
        (["4", "9", "row:ragged", "S1", None, "S1,,,"], [9, "row:ragged", "S1,,,"]),
    ],
)
def test_a_bad_row_is_told_by_the_cells_at_fault(row: list[str | None], told: list[Any]) -> None:
    """On a terminal a table of many columns would show none of them."""
    names = ("quarantine_row", "quarantine_line", "quarantine_reasons", "sample", "dose", "quarantine_text")
    assert told_row(dict(zip(names, row, strict=True))) == told


def test_an_interrupted_run_is_ended(monkeypatch: pytest.MonkeyPatch, database_url: str, here: Path) -> None:
    """Who presses Ctrl-C gets the prompt back, and nothing of the run is published."""
    with DataPipelineService(database_url, here / "kept", workers=0) as pipeline:
        run_id = pipeline.run_pipeline("p", here / "clean.csv", pipeline.create_schema(samples_schema()))

        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(pipeline, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            follow(pipeline, run_id, as_json=False)
        assert pipeline.get_pipeline_run(run_id).status == "cancelled"


def test_a_schema_is_compared_with_its_next_version(data: Mlops) -> None:
    """Scripts see by the status whether it breaks anything."""
    data("run", "clean.csv", "--schema", "schema.json")
    stricter = json.loads(Path("schema.json").read_text())
    stricter["columns"]["dose"]["max"] = 5
    Path("stricter.json").write_text(json.dumps(stricter | {"version": "2.0"}))
    found = data("diff", "samples", "stricter.json")
    assert (found.status, "samples 1.0 to samples 2.0: breaking" in found.out) == (1, True)
    assert "Column 'dose' allows at most 5.0" in found.out
    assert document(data("diff", "schema.json", "samples", "--json"))["verdict"] == "same"


ERRORS = [
    (("infer", "clean.csv", "-o", "clean.csv/schema.json"), "'clean.csv/schema.json' cannot be written"),
    (("profile", "clean.csv", "--html", "clean.csv/page.html"), "'clean.csv/page.html' cannot be written"),
    (("validate", "table.csv"), "Name a schema by --schema"),
    (("validate", "none.csv", "--schema", "schema.json"), "there is no such file"),
    (("validate", "table.csv", "--schema", "none.json"), "There is no file 'none.json'"),
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
