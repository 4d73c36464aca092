"""What a failed run tells of its error."""

from __future__ import annotations

import errno
from pathlib import Path

import polars as pl
import pytest

from mlops.data_pipeline import MissingColumns, TooManyBadRows, UnreadableInput
from mlops.data_pipeline.failures import details_of, sentence_of, translated
from mlops.errors import InvalidInput, StorageFull
from mlops.records import encode_json


def test_our_errors_are_their_sentence_and_others_have_their_class_before() -> None:
    """So that a sentence never lacks what kind of trouble it is."""
    assert sentence_of(InvalidInput("The table has no row.")) == "The table has no row."
    assert sentence_of(KeyError("dose")) == "KeyError: 'dose'"


def test_a_sentence_can_be_stored_and_is_not_endless() -> None:
    """Neither NUL nor half a character stays in it."""
    text = sentence_of(ValueError("a\0b\ud800" + "x" * 10_000))
    assert len(text) <= 4_000
    assert "\0" not in text
    text.encode()


def test_a_folder_that_cannot_be_written_is_named() -> None:
    """An error of the system elsewhere stays as it is."""
    error = FileNotFoundError(errno.ENOENT, "No such file or directory", "/data/runs/r")
    expected = "'/data/runs/r' cannot be written: No such file or directory. Name a data_dir that can."
    assert str(translated(error, Path("/data"))) == expected
    assert translated(error, Path("/elsewhere")) is error


def test_details_say_where_the_trouble_is() -> None:
    """Column, line, samples and counts, as JSON; what an error does not know is left out."""
    error = UnreadableInput("t.csv", "a cell has no end.", line=7, column="dose")
    assert details_of(error) == {"type": "UnreadableInput", "path": "t.csv", "line": 7, "column": "dose"}
    few = TooManyBadRows(3, 6, limit=0.1, most_common="dose:range", column="dose", samples=["-1", "-2"])
    assert details_of(few) == {
        "type": "TooManyBadRows", "bad_rows": 3, "rows": 6, "limit": 0.1, "rule": "dose:range", "column": "dose",
        "samples": ("-1", "-2"),
    }  # fmt: skip
    missing = MissingColumns(["dose"], present=["doses"], near={"dose": ["doses"]})
    assert details_of(missing)["near"] == {"dose": ["doses"]}
    encode_json(details_of(missing))


def test_what_is_no_json_is_left_out() -> None:
    """An error of somebody else may have any attributes."""
    error = RuntimeError("odd")
    error.path = Path("x")  # type: ignore[attr-defined]
    error.column = object()  # type: ignore[attr-defined]
    assert details_of(error) == {"type": "RuntimeError"}


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError("No space left on device (os error 28)")]
)
def test_a_full_disk_is_told_as_such(error: OSError) -> None:
    """Whoever noticed it, the system or Polars; other errors stay what they are."""
    found = translated(error, Path("/data"))
    assert isinstance(found, StorageFull)
    assert "'/data'" in str(found)
    other = OSError(errno.EACCES, "Permission denied")
    assert translated(other, Path("/data")) is other


def test_the_plan_of_a_query_is_no_part_of_the_sentence() -> None:
    """What Polars adds to an error for its developers would bury it."""
    with pytest.raises(pl.exceptions.ColumnNotFoundError) as caught:
        pl.LazyFrame({"dose": [1]}).with_columns(pl.col("dos") + 1).collect()
    sentence = sentence_of(caught.value)
    assert sentence.startswith('ColumnNotFoundError: unable to find column "dos"')
    assert "FAILED HERE" not in sentence
