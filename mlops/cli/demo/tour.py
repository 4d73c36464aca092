"""The order of the demonstration: a raw table, features, a dozen runs, the best, the registry, an A/B test."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from mlops.cli.comparison import comparison_tables
from mlops.cli.demo import ab_chapter, data_chapter, registry_chapter
from mlops.cli.demo.biopsies import PROJECT, Split
from mlops.cli.demo.registry_chapter import MODEL_ID
from mlops.cli.demo.reload import score
from mlops.cli.demo.screen import RunBoard
from mlops.cli.demo.shell import shell_command, typed_path
from mlops.cli.demo.training import CANDIDATES, evaluate, fit_in_steps
from mlops.clock import new_id

if TYPE_CHECKING:
    from mlops.experiment_tracker import Experiment, ExperimentTrackerService

__all__ = ["main"]

_ROWS = 8  # of the comparison; the file has all
_WIDTH_IN_A_PIPE = 120
_CURVES = ["val_loss", "val_accuracy", "val_recall"]


def main(folder: Path = Path("mlops_demo"), *, console: Console | None = None) -> dict[str, Any]:
    """Run the whole demonstration; everything it makes lies in `folder`, and a second time adds to the first.

    Args:
        console: Where to show it; standard output when not given.

    Returns:
        What came of it, as a JSON document: where everything lies, the best run, its score on held-out samples.

    Raises:
        SystemExit: The reloaded model does not predict what it predicted before it was stored.
    """
    console = console or Console()
    if not console.is_terminal:
        console.width = _WIDTH_IN_A_PIPE
    folder = folder.resolve()
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    split, processed = data_chapter.show(console, folder)
    session = new_id()[-6:]
    with closing(_open_tracker(folder)) as tracker:
        _chapter_runs(console, tracker, split, session)
        best = _chapter_search(console, tracker, session)
        _chapter_compare(console, tracker, best, folder)
        held_out = _chapter_reload(console, tracker, best[0], split, folder)
        registered = registry_chapter.show(console, tracker, best[0], split, folder)
    tested = ab_chapter.show(console, split, registered["versions"], folder)
    _farewell(console, folder, best[0])
    return {
        "folder": str(folder),
        "database": f"sqlite:///{folder / 'mlops.db'}",
        "tracking_dir": str(folder / "experiments"),
        "runs": len(CANDIDATES),
        "project": PROJECT,
        "data": processed,
        "best": {"experiment_id": best[0].experiment_id, "name": best[0].name},
        "held_out": held_out,
        "registered": registered,
        "tested": tested,
    }


def _open_tracker(folder: Path) -> ExperimentTrackerService:
    from mlops import ExperimentTracker

    return ExperimentTracker(
        tracking_dir=str(folder / "experiments"), database_url=f"sqlite:///{folder / 'mlops.db'}", project=PROJECT
    ).sync


def _chapter_runs(console: Console, tracker: ExperimentTrackerService, split: Split, session: str) -> None:
    from threadpoolctl import threadpool_limits

    console.print(Rule("3  A dozen tracked runs", align="left"))
    board = RunBoard(console, [(candidate.name, candidate.steps) for candidate in CANDIDATES])
    with board, threadpool_limits(limits=1, user_api="openmp"):  # on 341 samples threads only wait for each other
        for index in range(len(CANDIDATES)):
            _train(tracker, split, session, index, board)
    console.print()


def _train(tracker: ExperimentTrackerService, split: Split, session: str, index: int, board: RunBoard) -> None:
    """Train one candidate as a tracked run that logs every step and keeps its model."""
    candidate = CANDIDATES[index]
    with tracker.run(
        candidate.name,
        algorithm=candidate.algorithm,
        framework="scikit-learn",
        model_type="classification",
        hyperparameters=candidate.hyperparameters,
        tags={"session": session, "purpose": "demo"},
    ) as run:
        run.log_dataset(split.train, name=PROJECT, role="train")
        estimator = None
        for step, estimator in enumerate(fit_in_steps(candidate, split)):
            metrics = evaluate(estimator, split)
            run.log(metrics, step=step)
            board.update(index, metrics)
        run.log_artifact("model", estimator, artifact_type="model")


def _chapter_search(console: Console, tracker: ExperimentTrackerService, session: str) -> Sequence[Experiment]:
    console.print(Rule("4  The best of them, by search", align="left"))
    query = f"metrics.val_recall >= 0.9 and tags.session = '{session}'"
    found = tracker.list_experiments(query, order_by="metrics.val_loss", limit=3)
    call = f"list_experiments({query!r},\n{'':17}order_by='metrics.val_loss', limit=3)"
    console.print(call, style="dim", highlight=False, soft_wrap=True)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("run", "loss", "accuracy", "recall", "f1"):
        table.add_column(title, justify="left" if title == "run" else "right")
    for experiment in found:
        numbers = [f"{experiment.metrics[f'val_{name}']:.4f}" for name in ("loss", "accuracy", "recall", "f1")]
        table.add_row(experiment.name, *numbers)
    console.print(table)
    console.print()
    return list(found)


def _chapter_compare(
    console: Console, tracker: ExperimentTrackerService, best: Sequence[Experiment], folder: Path
) -> None:
    console.print(Rule("5  Compared, and drawn", align="left"))
    identifiers = [experiment.experiment_id for experiment in best]
    comparison = tracker.compare_experiments(identifiers, only_differences=True)
    comparison.to_csv(folder / "comparison.csv")
    for name in ("metrics.png", "metrics.svg"):
        tracker.plot_experiment_metrics(identifiers, metrics=_CURVES, path=folder / "plots" / name)
    for table in comparison_tables(comparison.head(_ROWS), console.width):
        console.print(table)
    console.print(f"Curves: {typed_path(folder / 'plots' / 'metrics.png')}", highlight=False, soft_wrap=True)
    console.print(f"Table:  {typed_path(folder / 'comparison.csv')}\n", highlight=False, soft_wrap=True)


def _chapter_reload(
    console: Console, tracker: ExperimentTrackerService, best: Experiment, split: Split, folder: Path
) -> dict[str, Any]:
    """Have another process load the stored model and predict the held-out samples; stop if it predicts otherwise."""
    console.print(Rule("6  The model, reloaded in a fresh process", align="left"))
    command = [sys.executable, "-m", "mlops.cli.demo.reload", str(folder), best.experiment_id]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 (our own module)
    there = json.loads(answer.stdout)
    here = score(tracker.load_artifact(best.experiment_id, "model"), split.test, split.test_target)
    if there != here:
        raise SystemExit(f"The reloaded model disagrees with the stored one: {there} there, {here} here.")
    console.print(
        f"{best.name}: {there['accuracy']:.1%} of {there['samples']} held-out biopsies right; "
        f"{there['found']} of {there['malignant']} malignant ones found, {there['false_alarms']} false alarms. "
        "Equal predictions in both processes.\n",
    )
    return here


def _farewell(console: Console, folder: Path, best: Experiment) -> None:
    """Print commands that can be pasted as they are."""
    console.print(Rule("Look further", align="left"))
    database = f"--database {shlex.quote(f'sqlite:///{typed_path(folder)}/mlops.db')}"
    short = best.experiment_id[-8:]  # the end of an id tells runs apart; its beginning is the time
    for words in (f"data runs --project {PROJECT}", f"features list --project {PROJECT}"):
        console.print(f"{shell_command()} {words} {database}", highlight=False, soft_wrap=True)
    for words in ("list", f"show {short}", f"plot {short}"):
        console.print(f"{shell_command()} experiments {words} {database}", highlight=False, soft_wrap=True)
    for words in (f"show {MODEL_ID}", f"history {MODEL_ID}"):
        place = f"--project {PROJECT} {database}"
        console.print(f"{shell_command()} models {words} {place}", highlight=False, soft_wrap=True)
    console.print(f"{shell_command()} ab list {database}", highlight=False, soft_wrap=True)
