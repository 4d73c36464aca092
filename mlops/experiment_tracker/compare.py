"""Experiments side by side: what differs between them first, then what they share.

Pure: it reads experiments that were fetched already and returns a table. Nothing here tests significance.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from mlops.experiment_tracker.entities import Experiment
from mlops.experiment_tracker.formatting import unique_labels

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Direction", "best_direction", "best_label", "compare"]

Direction = Literal["max", "min"]
"""Whether more or less of a metric is better."""

_LESS_IS_BETTER = re.compile(
    r"loss|logloss|hinge|crossentropy|error|err|mse|rmse|rmsle|mae|mape|msle|brier|perplexity|ppl|deviance|wer|cer|fpr|fnr"
    r"|ece|misclassification|regret|latency|duration|time|seconds|ms|cost"
)
_MORE_IS_BETTER = re.compile(
    r"accuracy|acc|auc|auroc|auprc|roc|precision|recall|f1|fbeta|score|r2|ap|map|iou|dice|jaccard|bleu|rouge|mcc|kappa"
    r"|sensitivity|specificity|youden|gini|tpr|tnr|ppv|npv|ndcg|hits|correlation|pearson|spearman|throughput|reward"
)
_WORDS = re.compile(r"[a-z]+\d?|\d+", re.IGNORECASE)
_SECTIONS = ("params", "metrics", "datasets", "tags", "attributes")
_ABSENT = object()


def compare(
    experiments: Sequence[Experiment],
    *,
    only_differences: bool = False,
    directions: Mapping[str, Direction] | None = None,
) -> pd.DataFrame:
    """Return experiments side by side, one row a field, one column an experiment.

    Rows that differ come first: parameters, metrics, data, tags, then attributes, each in order of name; after them, in
    the same order, rows that are equal everywhere. Nested parameters are rows of their own: `params.optimizer.lr`.
    NaN equals NaN here, 1 equals 1.0, and a field that one experiment lacks differs.

    Args:
        experiments: In the order of the columns; one given twice appears once.
        only_differences: Leave out rows that are equal everywhere.
        directions: Whether `max` or `min` is better, by metric, where its name does not tell (`best_direction`).

    Returns:
        A table of objects. Its index `field` has names such as `params.max_depth`, `metrics.val_accuracy` and `status`.
        Columns are experiment names, with the end of the id where several share a name. A missing field is NaN.
        `attrs` has `differs` (names of the rows that differ), `best` (for metrics with a direction, the columns with
        the best value, by row name) and `experiment_ids` (by column).

    Example:
        >>> table = compare(experiments)                                        # doctest: +SKIP
        >>> table.loc["metrics.val_accuracy"].astype(float).idxmax()            # doctest: +SKIP
        'forest'
    """
    import pandas as pd

    unique = list({experiment.experiment_id: experiment for experiment in experiments}.values())
    labels = unique_labels((experiment.experiment_id, experiment.name) for experiment in unique)
    fields = [_fields(experiment) for experiment in unique]
    names = sorted({name for found in fields for name in found}, key=_section_then_name)
    differs = [name for name in names if _differs([found.get(name, _ABSENT) for found in fields])]
    equal = [] if only_differences else [name for name in names if name not in set(differs)]
    rows = [[found.get(name, math.nan) for found in fields] for name in (*differs, *equal)]
    columns = pd.Index(list(labels.values()), dtype=object)
    index = pd.Index([*differs, *equal], name="field", dtype=object)
    cells = _as_objects(rows, len(unique))
    table = pd.DataFrame(cells, index=index, columns=columns, dtype=object)  # else None beside text becomes NaN
    table.attrs["differs"] = tuple(differs)
    table.attrs["best"] = _best(table, directions or {})
    table.attrs["experiment_ids"] = {label: key for key, label in labels.items()}
    return table


def best_direction(metric: str) -> Direction | None:
    """Tell from a metric's name whether more or less of it is better; None when the name does not say.

    The last telling word decides, so that `val/log_loss` is `min` and `error_recall` is `max`.

    Example:
        >>> best_direction("val_accuracy"), best_direction("train/rmse"), best_direction("lr")
        ('max', 'min', None)
    """
    for word in reversed([word.lower() for word in _WORDS.findall(metric)]):
        if _LESS_IS_BETTER.fullmatch(word):
            return "min"
        if _MORE_IS_BETTER.fullmatch(word):
            return "max"
    return None


def best_label(values: Mapping[str, float], direction: Direction) -> tuple[str, ...]:
    """Return the labels that share the best value; none when all are NaN."""
    numbers = {label: value for label, value in values.items() if not math.isnan(value)}
    if not numbers:
        return ()
    best = max(numbers.values()) if direction == "max" else min(numbers.values())
    return tuple(label for label, value in numbers.items() if value == best)


def _best(table: pd.DataFrame, directions: Mapping[str, Direction]) -> dict[str, tuple[str, ...]]:
    """Find the best columns of each differing metric; where all are equal none is better."""
    best = {}
    for field in table.attrs["differs"]:
        section, _, metric = field.partition(".")
        direction = directions.get(metric) or best_direction(metric)
        if section == "metrics" and direction:
            values = {str(label): float(value) for label, value in table.loc[field].items()}
            best[field] = best_label(values, direction)
    return best


def _fields(experiment: Experiment) -> dict[str, Any]:
    """Return what is compared of an experiment, by row name."""
    fields = _flat("params", experiment.hyperparameters)
    fields |= {f"metrics.{name}": value for name, value in experiment.metrics.items()}
    fields |= {f"tags.{name}": value for name, value in experiment.tags.items()}
    for dataset in experiment.datasets:
        prefix = f"datasets.{dataset.name}"
        fields |= {f"{prefix}.digest": dataset.digest, f"{prefix}.rows": dataset.rows}
    dataset_name = "@".join(filter(None, [experiment.dataset_name, experiment.dataset_version]))
    attributes = {
        "project": experiment.project,
        "status": str(experiment.status),
        "model_type": experiment.model_type,
        "framework": experiment.framework,
        "algorithm": experiment.algorithm,
        "dataset": dataset_name,
        "parent_experiment_id": experiment.parent_experiment_id,
        "error": experiment.error,
        "created_by": experiment.created_by,
        "created_at": experiment.created_at,
        "duration_s": experiment.duration_s,
    }
    return fields | {name: value for name, value in attributes.items() if value not in (None, "")}


def _flat(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        is_nested = isinstance(value, Mapping) and len(value) > 0
        flat |= _flat(f"{prefix}.{name}", value) if is_nested else {f"{prefix}.{name}": value}
    return flat


def _section_then_name(field: str) -> tuple[int, int, str]:
    section, dot, _ = field.partition(".")
    if dot and section in _SECTIONS:
        return _SECTIONS.index(section), 0, field
    return len(_SECTIONS), int(field in {"created_at", "duration_s"}), field  # these two nearly always differ


def _differs(values: Sequence[Any]) -> bool:
    return any(not _same(values[0], value) for value in values[1:])


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left) and math.isnan(right):
        return True
    if isinstance(left, bool) is not isinstance(right, bool):  # True == 1, but they are two settings
        return False
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


def _as_objects(rows: list[list[Any]], width: int) -> Any:
    """Return rows as an array of objects; lists within stay whole, None stays None."""
    import numpy as np

    cells = np.empty((len(rows), width), dtype=object)
    for index, row in enumerate(rows):
        for position, value in enumerate(row):
            cells[index, position] = value
    return cells
