"""What may happen to an experiment, decided from values alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlops.experiment_tracker import (
    DatasetFingerprint,
    Experiment,
    ExperimentConfig,
    ExperimentDeleted,
    ExperimentEnded,
    ExperimentStatus,
    ParameterConflict,
    lifecycle,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = START + timedelta(seconds=90)


@pytest.fixture
def running() -> Experiment:
    """Return an experiment that was just started."""
    config = ExperimentConfig(name="x", project="retina", hyperparameters={"depth": 5}, tags={"kind": "draft"})
    return lifecycle.started(config, experiment_id="e1", user="mira", at=START)


def test_start_takes_over_what_was_configured(running: Experiment) -> None:
    """The experiment runs, with the configuration's fields and the given id, user and time."""
    assert running.status is ExperimentStatus.RUNNING
    assert (running.experiment_id, running.created_by, running.created_at) == ("e1", "mira", START)
    assert running.hyperparameters == {"depth": 5}


def test_start_prefers_what_the_configuration_says() -> None:
    """An id and a user that are asked for win over generated ones."""
    config = ExperimentConfig(experiment_id="mine", name="x", created_by="robot")
    begun = lifecycle.started(config, experiment_id="e1", user="mira", at=START)
    assert (begun.experiment_id, begun.created_by) == ("mine", "robot")


def test_project_comes_from_the_parent_before_the_default(running: Experiment) -> None:
    """A part of a run is in the run's project unless it says otherwise."""
    child = running.changed(project="")
    assert lifecycle.placed(child, running, default="default").project == "retina"
    assert lifecycle.placed(child, None, default="default").project == "default"


def test_duration_is_known_once_it_ended(running: Experiment) -> None:
    """The duration is None while a run goes on."""
    assert running.duration_s is None
    assert lifecycle.ended(running, ExperimentStatus.COMPLETED, at=LATER).duration_s == 90.0


def test_a_clock_that_went_back_gives_no_negative_duration(running: Experiment) -> None:
    """A run never ends before it began."""
    ended = lifecycle.ended(running, ExperimentStatus.COMPLETED, at=START - timedelta(hours=1))
    assert ended.duration_s == 0.0


@pytest.mark.parametrize("status", [status for status in ExperimentStatus if status.has_ended])
def test_an_ended_run_cannot_end_again(running: Experiment, status: ExperimentStatus) -> None:
    """The error tells the status and the way back."""
    over = lifecycle.ended(running, status, at=LATER)
    with pytest.raises(ExperimentEnded, match=rf"is {status}.*resume_experiment\('e1'\)"):
        lifecycle.ended(over, ExperimentStatus.COMPLETED, at=LATER)


def test_resume_opens_an_ended_run_and_leaves_a_running_one(running: Experiment) -> None:
    """The end and the error are forgotten; a run whose process died is resumed as it is."""
    failed = lifecycle.ended(running, ExperimentStatus.FAILED, at=LATER, error="boom")
    assert lifecycle.resumed(failed) == running
    assert lifecycle.resumed(running) is running


def test_parameters_are_added_but_never_changed(running: Experiment) -> None:
    """The same value again is fine; another one is refused with both values."""
    more = lifecycle.with_params(running, {"depth": 5, "rate": 0.1})
    assert more.hyperparameters == {"depth": 5, "rate": 0.1}
    with pytest.raises(ParameterConflict, match="is 5 and cannot become 6"):
        lifecycle.with_params(running, {"depth": 6})


def test_parameter_nan_equals_itself(running: Experiment) -> None:
    """Giving NaN twice is giving the same value twice."""
    nan = lifecycle.with_params(running, {"clip": float("nan")})
    assert "clip" in lifecycle.with_params(nan, {"clip": float("nan")}).hyperparameters


def test_tags_change_and_go(running: Experiment) -> None:
    """A tag is replaced by another value and removed by None, also after the end."""
    over = lifecycle.ended(running, ExperimentStatus.COMPLETED, at=LATER)
    assert lifecycle.with_tags(over, {"kind": "final"}).tags == {"kind": "final"}
    assert lifecycle.with_tags(over, {"kind": None}).tags == {}


def test_the_same_dataset_counts_once(running: Experiment) -> None:
    """Logging a fingerprint again changes nothing."""
    dataset = DatasetFingerprint(name="train", digest="0" * 64)
    once = lifecycle.with_dataset(running, dataset)
    assert lifecycle.with_dataset(once, dataset) is once


@pytest.mark.parametrize(
    "change",
    [
        lambda e: lifecycle.ended(e, ExperimentStatus.COMPLETED, at=LATER),
        lifecycle.resumed,
        lambda e: lifecycle.with_params(e, {"a": 1}),
        lambda e: lifecycle.with_tags(e, {"a": "b"}),
        lambda e: lifecycle.with_notes(e, "x"),
    ],
)
def test_a_deleted_experiment_takes_nothing(running: Experiment, change: Any) -> None:
    """The error says how to have it back."""
    with pytest.raises(ExperimentDeleted, match="restore_experiment"):
        change(lifecycle.deleted(running, at=LATER))


def test_restore_takes_the_deletion_back(running: Experiment) -> None:
    """Nothing else is lost by deleting; deleting twice keeps the first time."""
    gone = lifecycle.deleted(running, at=LATER)
    assert lifecycle.deleted(gone, at=LATER + timedelta(1)) is gone
    assert lifecycle.restored(gone) == running


def test_described_error_has_the_traceback_and_an_end() -> None:
    """An exception is kept with where it happened; endless texts are cut at their beginning."""
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("no\0 samples")
    text = lifecycle.describe_error(caught.value)
    assert "test_tracker_lifecycle.py" in text
    assert text.endswith("no� samples")
    assert len(lifecycle.describe_error("x" * 50_000)) == 20_000
