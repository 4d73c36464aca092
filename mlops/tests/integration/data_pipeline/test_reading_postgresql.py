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
