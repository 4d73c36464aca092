"""A LIMS on PostgreSQL is read within a transaction that cannot write."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.reading import ColumnSpec, ReadOptions, scan_snapshot, take_snapshot


@pytest.fixture
def lims(postgresql_url: str) -> str:
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("CREATE TABLE samples (id text, dose numeric(6, 3), taken timestamptz, fine boolean)")
        connection.execute("INSERT INTO samples VALUES ('a', 1.250, '2024-01-05T12:00:00+02:00', true)")
        connection.execute("CREATE SEQUENCE visits")
    return postgresql_url


def test_types_of_the_database_arrive(lims: str, tmp_path: Path) -> None:
    """Decimals, moments with a zone and booleans are what they were."""
    columns = {"dose": ColumnSpec(type="float"), "taken": ColumnSpec(type="datetime")}
    options = ReadOptions(query="SELECT * FROM samples")
    snapshot = take_snapshot(lims, tmp_path / "out.parquet", columns=columns, options=options)
    taken = datetime(2024, 1, 5, 10, tzinfo=UTC)
    assert scan_snapshot(snapshot).drop("__row__").collect().rows() == [("a", 1.25, taken, True)]


def test_functions_that_write_are_refused_by_the_database(lims: str, tmp_path: Path) -> None:
    """A SELECT that would change something fails in the read-only transaction."""
    with pytest.raises(UnreadableInput, match="read-only"):
        take_snapshot(lims, tmp_path / "out.parquet", options=ReadOptions(query="SELECT nextval('visits')"))


@pytest.mark.parametrize("quote", ["$$ ' $$", r"E'\''"])
def test_statements_hidden_in_quotes_are_refused_by_the_database(lims: str, tmp_path: Path, quote: str) -> None:
    """Quotes that the check does not know let nothing through: the server takes one statement at a time."""
    query = f"SELECT {quote}; COMMIT; DELETE FROM samples; SELECT {quote}"
    with pytest.raises(UnreadableInput, match="multiple commands"):
        take_snapshot(lims, tmp_path / "out.parquet", options=ReadOptions(query=query))


def test_patterns_with_percent_signs_are_patterns(lims: str, tmp_path: Path) -> None:
    """LIKE '%…%' is no placeholder of the driver."""
    query = ReadOptions(query="SELECT id FROM samples WHERE id LIKE '%a%'")
    assert take_snapshot(lims, tmp_path / "out.parquet", options=query).rows == 1


def test_a_time_without_an_end_is_a_bad_cell(lims: str, tmp_path: Path) -> None:
    """What PostgreSQL has and Python has not keeps its text, and the other rows are read."""
    query = "SELECT 'infinity'::timestamptz AS until UNION ALL SELECT taken FROM samples ORDER BY until"
    columns = {"until": ColumnSpec(type="datetime")}
    snapshot = take_snapshot(lims, tmp_path / "out.parquet", columns=columns, options=ReadOptions(query=query))
    rows = scan_snapshot(snapshot).drop("__row__").collect().rows()
    assert rows == [(datetime(2024, 1, 5, 10, tzinfo=UTC), None), (None, "infinity")]
