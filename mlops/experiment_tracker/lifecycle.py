"""What may happen to an experiment: each decision takes the experiment as it is and returns it as it will be.

Nothing here reads a clock or a database; a decision that is refused raises and changes nothing.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mlops.experiment_tracker.entities import Experiment, ExperimentConfig, ExperimentStatus
from mlops.experiment_tracker.errors import ExperimentDeleted, ExperimentEnded, ParameterConflict
from mlops.provenance import DatasetFingerprint
from mlops.records import encode_json
from mlops.values import storable

__all__ = [
    "deleted",
    "describe_error",
    "ended",
    "placed",
    "refuse_deleted",
    "restored",
    "resumed",
    "started",
    "with_dataset",
    "with_notes",
    "with_params",
    "with_tags",
]

_LONGEST_ERROR = 20_000


def started(config: ExperimentConfig, *, experiment_id: str, user: str, at: datetime) -> Experiment:
    """Return the experiment that a configuration starts.

    Args:
        experiment_id: Used when the configuration asks for none.
        user: Used when the configuration does not say who started it.
    """
    told = {name: getattr(config, name) for name in ExperimentConfig.model_fields}
    decided = {
        "experiment_id": config.experiment_id or experiment_id,
        "created_by": config.created_by or user,
    }
    return Experiment(**told | decided, status=ExperimentStatus.RUNNING, created_at=at)


def placed(experiment: Experiment, parent: Experiment | None, *, default: str) -> Experiment:
    """Return the experiment in a project: the one it names, else its parent's, else the default."""
    project = experiment.project or (default if parent is None else parent.project)
    return experiment.changed(project=project)


def ended(experiment: Experiment, status: ExperimentStatus, *, at: datetime, error: str | None = None) -> Experiment:
    """Return the experiment completed, failed or cancelled.

    Raises:
        ExperimentEnded: It is over already.
        ExperimentDeleted: It is deleted.
    """
    refuse_deleted(experiment)
    if not experiment.status.may_become(status):
        raise ExperimentEnded(experiment.experiment_id, experiment.status)
    return experiment.changed(status=status, ended_at=max(at, experiment.created_at), error=error)


def resumed(experiment: Experiment) -> Experiment:
    """Return the experiment running again; one that still runs, perhaps left by a process that died, stays as it is.

    Raises:
        ExperimentDeleted: It is deleted.
    """
    refuse_deleted(experiment)
    if not experiment.status.has_ended:
        return experiment
    return experiment.changed(status=ExperimentStatus.RUNNING, ended_at=None, error=None)


def with_params(experiment: Experiment, params: Mapping[str, Any]) -> Experiment:
    """Return the experiment with more parameters; one that is there may be given again with the same value.

    Raises:
        ParameterConflict: One has another value already.
        ExperimentEnded: It does not run any more.
        ExperimentDeleted: It is deleted.
    """
    refuse_deleted(experiment)
    if experiment.status.has_ended:
        raise ExperimentEnded(experiment.experiment_id, experiment.status)
    present = experiment.hyperparameters
    for name, wanted in params.items():
        if name in present and encode_json(present[name]) != encode_json(wanted):
            raise ParameterConflict(experiment.experiment_id, name, present=present[name], wanted=wanted)
    return experiment.changed(hyperparameters={**present, **params})


def with_tags(experiment: Experiment, tags: Mapping[str, str | None]) -> Experiment:
    """Return the experiment with tags added and replaced; None removes one. Ended runs take tags too.

    Raises:
        ExperimentDeleted: It is deleted.
    """
    refuse_deleted(experiment)
    merged = {**experiment.tags, **tags}
    return experiment.changed(tags={name: text for name, text in merged.items() if text is not None})


def with_notes(experiment: Experiment, notes: str) -> Experiment:
    """Return the experiment with these notes in place of its notes. Raises as `with_tags` does."""
    refuse_deleted(experiment)
    return experiment.changed(notes=notes)


def with_dataset(experiment: Experiment, dataset: DatasetFingerprint) -> Experiment:
    """Return the experiment with one dataset more; the same fingerprint twice is one. Raises as `with_tags` does."""
    refuse_deleted(experiment)
    if dataset in experiment.datasets:
        return experiment
    return experiment.changed(datasets=(*experiment.datasets, dataset))


def deleted(experiment: Experiment, *, at: datetime) -> Experiment:
    """Return the experiment deleted; one that is deleted already keeps its time of deletion."""
    return experiment if experiment.deleted_at is not None else experiment.changed(deleted_at=at)


def restored(experiment: Experiment) -> Experiment:
    """Return the experiment not deleted."""
    return experiment.changed(deleted_at=None)


def describe_error(error: BaseException | str) -> str:
    """Return what is kept of the reason of a failure: a traceback for an exception; the end of what is too long."""
    text = error if isinstance(error, str) else "".join(traceback.format_exception(error))
    text = storable(text.strip())
    return text if len(text) <= _LONGEST_ERROR else "…" + text[1 - _LONGEST_ERROR :]


def refuse_deleted(experiment: Experiment) -> None:
    """Raise ExperimentDeleted for an experiment that is deleted."""
    if experiment.deleted_at is not None:
        raise ExperimentDeleted(experiment.experiment_id)
