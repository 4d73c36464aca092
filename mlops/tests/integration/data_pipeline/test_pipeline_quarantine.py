"""Nothing is lost: every row of an input is in the output or in quarantine, and can be mended and joined again."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mlops.data_pipeline import (
    DataPipelineService,
    DataSchema,
    OutputDamaged,
    PipelineFailed,
    PipelineRun,
    ReadOptions,
    RowRule,
)
from mlops.errors import InvalidInput
from mlops.tests.integration.data_pipeline.conftest import lines, run, samples, samples_schema

GOOD = "S{},blood,1.5,3,2026-03-01,true"
DAMAGED = st.sampled_from(
    [
        "S{},bone,1.5,3,2026-03-01,true",  # a value that is not allowed
        "S{},blood,-1,3,2026-03-01,true",  # out of range
        "S{},blood,much,3.5,01.03.2026,perhaps",  # unparseable
        "S{},blood,1.5,3,2026-03-01,",  # empty, which it may not be
        "S0,blood,1.5,3,2026-03-01,true",  # a key that may be there already
        "S{},blood",  # too short
        "S{},blood,1.5,3,2026-03-01,true,more,cells",
        'S{},"blo"od,1,2,2026-03-01,true',
        ",,,,,",
        "S{},blood,1e999,3,2026-03-01,true",
        "S{},blood,\0,3,2026-03-01,true",
        'S{},"blood",1.5,3,2026-03-01,"true"',  # sound
        GOOD,
    ]
)
BAD = ["S1,bone,1.5,3,2026-03-01,true", "S3,blood,much,3,2026-03-01,true", "S4,blood,1,1,1.3.26,true"]
MIXED = lines(GOOD.format(0), BAD[0], GOOD.format(2), BAD[1], BAD[2], GOOD.format(5))


def counts(done: PipelineRun) -> tuple[int | None, int | None, int | None]:
    return done.input_rows, done.output_rows, done.quarantined_rows


def mend(done: PipelineRun, target: Path, changes: dict[str, dict[str, str] | None]) -> Path:
    """Write a mended copy of a quarantine; None deletes the row."""
    assert done.quarantine_path is not None
    with Path(done.quarantine_path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    mended = [row | (change or {}) for row in rows if (change := changes.get(row["quarantine_row"], {})) is not None]
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(mended)
    return target


@settings(max_examples=25)
@given(rows=st.lists(DAMAGED, max_size=12))
def test_every_row_is_in_the_output_or_in_quarantine(tmp_path_factory: pytest.TempPathFactory, rows: list[str]) -> None:
    """Whatever is wrong with rows: counts add up, the files have so many rows, and each row is in one of them."""
    folder = tmp_path_factory.mktemp("rows")
    (folder / "table.csv").write_text(lines(*(row.format(number) for number, row in enumerate(rows, 1))))
    with DataPipelineService(f"sqlite:///{folder}/mlops.db", folder / "kept") as pipeline:
        done = run(pipeline, folder / "table.csv")
        good, bad = pipeline.read_output(done.run_id).collect(), pipeline.read_quarantine(done.run_id)
    assert counts(done) == (len(rows), len(good), len(bad))
    assert len(good) + len(bad) == len(rows)
    kept = {int(number) for number in bad["quarantine_row"]} if len(bad) else set()
    assert good["sample_id"].to_list() == [
        row.format(number + 1).split(",")[0] for number, row in enumerate(rows) if number not in kept
    ]


def test_quarantine_tells_line_reasons_and_cells(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """A person finds the row in the input and sees what is wrong with it."""
    (tmp_path / "table.csv").write_text(MIXED)
    done = run(sqlite_pipeline, tmp_path / "table.csv")
    found = sqlite_pipeline.read_quarantine(done.run_id)
    assert found["quarantine_line"].to_list() == ["3", "5", "6"]
    assert found["quarantine_reasons"].to_list() == ["kind:allowed", "dose:type", "taken:type"]
    assert found["taken"].to_list() == ["2026-03-01", "2026-03-01", "1.3.26"]


def test_mended_rows_are_joined_in_the_order_of_the_input(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """The output of the second run is what the first would have been, had the input been right."""
    (tmp_path / "table.csv").write_text(MIXED)
    first = run(sqlite_pipeline, tmp_path / "table.csv")
    changes: dict[str, Any] = {"1": {"kind": "tissue"}, "3": {"dose": "4"}, "4": {"taken": "2026-03-01"}}
    mended = mend(first, tmp_path / "mended.csv", changes)
    second = sqlite_pipeline.wait(sqlite_pipeline.rerun_quarantine(first.run_id, mended))
    assert counts(second) == (6, 6, 0)
    right = MIXED.replace("bone", "tissue").replace("much", "4").replace("1.3.26", "2026-03-01")
    (tmp_path / "right.csv").write_text(right)
    third = run(sqlite_pipeline, tmp_path / "right.csv")
    assert_frame_equal(
        sqlite_pipeline.read_output(second.run_id).collect(), sqlite_pipeline.read_output(third.run_id).collect()
    )
    assert Path(second.output_data_path or "").read_bytes() == Path(third.output_data_path or "").read_bytes()


def test_rows_that_are_still_bad_are_quarantined_again(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """As they were mended, not as the input has them; a second mending goes on from there."""
    (tmp_path / "table.csv").write_text(MIXED)
    first = run(sqlite_pipeline, tmp_path / "table.csv")
    mended = mend(first, tmp_path / "mended.csv", {"1": {"kind": "tissue"}, "3": {"dose": "-7"}, "4": None})
    second = sqlite_pipeline.wait(sqlite_pipeline.rerun_quarantine(first.run_id, mended))
    assert counts(second) == (5, 4, 1)
    again = sqlite_pipeline.read_quarantine(second.run_id)
    assert ([*map(float, again["dose"])], again["quarantine_reasons"].to_list()) == ([-7.0], ["dose:range"])
    [row] = again["quarantine_row"].to_list()
    mended = mend(second, tmp_path / "again.csv", {row: {"dose": "7"}})
    third = sqlite_pipeline.wait(sqlite_pipeline.rerun_quarantine(second.run_id, mended))
    assert counts(third) == (5, 5, 0)
    output = sqlite_pipeline.read_output(third.run_id).collect()
    assert output["sample_id"].to_list() == ["S0", "S1", "S2", "S3", "S5"]
    assert output["dose"].to_list() == [1.5, 1.5, 1.5, 7.0, 1.5]


@pytest.mark.parametrize("name", ["table.csv", "table.xlsx", "table.jsonl"])
def test_a_row_mended_in_vain_keeps_its_line_of_the_input(
    sqlite_pipeline: DataPipelineService, tmp_path: Path, name: str
) -> None:
    """However often it is mended, and whatever was deleted before it."""
    from mlops.tests.integration.data_pipeline.test_pipeline_formats import WRITERS

    (tmp_path / name).write_bytes(WRITERS[name](samples(4, kind=["bone", "blood", "bone", "bone"])))
    done = run(sqlite_pipeline, tmp_path / name)
    last = sqlite_pipeline.read_quarantine(done.run_id)["quarantine_line"].to_list()[1:]
    for row in ("0", "1"):
        mended = mend(done, tmp_path / "mended.csv", {row: None})
        done = sqlite_pipeline.wait(sqlite_pipeline.rerun_quarantine(done.run_id, mended))
        assert sqlite_pipeline.read_quarantine(done.run_id)["quarantine_line"].to_list() == last
        last = last[1:]


def test_cells_that_nobody_touched_are_read_again_as_they_were(
    sqlite_pipeline: DataPipelineService, tmp_path: Path
) -> None:
    """Also in the quarantine of a second run, whose rows are no lines of the input: dates and decimal commas."""
    (tmp_path / "german.csv").write_text("id;dosis;am;art\nS1;1,5;01.02.2026;x\nS2;2,5;02.02.2026;y\n")
    columns = {"id": "string", "dosis": "float", "am": {"type": "date", "format": "%d.%m.%Y"}}
    kinds = {"art": {"type": "string", "allowed_values": ["a"]}}
    schema = sqlite_pipeline.create_schema(DataSchema(name="german", columns={**columns, **kinds}))
    read = ReadOptions(decimal_comma=True)
    run_id = sqlite_pipeline.run_pipeline("german", tmp_path / "german.csv", schema, read=read, wait=True)
    for turn, row in enumerate(("0", "1")):
        mended = mend(sqlite_pipeline.get_pipeline_run(run_id), tmp_path / f"{turn}.csv", {row: {"art": "a"}})
        run_id = sqlite_pipeline.rerun_quarantine(run_id, mended, wait=True)
    assert counts(sqlite_pipeline.get_pipeline_run(run_id)) == (2, 2, 0)


@pytest.mark.parametrize("name", ["table.tsv", "table.jsonl", "table.xlsx", "table.csv.gz"])
def test_the_second_run_writes_the_form_of_the_first_input(
    sqlite_pipeline: DataPipelineService, tmp_path: Path, name: str
) -> None:
    """A quarantine is always CSV; what comes of it is in the form that the input had."""
    from mlops.tests.integration.data_pipeline.test_pipeline_formats import WRITERS

    (tmp_path / name).write_bytes(WRITERS[name](samples(4, kind=["blood", "bone", "tissue", "blood"])))
    first = run(sqlite_pipeline, tmp_path / name)
    mended = mend(first, tmp_path / "mended.csv", {"1": {"kind": "blood"}})
    second = sqlite_pipeline.wait(sqlite_pipeline.rerun_quarantine(first.run_id, mended))
    assert Path(second.output_data_path or "").name == Path(first.output_data_path or "").name
    expected = samples(4, kind=["blood", "blood", "tissue", "blood"])
    assert_frame_equal(sqlite_pipeline.read_output(second.run_id).collect(), expected)


def test_ragged_rows_can_be_mended_too(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """Rows that had no cells to speak of get them from a person."""
    (tmp_path / "table.csv").write_text(lines(GOOD.format(0), "S1,blood", GOOD.format(2)))
    first = run(sqlite_pipeline, tmp_path / "table.csv")
    cells = {"sample_id": "S1", "kind": "blood", "dose": "2", "approved": "no"}
    mended = mend(first, tmp_path / "mended.csv", {"1": cells})
    second = sqlite_pipeline.wait(sqlite_pipeline.rerun_quarantine(first.run_id, mended))
    assert sqlite_pipeline.read_output(second.run_id).collect()["approved"].to_list() == [True, False, True]


def test_columns_that_the_schema_does_not_know_are_joined(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """Numbers stay numbers, and text stays text."""
    text = "sample_id,kind,approved,remark,plate\nS0,blood,true,fine,7\nS1,bone,true,odd,8\n"
    (tmp_path / "table.csv").write_text(text)
    first = run(sqlite_pipeline, tmp_path / "table.csv")
    mended = mend(first, tmp_path / "mended.csv", {"1": {"kind": "blood"}})
    second = sqlite_pipeline.wait(sqlite_pipeline.rerun_quarantine(first.run_id, mended))
    output = sqlite_pipeline.read_output(second.run_id).collect()
    assert (output["remark"].to_list(), output["plate"].to_list()) == (["fine", "odd"], [7, 8])


def test_a_quarantine_that_is_not_this_runs_is_refused(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """A clean run has none; a file that is not there, or another table, is no quarantine."""
    (tmp_path / "clean.csv").write_text(lines(GOOD.format(0)))
    (tmp_path / "table.csv").write_text(MIXED)
    clean, first = (run(sqlite_pipeline, tmp_path / name) for name in ("clean.csv", "table.csv"))
    with pytest.raises(InvalidInput, match="quarantined nothing"):
        sqlite_pipeline.rerun_quarantine(clean.run_id)
    with pytest.raises(InvalidInput, match="There is no file"):
        sqlite_pipeline.rerun_quarantine(first.run_id, tmp_path / "none.csv")
    with pytest.raises(PipelineFailed, match="lacks this column"):
        sqlite_pipeline.rerun_quarantine(first.run_id, tmp_path / "table.csv", wait=True)


def test_a_rerun_needs_the_first_output_as_it_was(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """A damaged output is not joined with anything."""
    (tmp_path / "table.csv").write_text(MIXED)
    first = run(sqlite_pipeline, tmp_path / "table.csv")
    mended = mend(first, tmp_path / "mended.csv", {"1": {"kind": "tissue"}})
    output = Path(first.output_parquet_path or "")
    output.write_bytes(output.read_bytes()[:-1] + b"?")
    with pytest.raises(PipelineFailed, match="is not what its run wrote"):
        sqlite_pipeline.rerun_quarantine(first.run_id, mended, wait=True)
    with pytest.raises(OutputDamaged):
        sqlite_pipeline.read_output(first.run_id)


def test_too_many_bad_rows_fail_the_run(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """The error tells the share, the rule that most rows broke, its column and some of its cells."""
    (tmp_path / "table.csv").write_text(MIXED)
    with pytest.raises(PipelineFailed, match=r"3 of 6 rows \(50.00%\)") as failed:
        run(sqlite_pipeline, tmp_path / "table.csv", max_bad_fraction=0.4)
    details = failed.value.details
    assert (details["bad_rows"], details["rows"], details["limit"]) == (3, 6, 0.4)
    assert (details["column"], tuple(details["samples"])) in {("kind", ("bone",)), ("dose", ("much",))}
    kept = sqlite_pipeline.get_pipeline_run(failed.value.run_id)
    assert (kept.output_data_path, dict(kept.error_details)) == (None, details)
    assert counts(run(sqlite_pipeline, tmp_path / "table.csv", max_bad_fraction=0.5)) == (6, 3, 3)


def test_warnings_quarantine_nothing(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """A rule that is a warning is counted, and its rows pass."""
    rule = RowRule(name="low", expression="dose < 1", severity="warning")
    (tmp_path / "table.csv").write_text(lines(GOOD.format(0)))
    done = run(sqlite_pipeline, tmp_path / "table.csv", samples_schema(validation_rules=[rule]), max_bad_fraction=0)
    assert counts(done) == (1, 1, 0)
    assert dict(done.steps[1].details["broken_rules"]) == {"rule:low": 1}


def test_a_column_may_not_have_a_name_of_the_quarantine(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """It is refused by name, and nothing is published."""
    (tmp_path / "table.csv").write_text("sample_id,approved,quarantine_row\nS1,,7\n")
    with pytest.raises(PipelineFailed, match="'quarantine_row' has a name that the quarantine needs"):
        run(sqlite_pipeline, tmp_path / "table.csv")


def test_decimal_commas_hold_for_mended_cells(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """Options of the first run are those of the second."""
    (tmp_path / "table.csv").write_text("sample_id;kind;dose;approved\nS1;bone;1,5;true\nS2;blood;2,5;true\n")
    first = run(sqlite_pipeline, tmp_path / "table.csv", read=ReadOptions(decimal_comma=True))
    mended = mend(first, tmp_path / "mended.csv", {"0": {"kind": "blood"}})
    second = sqlite_pipeline.wait(sqlite_pipeline.rerun_quarantine(first.run_id, mended))
    assert sqlite_pipeline.read_output(second.run_id).collect()["dose"].to_list() == [1.5, 2.5]
    assert pl.read_csv(second.output_data_path or "", separator=";")["dose"].to_list() == ["1,5", "2,5"]
