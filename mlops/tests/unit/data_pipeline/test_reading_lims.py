"""A query on a laboratory's database is one SELECT, and can change nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.reading import ColumnSpec, ReadOptions, scan_snapshot, take_snapshot
from mlops.data_pipeline.reading.lims import check_query, masked_url

COLUMNS = {"dose": ColumnSpec(type="float")}


def lims(folder: Path) -> str:
    with sqlite3.connect(folder / "lims.db") as database:
        database.execute("CREATE TABLE samples (id TEXT, dose, taken TEXT)")
        database.executemany("INSERT INTO samples VALUES (?, ?, ?)", [("a", 1.5, "x"), ("b", "much", None)])
    database.close()
    return f"sqlite:///{folder}/lims.db"


def test_result_is_read_like_a_file(tmp_path: Path) -> None:
    """Values that do not parse keep their text; the digest is of the query and its result."""
    url = lims(tmp_path)
    first, second = (
        take_snapshot(url, tmp_path / "out.parquet", columns=COLUMNS, options=ReadOptions(query=query))
        for query in ("SELECT id, dose FROM samples ORDER BY id", "SELECT id, dose FROM samples ORDER BY id DESC")
    )
    assert scan_snapshot(second).collect().rows() == [(0, "b", None, "much"), (1, "a", 1.5, None)]
    assert first.digest != second.digest
    assert second.source == url


def test_empty_result_has_its_columns(tmp_path: Path) -> None:
    """A result without rows is a table without rows."""
    options = ReadOptions(query="SELECT id, dose FROM samples WHERE id = 'z'")
    snapshot = take_snapshot(lims(tmp_path), tmp_path / "out.parquet", columns=COLUMNS, options=options)
    assert (snapshot.rows, snapshot.columns) == (0, ("id", "dose"))


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM samples",
        "SELECT 1; DROP TABLE samples",
        "WITH gone AS (DELETE FROM samples RETURNING *) SELECT * FROM gone",
        "SELECT * INTO copy FROM samples",
        "PRAGMA journal_mode",
        "/* SELECT */ UPDATE samples SET id = ''",
        "",
    ],
)
def test_anything_but_one_select_is_refused(query: str) -> None:
    """Other statements are refused before a connection is made."""
    with pytest.raises(UnreadableInput):
        check_query(query, "lims")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM samples;",
        "with x as (select 1) select * from x",
        "SELECT 'delete; drop' AS \"update\" -- insert\nFROM samples",
        "SELECT last_update FROM samples",
    ],
)
def test_selects_are_let_through(query: str) -> None:
    """Words in quotes and comments, and longer names, are no statements."""
    check_query(query, "lims")


def test_password_is_shown_nowhere(tmp_path: Path) -> None:
    """Neither the source's name nor an error has the password or the parameters."""
    assert masked_url("postgresql://lab:secret@host/lims?sslkey=other") == "postgresql://lab:***@host/lims"
    url = "postgresql://lab:secret@127.0.0.1:1/lims"
    with pytest.raises(UnreadableInput) as caught:
        take_snapshot(url, tmp_path / "out.parquet", options=ReadOptions(query="SELECT 1"))
    assert "secret" not in str(caught.value)


def test_missing_database_is_not_made(tmp_path: Path) -> None:
    """Reading a SQLite file that is not there fails and makes none."""
    with pytest.raises(UnreadableInput, match="no such database"):
        take_snapshot(f"sqlite:///{tmp_path}/no.db", tmp_path / "o.parquet", options=ReadOptions(query="SELECT 1"))
    assert not list(tmp_path.iterdir())


def test_failing_query_says_why(tmp_path: Path) -> None:
    """What the database says about a query is passed on."""
    with pytest.raises(UnreadableInput, match="no such table"):
        take_snapshot(lims(tmp_path), tmp_path / "o.parquet", options=ReadOptions(query="SELECT * FROM nowhere"))


def test_dates_of_a_database_need_no_format(tmp_path: Path) -> None:
    """ISO 8601 is read beside the format that the schema has for text."""
    query = "SELECT '2026-11-03' AS taken UNION ALL SELECT '04.11.2026' ORDER BY taken DESC"
    columns = {"taken": ColumnSpec(type="date", format="%d.%m.%Y")}
    snapshot = take_snapshot(lims(tmp_path), tmp_path / "o.parquet", columns=columns, options=ReadOptions(query=query))
    assert [str(day) for day in scan_snapshot(snapshot).collect()["taken"]] == ["2026-11-03", "2026-11-04"]


def test_a_driver_that_is_not_installed_is_named(tmp_path: Path) -> None:
    """It is the reader's environment that lacks something, not the program that fails."""
    with pytest.raises(UnreadableInput, match="driver 'psycopg2' of such databases is not installed"):
        take_snapshot(
            "postgresql+psycopg2://lab@host/lims", tmp_path / "o.parquet", options=ReadOptions(query="SELECT 1 AS a")
        )
