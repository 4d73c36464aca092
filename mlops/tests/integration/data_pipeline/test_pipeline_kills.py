"""Processes that die or are too late: the run is done once, and nothing half-written stays."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import polars as pl
import pytest

from mlops.data_pipeline import RunStatus
from mlops.jobs import LeaseLost
from mlops.tests.fixtures.programs import finish, start
from mlops.tests.integration.data_pipeline.conftest import MakePipeline, samples, samples_schema
from mlops.tests.integration.data_pipeline.kill_scenes import do_job, take_job
from mlops.tests.integration.model_registry.killing import Kill, read_kills

_PATIENCE_S = 600
_SCENE = """
    import sys
    from mlops.tests.integration.data_pipeline import kill_scenes
    kill_scenes.runs(*sys.argv[1:])
"""
_GUIDE = """
    import asyncio, sys
    from mlops.data_pipeline import DataPipeline, DataSchema

    async def main():
        pipeline = DataPipeline(database_url=sys.argv[1], data_dir="./kept")
        schema_id = await pipeline.create_schema(
            DataSchema(schema_id="", name="Lab", version="1.0", columns={"sample_id": {"type": "string"}})
        )
        print(await pipeline.run_pipeline(pipeline_id="p", input_data_path="./table.csv", schema_id=schema_id))

    asyncio.run(main())
"""
_SLOW = """
    import sys, time
    import polars as pl
    from mlops.data_pipeline import DataPipelineService, DataSchema, RowRule

    def rule():
        if begun:
            print("inside", flush=True)
            time.sleep(600)
        return pl.col("dose") >= 0

    begun = False
    pipeline = DataPipelineService(sys.argv[1], "./kept")
    pipeline.register_rule("slow", rule)
    begun = True
    schema = DataSchema(
        name="s", columns={"dose": "float"}, validation_rules=[RowRule(name="slow", polars_name="slow")]
    )
    print(pipeline.run_pipeline("p", "./table.csv", pipeline.create_schema(schema)), flush=True)
"""
_SAME = """
    import sys
    from mlops.data_pipeline import DataPipelineService, DataSchema

    schema = DataSchema(name="s", columns={"sample_id": {"type": "string", "primary_key": True}})
    with DataPipelineService(sys.argv[1], "./kept") as pipeline:
        for _ in range(3):
            run_id = pipeline.run_pipeline("p", "./table.csv", pipeline.create_schema(schema), use_cache=False)
            assert pipeline.wait(run_id).output_rows == 30
"""


def test_a_run_killed_at_any_step_is_finished_by_the_next_process(tmp_path: Path) -> None:
    """Between any two changes of files, commits and steps: one whole output, and no other file."""
    folder = tmp_path / "site"
    folder.mkdir()
    program = start(_SCENE, folder, f"sqlite:///{folder / 'mlops.db'}")
    printed, errors = program.communicate(timeout=_PATIENCE_S)
    assert program.returncode == 0, errors
    kills = read_kills(printed)
    outcomes = [kill.outcome for kill in kills]
    assert outcomes == sorted(outcomes, reverse=True)  # old, …, new
    assert {"before-fsync", "before-rename", "before-commit", "before-unlink"} <= {kill.step for kill in kills}
    assert kills[-1] == Kill(None, "new")


def test_an_attempt_that_comes_too_late_changes_nothing(
    database_url: str, make_pipeline: MakePipeline, tmp_path: Path
) -> None:
    """Another worker took the run over and completed it: its output stays, the late one's work goes."""
    late, quick = (make_pipeline(database_url, workers=0) for _ in range(2))
    gate, reached, is_ready = threading.Event(), threading.Event(), False

    def held_up() -> pl.Expr:
        if is_ready:
            reached.set()
            assert gate.wait(60)
        return pl.col("dose") >= 0

    late.register_rule("gate", held_up)
    quick.register_rule("gate", lambda: pl.col("dose") >= 0)
    is_ready = True
    samples(9, dose=[-1.0, *[1.0] * 8]).write_csv(tmp_path / "table.csv")
    schema = samples_schema(validation_rules=[{"name": "gate", "polars_name": "gate"}])
    run_id = late.run_pipeline("p", tmp_path / "table.csv", late.create_schema(schema), use_cache=False)
    first = take_job(late._database, "late", capabilities=["rule:gate"])
    assert first is not None
    errors: list[BaseException] = []

    def come_late() -> None:
        with pytest.raises(LeaseLost) as lost:
            do_job(late, first)
        errors.append(lost.value)

    thread = threading.Thread(target=come_late)
    thread.start()
    assert reached.wait(60)
    time.sleep(0.2)  # the lease of the first is over
    second = take_job(quick._database, "quick", capabilities=["rule:gate"])
    assert second is not None
    do_job(quick, second)
    done = quick.get_pipeline_run(run_id)
    gate.set()
    thread.join()
    assert errors
    assert (done.status, late.get_pipeline_run(run_id)) == (RunStatus.COMPLETED, done)
    assert len(late.read_output(run_id).collect()) == 8
    files = {str(path) for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    assert files == set(done.output_digests)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with a table in it."""
    monkeypatch.chdir(tmp_path)
    samples(30).write_csv("table.csv")
    return tmp_path


def test_a_script_as_in_the_guide_ends_with_its_run_completed(
    database_url: str, make_pipeline: MakePipeline, here: Path
) -> None:
    """Without waiting and without closing: the process ends by itself, and not before the run has."""
    [printed] = finish(start(_GUIDE, database_url))
    done = make_pipeline(database_url, workers=0).get_pipeline_run(printed.strip())
    assert (done.status, done.output_rows) == (RunStatus.COMPLETED, 30)
    assert Path(done.output_data_path or "").is_relative_to(here / "kept")


def test_what_a_killed_process_left_the_next_one_finishes(
    database_url: str, make_pipeline: MakePipeline, here: Path
) -> None:
    """`kill -9` in the middle of a run: it goes on as soon as somebody opens the pipeline again."""
    program = start(_SLOW, database_url)
    assert program.stdout is not None
    run_id = program.stdout.readline().strip()
    assert program.stdout.readline().strip() == "inside"
    os.kill(program.pid, signal.SIGKILL)
    assert program.wait() == -signal.SIGKILL
    close(program)
    pipeline = make_pipeline(database_url, data_dir=here / "kept", workers=0)
    assert pipeline.get_pipeline_run(run_id).status is RunStatus.RUNNING
    again = make_pipeline(database_url, data_dir=here / "kept")
    again.register_rule("slow", lambda: pl.col("dose") >= 0)
    done = again.wait(run_id, timeout_s=60)
    assert (done.status, done.output_rows) == (RunStatus.COMPLETED, 30)
    files = {str(path) for path in (here / "kept").rglob("*") if path.is_file()}
    assert files == set(done.output_digests)


def close(program: subprocess.Popen[str]) -> None:
    """Close the pipes of a program that has ended."""
    program.communicate()


def test_two_processes_run_the_same_pipeline_at_once(
    database_url: str, make_pipeline: MakePipeline, here: Path
) -> None:
    """Each run has its own output; no run disturbs another, whichever process does it."""
    finish(*(start(_SAME, database_url) for _ in range(2)))
    runs = list(make_pipeline(database_url, workers=0).list_pipeline_runs())
    assert [run.status for run in runs] == [RunStatus.COMPLETED] * 6
    files = [path for path in (here / "kept").rglob("*") if path.is_file()]
    assert sorted(map(str, files)) == sorted(path for run in runs for path in run.output_digests)
