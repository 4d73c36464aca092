"""The model card: what a person must know of one version before using it, as content that has no format yet.

Sections follow Mitchell et al., Model Cards for Model Reporting (2019), doi:10.1145/3287560.3287596. What nobody has
stated is said to be missing: an empty section would read like "none". `card_markdown` and `card_html` write it down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlops.comparison import best_direction, flat
from mlops.formatting import format_bytes, format_duration, format_moment, format_value
from mlops.model_registry.card_plots import Picture, picture_of
from mlops.model_registry.entities import Column, ModelMetadata, ModelMove
from mlops.model_registry.serving_spans import ServingSpan, serving_spans
from mlops.model_registry.signature import breaks

__all__ = [
    "Facts",
    "Gallery",
    "History",
    "Metric",
    "Metrics",
    "ModelCard",
    "Prose",
    "Section",
    "Table",
    "card_sections",
]


@dataclass(frozen=True)
class ModelCard:
    """What a card is made of.

    Attributes:
        metadata: The version.
        made_at: When the card was made.
        predecessor: The version to show changes against; usually the one it replaced.
        moves: What happened to the model's versions, in order.
        environment: What it was trained in: `python_version`, `platform`, `packages` (name to version), `git`.
        plots: By title, a matplotlib figure, a `StoredFigure`, or the bytes of a PNG or SVG picture.
        digest: SHA-256 of the stored files; empty when not told.
    """

    metadata: ModelMetadata
    made_at: datetime
    predecessor: ModelMetadata | None = None
    moves: Sequence[ModelMove] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    plots: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def title(self) -> str:
        """The model's name, or its id where it has none."""
        return self.metadata.name or self.metadata.model_id


@dataclass(frozen=True)
class Prose:
    """Text that a person wrote; `is_missing` when it stands for text that nobody wrote."""

    text: str
    is_missing: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """Rows of text under heads."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Metric:
    """One metric beside that of the version before.

    Attributes:
        before: The predecessor's value; None when it has none.
        is_better: Whether it changed for the better; None where the name does not tell, or nothing changed.
    """

    name: str
    value: float
    before: float | None = None
    is_better: bool | None = None


@dataclass(frozen=True)
class Metrics:
    """Metrics, and the number of the version they are compared with."""

    rows: tuple[Metric, ...]
    against: str = ""


@dataclass(frozen=True)
class History:
    """Moves in order, and which version served when."""

    moves: tuple[ModelMove, ...]
    spans: tuple[ServingSpan, ...]
    version: str
    until: datetime


@dataclass(frozen=True)
class Gallery:
    """Pictures in order."""

    pictures: tuple[Picture, ...]


Block = Prose | Facts | Table | Metrics | History | Gallery


@dataclass(frozen=True)
class Section:
    """A titled part of a card; wide ones take the whole width of a page."""

    title: str
    blocks: tuple[Block, ...]
    is_wide: bool = False


def card_sections(card: ModelCard) -> list[Section]:
    """Return the parts of a card in order; those about which nothing is known are left out, but for its uses.

    Raises:
        InvalidInput: A plot is no picture.
    """
    item = card.metadata
    data, training = _facts(_data(item)), _facts(_training(item))
    found = [
        Section("Metrics", (_metrics(card),), is_wide=True),
        Section("Intended use", (_prose(item.intended_use, "Nobody has stated what this model is meant for."),)),
        Section("Limitations", (_prose(item.limitations, "Nobody has stated where this model must not be used."),)),
        Section("Data", data, is_wide=not training),
        Section("Training", training, is_wide=not data),
        Section("Changes", _changes(card), is_wide=True),
        Section("Inputs", _columns(item.signature.inputs, "Required"), is_wide=True),
        Section("Outputs", _columns(item.signature.outputs, "Always given"), is_wide=True),
        Section("Plots", _gallery(card.plots), is_wide=True),
        Section("History", _history(card), is_wide=True),
        Section("Hyperparameters", _parameters(item), is_wide=True),
        Section("Lineage and files", _facts(_files(card)), is_wide=True),
        Section("Environment", _environment(card.environment), is_wide=True),
        Section("Notes", (Prose(item.notes),) if item.notes else (), is_wide=True),
    ]
    return [section for section in found if section.blocks]


def _prose(text: str, missing: str) -> Prose:
    return Prose(text) if text.strip() else Prose(missing, is_missing=True)


def _metrics(card: ModelCard) -> Metrics | Prose:
    measured = card.metadata.measured()
    if not measured:
        return Prose("Nothing was measured.", is_missing=True)
    before = card.predecessor.measured() if card.predecessor else {}
    rows = tuple(
        Metric(name, value, before.get(name), _is_better(name, value, before)) for name, value in measured.items()
    )
    return Metrics(rows, card.predecessor.version if card.predecessor else "")


def _is_better(name: str, value: float, before: Mapping[str, float]) -> bool | None:
    direction, old = best_direction(name), before.get(name)
    if direction is None or old is None or not (value < old or value > old):
        return None
    return (value > old) == (direction == "max")


def _facts(pairs: Sequence[tuple[str, str]]) -> tuple[Block, ...]:
    told = tuple((name, value) for name, value in pairs if value)
    return (Facts(told),) if told else ()


def _data(item: ModelMetadata) -> list[tuple[str, str]]:
    return [
        ("Dataset", item.dataset_name),
        ("Version", item.dataset_version),
        ("SHA-256", item.training_data_hash),
        ("Features", str(len(item.feature_columns)) if item.feature_columns else ""),
    ]


def _training(item: ModelMetadata) -> list[tuple[str, str]]:
    duration = item.training_duration_seconds
    return [
        ("Kind", item.model_type),
        ("Framework", item.framework),
        ("Algorithm", item.algorithm),
        ("Trained in", "" if duration is None else format_duration(duration)),
        ("Created by", item.created_by),
    ]


def _changes(card: ModelCard) -> tuple[Block, ...]:
    item = card.metadata
    broken = breaks(card.predecessor.signature, item.signature) if card.predecessor else []
    blocks: list[Block] = [Prose(item.version_reason)] if item.version_reason else []
    if card.predecessor and any(sentence not in item.version_reason for sentence in broken):
        callers = f"Callers of {card.predecessor.version} must change:"
        blocks.append(Prose(" ".join([callers, *broken])))
    return tuple(blocks)


def _columns(columns: Sequence[Column], promise: str) -> tuple[Block, ...]:
    if not columns:
        return ()
    has_classes = any(column.classes for column in columns)
    heads = ("Name", "Type", "Shape", promise, *(("Classes",) if has_classes else ()))
    rows = [_column_row(column) + ((_classes(column),) if has_classes else ()) for column in columns]
    return (Table(heads, tuple(rows)),)


def _column_row(column: Column) -> tuple[str, ...]:
    shape = " × ".join("any" if size is None else str(size) for size in column.shape) or "one value"
    return column.name, column.dtype, shape, "no" if column.is_optional else "yes"


def _classes(column: Column) -> str:
    shown = ", ".join(map(str, column.classes[:12]))
    return f"{shown} and {len(column.classes) - 12} more" if len(column.classes) > 12 else shown


def _gallery(plots: Mapping[str, Any]) -> tuple[Block, ...]:
    return (Gallery(tuple(picture_of(title, plot) for title, plot in plots.items())),) if plots else ()


def _history(card: ModelCard) -> tuple[Block, ...]:
    if not card.moves:
        return ()
    spans = serving_spans(card.moves)
    return (History(tuple(card.moves), tuple(spans), card.metadata.version, card.made_at),)


def _parameters(item: ModelMetadata) -> tuple[Block, ...]:
    return _facts(
        [(name, format_value(value, most=None)) for name, value in sorted(flat("", item.hyperparameters).items())]
    )


def _files(card: ModelCard) -> list[tuple[str, str]]:
    item = card.metadata
    return [
        ("Model id", item.model_id),
        ("Project", item.project),
        ("Experiment", item.experiment_id or ""),
        ("Pipeline run", item.pipeline_run_id or ""),
        ("Registered", format_moment(item.created_at) if item.created_at else ""),
        ("Format", item.codec),
        ("Size", format_bytes(item.size_bytes) if item.size_bytes else ""),
        ("Canonical digest", item.canonical_digest),
        ("File digest", card.digest),
    ]


def _environment(environment: Mapping[str, Any]) -> tuple[Block, ...]:
    git = environment.get("git") or {}
    commit = f"{git['commit']}{' with uncommitted changes' if git.get('is_dirty') else ''}" if git.get("commit") else ""
    pairs = [
        ("Python", str(environment.get("python_version") or "")),
        ("Platform", str(environment.get("platform") or "")),
        ("Git commit", commit),
    ]
    packages = sorted((environment.get("packages") or {}).items(), key=lambda pair: str(pair[0]).lower())
    listed = (Facts(tuple((str(name), str(version)) for name, version in packages)),) if packages else ()
    return _facts(pairs) + listed
