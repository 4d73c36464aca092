"""One experiment as a page on a terminal: facts, parameters, metrics with their curves, data, artifacts, origin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops.cli.cells import ago, metric_cell
from mlops.cli.experiments.cells import duration_cell, experiment_status_cell, id_cell
from mlops.cli.experiments.detail import Detail, is_sampled
from mlops.cli.output import Cell, printable
from mlops.cli.page_parts import heading, mapping_rows, pairs, section
from mlops.cli.sparklines import sparkline

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mlops.experiment_tracker import DatasetFingerprint, EnvironmentCapture, Experiment, GitState, MetricSummary

__all__ = ["detail_page"]

_CURVE_WIDTH = 24
_DIGEST_LETTERS = 12


def detail_page(detail: Detail, now: datetime) -> Iterator[RenderableType]:
    """Yield the parts of the page from top to bottom; parts with nothing in them are left out."""
    experiment = detail.experiment
    yield _title(experiment)
    yield pairs(dict(_facts(experiment, now)))
    if experiment.error:
        yield _error(experiment)
    yield from section("Parameters", mapping_rows(experiment.hyperparameters))
    yield from _metrics(detail)
    yield from section("Data", [_dataset_row(dataset) for dataset in experiment.datasets], _DATASET_HEADS)
    yield from _artifacts(detail, now)
    yield from _children(detail, now)
    if detail.environment is not None:
        yield heading("Environment")
        yield pairs(dict(_environment(detail.environment)))


def _title(experiment: Experiment) -> RenderableType:
    from rich.text import Text

    status = experiment_status_cell(experiment)
    return Text(printable(experiment.name), "bold").append("   ").append(status.shown, status.style or "not bold")


def _facts(experiment: Experiment, now: datetime) -> Iterator[tuple[str, Any]]:
    yield "id", experiment.experiment_id
    yield "project", printable(experiment.project)
    yield "started", f"{experiment.created_at:%Y-%m-%d %H:%M:%S} UTC, {ago(experiment.created_at, now)}"
    yield "took" if experiment.ended_at else "running for", duration_cell(experiment, now).shown
    yield "by", printable(experiment.created_by)
    if experiment.deleted_at:
        yield "deleted", f"{ago(experiment.deleted_at, now)}; mlops experiments restore {experiment.experiment_id}"
    told = (experiment.algorithm, experiment.framework, experiment.model_type)
    yield "model", printable(", ".join(filter(None, told)))
    yield "dataset", printable(" ".join(filter(None, (experiment.dataset_name, experiment.dataset_version))))
    yield "part of", experiment.parent_experiment_id
    yield "tags", printable(", ".join(f"{name}={text}" for name, text in experiment.tags.items()))
    yield "description", printable(experiment.description)
    yield "notes", "\n".join(map(printable, experiment.notes.splitlines()))


def _error(experiment: Experiment) -> RenderableType:
    from rich.panel import Panel
    from rich.text import Text

    lines = map(printable, (experiment.error or "").splitlines())
    return Panel(
        Text("\n".join(lines)), title=str(experiment.status), title_align="left", border_style="red", expand=False
    )


def _metrics(detail: Detail) -> Iterator[RenderableType]:
    logged = [name for name in detail.summaries if not is_sampled(name)]
    sampled = [name for name in detail.summaries if is_sampled(name)]
    heads = ("metric", "last", "min", "max", "step", "values", "")
    yield from section("Metrics", [_metric_row(detail, name) for name in logged], heads)
    yield from section("Machine", [_sampled_row(detail, name) for name in sampled], ("", "last", "min", "max", ""))


def _metric_row(detail: Detail, name: str) -> list[Any]:
    summary = detail.summaries[name]
    return [name, *_numbers(summary), summary.last_step, summary.count, _curve(detail, name)]


def _sampled_row(detail: Detail, name: str) -> list[Any]:
    summary = detail.summaries[name]
    last, least, most = _numbers(summary)
    bounds = [least, most] if summary.count > 1 else [None, None]
    return [name.partition("/")[2].replace("_", " "), last, *bounds, _curve(detail, name)]


def _numbers(summary: MetricSummary) -> list[Cell]:
    return [metric_cell(summary.last, "bold"), metric_cell(summary.min), metric_cell(summary.max)]


def _curve(detail: Detail, name: str) -> Cell:
    curve = sparkline(detail.curves.get(name, []), _CURVE_WIDTH)
    return Cell(curve, curve, "blue")


_DATASET_HEADS = ("dataset", "role", "rows", "columns", "sha-256", "source")


def _dataset_row(dataset: DatasetFingerprint) -> list[Any]:
    digest = Cell(dataset.digest, dataset.digest[:_DIGEST_LETTERS], "dim")
    return [dataset.name, dataset.role, dataset.rows, dataset.columns, digest, dataset.source]


def _artifacts(detail: Detail, now: datetime) -> Iterator[RenderableType]:
    from mlops.cli.experiments.artifacts import ARTIFACT_HEADS, artifact_row

    yield from section("Artifacts", [artifact_row(one, now) for one in detail.artifacts], ARTIFACT_HEADS)


def _children(detail: Detail, now: datetime) -> Iterator[RenderableType]:
    rows = [
        [id_cell(child.experiment_id), child.name, experiment_status_cell(child), duration_cell(child, now)]
        for child in detail.children
    ]
    yield from section("Parts", rows, ("id", "name", "status", "took"))


def _environment(environment: EnvironmentCapture) -> Iterator[tuple[str, Any]]:
    yield "python", f"{environment.implementation} {environment.python_version}, {len(environment.packages)} packages"
    yield "machine", ", ".join(filter(None, (environment.hostname, environment.platform, _power(environment))))
    yield "command", printable(" ".join(environment.argv))
    yield "folder", printable(environment.working_directory)
    if environment.git is not None:
        yield "git", printable(_source(environment.git))


def _power(environment: EnvironmentCapture) -> str:
    from rich.filesize import decimal

    memory = "" if environment.memory_bytes is None else decimal(environment.memory_bytes)
    cores = "" if environment.cpu_count is None else f"{environment.cpu_count} cores"
    return ", ".join(filter(None, (cores, memory)))


def _source(git: GitState) -> str:
    commit = "no commit yet" if git.commit is None else git.commit[:_DIGEST_LETTERS]
    branch = "" if git.branch is None else f"on {git.branch}"
    changes = "with changes (artifact git_diff.patch)" if git.is_dirty else ""
    return ", ".join(filter(None, (commit, branch, changes, git.remote_url)))
