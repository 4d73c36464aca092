"""Everything that is known about one experiment, gathered once, and as names and values for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops.experiment_tracker import (
        EnvironmentCapture,
        Experiment,
        ExperimentArtifact,
        ExperimentTrackerService,
        MetricSummary,
    )

__all__ = ["Detail", "document", "facts", "gather", "is_sampled"]

_CURVE_POINTS = 400
_MOST_CHILDREN = 100


@dataclass(frozen=True)
class Detail:
    """An experiment with what belongs to it.

    Attributes:
        summaries: By metric, sampled ones too.
        curves: Values of each metric in order, thinned; none for metrics with one value.
        environment: None when none was captured.
        children: Runs that are a part of it, newest first, at most a hundred.
    """

    experiment: Experiment
    summaries: Mapping[str, MetricSummary]
    curves: Mapping[str, list[float]]
    artifacts: list[ExperimentArtifact]
    environment: EnvironmentCapture | None
    children: list[Experiment]


def gather(tracker: ExperimentTrackerService, experiment: Experiment, *, with_curves: bool) -> Detail:
    """Read what belongs to an experiment; curves only where they will be drawn."""
    key = experiment.experiment_id
    summaries = tracker.get_metric_summaries(key)
    drawn = [name for name, summary in summaries.items() if summary.count > 1] if with_curves else []
    return Detail(
        experiment=experiment,
        summaries=summaries,
        curves={name: _curve(tracker, key, name) for name in drawn},
        artifacts=tracker.list_artifacts(key),
        environment=None if experiment.environment_digest is None else tracker.get_environment(key),
        children=list(tracker.list_experiments(f"parent_experiment_id = '{_escaped(key)}'", limit=_MOST_CHILDREN)),
    )


def document(detail: Detail) -> dict[str, Any]:
    """Return the detail as one JSON document."""
    return {
        "experiment": {**detail.experiment.to_document(), "duration_s": detail.experiment.duration_s},
        "metrics": {name: summary.to_document() for name, summary in detail.summaries.items()},
        "artifacts": [artifact.to_document() for artifact in detail.artifacts],
        "environment": None if detail.environment is None else detail.environment.to_document(),
        "children": [child.experiment_id for child in detail.children],
    }


def facts(detail: Detail) -> Iterator[tuple[str, Any]]:
    """Yield names and exact values, one a line in a pipe; what is not known is left out."""
    experiment = detail.experiment
    inside = {"hyperparameters", "tags", "datasets", "metrics", "environment_digest"}
    plain = {name: value for name, value in experiment if name not in inside} | {"duration_s": experiment.duration_s}
    yield from _present("", plain)
    yield from _present("params.", experiment.hyperparameters)
    yield from _present("tags.", experiment.tags)
    for name, summary in sorted(detail.summaries.items(), key=lambda item: (is_sampled(item[0]), item[0])):
        yield from _present(f"metrics.{name}.", dict(summary))
    for dataset in experiment.datasets:
        about = {name: value for name, value in dataset if name not in {"name", "column_types"}}
        yield from _present(f"datasets.{dataset.name}.", about)
    for artifact in detail.artifacts:
        told = ("artifact_type", "codec", "digest", "size_bytes", "created_at")
        yield from _present(f"artifacts.{artifact.name}.", {name: getattr(artifact, name) for name in told})
    yield from _environment_facts(detail.environment)
    for child in detail.children:
        yield "child", child.experiment_id


def is_sampled(metric: str) -> bool:
    """Tell whether a metric was sampled from the machine rather than logged."""
    from mlops.experiment_tracker.entities import SYSTEM_PREFIX

    return metric.startswith(SYSTEM_PREFIX)


def _environment_facts(environment: EnvironmentCapture | None) -> Iterator[tuple[str, Any]]:
    if environment is None:
        return
    inside = {"packages", "git", "argv"}
    yield from _present("environment.", {name: value for name, value in environment if name not in inside})
    yield "environment.argv", " ".join(environment.argv)
    yield from _present("git.", dict(environment.git or {}))


def _present(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((f"{prefix}{name}", value) for name, value in values.items() if value not in (None, ""))


def _curve(tracker: ExperimentTrackerService, experiment_id: str, name: str) -> list[float]:
    return [point.value for point in tracker.get_metric_history(experiment_id, name, max_points=_CURVE_POINTS)]


def _escaped(text: str) -> str:
    return text.replace("'", "''")
