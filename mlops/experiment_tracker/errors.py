"""What can go wrong with experiments.

NotFound
├── ExperimentNotFound       no such experiment, or one that was deleted
└── ExperimentArtifactNotFound
Conflict
├── ExperimentExists         the id asked for is taken
├── ExperimentEnded          the run is over: resume it first
├── ExperimentDeleted        the run lies in the bin: restore it first
└── ParameterConflict        a parameter that is set may not become another value
InvalidInput
└── InvalidMetric            a metric's name or value cannot be stored
"""

from __future__ import annotations

from mlops.errors import Conflict, NotFound

__all__ = [
    "EnvironmentNotFound",
    "ExperimentArtifactNotFound",
    "ExperimentDeleted",
    "ExperimentEnded",
    "ExperimentExists",
    "ExperimentNotFound",
    "MetricNotFound",
    "ParameterConflict",
]


class ExperimentNotFound(NotFound):
    """No experiment has this id; `near` holds ids and names that look similar."""

    kind = "experiment"


class ExperimentArtifactNotFound(NotFound):
    """The experiment has no artifact of this name.

    Attributes:
        experiment_id: The experiment that was searched.
    """

    kind = "artifact"

    def __init__(self, name: str, *, experiment_id: str, known: tuple[str, ...] = ()) -> None:
        self.experiment_id = experiment_id
        has = f"Experiment {experiment_id!r} has: {', '.join(sorted(known))}." if known else ""
        super().__init__(name, known=known, hint=has or f"Experiment {experiment_id!r} has no artifacts.")


class MetricNotFound(NotFound):
    """The experiment has logged no metric of this name; `near` holds similar ones.

    Attributes:
        experiment_id: The experiment that was searched.
    """

    kind = "metric"

    def __init__(self, name: str, *, experiment_id: str, known: tuple[str, ...] = ()) -> None:
        self.experiment_id = experiment_id
        has = f"Experiment {experiment_id!r} has logged: {', '.join(known)}." if known else ""
        super().__init__(name, known=known, hint=has or f"Experiment {experiment_id!r} has logged no metrics.")


class EnvironmentNotFound(NotFound):
    """The experiment was started with `experiment_tracking.capture_environment` off."""

    kind = "environment"

    def __init__(self, experiment_id: str) -> None:
        super().__init__(experiment_id, hint="It was started with experiment_tracking.capture_environment off.")


class ExperimentExists(Conflict):
    """An experiment with the id asked for is already there.

    Attributes:
        experiment_id: The id that is taken.
    """

    def __init__(self, experiment_id: str) -> None:
        self.experiment_id = experiment_id
        super().__init__(
            f"Experiment {experiment_id!r} already exists. Leave experiment_id empty to have a new one made, "
            f"or go on with that run by resume_experiment({experiment_id!r})."
        )


class ExperimentEnded(Conflict):
    """The experiment is not running any more, and what was asked for needs a running one.

    Attributes:
        experiment_id: The experiment.
        status: Its status, such as `completed`.
    """

    def __init__(self, experiment_id: str, status: str) -> None:
        self.experiment_id = experiment_id
        self.status = status
        super().__init__(
            f"Experiment {experiment_id!r} is {status}, and only a running one can be changed like this. "
            f"Call resume_experiment({experiment_id!r}) to open it again."
        )


class ExperimentDeleted(Conflict):
    """The experiment was deleted and has not been garbage-collected yet.

    Attributes:
        experiment_id: The experiment.
    """

    def __init__(self, experiment_id: str) -> None:
        self.experiment_id = experiment_id
        super().__init__(
            f"Experiment {experiment_id!r} is deleted. Call restore_experiment({experiment_id!r}) to have it back."
        )


class ParameterConflict(Conflict):
    """A parameter of a run already has another value; a run's parameters are what it ran with.

    Attributes:
        experiment_id: The experiment.
        name: The parameter.
        present: Its value, as stored.
        wanted: The value that was refused.
    """

    def __init__(self, experiment_id: str, name: str, *, present: object, wanted: object) -> None:
        self.experiment_id = experiment_id
        self.name = name
        self.present = present
        self.wanted = wanted
        super().__init__(
            f"Parameter {name!r} of experiment {experiment_id!r} is {present!r} and cannot become {wanted!r}. "
            "Start another run for another value, or keep changing values as tags or metrics."
        )
