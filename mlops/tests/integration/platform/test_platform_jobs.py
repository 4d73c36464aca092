"""The platform does the jobs of its parts with one runner, and its own upkeep."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from sklearn.dummy import DummyClassifier

from mlops import clock
from mlops.data_pipeline import DataSchema
from mlops.errors import Conflict, InvalidInput, NotFound
from mlops.feature_store import Entity
from mlops.jobs import JobHandler, JobRunner, JobStatus, enqueue, get_job, list_schedules, list_workers, wait
from mlops.model_registry import ModelMetadata
from mlops.platform import Platform, list_restore_points
from mlops.platform.scheduled import BACKUP, PRUNING, RETENTION
from mlops.tests.integration.platform.conftest import MakeSite, Site

OpenedHere = Callable[[], set[str]]
LONG_S = 60.0
SCHEMA = DataSchema(name="Samples", columns={"sample_id": {"type": "string", "primary_key": True}})


@pytest.fixture
def make_lab(make_site: MakeSite, tmp_path: Path) -> Callable[..., Site]:
    """Return what makes a site whose pipeline and features live in its folder too."""

    def make(**sections: object) -> Site:
        data = {"data_pipeline": {"data_dir": f"{tmp_path}/data"}, "feature_store": {"store_dir": f"{tmp_path}/views"}}
        return make_site("lab", **{**data, **sections})

    return make


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a table of samples."""
    path = tmp_path / "samples.csv"
    path.write_text("sample_id\nS-1\nS-2\n")
    return path


def run_job(platform: Platform, kind: str) -> dict[str, object]:
    """Have a job done now; return its result."""
    with platform.database.write() as tx:
        job_id = enqueue(tx, kind=kind)
    done = wait(platform.database, job_id, LONG_S)
    assert done.status is JobStatus.SUCCEEDED, done.error
    return dict(done.result)


def test_one_runner_does_the_jobs_of_all_parts(
    make_lab: Callable[..., Site], table: Path, opened_here: OpenedHere
) -> None:
    """A run of the pipeline is done by it; closing waits for what was asked for, and leaves nothing open."""
    with Platform.open(make_lab().config) as platform:
        platform.features.sync.apply_entity(Entity(name="sample", join_keys=("sample_id",)))
        platform.pipeline.sync.create_schema(SCHEMA)
        with platform.database.read() as tx:
            assert platform.jobs is not None
            assert platform.jobs.kinds == tuple(sorted(one.kind for one in platform.job_handlers()))
        run_id = platform.pipeline.sync.run_pipeline("samples", str(table), "Samples")
    assert opened_here() == set()
    with Platform.open(make_lab().config, workers=0) as platform:
        assert platform.pipeline.sync.get_pipeline_run(run_id).output_rows == 2
        with platform.database.read() as tx:
            assert list_workers(tx) == []


def test_without_workers_jobs_wait(make_lab: Callable[..., Site], table: Path) -> None:
    """Until somebody starts to do them."""
    config = make_lab().config
    with Platform.open(config, workers=0) as platform:
        platform.pipeline.sync.create_schema(SCHEMA)
        run_id = platform.pipeline.sync.run_pipeline("samples", str(table), "Samples")
    with Platform.open(config, workers=0) as platform:
        assert platform.jobs is None
        assert platform.pipeline.sync.get_pipeline_run(run_id).status == "pending"
        platform.start_jobs(workers=2)
        platform.pipeline.sync.wait(run_id, timeout_s=LONG_S)


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_interrupted_block_gives_its_jobs_back(
    make_lab: Callable[..., Site], opened_here: OpenedHere, error: type[BaseException]
) -> None:
    """It waits for none, and closes all the same."""
    begun, release = threading.Event(), threading.Event()
    config = make_lab().config
    slow = JobHandler("lab.slow", lambda _: begun.set() or (release.wait(LONG_S) and None))

    def interrupted() -> str:
        with suppress(error), Platform.open(config, workers=0) as platform:
            platform.add_job_handlers([slow])
            platform.start_jobs()
            with platform.database.write() as tx:
                job_id = enqueue(tx, kind="lab.slow")
            assert begun.wait(LONG_S)
            raise error
        return job_id

    job_id = interrupted()
    assert opened_here() == set()
    release.set()
    with Platform.open(config, workers=0) as platform, platform.database.read() as tx:
        assert (get_job(tx, job_id).status, get_job(tx, job_id).attempts) == ("queued", 0)


def test_a_program_adds_its_own_kinds_of_jobs(make_lab: Callable[..., Site], opened_here: OpenedHere) -> None:
    """Before jobs are started, and only once of each kind."""
    config = make_lab().config
    plates = JobHandler("lab.count_plates", lambda _: {"plates": 7}, requires=frozenset({"robot"}))
    with Platform.open(config, workers=0) as platform:
        platform.add_job_handlers([plates])
        platform.start_jobs(capabilities=["robot"])
        assert run_job(platform, "lab.count_plates") == {"plates": 7}
        with pytest.raises(Conflict, match="workers=0"):
            platform.add_job_handlers([plates])
        with pytest.raises(Conflict, match="already"):
            platform.start_jobs()
    with Platform.open(config, workers=0) as platform:
        platform.add_job_handlers([plates, plates])
        with pytest.raises(InvalidInput, match="Two handlers"):
            platform.start_jobs()
    with pytest.raises(InvalidInput, match="workers"):
        Platform.open(config, workers=-1)
    assert opened_here() == set()


def test_setting_backup_enabled_has_restore_points_made_by_a_schedule(make_lab: Callable[..., Site]) -> None:
    """One when it is due, none before the next is; without the setting there is no schedule and no handler."""
    config = make_lab(model_registry={"backup_enabled": True}).config
    with Platform.open(config) as platform:
        with platform.database.read() as tx:
            found = {(one.name, one.kind, one.created_by) for one in list_schedules(tx)}
        assert found == {(BACKUP, BACKUP, "scheduler"), (PRUNING, PRUNING, "scheduler")}
        made = run_job(platform, BACKUP)
        assert [point.name for point in list_restore_points(config)] == [made["made"]]
        assert run_job(platform, BACKUP) == {"made": None, "removed": ()}
    with Platform.open(make_lab().config) as platform:
        assert {one.kind for one in platform.job_handlers()}.isdisjoint({BACKUP, RETENTION})


def test_setting_backup_keep_removes_the_oldest_restore_points(make_lab: Callable[..., Site]) -> None:
    """When a scheduled one was made; others are left alone."""
    config = make_lab(model_registry={"backup_enabled": True, "backup_keep": 1}).config
    with Platform.open(config) as platform:
        first = run_job(platform, BACKUP)["made"]
    with Platform.open(config, now=lambda: clock.now() + timedelta(days=2)) as platform:
        second = run_job(platform, BACKUP)
    assert second["removed"] == (first,)
    assert [point.name for point in list_restore_points(config)] == [second["made"]]


def test_setting_automatic_cleanup_has_retention_applied_each_night(make_lab: Callable[..., Site]) -> None:
    """To the models of every project."""
    kept = make_lab().config
    with Platform.open(kept, workers=0) as platform:
        for answer in (0, 1, 2):
            model = DummyClassifier(strategy="constant", constant=answer).fit([[0.0], [1.0], [2.0]], [0, 1, 2])
            platform.registry.sync.register_model(model, ModelMetadata(model_id="triage"), sample=[[0.0]])
    settings = {"automatic_cleanup": True, "max_model_versions": 1}
    with Platform.open(make_lab(model_registry=settings).config) as platform:
        with platform.database.read() as tx:
            assert {one.kind for one in list_schedules(tx)} == {PRUNING, RETENTION}
        assert len(run_job(platform, RETENTION)["deleted"]) == 2  # type: ignore[arg-type]
        assert len(platform.registry.sync.list_models()) == 1


def test_setting_keep_ended_days_removes_old_jobs_each_night(make_lab: Callable[..., Site]) -> None:
    """Ended jobs older than that go, younger ones stay; 0 keeps them all."""
    site = make_lab(jobs={"keep_ended_days": 2})
    later = clock.now() + timedelta(days=3)
    with Platform.open(site.config) as platform:
        run_job(platform, PRUNING)
        with platform.database.read() as tx:
            assert [one.cron for one in list_schedules(tx)] == ["17 3 * * *"]
    with Platform.open(site.config, now=lambda: later) as platform:
        assert run_job(platform, PRUNING) == {"removed": 1, "inputs": 0}
    with Platform.open(make_lab(jobs={"keep_ended_days": 0}).config) as platform:
        assert PRUNING not in {handler.kind for handler in platform.job_handlers()}


def test_dataframes_go_with_the_jobs_of_their_runs(make_lab: Callable[..., Site], tmp_path: Path) -> None:
    """One whose job is unfinished stays, however old; so does what nobody knows, until it is as old."""
    site = make_lab(jobs={"keep_ended_days": 2})
    later = clock.now() + timedelta(days=3)
    frame = pl.DataFrame({"sample_id": ["S-1", "S-2"]})
    inputs = tmp_path / "data" / "inputs"
    with Platform.open(site.config) as platform:
        with pytest.raises(NotFound):
            platform.pipeline.sync.run_pipeline("samples", frame, "Samples")
        assert not inputs.exists()
        platform.pipeline.sync.create_schema(SCHEMA)
        for _ in range(2):
            platform.pipeline.sync.run_pipeline("samples", frame, "Samples", wait=True)
        (inputs / "unknown.parquet").write_bytes(b"of a process that was killed")
        (inputs / "unknown.part").write_bytes(b"half of it")
        (inputs / "notes of mine.txt").write_bytes(b"not the pipeline's")
        assert run_job(platform, PRUNING) == {"removed": 0, "inputs": 0}
    with Platform.open(site.config, workers=0) as platform:
        waiting = platform.pipeline.sync.run_pipeline("samples", frame, "Samples")
        kept = Path(platform.pipeline.sync.get_pipeline_run(waiting).input_data_path)
    with Platform.open(site.config, workers=0, now=lambda: later) as platform:
        pruning = [handler for handler in platform.job_handlers() if handler.kind == PRUNING]
        with JobRunner(platform.database, pruning):
            assert run_job(platform, PRUNING) == {"removed": 3, "inputs": 4}
    assert sorted(file.name for file in inputs.iterdir()) == sorted([kept.name, "notes of mine.txt"])
    with Platform.open(site.config) as platform:
        assert platform.pipeline.sync.wait(waiting, LONG_S).output_rows == 2


def test_setting_redis_url_announces_jobs_and_costs_nothing_when_it_is_gone(
    make_lab: Callable[..., Site], table: Path, valkey_url: str
) -> None:
    """A pipeline's run is done with it as without it."""
    for url in (valkey_url, "redis://127.0.0.1:1/0"):
        config = make_lab().config
        section = config.database.model_copy(update={"redis_url": url})
        with Platform.open(config.model_copy(update={"database": section})) as platform:
            platform.pipeline.sync.create_schema(SCHEMA)
            run_id = platform.pipeline.sync.run_pipeline("samples", str(table), "Samples", wait=True)
            assert platform.pipeline.sync.get_pipeline_run(run_id).status == "completed"


SCRIPT = """
import sys
from mlops.config import ConfigManager
from mlops.data_pipeline import DataSchema
from mlops.platform import Platform

platform = Platform.open(ConfigManager().load_config())
platform.pipeline.sync.create_schema(DataSchema(name="Samples", columns={"sample_id": {"type": "string"}}))
sys.stdout.write(platform.pipeline.sync.run_pipeline("samples", sys.argv[1], "Samples"))
"""


def test_a_script_that_does_not_close_it_ends_when_its_runs_have(tmp_path: Path, table: Path) -> None:
    """Nothing keeps the process beyond them."""
    environment = {**os.environ, "MLOPS_DATABASE_URL": f"sqlite:///{tmp_path}/script.db", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(table)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=LONG_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    from mlops.data_pipeline import DataPipelineService

    with DataPipelineService(f"sqlite:///{tmp_path}/script.db", workers=0) as pipeline:
        assert pipeline.get_pipeline_run(done.stdout).status == "completed"
