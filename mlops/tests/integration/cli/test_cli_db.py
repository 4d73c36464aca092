"""`mlops db` on real databases."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest


def mlops(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlops", "db", *words], capture_output=True, text=True, check=False, timeout=120
    )


def test_a_database_is_created_then_current_and_as_expected(sqlite_url: str) -> None:
    """After `upgrade`, `current` names the newest revision and `check` finds no difference."""
    revision = json.loads(mlops("upgrade", "--url", sqlite_url, "--json").stdout)["revision"]
    facts = json.loads(mlops("current", "--url", sqlite_url, "--json").stdout)
    assert facts["revision"] == facts["newest"] == revision
    checked = mlops("check", "--url", sqlite_url)
    assert (checked.returncode, checked.stdout) == (0, "The tables are as this release expects.\n")


def test_a_migrated_database_is_as_expected(database_url: str) -> None:
    """`check` finds no difference in what the migrations make, on both databases."""
    mlops("upgrade", "--url", database_url)
    checked = mlops("check", "--url", database_url, "--json")
    assert json.loads(checked.stdout)["differences"] == []


def test_a_difference_is_listed_and_fails(sqlite_url: str) -> None:
    """A table that lost a column is reported, with status 1."""
    mlops("upgrade", "--url", sqlite_url)
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    connection.execute("DROP TABLE experiment_metrics")
    connection.close()
    checked = mlops("check", "--url", sqlite_url)
    assert checked.returncode == 1
    assert "experiment_metrics" in checked.stdout


def test_every_table_is_looked_at(sqlite_url: str) -> None:
    """Whatever part a lost table belongs to, `check` names it."""
    mlops("upgrade", "--url", sqlite_url)
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    ours = {name for name in tables if not name.startswith(("sqlite_", "alembic_"))}
    for name in ours:
        connection.execute(f"DROP TABLE {name}")
    connection.close()
    differences = json.loads(mlops("check", "--url", sqlite_url, "--json").stdout)["differences"]
    assert {line.split()[-1] for line in differences if line.startswith("add table: ")} == ours


@pytest.mark.parametrize("command", ["current", "check"])
def test_looking_at_a_missing_file_does_not_create_it(tmp_path: Path, command: str) -> None:
    """A mistyped path is an error with the remedy, not a new empty database."""
    done = mlops(command, "--url", f"sqlite:///{tmp_path}/absent.db")
    assert done.returncode == 1
    assert "does not exist. Create it with: mlops db upgrade" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_configured_database_is_used_without_a_url(tmp_path: Path) -> None:
    """Without --url the settings decide; here their default, a file in the working directory."""
    assert mlops("upgrade").returncode == 0
    assert (tmp_path / "mlops.db").exists()


def test_an_unreachable_server_is_one_line_without_its_password() -> None:
    """The error names the server and hides the password."""
    done = mlops("current", "--url", "postgresql://ann:hush@localhost:1/lab")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: postgresql://ann:***@localhost:1/lab")
    assert done.stderr.count("\n") == 1
