"""The schema: migrations, tables and the head script agree; what belongs to others is left alone."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import mlops.ab_testing.service
import mlops.artifacts
import mlops.audit
import mlops.data_pipeline.sql
import mlops.events
import mlops.experiment_tracker
import mlops.feature_store.service
import mlops.jobs
import mlops.model_registry  # noqa: F401 (all of them declare their tables)
from mlops.database import (
    Database,
    DatabaseSettings,
    SchemaMismatch,
    UnsupportedLocation,
    check,
    current,
    head,
    metadata,
    open_database,
    upgrade,
)
from mlops.database.location import locate
from mlops.database.registry import Database as Unopened
from mlops.database.schema import migrate, revisions
from mlops.errors import Corrupted
from tools.generate_head_script import TARGET, head_script

GUIDES_INDEXES = {
    "experiments": "idx_experiments_created_at",
    "experiment_metrics": "idx_metrics_experiment_id_step",
    "model_registry": "idx_model_registry_model_id",
}


def change(database: Database, *statements: str) -> None:
    """Run statements on a database, as somebody else might."""
    with database.write() as tx:
        for statement in statements:
            tx.execute(sa.text(statement))


def describe(index: Any) -> str:
    """Describe an index, its condition as text."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return str({**index, "dialect_options": options})


def structure(database: Database) -> dict[str, object]:
    """Describe all tables with their columns, keys and indexes."""
    with database.read() as tx:
        inspector = sa.inspect(tx.connection)
        return {
            table: (
                [(column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(table)],
                inspector.get_pk_constraint(table),
                sorted(map(describe, inspector.get_indexes(table))),
            )
            for table in inspector.get_table_names()
        }


def test_a_new_database_is_at_head_and_agrees_with_the_tables(database: Database) -> None:
    """Every declared table, column and index is there, and nothing else."""
    assert current(database) == head() == revisions()[-1]
    assert check(database) == []
    assert set(metadata.tables) == set(structure(database)) - {"alembic_version"}


def test_the_guides_indexes_exist(database: Database) -> None:
    """The names that the guide promises are there on both databases."""
    found = structure(database)
    for table, index in GUIDES_INDEXES.items():
        assert index in str(found[table])


def test_the_head_script_is_current() -> None:
    """`head.sql` is what the migrations make; otherwise: make generate."""
    assert TARGET.read_text() == head_script()


def test_migrations_and_head_script_make_the_same_database(sqlite_url: str, tmp_path: Path) -> None:
    """A file brought up by Alembic cannot be told from a new one."""
    migrated = Unopened(locate(f"sqlite:///{tmp_path}/migrated.db"), DatabaseSettings())
    with migrated.write() as tx:
        migrate(tx)
    with open_database(sqlite_url) as new:
        assert structure(migrated) == structure(new)
        assert current(migrated) == current(new)
    migrated.shut()


def test_an_empty_postgresql_database_is_brought_up(empty_postgresql_url: str) -> None:
    """Opening makes the tables; opening again finds them."""
    for _ in range(2):
        with open_database(empty_postgresql_url) as database:
            assert (current(database), check(database)) == (head(), [])


def test_many_open_an_empty_postgresql_database_at_once(empty_postgresql_url: str) -> None:
    """Upgrades queue on an advisory lock: those who come second find the tables made."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            database = Unopened(locate(empty_postgresql_url), DatabaseSettings())
            upgrade(database)
            database.shut()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_check_reports_what_differs(database: Database) -> None:
    """An added column, a removed column, a removed and an added index and a missing table are each named."""
    change(
        database,
        "ALTER TABLE experiments ADD COLUMN shoe_size INTEGER",
        "ALTER TABLE experiments DROP COLUMN notes",
        "DROP INDEX idx_experiments_parent",
        "CREATE INDEX idx_mine ON experiments (status)",
        "DROP TABLE experiment_environments",
    )
    report = "\n".join(check(database))
    for sentence in (
        "remove column: experiments shoe_size",
        "add column: experiments notes",
        "add index: idx_experiments_parent",
        "remove index: idx_mine",
        "add table: experiment_environments",
    ):
        assert sentence in report


def test_a_newer_version_is_refused_and_left_as_it_is(sqlite_url: str) -> None:
    """An older package does not touch a newer database; it names both versions and the way on."""
    with open_database(sqlite_url) as database:
        change(database, "UPDATE alembic_version SET version_num = '9999'")
    for _ in range(2):
        with pytest.raises(SchemaMismatch, match=f"'9999'; this mlops knows .*{head()}.*[Uu]pgrade the package"):
            open_database(sqlite_url)


def test_other_programs_tables_are_left_alone(sqlite_url: str, tmp_path: Path) -> None:
    """Tables beside ours keep their rows and are no difference."""
    plain = sqlite3.connect(tmp_path / "mlops.db")
    with plain:
        plain.execute("CREATE TABLE samples (id INTEGER PRIMARY KEY, barcode TEXT)")
        plain.execute("INSERT INTO samples VALUES (7, 'S-7')")
    plain.close()
    with open_database(sqlite_url) as database:
        assert check(database) == []
        with database.read() as tx:
            assert tx.execute(sa.text("SELECT * FROM samples")).one() == (7, "S-7")


def test_other_programs_tables_of_our_names_are_refused(sqlite_url: str, tmp_path: Path) -> None:
    """A database in which `experiments` means something else is refused, named, and unchanged."""
    plain = sqlite3.connect(tmp_path / "mlops.db")
    with plain:
        plain.execute("CREATE TABLE experiments (id INTEGER PRIMARY KEY)")
    with pytest.raises(SchemaMismatch, match="tables named experiments that are not of mlops"):
        open_database(sqlite_url)
    assert plain.execute("SELECT name FROM sqlite_master").fetchall() == [("experiments",)]
    plain.close()


def test_a_postgresql_database_of_our_names_is_refused(empty_postgresql_url: str) -> None:
    """The same on PostgreSQL, where Alembic would otherwise stop half-way."""
    stranger = Unopened(locate(empty_postgresql_url), DatabaseSettings())
    change(stranger, "CREATE TABLE experiments (id INTEGER PRIMARY KEY)")
    with pytest.raises(SchemaMismatch, match="tables named experiments"):
        open_database(empty_postgresql_url)
    assert set(structure(stranger)) == {"experiments"}
    stranger.shut()


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    """A file of something else is not overwritten."""
    (tmp_path / "notes.txt").write_text("These are my notes.\n" * 100)
    with pytest.raises(UnsupportedLocation, match="file is not a database"):
        open_database(f"sqlite:///{tmp_path}/notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "These are my notes.\n" * 100


def test_a_damaged_file_is_told_from_a_busy_one(sqlite_url: str, tmp_path: Path) -> None:
    """Overwritten pages are an error that says so, not a reason to try again."""
    open_database(sqlite_url).close()
    with (tmp_path / "mlops.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * ((tmp_path / "mlops.db").stat().st_size - 4096))
    with pytest.raises(Corrupted, match="malformed"):
        open_database(sqlite_url)


def test_versions_of_databases(sqlite_url: str) -> None:
    """An empty file has no version; `upgrade` returns the newest."""
    empty = Unopened(locate(sqlite_url), DatabaseSettings())
    assert current(empty) is None
    assert upgrade(empty) == head() == current(empty)
    empty.shut()
