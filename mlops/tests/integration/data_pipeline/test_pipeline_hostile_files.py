"""Files that nobody should have sent: each run ends clearly, completed with a quarantine or failed with a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from mlops.data_pipeline import DataPipelineService, DataSchema, PipelineFailed, ReadOptions
from mlops.tests.integration.data_pipeline.conftest import left_behind, lines, run

HEAD = "sample_id,dose,taken\n"
SCHEMA = DataSchema(
    name="hostile",
    columns={"sample_id": {"type": "string", "nullable": False}, "dose": "float", "taken": "date"},
)


class Survived(NamedTuple):
    """A file from which rows could be saved: how many, and why others could not."""

    content: Callable[[], bytes]
    good: int
    reasons: list[str]


def wide(columns: int) -> bytes:
    names = ",".join(f"c{number}" for number in range(columns))
    return f"sample_id,{names}\nS1,{','.join(['1'] * columns)}\nS2,{','.join(['x'] * columns)}\n".encode()


SURVIVED = {
    "header only": Survived(HEAD.encode, 0, []),
    "no line end": Survived((HEAD + "S1,1,2026-01-01").encode, 1, []),
    "ragged": Survived((HEAD + "S1,1,2026-01-01\nS2\nS3,1,2026-01-01,more\n").encode, 1, ["row:ragged"] * 2),
    "nul": Survived((HEAD + "S1,1,\nS\0,2,\n").encode, 1, ["row:nul"]),
    "huge cell": Survived((HEAD + f"{'x' * 10_000_000},1,\nS2,much,\n").encode, 1, ["dose:type"]),
    "mixed encodings": Survived(
        lambda: HEAD.encode() + "Müller,1,\n".encode() + "Müller,2,\n".encode("cp1252") + "Größe,3,\n".encode(),
        2,
        ["row:encoding"],
    ),
    "dates in three formats": Survived(
        (HEAD + "S1,1,2026-01-31\nS2,1,31.01.2026\nS3,1,01/31/2026\n").encode, 1, ["taken:type"] * 2
    ),
    "formulas": Survived((HEAD + "=CMD(),1,\n+1+1,=1+1,\n@x,2,\n").encode, 2, ["dose:type"]),
    "an open quote": Survived((HEAD + 'S1,1,\nS2,"2,\nS3,3,\n').encode, 2, ["row:quotes"]),
    "blank lines": Survived((HEAD + "\n\nS1,1,\n\r\n\nS2,2,\n\n").encode, 2, []),
    "byte order mark": Survived(lambda: b"\xef\xbb\xbf" + (HEAD + "S1,1,\n").encode(), 1, []),
    "utf-16": Survived(lambda: (HEAD + "Größe,1,\n").encode("utf-16"), 1, []),
    "5,000 columns": Survived(lambda: wide(5_000), 2, []),
}
REFUSED = {
    "empty": (b"", "it is empty"),
    "duplicate headers": (b"sample_id,dose,dose\nS1,1,2\n", "dose"),
    "another table": (b"a,b\n1,2\n", "lacks column 'sample_id'"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "a picture"),
    "half a parquet": (b"PAR1" + b"\0" * 100, "cannot be read"),
    "half a workbook": (b"PK\x03\x04" + b"\0" * 100, "cannot be opened as a workbook"),
    "a name that is a pattern": (b"sample_id,^dose$\nS1,1\n", "a pattern of names"),
    "names of the pipeline": (b"sample_id,__row__\nS1,1\n", "__row__"),
}


@pytest.mark.parametrize("name", SURVIVED)
def test_what_can_be_saved_is_saved(sqlite_pipeline: DataPipelineService, tmp_path: Path, name: str) -> None:
    """Good rows come out, the others are quarantined with their reason, and the counts add up."""
    (tmp_path / "table.csv").write_bytes(SURVIVED[name].content())
    done = run(sqlite_pipeline, tmp_path / "table.csv", SCHEMA)
    bad = sqlite_pipeline.read_quarantine(done.run_id)
    reasons = [] if bad.is_empty() else [text for cell in bad["quarantine_reasons"] for text in re.split("; ?", cell)]
    assert (done.output_rows, reasons) == (SURVIVED[name].good, SURVIVED[name].reasons)
    assert len(sqlite_pipeline.read_output(done.run_id).collect()) == done.output_rows
    assert (done.output_rows or 0) + (done.quarantined_rows or 0) == done.input_rows
    assert sqlite_pipeline.assess_data_quality(done.run_id).profile.input_rows == done.input_rows


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_fails_with_a_sentence(
    sqlite_pipeline: DataPipelineService, tmp_path: Path, name: str
) -> None:
    """It says what is wrong with the file, and leaves nothing behind."""
    content, expected = REFUSED[name]
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(PipelineFailed, match=expected) as failed:
        run(sqlite_pipeline, tmp_path / "table.csv", SCHEMA)
    assert failed.value.details["type"] in {"UnreadableInput", "UnsupportedFormat", "MissingColumns"}
    assert failed.value.reason.endswith((".", "?"))
    assert left_behind(tmp_path / "kept") == []


def test_all_three_formats_of_a_date_can_be_allowed(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """The schema names them, and the first that fits a cell counts."""
    formats = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"]
    schema = DataSchema(name="dates", columns={"taken": {"type": "date", "format": formats}})
    (tmp_path / "table.csv").write_bytes(SURVIVED["dates in three formats"].content())
    done = run(sqlite_pipeline, tmp_path / "table.csv", schema)
    assert sqlite_pipeline.read_output(done.run_id).collect()["taken"].n_unique() == 1


def test_a_wide_table_is_inferred_and_run(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """Thousands of columns, each with a check of its own."""
    columns = 2_000
    rows = (f"S{row},{','.join(str(row * column) for column in range(columns))}" for row in range(3))
    names = ",".join(f"c{number}" for number in range(columns))
    (tmp_path / "table.csv").write_text("\n".join([f"sample_id,{names}", *rows, ""]))
    schema = sqlite_pipeline.infer_schema(tmp_path / "table.csv", name="wide")
    assert len(schema.columns) == columns + 1
    assert run(sqlite_pipeline, tmp_path / "table.csv", schema).output_rows == 3


def test_hostile_names_of_columns_are_only_names(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """Quotes, markup, formulas and other scripts in the header, down to the report."""
    names = ["sample_id", "<script>alert(1)</script>", "=CMD()", "a'b", "größe 模型", "a.b[0]", "^c", "**"]
    (tmp_path / "table.csv").write_text(",".join(names) + "\nS1," + ",".join(["1"] * 7) + "\nS2,x,x,x,x,x,x,x\n")
    schema = sqlite_pipeline.infer_schema(tmp_path / "table.csv", name="names")
    done = run(sqlite_pipeline, tmp_path / "table.csv", schema)
    assert sqlite_pipeline.read_output(done.run_id).collect().columns == names
    assert "<script>alert" not in Path(done.report_html_path or "").read_text()


def test_an_encoding_can_be_named(sqlite_pipeline: DataPipelineService, tmp_path: Path) -> None:
    """Where detection would be wrong, the caller knows better."""
    (tmp_path / "table.csv").write_bytes(lines("Größe,blood,1,1,2026-01-01,true").encode("latin-1"))
    done = run(sqlite_pipeline, tmp_path / "table.csv", read=ReadOptions(encoding="latin-1"))
    assert sqlite_pipeline.read_output(done.run_id).collect()["sample_id"].to_list() == ["Größe"]
