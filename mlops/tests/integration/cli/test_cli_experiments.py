"""`mlops experiments` on real databases: list, show, compare, plot, artifacts, and how experiments are named."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops.experiment_tracker import ExperimentTrackerService
from mlops.tests.fixtures.command import Outcome

Mlops = Callable[..., Outcome]


@pytest.fixture
def tracker(database_url: str, tmp_path: Path) -> Iterator[ExperimentTrackerService]:
    """Yield a tracker on each of the two databases."""
    with ExperimentTrackerService(tmp_path / "kept", database_url, project="lab") as opened:
        yield opened


@pytest.fixture
def experiments(mlops: Mlops, database_url: str, tmp_path: Path) -> Mlops:
    """Return a function that runs `mlops experiments` on the tracker's database."""

    def run(command: str, *words: str) -> Outcome:
        place = ["--database", database_url, "--tracking-dir", str(tmp_path / "kept")]
        return mlops("experiments", command, *words, *place)

    return run


def track(tracker: ExperimentTrackerService, name: str, depth: int, **fields: Any) -> str:
    with tracker.run(name, hyperparameters={"depth": depth}, tags={"kind": "test"}, **fields) as run:
        for step in range(5):
            run.log(val_loss=1 / (step + depth), train_loss=0.1, step=step)
        run.log_artifact("scores", {"auc": 0.9})
    return run.id


def rows_of(done: Outcome) -> list[dict[str, str]]:
    assert done.status == 0, done.err
    return list(csv.DictReader(done.out.splitlines(), dialect="excel-tab"))


def test_a_list_has_a_line_a_run_with_its_metrics(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """In a pipe ids, times and numbers are exact; a filter and an order decide which and how."""
    first, second = track(tracker, "shallow", 1), track(tracker, "deep", 4)
    rows = rows_of(experiments("list", "params.depth > 0", "--order-by", "metrics.val_loss"))
    assert [row["experiment_id"] for row in rows] == [second, first]
    assert rows[0]["metrics.val_loss"] == "0.125"
    assert rows_of(experiments("list", "params.depth = 1", "--columns", "params.depth,project"))[0]["project"] == "lab"


def test_pages_follow_each_other(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """The cursor of one page, in JSON and as a remark, asks for the next."""
    ids = [track(tracker, f"run {number}", number) for number in (1, 2, 3)]
    first = json.loads(experiments("list", "--limit", "2", "--json").out)
    remarked = re.search(r"--cursor (\S+)", experiments("list", "--limit", "2").err)
    assert remarked
    for cursor in (first["next_cursor"], remarked[1]):
        rest = json.loads(experiments("list", "--limit", "2", "--cursor", cursor, "--json").out)
        assert [one["experiment_id"] for one in first["experiments"] + rest["experiments"]] == ids[::-1]
        assert rest["next_cursor"] is None


def test_a_mistake_in_a_filter_is_pointed_at(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """The caret stands below the column at fault."""
    done = experiments("list", "metrics.val_loss > > 3")
    assert done.status == 1
    _, text, caret = done.err.splitlines()
    assert text[caret.index("^")] == ">"
    assert "column 20" in caret


def test_empty_lists_say_what_to_do(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """Nothing at all, and nothing that matches, are told apart; standard output stays for programs."""
    assert "`mlops demo`" in experiments("list").err
    done = experiments("list", "--project", "none")
    assert "No experiment matches." in done.err
    assert len(done.out.splitlines()) == 1


@pytest.mark.parametrize("part", [slice(None), slice(20), slice(-8, None)], ids=["id", "beginning", "end"])
def test_a_part_of_the_id_is_enough(tracker: ExperimentTrackerService, experiments: Mlops, part: slice) -> None:
    """The whole id, its beginning, or its end as tables show it, name an experiment."""
    key = track(tracker, "one", 1)
    assert json.loads(experiments("show", key[part], "--json").out)["experiment"]["experiment_id"] == key


def test_a_name_with_quotes_and_signs_is_a_name(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """What means something in the search language or in patterns is taken as it is."""
    name = "Ann's 100%_run \\ ü"
    key = track(tracker, name, 1)
    assert json.loads(experiments("show", name, "--json").out)["experiment"]["experiment_id"] == key
    assert experiments("show", "Ann's 100%%run \\ ü").status == 1


def test_what_fits_several_runs_lists_them(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """A name that two runs share is an error with their ids; once one is deleted, it means the other."""
    first, second = track(tracker, "twin", 1), track(tracker, "twin", 2)
    done = experiments("show", "twin")
    assert done.status == 1
    assert "'twin' fits 2 experiments" in done.err
    assert first in done.err
    assert second in done.err
    tracker.delete_experiment(first)
    assert second in experiments("show", "twin").out


def test_what_fits_nothing_names_what_is_near(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """A mistyped name is answered with the right one."""
    track(tracker, "gradient boosting", 1)
    assert "Did you mean 'gradient boosting'?" in experiments("show", "gradient bosting").err


def test_show_has_everything_about_a_run(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """Parameters, metrics, artifacts, environment and children, as lines and as JSON."""
    parent = track(tracker, "parent", 2)
    child = track(tracker, "child", 3, parent=parent)
    facts = dict(line.split("\t") for line in experiments("show", parent).out.splitlines())
    assert facts["params.depth"] == "2"
    assert facts["metrics.val_loss.max"] == "0.5"
    assert facts["artifacts.scores.codec"] == "json"
    assert facts["environment.python_version"]
    assert facts["child"] == child
    document = json.loads(experiments("show", parent, "--json").out)
    assert document["metrics"]["val_loss"]["count"] == 5
    assert document["children"] == [child]


def test_show_has_the_traceback_of_a_failure(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """Why a run failed is one of its facts; line ends in it do not break the line."""
    with pytest.raises(ZeroDivisionError), tracker.run("broken"):
        _ = 1 / 0
    facts = dict(line.split("\t") for line in experiments("show", "broken").out.splitlines())
    assert facts["status"] == "failed"
    assert "ZeroDivisionError" in facts["error"]


def test_a_comparison_begins_with_what_differs(
    tracker: ExperimentTrackerService, experiments: Mlops, tmp_path: Path
) -> None:
    """The table, the CSV and the JSON agree; the best value is marked in JSON."""
    first, second = track(tracker, "a", 1), track(tracker, "b", 4)
    rows = rows_of(experiments("compare", first, second, "--csv", str(tmp_path / "new" / "table.csv")))
    assert rows[0] == {"field": "params.depth", "a": "1", "b": "4"}
    assert (tmp_path / "new" / "table.csv").read_text().splitlines()[1] == "params.depth,1,4"
    fields = json.loads(experiments("compare", first, second, "--only-differences", "--json").out)["fields"]
    assert all(field["differs"] for field in fields)
    best = {field["field"]: field["best"] for field in fields}
    assert best["metrics.val_loss"] == [second]


def test_one_experiment_cannot_be_compared(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """The same run by its id and its name is still one."""
    key = track(tracker, "alone", 1)
    assert "Name two or more" in experiments("compare", key, "alone").err


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_figure_is_written_where_asked(
    tracker: ExperimentTrackerService, experiments: Mlops, tmp_path: Path, ending: str, start: bytes
) -> None:
    """The path is printed alone, so that a program can open it."""
    first, second = track(tracker, "a", 1), track(tracker, "b", 2)
    path = tmp_path / "new" / f"loss.{ending}"
    options = ["--metrics", "val_loss,train_loss", "--smoothing", "0.5", "--log-scale", "--theme", "dark"]
    done = experiments("plot", first, second, *options, "--x", "time", "--output", str(path))
    assert done.out == f"{path}\n", done.err
    assert path.read_bytes().startswith(start)


def test_a_figure_without_a_path_is_named_after_the_run(
    tracker: ExperimentTrackerService, experiments: Mlops, tmp_path: Path
) -> None:
    """The name is made of safe signs and the end of the id, in the current folder."""
    key = track(tracker, "../Forest (depth=1)", 1)
    name = experiments("plot", key).out.strip()
    assert name == f"forest-depth-1-{key[-8:]}.png"
    assert (tmp_path / name).exists()


def test_an_unknown_metric_is_not_drawn(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """The error names the metric that was meant."""
    key = track(tracker, "a", 1)
    done = experiments("plot", key, "--metrics", "val_los")
    assert (done.status, done.out) == (1, "")
    assert "Did you mean 'val_loss'" in done.err


def test_artifacts_are_listed_and_downloaded(
    tracker: ExperimentTrackerService, experiments: Mlops, tmp_path: Path
) -> None:
    """An object comes as the file it is kept as, under its name or the one asked for; a folder as a folder."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("text")
    key = track(tracker, "a", 1)
    tracker.log_artifact("../report", "source", tmp_path / "folder", key)
    names = [row["name"] for row in rows_of(experiments("artifacts", key))]
    assert {"scores", "../report"} <= set(names)
    assert experiments("download", key, "scores").out == "scores.json\n"
    assert json.loads((tmp_path / "scores.json").read_text()) == {"auc": 0.9}
    experiments("download", key, "../report", "--output", str(tmp_path / "copy"))
    assert (tmp_path / "copy" / "a.txt").read_text() == "text"


def test_an_unknown_artifact_is_an_error_with_what_there_is(
    tracker: ExperimentTrackerService, experiments: Mlops
) -> None:
    """Nothing is written."""
    key = track(tracker, "a", 1)
    done = experiments("download", key, "score", "--output", "file")
    assert done.status == 1
    assert "Did you mean 'scores'?" in done.err
    assert not Path("file").exists()
