"""One version as a page on a terminal: facts, metrics, parameters, signature, files, and the model's other versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops.cli.cells import age_cell, ago, metric_cell, size_cell, status_cell
from mlops.cli.models.cells import version_cell
from mlops.cli.models.detail import Detail, describe_type
from mlops.cli.output import Cell, printable
from mlops.cli.page_parts import heading, mapping_rows, pairs, section

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mlops.model_registry import Column, ModelMetadata

__all__ = ["detail_page"]

_MOST_CLASSES = 12  # the JSON has all
_TOLD = ("accuracy", "precision", "recall", "f1_score")


def detail_page(detail: Detail, now: datetime) -> Iterator[RenderableType]:
    """Yield the parts of the page from top to bottom; parts with nothing in them are left out."""
    version = detail.version
    yield _title(version)
    yield pairs(dict(_facts(detail, now)))
    yield from section("Metrics", [[name, metric_cell(value, "bold")] for name, value in version.measured().items()])
    yield from section("Parameters", mapping_rows(version.hyperparameters))
    yield from _signature("Inputs", version.signature.inputs)
    yield from _signature("Outputs", version.signature.outputs)
    yield heading("Files")
    yield pairs(dict(_files(version)))
    yield from _versions(detail, now)


def _title(version: ModelMetadata) -> RenderableType:
    from rich.text import Text

    status = status_cell(version.status)
    title = Text(printable(version.name or version.model_id), "bold").append(f"  {version.version}   ", "cyan")
    return title.append(status.shown, status.style)


def _facts(detail: Detail, now: datetime) -> Iterator[tuple[str, Any]]:
    version = detail.version
    yield "model", printable(version.model_id)
    yield "project", printable(version.project)
    yield "aliases", ", ".join(detail.names)
    yield "registered", _moment(version.created_at, now)
    yield (
        "in production since" if version.status == "production" else "last promoted",
        _moment(version.promoted_at, now),
    )
    yield "by", printable(version.created_by)
    yield "why this number", printable(version.version_reason)
    yield "kind", printable(", ".join(filter(None, (version.algorithm, version.framework, version.model_type))))
    yield "dataset", printable(" ".join(filter(None, (version.dataset_name, version.dataset_version))))
    yield "training data", version.training_data_hash
    yield "experiment", version.experiment_id
    yield "pipeline run", version.pipeline_run_id
    yield "tags", printable(", ".join(f"{name}={text}" for name, text in version.tags.items()))
    yield "protected", "yes, it cannot be deleted" if version.is_protected else None
    yield "description", printable(version.description)
    yield "intended use", printable(version.intended_use)
    yield "limitations", printable(version.limitations)
    yield "notes", "\n".join(map(printable, version.notes.splitlines()))


def _moment(moment: datetime | None, now: datetime) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC, {ago(moment, now)}"


def _signature(title: str, columns: Sequence[Column]) -> Iterator[RenderableType]:
    """Yield the columns of one side by their type, for most of them have the same."""
    kinds: dict[str, list[str]] = {}
    for column in columns:
        classes = f" ({', '.join(map(str, column.classes[:_MOST_CLASSES]))})" if column.classes else ""
        kinds.setdefault(describe_type(column), []).append(f"{column.name}{classes}")
    rows = [[kind, Cell(names, printable(", ".join(names)))] for kind, names in kinds.items()]
    yield from section(f"{title} ({len(columns)})", rows)


def _files(version: ModelMetadata) -> Iterator[tuple[str, Any]]:
    yield "kept as", version.codec
    yield "size", size_cell(version.size_bytes).shown
    yield "content", version.canonical_digest


def _versions(detail: Detail, now: datetime) -> Iterator[RenderableType]:
    if len(detail.versions) > 1:
        heads = ("version", "status", *(name.removesuffix("_score") for name in _TOLD), "registered", "aliases")
        yield from section("Versions", [_version_row(detail, one, now) for one in detail.versions], heads)


def _version_row(detail: Detail, one: ModelMetadata, now: datetime) -> list[Any]:
    names = ", ".join(alias for alias, number in detail.aliases.items() if number == one.version)
    numbers = [metric_cell(getattr(one, name)) for name in _TOLD]
    age = None if one.created_at is None else age_cell(one.created_at, now)
    return [version_cell(one.version), status_cell(one.status), *numbers, age, names]
