"""Things side by side: what differs between them first, then what they share; and what of it is better.

Pure: it reads fields that were fetched already and returns a table. Nothing here tests significance.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ABSENT",
    "Direction",
    "best_direction",
    "best_labels",
    "changed_names",
    "flat",
    "same",
    "section_order",
    "side_by_side",
]

ABSENT = object()
"""Stands where a mapping has no such name."""

Direction = Literal["max", "min"]
"""Whether more or less of a metric is better."""

SortKey = Callable[[str], tuple[int, int, str]]

_LESS_IS_BETTER = re.compile(
    r"loss|logloss|hinge|crossentropy|error|err|mse|rmse|rmsle|mae|mape|msle|brier|perplexity|ppl|deviance|wer|cer|fpr|fnr"
    r"|ece|misclassification|regret|latency|duration|time|seconds|ms|cost"
)
_MORE_IS_BETTER = re.compile(
    r"accuracy|acc|auc|auroc|auprc|roc|precision|recall|f1|fbeta|score|r2|ap|map|iou|dice|jaccard|bleu|rouge|mcc|kappa"
    r"|sensitivity|specificity|youden|gini|tpr|tnr|ppv|npv|ndcg|hits|correlation|pearson|spearman|throughput|reward"
)
_WORDS = re.compile(r"[a-z]+\d?|\d+", re.IGNORECASE)


def side_by_side(
    fields: Mapping[str, Mapping[str, Any]],
    *,
    order: SortKey,
    only_differences: bool = False,
    directions: Mapping[str, Direction] | None = None,
) -> pd.DataFrame:
    """Return things side by side, one row a field, one column a thing.

    Rows that differ come first, then those that are equal everywhere, both in the given order. NaN equals NaN here, 1
    equals 1.0, and a field that one thing lacks differs.

    Args:
        fields: By column label, the values by row name such as `params.depth`.
        order: The sort key of row names; see `section_order`.
        only_differences: Leave out rows that are equal everywhere.
        directions: Whether `max` or `min` is better, by metric, where its name does not tell (`best_direction`).

    Returns:
        A table of objects with the index `field`; a missing field is NaN. `attrs` has `differs` (names of the rows that
        differ) and `best` (for differing `metrics.` rows with a direction, the columns with the best value).

    Example:
        >>> table = side_by_side({"a": {"metrics.f1": 0.8, "k": 1}, "b": {"metrics.f1": 0.9, "k": 1}},
        ...                      order=section_order("metrics"))
        >>> table.index.tolist(), table.attrs
        (['metrics.f1', 'k'], {'differs': ('metrics.f1',), 'best': {'metrics.f1': ('b',)}})
    """
    import pandas as pd

    columns = list(fields.values())
    names = sorted({name for found in columns for name in found}, key=order)
    differs = [name for name in names if _differs([found.get(name, ABSENT) for found in columns])]
    equal = [] if only_differences else [name for name in names if name not in set(differs)]
    rows = [[found.get(name, math.nan) for found in columns] for name in (*differs, *equal)]
    table = pd.DataFrame(
        _as_objects(rows, len(columns)),
        index=pd.Index([*differs, *equal], name="field", dtype=object),
        columns=pd.Index(list(fields), dtype=object),
        dtype=object,  # else pandas makes a column of text and None one of text and NaN
    )
    table.attrs["differs"] = tuple(differs)
    table.attrs["best"] = _best(table, directions or {})
    return table


def section_order(*sections: str, last: Sequence[str] = ()) -> SortKey:
    """Return a sort key of row names: the sections in this order, then names without one, the `last` after all."""

    def key(field: str) -> tuple[int, int, str]:
        section, dot, _ = field.partition(".")
        if dot and section in sections:
            return sections.index(section), 0, field
        return len(sections), int(field in last), field

    return key


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


def best_labels(values: Mapping[str, float], direction: Direction) -> tuple[str, ...]:
    """Return the labels that share the best value; none when all are NaN."""
    numbers = {label: value for label, value in values.items() if not math.isnan(value)}
    if not numbers:
        return ()
    best = (max if direction == "max" else min)(numbers.values())
    return tuple(label for label, value in numbers.items() if value == best)


def flat(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested mappings as one, with dots between names; lists stay whole.

    Example:
        >>> flat("params", {"optimizer": {"lr": 0.1}, "depth": 3})
        {'params.optimizer.lr': 0.1, 'params.depth': 3}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{prefix}.{name}" if prefix else name
        is_nested = isinstance(value, Mapping) and len(value) > 0
        found |= flat(path, value) if is_nested else {path: value}
    return found


def same(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are the same setting: NaN is itself, 1 is 1.0, but True is not 1."""
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left) and math.isnan(right):
        return True
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def changed_names(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the names, nested ones with dots, whose values differ or that only one side has, sorted."""
    before, after = flat("", old), flat("", new)
    names = sorted(before.keys() | after.keys())
    return [name for name in names if not same(before.get(name, ABSENT), after.get(name, ABSENT))]


def _best(table: pd.DataFrame, directions: Mapping[str, Direction]) -> dict[str, tuple[str, ...]]:
    """Find the best columns of each differing metric; where all are equal none is better."""
    best = {}
    for field in table.attrs["differs"]:
        section, _, metric = field.partition(".")
        direction = directions.get(metric) or best_direction(metric)
        if section == "metrics" and direction:
            values = {str(label): float(value) for label, value in table.loc[field].items()}
            best[field] = best_labels(values, direction)
    return {field: labels for field, labels in best.items() if labels}


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
