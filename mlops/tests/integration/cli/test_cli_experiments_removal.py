"""`mlops experiments delete`, `restore` and `gc`, and what a person sees on a terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlops.experiment_tracker import ExperimentNotFound, ExperimentTrackerService
from mlops.tests.fixtures.command import Outcome

Mlops = Callable[..., Outcome]

DATABASE = "sqlite:///lab.db"
_COMMANDS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # to the terminal: styles, cursor
LINE = [sys.executable, "-m", "mlops", "experiments"]
PLACE = ["--database", DATABASE, "--tracking-dir", "kept"]


@pytest.fixture
def tracker() -> Iterator[ExperimentTrackerService]:
    """Yield a tracker in the test's folder."""
    with ExperimentTrackerService("kept", DATABASE) as opened:
        yield opened


@pytest.fixture
def experiments(mlops: Mlops, monkeypatch: pytest.MonkeyPatch) -> Mlops:
    """Return a function that runs `mlops experiments` where nobody can be asked."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return lambda *words: mlops("experiments", *words, *PLACE)


def on_terminal(*words: str, typed: str = "", columns: int = 100) -> tuple[int, str]:
    """Run a command on a terminal of its own; return its status and what it showed."""
    settings = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color", "NO_COLOR": "1"}
    parent, child = pty.openpty()
    process = subprocess.Popen([*LINE, *words, *PLACE], stdin=child, stdout=child, stderr=child, env=settings)
    os.close(child)
    os.write(parent, typed.encode())
    shown = b"".join(iter(lambda: _read(parent), b""))
    os.close(parent)
    return process.wait(timeout=60), _COMMANDS.sub("", shown.decode())


def _read(parent: int) -> bytes:
    try:
        return os.read(parent, 65_536)
    except OSError:  # Linux's way to say that nobody writes any more
        return b""


def track(tracker: ExperimentTrackerService, name: str) -> str:
    with tracker.run(name, hyperparameters={"depth": 3}) as run:
        for step in range(8):
            run.log(val_loss=1 / (step + 1), step=step)
    return run.id


def test_a_deleted_run_is_hidden_and_comes_back(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """`delete` says how to restore; `restore` takes the name although other commands would not."""
    key = track(tracker, "mistake")
    done = experiments("delete", "mistake")
    assert f"mlops experiments restore {key}" in done.err
    assert len(tracker.list_experiments()) == 0
    assert json.loads(experiments("restore", "mistake", "--json").out) == {"restored": [key]}
    assert len(tracker.list_experiments()) == 1


def test_nothing_is_deleted_when_one_word_is_wrong(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """All words are understood before the first run is touched."""
    track(tracker, "good")
    assert experiments("delete", "good", "absent").status == 1
    assert len(tracker.list_experiments()) == 1


def test_gc_without_a_terminal_needs_yes(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """A script cannot remove by accident; with --yes it can."""
    key = track(tracker, "old")
    tracker.delete_experiment(key)
    refused = experiments("gc", "--older-than", "0d")
    assert refused.status == 1
    assert "Say --yes" in refused.err
    assert tracker.get_experiment(key).deleted_at is not None
    removed = json.loads(experiments("gc", "--older-than", "0d", "--yes", "--json").out)
    assert removed["experiment_ids"] == [key]
    with pytest.raises(ExperimentNotFound):
        tracker.get_experiment(key)


def test_a_dry_run_names_what_would_go(tracker: ExperimentTrackerService, experiments: Mlops) -> None:
    """Nothing is removed, and what was deleted lately is not named."""
    key = track(tracker, "old")
    tracker.delete_experiment(key)
    assert f"{key}\told\n" in experiments("gc", "--older-than", "0d", "--dry-run").out
    assert "There is nothing to remove." in experiments("gc", "--dry-run").out
    assert tracker.get_experiment(key).name == "old"


@pytest.mark.parametrize(("answer", "status", "is_there"), [("y\n", 0, False), ("n\n", 1, True)])
def test_gc_asks_on_a_terminal(tracker: ExperimentTrackerService, answer: str, status: int, is_there: bool) -> None:
    """The question names the runs, and no means no."""
    key = track(tracker, "old")
    tracker.delete_experiment(key)
    outcome, shown = on_terminal("gc", "--older-than", "0d", typed=answer)
    assert outcome == status, shown
    assert "old" in shown
    assert "Remove for good?" in shown
    assert bool(tracker.list_experiments(include_deleted=True)) is is_there


@pytest.mark.parametrize("columns", [60, 100, 160])
def test_a_list_fits_its_terminal(tracker: ExperimentTrackerService, columns: int) -> None:
    """Long names are cut in their middle; id, status and loss stay whole in one line a run."""
    key = track(tracker, "a run with a name that is far too long for a narrow terminal to show, seed=17")
    status, shown = on_terminal("list", columns=columns)
    assert status == 0
    [line] = [line for line in shown.splitlines() if key[-8:] in line]
    assert "● completed" in line
    assert "0.1250" in line
    assert max(map(len, shown.splitlines())) <= columns


def test_a_page_about_a_run_has_curves(tracker: ExperimentTrackerService) -> None:
    """On a terminal metrics come with their history as a line of blocks, an error in a frame of its own."""
    key = track(tracker, "good")
    assert "█" in on_terminal("show", key)[1]
    with pytest.raises(RuntimeError), tracker.run("bad"):
        raise RuntimeError("out of reagent\x1b[2J")
    shown = on_terminal("show", "bad")[1]
    assert "RuntimeError: out of reagent\\x1b[2J" in shown


def test_a_comparison_is_cut_into_blocks_that_fit(tracker: ExperimentTrackerService) -> None:
    """With more runs than find room side by side every run still has its column."""
    keys = [track(tracker, f"run-number-{number}") for number in range(6)]
    shown = on_terminal("compare", *keys, columns=80)[1]
    assert max(map(len, shown.splitlines())) <= 80
    assert all(f"run-number-{number}" in shown for number in range(6))
    assert "the same in all:" in shown


def test_a_plot_is_drawn_on_the_terminal_too(tracker: ExperimentTrackerService) -> None:
    """The chart has the metric as its title and the name of the file below."""
    key = track(tracker, "good")
    status, shown = on_terminal("plot", key, "--output", "loss.png")
    assert status == 0, shown
    assert "val_loss by step" in shown
    assert any("\u2801" <= sign <= "\u28ff" for sign in shown)
    assert "Wrote loss.png" in shown
    assert Path("loss.png").stat().st_size > 1000


def test_a_mistyped_database_is_not_created(tmp_path: Path, experiments: Mlops) -> None:
    """Reading never makes an empty database."""
    done = experiments("list")
    assert done.status == 1
    assert "does not exist" in done.err
    assert list(tmp_path.iterdir()) == []
