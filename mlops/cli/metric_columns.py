"""Which metrics a list shows: the telling ones first, as many as find room."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["GAP", "fitting_metrics", "telling_metrics"]

GAP = 3
"""Characters between two columns of a table."""

_MOST = 5
_IN_A_PIPE = 4
_SEARCHED = re.compile(r"metrics\.(?:`((?:[^`]|``)+)`|([\w/.]+))")


def telling_metrics(measured: Sequence[Mapping[str, float]], fields: Sequence[str], *, search: str = "") -> list[str]:
    """Return the metrics of a list, the most telling first: those searched for, then what most rows have.

    Args:
        measured: The metrics of each row.
        fields: Well-known metrics, the most telling first.
        search: The filter and the order of the list, as text.

    Example:
        >>> telling_metrics([{"loss": 1, "auc": 1}, {"loss": 2, "zoo": 3}], ["auc"], search="metrics.zoo > 1")
        ['zoo', 'loss', 'auc']
    """
    searched = [quoted.replace("``", "`") or plain for quoted, plain in _SEARCHED.findall(search)]
    counts: dict[str, int] = {}
    for metrics in measured:
        for name in metrics:
            counts[name] = counts.get(name, 0) + 1

    def rank(name: str) -> tuple[Any, ...]:
        place = searched.index(name) if name in searched else len(searched)
        field = fields.index(name) if name in fields else len(fields)
        return place, -counts[name], name.startswith("train"), field, name

    return sorted(counts, key=rank)


def fitting_metrics(metrics: Sequence[str], room: int | None) -> list[str]:
    """Return the first metrics that find room, at least one; a fixed number where there is no width.

    Args:
        room: Characters that the other columns leave; None in a pipe.

    Example:
        >>> fitting_metrics(["accuracy", "f1", "auc"], 22)
        ['accuracy', 'f1']
    """
    if room is None:
        return list(metrics[:_IN_A_PIPE])
    fitting = list[str]()
    for name in metrics[:_MOST]:
        room -= max(len(name), 7) + GAP
        if room < 0 and fitting:
            break
        fitting.append(name)
    return fitting
