"""The training-loop form, synchronous and asynchronous: however the block ends, nothing logged before is lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops.errors import Conflict, InvalidInput, InvalidRecord
from mlops.experiment_tracker import (
    AsyncRun,
    ExperimentEnded,
    ExperimentMetrics,
    ExperimentNotFound,
    ExperimentStatus,
    ExperimentTracker,
    ExperimentTrackerService,
    Run,
)


def break_off(run: Run, error: BaseException, *, before: Callable[[], object] = lambda: None) -> None:
    """Log one value in a run's block, then raise."""
    with run:
        run.log(loss=0.5, step=7)
        before()
        raise error


def test_block_completes_the_run(tracker: ExperimentTrackerService) -> None:
    """What was configured and logged is there, and the run is completed."""
    with tracker.run("name", hyperparameters={"depth": 5}, tags=["draft"], description="d") as run:
        run.log(loss=0.5, step=3)
        run.log({"val/acc": 0.9}, step=3, epoch=1)
    found = run.experiment
    assert (found.status, found.description, found.hyperparameters) == (ExperimentStatus.COMPLETED, "d", {"depth": 5})
    assert found.metrics == {"loss": 0.5, "val/acc": 0.9}


def test_steps_count_up_when_none_is_given(tracker: ExperimentTrackerService) -> None:
    """Each log is a step; after a given step the count goes on from there."""
    with tracker.run("name") as run:
        for step in (None, None, 10, None):
            run.log(loss=1.0, step=step)
    assert tracker.get_experiment_metrics(run.id)["step"].tolist() == [0, 1, 10, 11]


def test_refused_values_use_up_no_step(sqlite_tracker: ExperimentTrackerService) -> None:
    """A mistake that the caller corrects leaves no gap."""
    with sqlite_tracker.run("name") as run:
        with pytest.raises(InvalidRecord, match="loss"):
            run.log(loss="high")
        run.log(loss=1.0)
    assert sqlite_tracker.get_experiment_metrics(run.id)["step"].tolist() == [0]


def test_exception_fails_the_run_and_goes_on(tracker: ExperimentTrackerService) -> None:
    """The traceback is kept, the exception reaches the caller, and what was logged is there."""
    run = tracker.run("name")
    with pytest.raises(RuntimeError, match="no samples"):
        break_off(run, RuntimeError("no samples"))
    found = run.experiment
    assert found.status is ExperimentStatus.FAILED
    assert found.error is not None
    assert "Traceback" in found.error
    assert found.error.endswith("RuntimeError: no samples")
    assert found.metrics == {"loss": 0.5}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), ExperimentStatus.CANCELLED),
        (asyncio.CancelledError(), ExperimentStatus.CANCELLED),
        (SystemExit(0), ExperimentStatus.COMPLETED),
        (SystemExit(1), ExperimentStatus.FAILED),
    ],
    ids=repr,
)
def test_the_end_tells_the_status(
    sqlite_tracker: ExperimentTrackerService, error: BaseException, status: ExperimentStatus
) -> None:
    """Ctrl-C and a cancelled task cancel the run; leaving the program well completes it."""
    run = sqlite_tracker.run("name")
    with pytest.raises(type(error)):
        break_off(run, error)
    assert run.experiment.status is status


def test_a_run_ended_within_its_block_stays_as_it_is(sqlite_tracker: ExperimentTrackerService) -> None:
    """Whoever ends the run by hand has decided."""
    with sqlite_tracker.run("name") as run:
        sqlite_tracker.cancel_experiment(run.id, "no progress")
        with pytest.raises(ExperimentEnded):
            run.log(loss=1)
    assert (run.experiment.status, run.experiment.error) == (ExperimentStatus.CANCELLED, "no progress")


def test_the_blocks_error_is_not_hidden_by_another(sqlite_tracker: ExperimentTrackerService) -> None:
    """When the run cannot be marked as failed, the caller still sees why the block ended."""
    run = sqlite_tracker.run("name")
    with pytest.raises(RuntimeError, match="no samples") as caught:
        break_off(run, RuntimeError("no samples"), before=lambda: sqlite_tracker.delete_experiment(run.id))
    assert "could not be marked as ended" in caught.value.__notes__[0]


def test_run_takes_parameters_tags_notes_data_and_artifacts(tracker: ExperimentTrackerService) -> None:
    """Everything of the tracker is at hand on the run."""
    with tracker.run("name", tags=["draft"]) as run:
        run.log_params({"a": 1}, b=2)
        run.set_tags(["checked"], draft=None, kind="final")
        run.set_notes("fine")
        run.log_artifact("scores", [1, 2], artifact_type="list")
        run.log_dataset({"dose": [1.0, 2.0]}, name="doses")
    found = run.experiment
    assert (found.hyperparameters, found.notes) == ({"a": 1, "b": 2}, "fine")
    assert found.tags == {"checked": "true", "kind": "final"}
    assert tracker.load_artifact(run.id, "scores") == [1, 2]
    assert found.datasets[0].name == "doses"


def test_children_are_parts_of_their_run(tracker: ExperimentTrackerService) -> None:
    """Runs nest: each child knows its parent and is found by it, in its project."""
    with tracker.run("search", project="retina") as run:
        for fold in range(2):
            with run.child(f"fold {fold}", hyperparameters={"fold": fold}) as child:
                child.log(loss=fold)
    found = tracker.list_experiments(f"parent_experiment_id = '{run.id}'", order_by="name")
    assert [(part.name, part.project) for part in found] == [("fold 0", "retina"), ("fold 1", "retina")]


def test_resumed_run_counts_on(tracker: ExperimentTrackerService) -> None:
    """A run that failed goes on where it stopped, sampled metrics aside."""
    run = tracker.run("name")
    with pytest.raises(RuntimeError):
        break_off(run, RuntimeError(), before=lambda: run.log({"system/cpu": 1.0}, step=5000))
    with tracker.run(resume=run.id) as again:
        again.log(loss=0.5)
    assert (again.id, again.name) == (run.id, "name")
    assert tracker.get_experiment_metrics(run.id)["step"].tolist() == [7, 8]
    assert run.experiment.status is ExperimentStatus.COMPLETED


def test_resume_takes_nothing_else(sqlite_tracker: ExperimentTrackerService) -> None:
    """An experiment goes on as it is, and must exist."""
    with pytest.raises(InvalidInput, match="resume='e1'"):
        sqlite_tracker.run("name", resume="e1")
    with pytest.raises(ExperimentNotFound), sqlite_tracker.run(resume="nobody"):
        pass


def test_wrong_fields_are_told_before_the_block(sqlite_tracker: ExperimentTrackerService) -> None:
    """A typing error is found when the run is made."""
    with pytest.raises(InvalidRecord, match="Did you mean 'description'"):
        sqlite_tracker.run("name", descripton="x")


def test_a_run_is_used_inside_its_block_only(sqlite_tracker: ExperimentTrackerService) -> None:
    """Before its block a run has no id; it cannot be entered twice."""
    run = sqlite_tracker.run("name")
    with pytest.raises(Conflict, match="has not begun"):
        run.log(loss=1)
    with run:
        pass
    with pytest.raises(Conflict, match="was entered before"), run:
        pass


def test_process_that_dies_leaves_a_running_run_with_its_metrics(
    make_tracker: Any, sqlite_url: str, tmp_path: Path
) -> None:
    """After `kill -9` everything that was logged is there, and the run can be resumed."""
    script = f"""
import os, signal
from mlops.experiment_tracker import ExperimentTracker
tracker = ExperimentTracker({str(tmp_path / "e")!r}, {sqlite_url!r}).sync
with tracker.run("doomed") as run:
    for step in range(20):
        run.log(loss=step)
    print(run.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    died = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert died.returncode == -9, died.stderr
    tracker = make_tracker(sqlite_url)
    found = tracker.get_experiment(died.stdout.strip())
    assert found.status is ExperimentStatus.RUNNING
    assert len(tracker.get_experiment_metrics(found.experiment_id)) == 20
    assert tracker.resume_experiment(found.experiment_id) == found


async def break_off_async(run: AsyncRun) -> None:
    """Log one value in a run's block, then raise."""
    async with run:
        await run.log(loss=1)
        raise RuntimeError("boom")


def test_async_runs_do_the_same(tmp_path: Path, database_url: str, quiet_config: Any) -> None:
    """The asynchronous form logs in groups, nests, and fails with the block."""

    async def train() -> tuple[str, str]:
        async with ExperimentTracker(tmp_path / "e", database_url, config=quiet_config) as tracker:
            async with tracker.run("outer", hyperparameters={"a": 1}) as run:
                await asyncio.gather(*[run.log(loss=index, step=index) for index in range(20)])
                await run.log_params(b=2)
                await run.set_tags(["x"])
                await run.set_notes("n")
                await run.log_artifact("list", [1])
                await run.log_dataset({"dose": [1.0]}, name="doses")
                child = run.child("inner")
                with pytest.raises(RuntimeError):
                    await break_off_async(child)
            outer, inner = await tracker.get_experiment(run.id), await tracker.get_experiment(child.id)
            assert (outer.status, outer.metrics, outer.notes) == ("completed", {"loss": 19.0}, "n")
            assert (inner.status, inner.parent_experiment_id) == ("failed", outer.experiment_id)
            assert len(await tracker.get_experiment_metrics(run.id)) == 20
            return run.name, child.name

    assert asyncio.run(train()) == ("outer", "inner")


def test_cancelled_task_cancels_its_run(tmp_path: Path, sqlite_url: str, quiet_config: Any) -> None:
    """A task that is cancelled inside the block marks its run, and is cancelled."""

    async def scene() -> ExperimentStatus:
        async with ExperimentTracker(tmp_path / "e", sqlite_url, config=quiet_config) as tracker:
            run = tracker.run("name")

            async def train() -> None:
                async with run:
                    await asyncio.sleep(60)

            task = asyncio.create_task(train())
            while not await tracker.list_experiments():
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return (await tracker.get_experiment(run.id)).status

    assert asyncio.run(scene()) is ExperimentStatus.CANCELLED


def test_a_refused_metric_fails_alone_among_concurrent_ones(
    tmp_path: Path, database_url: str, quiet_config: Any
) -> None:
    """Callers that share a transaction each get their own answer."""

    async def scene() -> list[Any]:
        async with ExperimentTracker(tmp_path / "e", database_url, config=quiet_config) as tracker:
            async with tracker.run("name") as run:
                keys = [run.id, "nobody", run.id, "\0", run.id]
                calls = [tracker.log_metrics(ExperimentMetrics(experiment_id=key, train_loss=1)) for key in keys]
                answers = await asyncio.gather(*calls, return_exceptions=True)
            assert (await tracker.get_metric_history(run.id, "train_loss"))[2:]
            return answers

    answers = asyncio.run(scene())
    assert answers[0] is answers[2] is answers[4] is None
    assert isinstance(answers[1], ExperimentNotFound)
    assert isinstance(answers[3], Exception)
