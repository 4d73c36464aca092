"""Versions of models side by side: what differs between them first, then what they share.

Pure: it reads versions that were fetched already and returns a table. Nothing here tests significance.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops.comparison import Direction, flat, section_order, side_by_side
from mlops.model_registry.entities import Column, ModelMetadata
from mlops.model_registry.signature import breaks, describe_column

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare_versions"]

_ORDER = section_order(
    "metrics", "params", "inputs", "outputs", "files", "data", "packages", "environment", "tags", last=("created_at",)
)
_ATTRIBUTES = (
    "status",
    "name",
    "model_type",
    "framework",
    "algorithm",
    "experiment_id",
    "pipeline_run_id",
    "created_by",
)


def compare_versions(
    versions: Sequence[ModelMetadata],
    *,
    environments: Mapping[str, Mapping[str, Any]] | None = None,
    directions: Mapping[str, Direction] | None = None,
    only_differences: bool = False,
) -> pd.DataFrame:
    """Return versions side by side, one row a field, one column a version.

    Rows that differ come first: metrics, hyperparameters, signature, files, data, packages and the rest of the
    environment, tags, then attributes, each in order of name; after them, in the same order, rows that are equal
    everywhere. NaN equals NaN here, 1 equals 1.0, and a field that one version lacks differs.

    Args:
        versions: In the order of the columns; one given twice appears once.
        environments: By version, what it was trained in: `python_version`, `platform`, `packages` (name to version).
        directions: Whether `max` or `min` is better, by metric, where its name does not tell (`best_direction`).
        only_differences: Leave out rows that are equal everywhere.

    Returns:
        A table of objects. Its index `field` has names such as `metrics.accuracy`, `params.max_depth`, `inputs.radius`,
        `files.size_bytes` and `packages.numpy`. Columns are version numbers, with the model's id before them where
        there are several models. A missing field is NaN. `attrs` has `differs` (names of the rows that differ), `best`
        (for differing metrics with a direction, the columns with the best value) and `breaks` (by column, why callers
        of the column before it would break).

    Example:
        >>> old = ModelMetadata(model_id="triage", version="1.0.0", accuracy=0.91, hyperparameters={"depth": 3})
        >>> new = ModelMetadata(model_id="triage", version="1.1.0", accuracy=0.94, hyperparameters={"depth": 5})
        >>> table = compare_versions([old, new], only_differences=True)
        >>> table.loc["params.depth"].tolist(), table.attrs["best"]
        ([3, 5], {'metrics.accuracy': ('1.1.0',)})
    """
    unique = list({(item.project, item.model_id, item.version): item for item in versions}.values())
    labels = _labels(unique)
    fields = {
        label: _fields(item, (environments or {}).get(item.version, {}))
        for label, item in zip(labels, unique, strict=True)
    }
    table = side_by_side(fields, order=_ORDER, only_differences=only_differences, directions=directions)
    table.attrs["breaks"] = _breaks(unique, labels)
    return table


def _fields(item: ModelMetadata, environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is compared of a version, by row name."""
    packages = environment.get("packages") or {}
    fields: dict[str, Any] = {f"metrics.{name}": value for name, value in item.measured().items()}
    fields |= flat("params", item.hyperparameters)
    fields |= {f"inputs.{column.name}": _described(column) for column in item.signature.inputs}
    fields |= {f"outputs.{column.name}": _described(column) for column in item.signature.outputs}
    fields |= {f"packages.{name}": version for name, version in packages.items()}
    fields |= {f"tags.{name}": value for name, value in item.tags.items()}
    told = {
        "files.size_bytes": item.size_bytes or None,
        "files.codec": item.codec,
        "files.canonical_digest": item.canonical_digest,
        "data.name": "@".join(filter(None, [item.dataset_name, item.dataset_version])),
        "data.digest": item.training_data_hash,
        "data.training_duration_seconds": item.training_duration_seconds,
        "environment.python": environment.get("python_version"),
        "environment.platform": environment.get("platform"),
        **{name: getattr(item, name) for name in _ATTRIBUTES},
        "status": str(item.status),
        "created_at": item.created_at,
    }
    return fields | {name: value for name, value in told.items() if value not in (None, "")}


def _described(column: Column) -> str:
    """Return a column's type without its name, which may have a colon in it."""
    return describe_column(column.changed(name="x")).removeprefix("x: ")


def _labels(versions: Sequence[ModelMetadata]) -> list[str]:
    """Return the shortest of version, id and version, project and both that tells all columns apart."""
    forms = (
        [item.version for item in versions],
        [f"{item.model_id} {item.version}" for item in versions],
        [f"{item.project}/{item.model_id} {item.version}" for item in versions],
    )
    has_one_model = len({(item.project, item.model_id) for item in versions}) <= 1
    return next(labels for labels in forms[0 if has_one_model else 1 :] if len(set(labels)) == len(labels))


def _breaks(versions: Sequence[ModelMetadata], labels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    pairs = zip(labels[1:], itertools.pairwise(versions), strict=True) if versions else ()
    found = {label: tuple(breaks(old.signature, new.signature)) for label, (old, new) in pairs}
    return {label: sentences for label, sentences in found.items() if sentences}
