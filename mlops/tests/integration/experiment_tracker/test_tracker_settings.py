"""Every setting that has an effect today, set as a site would set it, by its variable, and its effect seen."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mlops.database import DatabaseBusy, configured_database
from mlops.experiment_tracker import EnvironmentNotFound, ExperimentConfig, ExperimentTrackerService

HOLD = "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, fcntl.LOCK_EX); print(); sys.stdin.read()"


class Unusual:
    """An object that no codec but the signed pickle holds."""


@contextmanager
def tracker_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Iterator[ExperimentTrackerService]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with ExperimentTrackerService() as tracker:
        yield tracker


def started(tracker: ExperimentTrackerService) -> str:
    return tracker.start_experiment(ExperimentConfig(name="settings"))


def stored_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_setting_database_url_decides_where_records_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records go to the configured file."""
    with tracker_with(monkeypatch, MLOPS_DATABASE_URL=f"sqlite:///{tmp_path / 'elsewhere.db'}") as tracker:
        key = started(tracker)
    assert key.encode() in (tmp_path / "elsewhere.db").read_bytes()


def test_setting_pool_size_bounds_the_connections_kept_open(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a rush, no more connections stay open than the setting says."""
    monkeypatch.setenv("MLOPS_DATABASE_POOL_SIZE", "2")
    with configured_database(database_url) as database:
        with ExitStack() as rush:
            for _ in range(4):
                rush.enter_context(database.read())
            assert database.describe()["connections"]["in_use"] == 4
        assert database.describe()["connections"]["open"] == 2


def test_setting_max_connections_bounds_the_connections_open_at_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reader more than allowed is turned away with the name of the setting."""
    monkeypatch.setenv("MLOPS_DATABASE_POOL_SIZE", "1")
    monkeypatch.setenv("MLOPS_DATABASE_MAX_CONNECTIONS", "2")
    monkeypatch.setenv("MLOPS_DATABASE_LOCK_TIMEOUT_S", "0.2")
    with ExitStack() as full:
        database = full.enter_context(configured_database(database_url))
        full.enter_context(database.read())
        full.enter_context(database.read())
        with pytest.raises(DatabaseBusy, match="max_connections"), database.read():
            pytest.fail("a third connection was opened")


def test_setting_lock_timeout_bounds_the_wait_of_a_write(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write behind another process's lock gives up after the configured time."""
    monkeypatch.setenv("MLOPS_DATABASE_LOCK_TIMEOUT_S", "0.3")
    with configured_database(sqlite_url) as database:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, f"{database.path}.writer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with holder:
            assert holder.stdout is not None
            holder.stdout.readline()
            with pytest.raises(DatabaseBusy, match=r"0\.3 s"), database.write():
                pytest.fail("the lock was not held")
            holder.communicate()


def test_setting_tracking_dir_decides_where_artifacts_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content of an artifact lies below the configured folder."""
    with tracker_with(monkeypatch, MLOPS_TRACKING_DIR=str(tmp_path / "blobs here")) as tracker:
        tracker.log_artifact("note", "text", "seen below the folder", started(tracker))
    assert b"seen below the folder" in stored_bytes(tmp_path / "blobs here")


def test_setting_default_project_is_the_project_of_runs_that_name_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without a project is in the configured one."""
    with tracker_with(monkeypatch, MLOPS_EXPERIMENT_TRACKING_DEFAULT_PROJECT="haematology") as tracker:
        assert tracker.get_experiment(started(tracker)).project == "haematology"


def test_setting_system_metrics_interval_paces_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short interval gives samples at once and again; zero gives none."""
    with tracker_with(monkeypatch, MLOPS_EXPERIMENT_TRACKING_SYSTEM_METRICS_INTERVAL_S="0.1") as tracker:
        key = started(tracker)
        deadline = time.monotonic() + 20
        while most_samples(tracker, key) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert most_samples(tracker, key) >= 3
    with tracker_with(monkeypatch, MLOPS_EXPERIMENT_TRACKING_SYSTEM_METRICS_INTERVAL_S="0") as tracker:
        key = started(tracker)
        time.sleep(0.3)
        assert most_samples(tracker, key) == 0


def most_samples(tracker: ExperimentTrackerService, key: str) -> int:
    return max((summary.count for summary in tracker.get_metric_summaries(key).values()), default=0)


def test_setting_capture_environment_decides_whether_it_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is kept by default and left out on request."""
    with tracker_with(monkeypatch) as tracker:
        assert "numpy" in tracker.get_environment(started(tracker)).packages
    with tracker_with(monkeypatch, MLOPS_EXPERIMENT_TRACKING_CAPTURE_ENVIRONMENT="false") as tracker:
        key = started(tracker)
        with pytest.raises(EnvironmentNotFound):
            tracker.get_environment(key)


def test_setting_signing_key_signs_pickled_artifacts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one key signed is loaded under that key and refused under another."""
    with tracker_with(monkeypatch, MLOPS_SIGNING_KEY="a" * 64) as tracker:
        key = started(tracker)
        tracker.log_artifact("object", "other", Unusual(), key)
        assert isinstance(tracker.load_artifact(key, "object"), Unusual)
    from mlops.artifacts import SignatureRefused

    with tracker_with(monkeypatch, MLOPS_SIGNING_KEY="b" * 64) as tracker, pytest.raises(SignatureRefused):
        tracker.load_artifact(key, "object")


def test_setting_encryption_key_encrypts_artifacts_at_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing readable lies on the disk, and the artifact comes back."""
    folder = tmp_path / "sealed"
    with tracker_with(monkeypatch, MLOPS_ENCRYPTION_KEY="ab" * 32, MLOPS_TRACKING_DIR=str(folder)) as tracker:
        key = started(tracker)
        tracker.log_artifact("note", "text", "the patient's name", key)
        assert tracker.load_artifact(key, "note") == "the patient's name"
    assert b"the patient's name" not in stored_bytes(folder)
