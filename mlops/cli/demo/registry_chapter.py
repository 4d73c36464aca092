"""The chapter on the registry: the best model registered, promoted, retrained, replaced, and taken back.

Told twice into one folder it goes on where it ended: the same content is the same version.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from mlops import clock
from mlops.cli.comparison import comparison_tables
from mlops.cli.demo.biopsies import PROJECT, Split
from mlops.cli.demo.reload import score
from mlops.cli.demo.shell import typed_path
from mlops.cli.demo.training import CANDIDATES, fit_in_steps
from mlops.cli.models.history import move_table

if TYPE_CHECKING:
    from datetime import datetime

    from mlops.experiment_tracker import Experiment, ExperimentTrackerService
    from mlops.model_registry import ModelMetadata, ModelRegistryService
    from mlops.model_registry.inspection import CardForm

__all__ = ["MODEL_ID", "show"]

MODEL_ID = "biopsy-triage"
_ROWS = 12  # of the comparison, without those that differ always
_UNTELLING = ("files.canonical_digest", "data.digest", "experiment_id", "created_at")
_MOVES = 8  # of the history
_FORMS: dict[CardForm, str] = {"html": "html", "markdown": "md"}
_INTENDED_USE = (
    "Points a pathologist to aspirates that deserve a second look first. It orders the work list; it does not diagnose."
)
_LIMITATIONS = (
    "Trained on 569 aspirates of one hospital, measured by one method (1993). Not for other tissues, other imaging, or "
    "samples whose measures lie outside the ranges it was trained on."
)


def show(
    console: Console, tracker: ExperimentTrackerService, best: Experiment, split: Split, folder: Path
) -> dict[str, Any]:
    """Tell the chapter.

    Returns:
        The model's id, both versions, the one in production, and where the cards are.
    """
    console.print(Rule("7  Registered, promoted, replaced, rolled back", align="left"))
    with closing(_open_registry(folder)) as registry:
        first = _register(registry, tracker, best, split)
        _tell_registered(console, first, "the best run's model")
        _promote(console, registry, first, f"lowest validation loss of {len(CANDIDATES)} runs")
        second = _register(registry, tracker, _retrain(tracker, best, split), split)
        _tell_registered(console, second, "the same, retrained on the validation samples too")
        _compare(console, registry, first, second)
        between = _promote(console, registry, second, "it has learnt from more biopsies")
        serving = _roll_back(console, registry, second, between)
        _tell_history(console, registry)
        cards = _write_cards(console, registry, (first, second), folder)
    return {
        "model_id": MODEL_ID,
        "versions": [first.version, second.version],
        "production": serving,
        "registry_path": str(folder / "models"),
        "cards": [str(path) for path in cards],
    }


def _open_registry(folder: Path) -> ModelRegistryService:
    from mlops import ModelRegistry

    database = f"sqlite:///{folder / 'mlops.db'}"
    return ModelRegistry(str(folder / "models"), database, project=PROJECT).sync


def _retrain(tracker: ExperimentTrackerService, best: Experiment, split: Split) -> Experiment:
    """Train the best candidate again, also on the samples that it was chosen by, as a run of its own."""
    import pandas as pd

    candidate = next(one for one in CANDIDATES if one.name == best.name)
    more = replace(
        split,
        train=pd.concat([split.train, split.validation]),
        train_target=pd.concat([split.train_target, split.validation_target]),
    )
    told = {name: getattr(best, name) for name in ("algorithm", "framework", "model_type", "hyperparameters")}
    with tracker.run(f"{best.name}, retrained", tags={"purpose": "retraining"}, **told) as run:
        run.log_dataset(more.train, name=PROJECT, role="train")
        *_, estimator = fit_in_steps(candidate, more)
        run.log(_measured(estimator, split), step=0)
        run.log_artifact("model", estimator, artifact_type="model")
    return tracker.get_experiment(run.id)


def _register(
    registry: ModelRegistryService, tracker: ExperimentTrackerService, run: Experiment, split: Split
) -> ModelMetadata:
    """Register a run's model with all that its card should say; rows of the validation samples are kept with it."""
    from mlops import ModelMetadata

    [data] = run.datasets
    estimator = tracker.load_artifact(run.experiment_id, "model")
    told = ModelMetadata(
        model_id=MODEL_ID,
        name="Biopsy triage",
        description="Tells from 30 measures of a fine-needle aspirate whether a breast mass looks malignant.",
        model_type=run.model_type,
        algorithm=run.algorithm,
        hyperparameters=run.hyperparameters,
        dataset_name=data.name,
        dataset_version=f"{data.rows} rows",
        training_data_hash=data.digest,
        pipeline_run_id=split.pipeline_run_id,
        training_duration_seconds=run.duration_s,
        intended_use=_INTENDED_USE,
        limitations=_LIMITATIONS,
        tags={"purpose": "demo"},
        **_measured(estimator, split),
    )
    registered = registry.register_version(estimator, told, sample=split.validation, experiment_id=run.experiment_id)
    return registered.metadata


def _measured(estimator: Any, split: Split) -> dict[str, float]:
    """Return the metrics of a card, on samples that no training has seen."""
    found = score(estimator, split.test, split.test_target)
    precision, recall = found["found"] / (found["found"] + found["false_alarms"]), found["recall"]
    f1_score = 2 * precision * recall / (precision + recall)
    return {"accuracy": found["accuracy"], "precision": precision, "recall": recall, "f1_score": f1_score}


def _tell_registered(console: Console, version: ModelMetadata, what: str) -> None:
    text = Text.assemble((version.model_id, "bold"), " ", (version.version, "cyan"), f"  {what}. ")
    console.print(text.append(version.version_reason, "dim"))


def _promote(console: Console, registry: ModelRegistryService, version: ModelMetadata, reason: str) -> datetime:
    """Promote a version; return the moment after."""
    registry.promote_model(MODEL_ID, version.version, "production", reason=reason)
    console.print(Text(f"{version.version} is in production: {reason}."))
    return clock.now()


def _compare(console: Console, registry: ModelRegistryService, first: ModelMetadata, second: ModelMetadata) -> None:
    table = registry.compare_versions(MODEL_ID, [first.version, second.version], only_differences=True)
    shown = table.drop(index=[name for name in _UNTELLING if name in table.index]).head(_ROWS)
    console.print()
    for part in comparison_tables(shown, console.width):
        console.print(part)
    console.print()


def _roll_back(console: Console, registry: ModelRegistryService, left: ModelMetadata, between: datetime) -> str:
    """Go back to the version before; say which serves now, and which did a moment ago."""
    reason = "the pathologists want to see both side by side first"
    version = registry.rollback_model(MODEL_ID, reason=reason).version
    console.print(Text(f"{version} is in production again, {left.version} is archived: {reason}."))
    then = registry.get_production_version(MODEL_ID, between).version
    console.print(Text(f"In production at {between:%H:%M:%S.%f} UTC: {then}.\n"))
    return version


def _tell_history(console: Console, registry: ModelRegistryService) -> None:
    moves = registry.history(MODEL_ID)
    console.print(move_table(moves[-_MOVES:]))
    if len(moves) > _MOVES:
        console.print(Text(f"and {len(moves) - _MOVES} moves before", "dim"))
    console.print()


def _write_cards(
    console: Console, registry: ModelRegistryService, versions: Sequence[ModelMetadata], folder: Path
) -> list[Path]:
    """Write the cards, each as a page for people and as text for repositories."""
    cards = folder / "cards"
    cards.mkdir(exist_ok=True)
    plots = {"Validation curves of the best runs": (folder / "plots" / "metrics.png").read_bytes()}
    written = []
    for version in versions:
        for form, ending in _FORMS.items():
            path = cards / f"{MODEL_ID}-{version.version}.{ending}"
            path.write_text(registry.model_card(MODEL_ID, version.version, form=form, plots=plots), "utf-8")
            written.append(path)
    console.print(f"Model cards: {typed_path(cards)}{os.sep}*.html and *.md\n", highlight=False, soft_wrap=True)
    return written
