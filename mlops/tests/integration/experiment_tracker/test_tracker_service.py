"""The tracker from a user's side, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlops.config import ConfigManager
from mlops.errors import InvalidInput, InvalidRecord
from mlops.experiment_tracker import (
    EnvironmentNotFound,
    ExperimentArtifactNotFound,
    ExperimentConfig,
    ExperimentDeleted,
    ExperimentEnded,
    ExperimentMetrics,
    ExperimentNotFound,
    ExperimentStatus,
    ExperimentTrackerService,
    MetricNotFound,
    ParameterConflict,
)
from mlops.search import SearchSyntaxError
from mlops.tests.integration.experiment_tracker.conftest import MakeTracker


def start(tracker: ExperimentTrackerService, **fields: Any) -> str:
    """Start an experiment."""
    return tracker.start_experiment(ExperimentConfig(**{"name": "x", **fields}))


def loss(experiment_id: str, step: int, value: float = 0.5) -> ExperimentMetrics:
    """Return one measurement."""
    return ExperimentMetrics(experiment_id=experiment_id, step=step, train_loss=value)


def test_started_experiment_is_found_as_configured(tracker: ExperimentTrackerService) -> None:
    """The id is generated, the project the configured default, the user the system's."""
    key = start(tracker, name="baseline", hyperparameters={"depth": 5}, tags=["draft"])
    found = tracker.get_experiment(key)
    assert (found.name, found.project, found.status) == ("baseline", "default", ExperimentStatus.RUNNING)
    assert (found.hyperparameters, found.tags) == ({"depth": 5}, {"draft": "true"})
    assert found.created_by


def test_start_takes_only_a_configuration(sqlite_tracker: ExperimentTrackerService) -> None:
    """The error says what it takes."""
    with pytest.raises(InvalidInput, match="takes an ExperimentConfig"):
        sqlite_tracker.start_experiment({"name": "x"})  # type: ignore[arg-type]


def test_part_of_a_run_is_in_its_project(tracker: ExperimentTrackerService) -> None:
    """A child inherits the project; an unknown parent is refused."""
    parent = start(tracker, project="retina")
    assert tracker.get_experiment(start(tracker, parent_experiment_id=parent)).project == "retina"
    with pytest.raises(ExperimentNotFound, match="'nobody'"):
        start(tracker, parent_experiment_id="nobody")


def test_unknown_id_is_answered_with_near_names(tracker: ExperimentTrackerService) -> None:
    """Somebody who passes a name, or mistypes an id, is helped."""
    start(tracker, name="baseline")
    with pytest.raises(ExperimentNotFound, match="Did you mean 'baseline'") as caught:
        tracker.get_experiment("basline")
    assert caught.value.near == ("baseline",)


def test_history_has_one_row_a_step(tracker: ExperimentTrackerService) -> None:
    """The guide's loop of ten steps gives ten rows."""
    key = start(tracker)
    for step in range(10):
        tracker.log_metrics(
            ExperimentMetrics(experiment_id=key, step=step, train_accuracy=0.8, val_accuracy=0.75 + step / 100)
        )
    tracker.complete_experiment(key)
    history = tracker.get_experiment_metrics(key)
    assert len(history) == 10
    assert set(history.columns) == {"step", "timestamp", "train_accuracy", "val_accuracy"}
    assert tracker.get_experiment_metrics(key, ["val_accuracy"])["val_accuracy"].iloc[-1] == pytest.approx(0.84)
    assert [point.step for point in tracker.get_metric_history(key, "train_accuracy")] == list(range(10))


def test_unknown_metric_is_answered_with_near_names(tracker: ExperimentTrackerService) -> None:
    """A mistyped metric is no empty column."""
    key = start(tracker)
    tracker.log_metrics(loss(key, 0))
    with pytest.raises(MetricNotFound, match="Did you mean 'train_loss'"):
        tracker.get_experiment_metrics(key, ["train_los"])
    with pytest.raises(InvalidInput, match=r"\['train_loss'\]"):
        tracker.get_experiment_metrics(key, "train_loss")


def test_metrics_of_an_ended_run_are_refused_until_it_is_resumed(tracker: ExperimentTrackerService) -> None:
    """The error says what to do, and that works."""
    key = start(tracker)
    tracker.fail_experiment(key, "no power")
    with pytest.raises(ExperimentEnded, match="resume_experiment"):
        tracker.log_metrics(loss(key, 0))
    resumed = tracker.resume_experiment(key)
    tracker.log_metrics(loss(key, 0))
    assert (resumed.status, resumed.error, resumed.ended_at) == (ExperimentStatus.RUNNING, None, None)


def test_batch_is_stored_whole_or_not_at_all(tracker: ExperimentTrackerService) -> None:
    """One refused item takes the batch back."""
    key, over = start(tracker), start(tracker)
    tracker.complete_experiment(over)
    with pytest.raises(ExperimentEnded):
        tracker.log_metrics_batch([loss(key, 0), loss(over, 0)])
    assert len(tracker.get_experiment_metrics(key)) == 0
    tracker.log_metrics_batch(loss(key, step) for step in range(250))
    tracker.log_metrics_batch([])
    assert len(tracker.get_experiment_metrics(key)) == 250


def test_what_is_no_metrics_record_is_refused(sqlite_tracker: ExperimentTrackerService) -> None:
    """A dictionary is answered with the form it must have."""
    with pytest.raises(InvalidInput, match="ExperimentMetrics"):
        sqlite_tracker.log_metrics({"loss": 1.0})  # type: ignore[arg-type]


@pytest.mark.parametrize("shares_tracker", [True, False])
def test_two_writers_lose_nothing(make_tracker: MakeTracker, database_url: str, shares_tracker: bool) -> None:
    """Values and summaries of concurrent writers add up."""
    one = make_tracker(database_url)
    other = one if shares_tracker else make_tracker(database_url)
    keys = [start(one), start(one)]

    def write(tracker: ExperimentTrackerService, sign: int) -> None:
        for step in range(50):
            tracker.log_metrics(loss(keys[step % 2], step * sign, float(step)))

    threads = [threading.Thread(target=write, args=arguments) for arguments in ((one, 1), (other, -1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    summaries = [one.get_metric_summaries(key)["train_loss"] for key in keys]
    assert [(summary.count, summary.max) for summary in summaries] == [(50, 48.0), (50, 49.0)]


def test_concurrent_changes_of_one_experiment_all_hold(make_tracker: MakeTracker, database_url: str) -> None:
    """Two who add different parameters at once do not overwrite each other."""
    trackers = [make_tracker(database_url), make_tracker(database_url)]
    key = start(trackers[0])

    def add(index: int) -> None:
        for number in range(15):
            trackers[index].log_params(key, {f"p{index}_{number}": number})

    threads = [threading.Thread(target=add, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trackers[0].get_experiment(key).hyperparameters) == 30


def test_final_metrics_join_the_last_step(tracker: ExperimentTrackerService) -> None:
    """A mapping given at the end is stored with the last step, in the same transaction as the end."""
    key = start(tracker)
    tracker.log_metrics(loss(key, 4))
    ended = tracker.complete_experiment(key, final_metrics={"test/auc": 0.9})
    assert ended.status is ExperimentStatus.COMPLETED
    assert ended.metrics == {"train_loss": 0.5, "test/auc": 0.9}
    assert tracker.get_experiment_metrics(key)["step"].tolist() == [4]


def test_wrong_final_metrics_leave_the_run_running(tracker: ExperimentTrackerService) -> None:
    """Metrics of another experiment are refused, and nothing ends."""
    key, other = start(tracker), start(tracker)
    with pytest.raises(InvalidInput, match="not of"):
        tracker.complete_experiment(key, final_metrics=loss(other, 0))
    assert tracker.get_experiment(key).status is ExperimentStatus.RUNNING


def test_refused_parameter_leaves_the_others_unset(tracker: ExperimentTrackerService) -> None:
    """Parameters are logged all or none."""
    key = start(tracker, hyperparameters={"depth": 5})
    with pytest.raises(ParameterConflict):
        tracker.log_params(key, {"rate": 0.1, "depth": 6})
    assert tracker.get_experiment(key).hyperparameters == {"depth": 5}


def test_parameters_and_tags_are_searched_as_they_are_now(tracker: ExperimentTrackerService) -> None:
    """A search sees added parameters, changed tags and removed tags."""
    key = start(tracker, tags={"kind": "draft", "old": "x"})
    tracker.log_params(key, {"depth": 5})
    tracker.set_tags(key, {"kind": "final", "old": None})
    found = tracker.list_experiments("params.depth > 4.5 and tags.kind = 'final' and tags.old is null")
    assert [experiment.experiment_id for experiment in found] == [key]
    assert not tracker.list_experiments("tags.kind = 'draft'")


def test_search_reads_metrics_and_their_extremes(tracker: ExperimentTrackerService) -> None:
    """Last value, least and greatest value are searched; the order may be by a metric."""
    keys = [start(tracker, name=f"run {index}") for index in range(3)]
    for index, key in enumerate(keys):
        tracker.log_metrics_batch([loss(key, 0, 9.0), loss(key, 1, float(index))])
    found = tracker.list_experiments(
        "metrics.train_loss >= 1 and max(metrics.train_loss) = 9", order_by="metrics.train_loss DESC"
    )
    assert [experiment.experiment_id for experiment in found] == [keys[2], keys[1]]


def test_list_is_newest_first_and_paged(tracker: ExperimentTrackerService) -> None:
    """Pages by offset and by cursor give everything once; a page past the end is empty."""
    keys = [start(tracker, name=f"run {index}") for index in range(5)][::-1]
    first = tracker.list_experiments(limit=3)
    rest = tracker.list_experiments(limit=3, cursor=first.next_cursor)
    assert [experiment.experiment_id for experiment in (*first, *rest)] == keys
    assert [experiment.experiment_id for experiment in tracker.list_experiments(limit=2, offset=3)] == keys[3:]
    assert rest.next_cursor is None
    assert not tracker.list_experiments(offset=100)


def test_list_is_narrowed_by_project_and_status(tracker: ExperimentTrackerService) -> None:
    """Project and status are conditions beside the filter."""
    key, other = start(tracker, project="a b'c"), start(tracker)
    tracker.cancel_experiment(other)
    assert [found.experiment_id for found in tracker.list_experiments(project="a b'c")] == [key]
    assert [found.experiment_id for found in tracker.list_experiments(status="cancelled")] == [other]
    assert tracker.list_projects() == ["a b'c", "default"]


def test_wrong_filter_points_at_its_column(sqlite_tracker: ExperimentTrackerService) -> None:
    """A syntax error says where it is."""
    with pytest.raises(SearchSyntaxError, match="column 19"):
        sqlite_tracker.list_experiments("status = 'failed' nd name = 'x'")


@pytest.mark.parametrize(
    "content",
    [
        {"a": [1, 2.5, None]},
        "text",
        b"bytes",
        np.arange(6.0).reshape(2, 3),
        pd.DataFrame({"a": [1, 2]}),
        Path("note.md"),
    ],
    ids=lambda content: type(content).__name__,
)
def test_artifacts_come_back(tracker: ExperimentTrackerService, content: Any) -> None:
    """Objects of many kinds, and files, are kept with a run and loaded again."""
    Path("note.md").write_text("# note")
    key = start(tracker)
    artifact_id = tracker.log_artifact("thing", "any", content, key, description="of a test")
    (listed,) = tracker.list_artifacts(key)
    loaded = tracker.load_artifact(key, "thing")
    assert (listed.artifact_id, listed.artifact_type, listed.description) == (artifact_id, "any", "of a test")
    if isinstance(content, Path):
        assert loaded.read_text() == "# note"
    else:
        assert np.all(np.asarray(loaded) == np.asarray(content))


def test_the_newest_artifact_of_a_name_is_loaded(tracker: ExperimentTrackerService) -> None:
    """Earlier ones stay listed; an unknown name is answered with those there are."""
    key = start(tracker)
    for version in range(2):
        tracker.log_artifact("model", "json", {"version": version}, key)
    assert tracker.load_artifact(key, "model") == {"version": 1}
    assert len(tracker.list_artifacts(key)) == 2
    with pytest.raises(ExperimentArtifactNotFound, match="Did you mean 'model'"):
        tracker.load_artifact(key, "modle")


def test_datasets_are_recorded_by_fingerprint(tracker: ExperimentTrackerService) -> None:
    """The experiment tells which data it saw."""
    key = start(tracker)
    fingerprint = tracker.log_dataset(key, pd.DataFrame({"a": [1, 2, 3]}), name="biopsies", role="train")
    assert tracker.get_experiment(key).datasets == (fingerprint,)
    assert (fingerprint.rows, fingerprint.role) == (3, "train")


def test_comparison_has_the_differences_first(tracker: ExperimentTrackerService) -> None:
    """Experiments are columns, and what differs comes before what they share."""
    keys = [
        start(tracker, name=name, hyperparameters={"depth": depth, "seed": 1}) for name, depth in (("a", 5), ("b", 9))
    ]
    table = tracker.compare_experiments(keys)
    assert table.columns.tolist() == ["a", "b"]
    assert table.index[0] == "params.depth"
    assert "params.seed" not in tracker.compare_experiments(keys, only_differences=True).index


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_figure_of_several_runs_is_written(sqlite_tracker: ExperimentTrackerService, ending: str) -> None:
    """Runs are plotted together, also where one lacks a metric, and the figure is written as its name says."""
    keys = [start(sqlite_tracker), start(sqlite_tracker)]
    sqlite_tracker.log_metrics_batch(loss(key, step, 1.0 + step) for key in keys for step in range(20))
    sqlite_tracker.log_metrics(ExperimentMetrics(experiment_id=keys[0], val_loss=1.0))
    path = Path("plots") / f"runs.{ending}"
    figure = sqlite_tracker.plot_experiment_metrics(
        keys, ["train_loss", "val_loss"], smoothing=0.5, log_scale=True, path=path
    )
    assert len(figure.axes) >= 2
    assert path.stat().st_size > 1000


def test_figure_of_an_unknown_format_is_refused(sqlite_tracker: ExperimentTrackerService) -> None:
    """The error lists the formats."""
    key = start(sqlite_tracker)
    sqlite_tracker.log_metrics(loss(key, 0))
    with pytest.raises(InvalidInput, match="png, svg, pdf"):
        sqlite_tracker.plot_experiment_metrics(key, path="figure.docx")


def test_names_of_history_columns_are_no_metrics(sqlite_tracker: ExperimentTrackerService) -> None:
    """A metric named like a column of histories is refused with the argument to use instead."""
    with sqlite_tracker.run("x") as run, pytest.raises(InvalidRecord, match="pass it as epoch="):
        run.log({"epoch": 3, "loss": 1.0})


def test_closing_twice_closes_once(make_tracker: MakeTracker, database_url: str) -> None:
    """Another tracker of the process on the same database goes on."""
    one, other = make_tracker(database_url), make_tracker(database_url)
    one.close()
    one.close()
    assert start(other)


def test_deleted_experiment_is_unlisted_and_can_be_restored(tracker: ExperimentTrackerService) -> None:
    """It takes nothing while it is deleted, and loses nothing."""
    key = start(tracker)
    tracker.log_metrics(loss(key, 0))
    tracker.delete_experiment(key)
    assert not tracker.list_experiments()
    assert len(tracker.list_experiments(include_deleted=True)) == 1
    with pytest.raises(ExperimentDeleted, match="restore_experiment"):
        tracker.log_metrics(loss(key, 1))
    with pytest.raises(ExperimentDeleted):
        tracker.log_artifact("a", "json", 1, key)
    tracker.restore_experiment(key)
    assert tracker.list_experiments()[0].metrics == {"train_loss": 0.5}


def test_garbage_collection_removes_what_was_deleted_long_enough_ago(tracker: ExperimentTrackerService) -> None:
    """A dry run removes nothing; then the experiment is gone for good, and others stay."""
    gone, kept = start(tracker), start(tracker)
    tracker.log_artifact("a", "json", {"a": 1}, gone)
    tracker.delete_experiment(gone)
    assert tracker.collect_garbage().experiment_ids == ()
    assert tracker.collect_garbage(timedelta(0), dry_run=True).experiment_ids == (gone,)
    assert tracker.get_experiment(gone).deleted_at is not None
    assert tracker.collect_garbage(timedelta(0)).experiment_ids == (gone,)
    with pytest.raises(ExperimentNotFound):
        tracker.get_experiment(gone)
    assert tracker.get_experiment(kept)


def test_environment_is_captured(tmp_path: Path, database_url: str) -> None:
    """A run tells its Python and its packages."""
    config = ConfigManager(environ={}).load_config(experiment_tracking={"system_metrics_interval_s": 0.0})
    with ExperimentTrackerService(tmp_path / "e", database_url, config=config) as tracker:
        environment = tracker.get_environment(start(tracker))
    assert "numpy" in environment.packages
    assert environment.python_version


def test_environment_is_not_captured_when_that_is_off(sqlite_tracker: ExperimentTrackerService) -> None:
    """With the setting off there is nothing to tell, and the error names the setting."""
    key = start(sqlite_tracker)
    with pytest.raises(EnvironmentNotFound, match="capture_environment"):
        sqlite_tracker.get_environment(key)


def test_machine_is_sampled_while_a_run_goes_on(tmp_path: Path, sqlite_url: str) -> None:
    """With the setting on, system metrics arrive beside the user's own and stop with the run."""
    config = ConfigManager(environ={}).load_config(
        experiment_tracking={"system_metrics_interval_s": 0.05, "capture_environment": False}
    )
    with ExperimentTrackerService(tmp_path / "e", sqlite_url, config=config) as tracker:
        key = start(tracker)
        for _ in range(200):
            if tracker.get_metric_summaries(key):
                break
            threading.Event().wait(0.05)
        tracker.complete_experiment(key)
        assert "system/memory_percent" in tracker.get_metric_summaries(key)
        assert tracker.get_experiment_metrics(key).columns.tolist() == ["step", "timestamp"]


def test_uncommitted_changes_are_kept_with_the_run(tmp_path: Path, sqlite_url: str, monkeypatch: Any) -> None:
    """A run started from changed source has the difference as an artifact."""
    import subprocess

    folder = tmp_path / "source"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    Path("train.py").write_text("depth = 5\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    Path("train.py").write_text("depth = 6\n")
    config = ConfigManager(environ={}).load_config(experiment_tracking={"system_metrics_interval_s": 0.0})
    with ExperimentTrackerService(tmp_path / "e", sqlite_url, config=config) as tracker:
        key = start(tracker)
        git_state = tracker.get_environment(key).git
        assert git_state is not None
        assert git_state.is_dirty
        assert "+depth = 6" in tracker.load_artifact(key, "git_diff.patch")


def test_tracker_names_where_it_keeps_things(tmp_path: Path, quiet_config: Any) -> None:
    """Folder, database and project are arguments, or come from the configuration."""
    with ExperimentTrackerService(
        tmp_path / "e", f"sqlite:///{tmp_path}/x.db", project="p", config=quiet_config
    ) as given:
        assert given.get_experiment(start(given)).project == "p"
        assert str(tmp_path / "x.db") in repr(given)
    with ExperimentTrackerService(config=quiet_config) as configured:
        start(configured)
    assert Path("mlops.db").exists()


def test_notebooks_show_an_experiment(sqlite_tracker: ExperimentTrackerService) -> None:
    """An experiment has a page of HTML for notebooks, with what users wrote escaped."""
    key = start(sqlite_tracker, name="<b>bold</b>")
    html = sqlite_tracker.get_experiment(key)._repr_html_()
    assert "&lt;b&gt;bold" in html
    assert "<b>bold" not in html
