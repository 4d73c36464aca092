"""Versions of models side by side: what differs between them first, then what they share.

Pure: it reads versions that were fetched already and returns a table. Nothing here tests significance.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mlops.model_registry.differences import ABSENT, flat, same
from mlops.model_registry.entities import Column, ModelMetadata
from mlops.model_registry.signature import breaks, describe_column

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Direction", "best_direction", "compare_versions"]

Direction = Literal["max", "min"]
"""Whether more or less of a metric is better."""

_LESS_IS_BETTER = re.compile(
    r"loss|logloss|hinge|crossentropy|error|err|mse|rmse|rmsle|mae|mape|msle|brier|perplexity|deviance|fpr|fnr|ece"
    r"|regret|latency|duration|time|seconds|ms|cost"
)
_MORE_IS_BETTER = re.compile(
    r"accuracy|acc|auc|auroc|auprc|roc|precision|recall|f1|fbeta|score|r2|ap|map|iou|dice|jaccard|mcc|kappa"
    r"|sensitivity|specificity|youden|gini|tpr|tnr|ppv|npv|ndcg|correlation|pearson|spearman|throughput"
)
_WORDS = re.compile(r"[a-z]+\d?|\d+", re.IGNORECASE)
_SECTIONS = ("metrics", "params", "inputs", "outputs", "files", "data", "packages", "environment", "tags")
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
    import pandas as pd

    unique = list({(item.project, item.model_id, item.version): item for item in versions}.values())
    fields = [_fields(item, (environments or {}).get(item.version, {})) for item in unique]
    names = sorted({name for found in fields for name in found}, key=_section_then_name)
    differs = [name for name in names if _differs([found.get(name, ABSENT) for found in fields])]
    equal = [] if only_differences else [name for name in names if name not in set(differs)]
    rows = [[found.get(name, math.nan) for found in fields] for name in (*differs, *equal)]
    labels = _labels(unique)
    table = pd.DataFrame(
        _as_objects(rows, len(unique)),
        index=pd.Index([*differs, *equal], name="field", dtype=object),
        columns=pd.Index(labels, dtype=object),
        dtype=object,  # else pandas makes a column of text and None one of text and NaN
    )
    table.attrs["differs"] = tuple(differs)
    table.attrs["best"] = _best(table, directions or {})
    table.attrs["breaks"] = _breaks(unique, labels)
    return table


def best_direction(metric: str) -> Direction | None:
    """Tell from a metric's name whether more or less of it is better; None when the name does not say.

    The last telling word decides, so that `val/log_loss` is `min` and `error_recall` is `max`.

    Example:
        >>> best_direction("f1_score"), best_direction("test/rmse"), best_direction("support")
        ('max', 'min', None)
    """
    for word in reversed([word.lower() for word in _WORDS.findall(metric)]):
        if _LESS_IS_BETTER.fullmatch(word):
            return "min"
        if _MORE_IS_BETTER.fullmatch(word):
            return "max"
    return None


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


def _best(table: pd.DataFrame, directions: Mapping[str, Direction]) -> dict[str, tuple[str, ...]]:
    """Find the best columns of each differing metric; where all are equal none is better."""
    best = {}
    for field in table.attrs["differs"]:
        section, _, metric = field.partition(".")
        direction = directions.get(metric) or best_direction(metric)
        if section == "metrics" and direction:
            values = {str(label): float(value) for label, value in table.loc[field].items()}
            best[field] = _best_labels(values, direction)
    return {field: labels for field, labels in best.items() if labels}


def _best_labels(values: Mapping[str, float], direction: Direction) -> tuple[str, ...]:
    numbers = {label: value for label, value in values.items() if not math.isnan(value)}
    if not numbers:
        return ()
    best = (max if direction == "max" else min)(numbers.values())
    return tuple(label for label, value in numbers.items() if value == best)


def _section_then_name(field: str) -> tuple[int, int, str]:
    section, dot, _ = field.partition(".")
    if dot and section in _SECTIONS:
        return _SECTIONS.index(section), 0, field
    return len(_SECTIONS), int(field == "created_at"), field  # which always differs


def _differs(values: Sequence[Any]) -> bool:
    return any(not same(values[0], value) for value in values[1:])


def _as_objects(rows: list[list[Any]], width: int) -> Any:
    """Return rows as an array of objects; lists within stay whole, None stays None."""
    import numpy as np

    cells = np.empty((len(rows), width), dtype=object)
    for index, row in enumerate(rows):
        for position, value in enumerate(row):
            cells[index, position] = value
    return cells
