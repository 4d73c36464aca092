"""Copies of databases of older versions, of the other kind, and of no version that is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from mlops.database import Database, DatabaseSettings, SchemaMismatch, check, current, head, open_database, schema
from mlops.database.backup import DatabaseCopy, copy_database, refuse_foreign, replace_database
from mlops.database.location import locate
from mlops.errors import InvalidInput

OLD = "0002"


@pytest.fixture(params=["sqlite", "postgresql"])
def old_and_new(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Return the URLs of an empty database without tables and of one at the newest version, of one kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/old.db", f"sqlite:///{tmp_path}/new.db"
    return request.getfixturevalue("empty_postgresql_url"), request.getfixturevalue("postgresql_url")


def copy_of_old(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> DatabaseCopy:
    """Make a database as an older release made it, with a row, and copy it as that release did."""
    database = Database(locate(url), DatabaseSettings())
    try:
        with database.write() as tx:
            schema.migrate(tx, OLD)
            statement = "INSERT INTO experiment_tags (experiment_id, name, text) VALUES ('x', 'site', 'north')"
            tx.execute(sa.text(statement))
        with database.read() as tx, monkeypatch.context() as patch:
            names = tuple(sorted(sa.inspect(tx.connection).get_table_names()))
            patch.setattr(schema, "table_names", lambda: names)
            return copy_database(tx, folder)
    finally:
        database.shut()


def test_a_copy_of_an_older_version_is_upgraded(
    old_and_new: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows come back in the tables of the newest version."""
    (tmp_path / "copy").mkdir()
    copy = copy_of_old(old_and_new[0], tmp_path / "copy", monkeypatch)
    assert copy.revision == OLD
    with open_database(old_and_new[1]) as database:
        refuse_foreign(copy, database)
        replace_database(database, copy, tmp_path / "copy", overwrite=False, prepare=lambda _: None)
        with database.read() as tx:
            assert tx.execute(sa.text("SELECT text FROM experiment_tags")).scalars().all() == ["north"]
        assert current(database) == head()
        assert [line for line in check(database) if "experiment" in line] == []


def test_a_newer_or_foreign_copy_is_refused(database: Database) -> None:
    """The error names the version, or the kind of database, that would do."""
    with pytest.raises(SchemaMismatch, match="9999"):
        refuse_foreign(DatabaseCopy(dialect=database.dialect, revision="9999", files=()), database)
    other = "sqlite" if database.dialect == "postgresql" else "postgresql"
    with pytest.raises(InvalidInput, match=other):
        refuse_foreign(DatabaseCopy(dialect=other, revision=head(), files=()), database)


def test_sequences_go_on_where_they_were(postgresql_url: str, tmp_path: Path) -> None:
    """Numbers of rows that were deleted before the copy are not given out again."""
    insert = sa.text(
        "INSERT INTO experiment_metrics (experiment_id, name, step, logged_at) VALUES ('x', 'auc', 1, 0) RETURNING id"
    )
    with open_database(postgresql_url) as database:
        with database.write() as tx:
            last = [tx.execute(insert).scalar_one() for _ in range(3)][-1]
            tx.execute(sa.text("DELETE FROM experiment_metrics"))
        with database.read() as tx:
            copy = copy_database(tx, tmp_path)
        with database.write() as tx:
            tx.execute(sa.text("SELECT setval(pg_get_serial_sequence('experiment_metrics', 'id'), 1)"))
        replace_database(database, copy, tmp_path, overwrite=True, prepare=lambda _: None)
        with database.write() as tx:
            assert tx.execute(insert).scalar_one() == last + 1
