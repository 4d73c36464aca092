"""`mlops backup` and `mlops restore` on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.experiment_tracker import ExperimentTrackerService
from mlops.tests.fixtures.command import Outcome

Command = Callable[..., Outcome]


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record a run in the working folder's default places."""
    monkeypatch.setenv("MLOPS_EXPERIMENT_TRACKING_CAPTURE_ENVIRONMENT", "false")
    with ExperimentTrackerService() as tracker, tracker.run("assay") as run:
        run.log_artifact("notes", "all wells read")


def test_a_backup_is_made_listed_verified_and_restored(mlops: Command, tracked: None) -> None:
    """The whole way, as JSON, over a database that was lost."""
    made = json.loads(mlops("backup", "--json").out)["made"]
    assert made["artifacts"] == 1
    assert [one["name"] for one in json.loads(mlops("backup", "--list", "--json").out)] == [made["name"]]
    assert json.loads(mlops("backup", "--verify", "latest", "--json").out)["verified"] == made
    Path("mlops.db").unlink()
    assert json.loads(mlops("restore", "latest", "--json").out)["restored"] == made
    with ExperimentTrackerService() as tracker:
        assert [run.name for run in tracker.list_experiments()] == ["assay"]


def test_replacing_needs_overwrite_and_a_yes(mlops: Command, tracked: None) -> None:
    """Neither alone replaces a database with rows where nobody can be asked."""
    mlops("backup")
    for words, message in (([], "--overwrite"), (["--overwrite"], "--yes")):
        refused = mlops("restore", "latest", *words)
        assert refused.status == 1
        assert message in refused.err
    assert mlops("restore", "latest", "--overwrite", "--yes").status == 0


def test_if_due_follows_the_settings(mlops: Command, tracked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing while backups are not enabled; then one, and no second within the interval."""
    assert mlops("backup", "--if-due").out == "No restore point is due.\n"
    monkeypatch.setenv("MLOPS_MODEL_REGISTRY_BACKUP_ENABLED", "true")
    answers = [json.loads(mlops("backup", "--if-due", "--json").out)["made"] is not None for _ in range(2)]
    assert answers == [True, False]


def test_old_restore_points_are_removed_on_request(mlops: Command, tracked: None) -> None:
    """--keep counts the new one too."""
    first = json.loads(mlops("backup", "--json").out)["made"]["name"]
    second = json.loads(mlops("backup", "--keep", "1", "--json").out)
    assert second["removed"] == [first]
    assert mlops("backup", "--list").out.count("\n") == 2


def test_a_damaged_point_is_one_line_and_status_1(mlops: Command, tracked: None) -> None:
    """Verifying says which file it is."""
    mlops("backup")
    [file] = Path("mlops_data/backups").glob("2*/database/mlops.db")
    file.write_bytes(b"")
    refused = mlops("backup", "--verify", "latest")
    assert refused.status == 1
    assert "mlops.db is damaged" in refused.err


def test_contradicting_options_are_refused(mlops: Command) -> None:
    """One thing at a time."""
    assert "Say one of them" in mlops("backup", "--list", "--if-due").err
