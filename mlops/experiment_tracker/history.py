"""Histories of metrics: columns as they were stored, turned into a table with one row a step.

A step has one value per metric in the table: of several logged at one step, the one that arrived last.
`history_points` keeps all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from mlops.clock import from_microseconds
from mlops.experiment_tracker.downsample import downsample_indices
from mlops.experiment_tracker.entities import MetricPoint

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["MetricColumns", "history_frame", "history_points", "to_columns"]


class MetricColumns(NamedTuple):
    """Logged values as columns of one length, in order of step, then of arrival.

    Attributes:
        names: The metrics there are, in order of first appearance.
        codes: Which of `names` each value belongs to.
        steps: The step of each value.
        values: The values; NaN where NaN was logged.
        logged_at: Microseconds since 1970 of each value.
        epochs: The epoch of each value, NaN where none was given; None when none has one.
    """

    names: list[str]
    codes: NDArray[np.intp]
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    logged_at: NDArray[np.int64]
    epochs: NDArray[np.float64] | None


def to_columns(rows: Iterable[tuple[Any, ...]]) -> MetricColumns:
    """Turn rows of (name, step, epoch, value, logged_at), in the order wanted, into columns."""
    import numpy as np

    fields = [("name", "O"), ("step", "i8"), ("epoch", "f8"), ("value", "f8"), ("logged_at", "i8")]
    table = np.fromiter(rows, np.dtype(fields))  # None becomes NaN; no list of a hundred thousand tuples in between
    names = table["name"].tolist()
    known = {name: code for code, name in enumerate(dict.fromkeys(names))}
    return MetricColumns(
        names=list(known),
        codes=np.fromiter(map(known.__getitem__, names), np.intp, len(names)),
        steps=table["step"].copy(),
        values=table["value"].copy(),
        logged_at=table["logged_at"].copy(),
        epochs=None if np.isnan(table["epoch"]).all() else table["epoch"].copy(),
    )


def history_frame(columns: MetricColumns, max_points: int | None = None) -> pd.DataFrame:
    """Return one row a step, in order of steps.

    Args:
        max_points: Thins each metric to about this many steps, its extremes kept; None keeps all.

    Returns:
        Columns `step` (int64), `timestamp` (UTC, of the step's last value), `epoch` (nullable Int64, only when one was
        given), then one float64 column per metric in order of first appearance; NaN where a step has no value.
    """
    import numpy as np
    import pandas as pd

    count = len(columns.steps)
    is_last = np.ones(count, dtype=bool)  # of its step
    is_last[:-1] = columns.steps[1:] != columns.steps[:-1]
    row_of = np.concatenate([[0], np.cumsum(is_last[:-1])]) if count else np.zeros(0, np.intp)
    table = np.full((len(columns.names), int(is_last.sum())), np.nan)
    table[columns.codes, row_of] = columns.values  # of equal places, the last assigned stays
    data: dict[str, Any] = {
        "step": columns.steps[is_last],
        "timestamp": pd.DatetimeIndex(columns.logged_at[is_last].view("M8[us]")).tz_localize("UTC"),
    }
    if columns.epochs is not None:
        data["epoch"] = pd.Series(columns.epochs[is_last]).astype("Int64")
    data |= dict(zip(columns.names, table, strict=True))
    frame = pd.DataFrame(data)
    return frame if max_points is None else _thinned(frame, columns.names, max_points)


def history_points(columns: MetricColumns, max_points: int | None = None) -> list[MetricPoint]:
    """Return one point per logged value, thinned to `max_points` with the extremes kept."""
    kept = range(len(columns.values)) if max_points is None else downsample_indices(columns.values, max_points)
    epochs = columns.epochs
    return [
        MetricPoint.model_construct(
            step=int(columns.steps[i]),
            value=float(columns.values[i]),
            logged_at=from_microseconds(int(columns.logged_at[i])),
            epoch=None if epochs is None or epochs[i] != epochs[i] else int(epochs[i]),  # NaN: none
        )
        for i in kept
    ]


def _thinned(frame: pd.DataFrame, names: list[str], max_points: int) -> pd.DataFrame:
    """Keep the rows that any metric's own downsampling keeps."""
    import numpy as np

    kept = np.zeros(len(frame), dtype=bool)
    for name in names:
        measured = np.flatnonzero(frame[name].notna().to_numpy())
        kept[measured[downsample_indices(frame[name].to_numpy()[measured], max_points)]] = True
    return frame[kept].reset_index(drop=True)
